//! One download from its start to its end: what is waited for, in order.
use crate::exit::{Exit, Stop};
use crate::hook::{Facts, Hook};
use crate::units::{Bytes, Until};
use crate::view::Voice;
use serde_json::json;
use std::time::Duration;
use teem_client::swarm::job::DiskErrorKind;
use teem_client::{AddError, Ended, Torrent};

/// How often seeding looks at its ratio.
const RATIO_EVERY: Duration = Duration::from_millis(500);

/// When a finished download stops giving.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    /// Only when told.
    Never,
    /// By this rule.
    By(Until),
}

impl Ending {
    pub(crate) fn new(seed: bool, until: Until) -> Self {
        if seed { Self::Never } else { Self::By(until) }
    }
}

/// A download of the command line, from its start to the end that was asked for.
pub(crate) struct Job {
    pub(crate) torrent: Torrent,
    pub(crate) link: String,
    pub(crate) ending: Ending,
    pub(crate) hook: Option<Hook>,
    pub(crate) json: bool,
}

impl Job {
    /// Runs to the end that was asked for.
    pub(crate) async fn run(self, voice: Voice) -> Result<(), Stop> {
        let info = self.torrent.metadata().await.map_err(stop)?;
        self.torrent.durable().await.map_err(stop)?;
        let hash = self.torrent.info_hash().to_string();
        let path = self.torrent.folder().join(info.name());
        let snapshot = self.torrent.snapshot().await.map_err(stop)?;
        voice.json(json!({
            "event": "done", "infohash_v1": hash, "name": info.name(), "path": path.to_string_lossy(), "size": snapshot.wanted,
            "downloaded": snapshot.downloaded, "uploaded": snapshot.uploaded, "wasted": snapshot.wasted,
        }));
        let hook_failed = match &self.hook {
            None => None,
            Some(hook) => {
                let (hook, name, size) = (hook.clone(), info.name().to_owned(), snapshot.wanted);
                let run = move || hook.run(&Facts { name: &name, path: &path, info_hash: hash, size });
                tokio::task::spawn_blocking(run).await.unwrap_or_else(|e| Err(format!("--on-done: {e}"))).err()
            }
        };
        voice.say(&self.farewell(&info, snapshot.uploaded));
        if let Some(why) = hook_failed {
            voice.say(&format!("teem: {why}"));
        }
        self.give(snapshot.wanted).await
    }

    fn farewell(&self, info: &teem_client::metainfo::Info, uploaded: u64) -> String {
        let name = crate::progress::plain(info.name());
        let gave = format!("{name}: complete, verified and on the disk; gave back {}", Bytes(uploaded));
        match self.ending {
            Ending::Never => format!("{gave}; seeding until stopped (Ctrl-C)"),
            Ending::By(Until::Done) if !self.json => {
                let link =
                    shlex::try_quote(&self.link).map_or_else(|_| "LINK".to_owned(), std::borrow::Cow::into_owned);
                format!("{gave}. To go on giving: teem get --seed {link}")
            }
            Ending::By(_) => gave,
        }
    }

    /// Goes on seeding as long as was asked for.
    async fn give(&self, size: u64) -> Result<(), Stop> {
        match self.ending {
            Ending::Never => std::future::pending().await,
            Ending::By(Until::Done) => Ok(()),
            Ending::By(Until::Time(time)) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
            Ending::By(Until::Ratio(thousandths)) => loop {
                let uploaded = self.torrent.snapshot().await.map_err(stop)?.uploaded;
                if u128::from(uploaded) * 1000 >= u128::from(size) * u128::from(thousandths) {
                    return Ok(());
                }
                tokio::time::sleep(RATIO_EVERY).await;
            },
        }
    }
}

/// A torrent that cannot go on: local trouble when it is the disk that refuses, else a refusal.
pub(crate) fn stop(ended: Ended) -> Stop {
    match ended {
        Ended::Failed(message, Some(disk)) => {
            let class = match disk.kind {
                DiskErrorKind::NoSpace => "no_space",
                DiskErrorKind::Locked => "locked",
                DiskErrorKind::Occupied => "occupied",
                DiskErrorKind::Changed => "changed",
                DiskErrorKind::BadPath => "bad_path",
                DiskErrorKind::Denied => "denied",
                DiskErrorKind::Io => "io",
            };
            Stop { exit: Exit::Local, class, message }
        }
        Ended::Failed(message, None) => Stop::refused("torrent", message),
        other => Stop::refused("removed", other),
    }
}

/// A torrent that the client does not take.
pub(crate) fn not_added(e: &AddError) -> Stop {
    match e {
        AddError::SamePlace(_) => Stop { exit: Exit::Local, class: "occupied", message: e.to_string() },
        AddError::OnlyV2 => Stop::refused("only_v2", e),
        AddError::Choice(why) => Stop::refused("no_such_file", why),
        AddError::Peer(why) => Stop::usage(format!("--peer: {why}")),
        AddError::Already(_) | AddError::Stopped => Stop::refused("add", e),
    }
}
