//! How torrents stand, as the dialects of other programs tell it (own design): what is kept of a torrent, what is true of it and its figures, side by side.
//!
//! Each dialect says what of it was asked for: figures cost the engine a turn and what stands in the .torrent costs a look at its bytes, so
//! that neither is fetched for those who want names and labels.
use crate::daemon::{Daemon, Kept};
use crate::failed::Failed;
use crate::row::{Origin, Row};
use std::collections::HashMap;
use teem_bencode::{Value, parse};
use teem_client::event::{PeerStats, Snapshot, State};
use teem_client::metainfo::{InfoHash, Limits};
use teem_client::{About, Status, Torrent, TorrentId, source};

/// Torrents that the engine is asked about at once: some milliseconds of its turn.
const ASKED_AT_ONCE: usize = 500;

/// Trackers that are told of a torrent.
const TRACKERS_MAX: usize = 200;

/// A torrent: what is kept of it, and what is true of it at one moment.
pub(crate) struct Standing {
    pub(crate) hash: InfoHash,
    pub(crate) row: Row,
    /// The torrent at work, or why it could not be begun.
    pub(crate) torrent: Result<Torrent, String>,
    pub(crate) status: Option<Status>,
    pub(crate) figures: Option<Snapshot>,
}

/// What stands in the .torrent or in the link beside what peers know.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Facts {
    pub(crate) comment: String,
    pub(crate) creator: String,
    /// Seconds since 1970, as its creator says; 0 where nothing is said.
    pub(crate) created: i64,
    /// URLs by tier (BEP 12), with all that is in them.
    pub(crate) trackers: Vec<Vec<String>>,
}

impl Daemon {
    /// How these torrents stand, in this order; those that are gone are left out.
    pub(crate) async fn standing(&self, hashes: &[InfoHash], figures: bool) -> Result<Vec<Standing>, Failed> {
        let mut all: Vec<Standing> = {
            let torrents = self.torrents();
            hashes.iter().filter_map(|hash| Some(Standing::of(*hash, torrents.get(hash)?))).collect()
        };
        if figures {
            let ids: Vec<TorrentId> = all.iter().filter_map(Standing::id).collect();
            let mut found = HashMap::new();
            for some in ids.chunks(ASKED_AT_ONCE) {
                let snapshots = self.client().snapshots_of(some).await.map_err(Failed::Ended)?;
                found.extend(snapshots.into_iter().map(|snapshot| (snapshot.torrent, snapshot)));
            }
            for standing in &mut all {
                standing.figures = standing.id().and_then(|id| found.remove(&id));
            }
        }
        Ok(all)
    }
}

impl Standing {
    fn of(hash: InfoHash, kept: &Kept) -> Self {
        let torrent = kept.torrent.clone();
        let status = torrent.as_ref().ok().map(Torrent::status);
        Self { hash, row: kept.row.clone(), torrent, status, figures: None }
    }

    fn id(&self) -> Option<TorrentId> {
        self.torrent.as_ref().ok().map(Torrent::id)
    }

    pub(crate) fn state(&self) -> State {
        self.status.as_ref().map_or(State::Failed, |status| status.state)
    }

    /// What is known of it from its metadata, at rest too.
    pub(crate) fn about(&self) -> Option<&About> {
        self.status.as_ref()?.about.as_ref()
    }

    /// Whether all that is wanted is there.
    pub(crate) fn is_complete(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.complete.is_some())
    }

    /// Its name; the link's while the metadata is missing, the info-hash where that has none.
    pub(crate) fn name(&self) -> String {
        match self.about() {
            Some(about) => about.name.to_string(),
            None => self.row.source().and_then(|source| source.name).unwrap_or_else(|| self.hash.to_string()),
        }
    }

    /// The folder that its content goes into.
    pub(crate) fn folder(&self) -> String {
        self.row.folder.to_string_lossy().into_owned()
    }

    /// Why it cannot go on, or the present trouble of its disk.
    pub(crate) fn trouble(&self) -> Option<String> {
        let status = match &self.torrent {
            Ok(_) => self.status.as_ref()?,
            Err(why) => return Some(why.clone()),
        };
        let failed = status.failed.as_ref().map(|(why, _)| why.clone());
        failed.or_else(|| status.disk.as_ref().map(ToString::to_string))
    }

    /// Bytes of all its files; 0 while the metadata is missing.
    pub(crate) fn size(&self) -> u64 {
        self.about().map_or(0, |about| about.size)
    }

    /// Bytes that are wanted.
    pub(crate) fn wanted(&self) -> u64 {
        self.figures.as_ref().map_or_else(|| self.size(), |figures| figures.wanted)
    }

    /// Bytes of what is wanted that are missing.
    pub(crate) fn left(&self) -> u64 {
        if self.is_complete() {
            return 0;
        }
        self.figures.as_ref().map_or_else(|| self.size(), |figures| figures.wanted.saturating_sub(figures.have))
    }

    /// Seconds until it is complete at the present rate.
    pub(crate) fn eta(&self) -> Option<u64> {
        let rate = self.figures.as_ref()?.down_rate;
        (self.left() > 0 && rate > 0).then(|| self.left().div_ceil(rate))
    }

    pub(crate) fn peers(&self) -> &[PeerStats] {
        self.figures.as_ref().map_or(&[], |figures| &figures.peers)
    }

    /// One figure; 0 of a torrent that has none.
    pub(crate) fn figure<T: Default>(&self, of: impl Fn(&Snapshot) -> T) -> T {
        self.figures.as_ref().map(of).unwrap_or_default()
    }

    /// What stands in its .torrent or its link.
    pub(crate) fn facts(&self) -> Facts {
        match &self.row.origin {
            Origin::File(bytes, _) => of_file(bytes).unwrap_or_default(),
            Origin::Link(link) => {
                let magnet = source::from_magnet(link).and_then(|source| source.magnet);
                let trackers = magnet.map(|magnet| magnet.trackers.iter().map(|url| vec![url.clone()]).collect());
                Facts { trackers: trackers.unwrap_or_default(), ..Facts::default() }
            }
        }
    }
}

/// The same of a .torrent: what stands around its info dictionary, which is not looked into.
fn of_file(bytes: &[u8]) -> Option<Facts> {
    let document = parse(bytes, &Limits::FILE.bencode).ok()?;
    let root = document.root();
    let text = |key: &[u8]| {
        let bytes = root.get(key).and_then(|value| value.as_bytes()).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    };
    let url = |value: Value<'_, '_>| value.as_str().filter(|url| !url.is_empty()).map(str::to_owned);
    let tier = |value: Value<'_, '_>| -> Vec<String> { value.list().into_iter().flatten().filter_map(url).collect() };
    let tiers = root.get(b"announce-list").and_then(|value| value.list());
    let tiers = tiers.into_iter().flatten().map(tier).filter(|tier| !tier.is_empty());
    let mut trackers: Vec<Vec<String>> = tiers.take(TRACKERS_MAX).collect();
    if trackers.is_empty() {
        trackers.extend(root.get(b"announce").and_then(url).map(|url| vec![url]));
    }
    let created = root.get(b"creation date").and_then(|value| value.as_int()).unwrap_or(0);
    Some(Facts { comment: text(b"comment"), creator: text(b"created by"), created, trackers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_a_torrent_is_found_and_nonsense_is_nothing() {
        let file = b"d8:announce3:u:a13:announce-listll3:u:bel3:u:c0:eleli7eee7:comment2:hi10:created by1:x13:creation datei5e4:infodee";
        let facts = of_file(file).unwrap();
        assert_eq!((facts.comment.as_str(), facts.creator.as_str(), facts.created), ("hi", "x", 5));
        assert_eq!(facts.trackers, [vec!["u:b".to_owned()], vec!["u:c".to_owned()]]);
        assert_eq!(of_file(b"d8:announce3:u:ae").unwrap().trackers, [vec!["u:a".to_owned()]]);
        assert_eq!(of_file(b"le").unwrap_or_default(), Facts::default());
        assert_eq!(of_file(b"d7:comment"), None);
    }
}
