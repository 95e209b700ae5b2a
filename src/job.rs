//! One download from its start to its end: what is waited for, in order.
use crate::choose;
use crate::exit::Stop;
use crate::on_done::Runner;
use crate::units::Bytes;
use crate::view::Voice;
use serde_json::json;
use teem_client::Torrent;
use teem_client::policy::{Finished, Until};
use teem_metainfo::redact::{has_secret, redact_file};
use teem_metainfo::{Limits, Link};

/// A download of the command line, from its start to the end that was asked for.
pub(crate) struct Job {
    pub(crate) torrent: Torrent,
    pub(crate) link: String,
    /// Whether somebody is asked which files are wanted.
    pub(crate) asks: bool,
    pub(crate) until: Until,
    pub(crate) on_done: Option<Runner>,
    pub(crate) json: bool,
}

impl Job {
    /// Runs to the end that was asked for.
    pub(crate) async fn run(self, voice: Voice) -> Result<(), Stop> {
        if self.asks {
            choose::files(&self.torrent).await?;
        }
        let finished = self.torrent.finished().await.map_err(Stop::ended)?;
        voice.json(json!({
            "event": "done", "infohash_v1": finished.info_hash.to_string(), "name": finished.name, "path": finished.path.to_string_lossy(),
            "size": finished.size, "downloaded": finished.downloaded, "uploaded": finished.uploaded, "wasted": finished.wasted,
        }));
        let ran = match &self.on_done {
            Some(runner) => runner.run(&finished).await,
            None => Ok(()),
        };
        voice.say(&self.farewell(&finished));
        if let Err(why) = ran {
            voice.say(&format!("teem: --on-done: {why}"));
        }
        self.until.reached(&self.torrent).await.map_err(Stop::ended)
    }

    fn farewell(&self, finished: &Finished) -> String {
        let name = crate::foreign::plain(&finished.name);
        let gave = format!("{name}: complete, verified and on the disk; gave back {}", Bytes(finished.uploaded));
        match self.until {
            Until::Stopped => format!("{gave}; seeding until stopped (Ctrl-C)"),
            Until::Done if !self.json => {
                let open = Some(&*self.link).filter(|link| !holds_secrets(link));
                let link = open.and_then(|link| shlex::try_quote(link).ok()).unwrap_or("LINK".into());
                format!("{gave}. To go on seeding: teem get --seed {link}")
            }
            _ => gave,
        }
    }
}

/// Whether a link that was typed holds what is not to be repeated in a log.
fn holds_secrets(link: &str) -> bool {
    match Link::parse(link, &Limits::FILE) {
        Ok(Link::Magnet { magnet, .. }) => {
            let files = magnet.web_seeds.iter().chain(&magnet.exact_sources);
            magnet.trackers.iter().any(|url| has_secret(url)) || files.into_iter().any(|url| redact_file(url) != **url)
        }
        Ok(Link::Url(url)) => redact_file(&url) != url,
        _ => false,
    }
}
