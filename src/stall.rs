//! When it is said why nothing moves; what is said stands in [`teem_client::why`].
use crate::foreign::plain;
use crate::progress::Progress;
use crate::{json, why};
use serde_json::json;
use std::time::{Duration, Instant};
use teem_client::event::{Snapshot, State};
use teem_client::{Client, Torrent};

/// How long nothing may move before it is explained.
const QUIET: Duration = Duration::from_secs(8);
/// How long until it is explained again.
const AGAIN: Duration = Duration::from_secs(60);
/// How long one that gives waits for somebody before that is explained: as long as it takes to say whether others reach this machine.
const NOBODY_CAME: Duration = Duration::from_secs(30);

/// Watches one torrent for progress.
pub(crate) struct Watch {
    mark: (u64, u64, u32, u32, u64),
    since: Instant,
    told: Option<Instant>,
    /// All that is known is told, once.
    reports: bool,
    reported: bool,
    /// What is said of URLs in the link that are of no use.
    left_out: Vec<String>,
}

impl Watch {
    /// `reports` is whether all that is known is told.
    pub(crate) fn new(reports: bool, left_out: Vec<String>) -> Self {
        Self { mark: (0, 0, 0, 0, 0), since: Instant::now(), told: None, reports, reported: false, left_out }
    }

    /// Looks at the figures; says why nothing moves when that is due.
    pub(crate) async fn look(
        &mut self,
        client: &Client,
        torrent: &Torrent,
        s: &Snapshot,
        json: bool,
        progress: &mut Progress,
    ) {
        let Some(fetches) = self.is_due(s) else { return };
        // One that has ended meanwhile says so itself.
        let Ok(mut why) = client.why(torrent).await else { return };
        why.left_out.clone_from(&self.left_out);
        let (hash, sentence) = (torrent.info_hash().to_string(), plain(&why.sentence()));
        if json && fetches {
            json::line(&json!({"event": "stalled", "infohash_v1": hash, "why": sentence}));
        }
        if self.reports && !std::mem::replace(&mut self.reported, true) {
            why::tell(&hash, &why, json, progress);
        } else {
            progress.say(&sentence);
        }
    }

    /// Says at the end why nothing moved.
    pub(crate) async fn at_the_end(&self, client: &Client, torrent: &Torrent, json: bool, progress: &mut Progress) {
        let Ok(mut why) = client.why(torrent).await else { return };
        why.left_out.clone_from(&self.left_out);
        if self.reports {
            why::tell(&torrent.info_hash().to_string(), &why, json, progress);
        } else {
            progress.say(&plain(&why.sentence()));
        }
    }

    /// Whether it is to be said now; and then whether it is one that fetches something.
    fn is_due(&mut self, s: &Snapshot) -> Option<bool> {
        let fetches = matches!(s.state, State::Metadata | State::Downloading);
        let gives = self.reports && !self.reported && s.state == State::Seeding && s.seeds + s.downloaders == 0;
        let given = if fetches { 0 } else { s.uploaded };
        let mark = (s.have, s.downloaded, s.checked.0, s.metadata.0, given);
        if mark != self.mark || !(fetches || gives) {
            (self.mark, self.since, self.told) = (mark, Instant::now(), None);
            return None;
        }
        let quiet = if fetches { QUIET } else { NOBODY_CAME };
        let due = self.since.elapsed() >= quiet && self.told.is_none_or(|t| t.elapsed() >= AGAIN);
        due.then(|| {
            self.told = Some(Instant::now());
            fetches
        })
    }
}
