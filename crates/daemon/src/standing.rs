//! How torrents stand, as the dialects of other programs tell it (own design): what is kept of a torrent, what is true of it and its figures, side by side.
//!
//! What lists show is there already ([`Told`]); peers and trackers cost the engine a turn, and what stands in the .torrent costs a look at its bytes, so
//! that neither is fetched for those who want names, labels and figures. No torrent is woken.
use crate::daemon::Daemon;
use crate::details::{FileTold, Pieces, files};
use crate::failed::Failed;
use crate::kept::Kept;
use crate::row::{Origin, Row};
use crate::shown::told;
use crate::told::Told;
use std::collections::HashMap;
use std::sync::Arc;
use teem_bencode::{Value, parse};
use teem_client::event::{PeerStats, Snapshot, State};
use teem_client::metainfo::{Info, InfoHash, Limits};
use teem_client::{About, Status, Torrent, TorrentId, source};

/// Torrents that the engine is asked about at once: some milliseconds of its turn.
const ASKED_AT_ONCE: usize = 500;

/// Trackers that are told of a torrent.
const TRACKERS_MAX: usize = 200;

/// A torrent: what is kept of it, and what is true of it at one moment.
pub(crate) struct Standing {
    /// Which reads its .torrent.
    daemon: Daemon,
    pub(crate) hash: InfoHash,
    pub(crate) row: Row,
    /// The torrent at work, or why it could not be begun.
    pub(crate) torrent: Result<Torrent, String>,
    pub(crate) status: Option<Status>,
    /// As lists show it.
    pub(crate) told: Told,
    /// When that was changed last: the greater of two revisions is the later.
    pub(crate) revision: u64,
    /// What the engine says of its peers and trackers, if it was asked.
    pub(crate) figures: Option<Snapshot>,
}

/// Of which torrents the engine is asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Ask {
    /// Of none: what lists show is enough.
    Nothing,
    /// Of those that have peers, are being looked at, or wait for their metadata.
    Busy,
    /// Of all, for their trackers.
    All,
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
    pub(crate) async fn standing(&self, hashes: &[InfoHash], ask: Ask) -> Result<Vec<Standing>, Failed> {
        self.refresh();
        let life = self.pulse().life_kept();
        let mut all: Vec<Standing> = {
            let torrents = self.torrents();
            hashes.iter().filter_map(|hash| Some(Standing::of(self, *hash, torrents.get(hash)?, life))).collect()
        };
        let asked = all.iter().filter(|one| ask == Ask::All || (ask == Ask::Busy && one.is_busy()));
        let ids: Vec<TorrentId> = asked.filter_map(Standing::id).collect();
        let mut found = HashMap::new();
        for some in ids.chunks(ASKED_AT_ONCE) {
            let snapshots = self.client().snapshots_of(some).await.map_err(Failed::Ended)?;
            found.extend(snapshots.into_iter().map(|snapshot| (snapshot.torrent, snapshot)));
        }
        for one in &mut all {
            one.figures = one.id().and_then(|id| found.remove(&id));
        }
        Ok(all)
    }
}

/// The metadata of a torrent and what is there of its content.
pub(crate) struct Parts {
    info: Arc<Info>,
    pub(crate) pieces: Pieces,
}

impl Daemon {
    /// Which pieces of each of these are there; nothing of one whose metadata is missing. The engine is asked neither of those that are whole nor of
    /// those that have nothing, and none is woken.
    pub(crate) async fn parts(&self, all: &[Standing]) -> Result<Vec<Option<Parts>>, Failed> {
        let mut parts = Vec::with_capacity(all.len());
        for one in all {
            parts.push(match self.parts_of(one).await {
                // It went meanwhile.
                Err(Failed::Select(_)) => None,
                other => other?,
            });
        }
        Ok(parts)
    }

    async fn parts_of(&self, one: &Standing) -> Result<Option<Parts>, Failed> {
        let Some(info) = self.info(one.hash).await? else { return Ok(None) };
        let whole = one.is_complete() && one.row.choice().is_all();
        if whole || (!one.is_complete() && one.told.have == 0) {
            let pieces = Pieces::at_rest(&info, whole);
            return Ok(Some(Parts { info, pieces }));
        }
        Ok(self.pieces(one.hash).await?.map(|pieces| Parts { info, pieces }))
    }
}

impl Parts {
    /// The files, padding left out. Takes time in proportion to files and pieces.
    pub(crate) fn files(&self, one: &Standing) -> Vec<FileTold> {
        // A choice that fits none of the files was not followed.
        let selection = one.row.choice().of(&self.info).unwrap_or_default();
        files(&self.info, &self.pieces, &one.row.names, |file| selection.file(file))
    }

    /// The path of a file as programs tell it: with the torrent's name before it where there are several.
    pub(crate) fn path(&self, one: &Standing, file: &FileTold) -> String {
        if self.info.is_single_file() { one.told.name.clone() } else { format!("{}/{}", one.told.name, file.path) }
    }

    /// The place of each file among all files, padding counted: programs count without it.
    pub(crate) fn places(info: &Info) -> Vec<u32> {
        info.files().iter().enumerate().filter(|(_, file)| !file.pad).map(|(at, _)| at as u32).collect()
    }
}

impl Standing {
    fn of(daemon: &Daemon, hash: InfoHash, kept: &Kept, life: u64) -> Self {
        let torrent = kept.torrent.clone();
        let status = torrent.as_ref().ok().map(Torrent::status);
        let mut told = told(hash, kept, None, life);
        // Programs look below the folder for what is called so, and so for what its content is called.
        if let Some(name) = &kept.row.name {
            told.name.clone_from(name);
        }
        let daemon = daemon.clone();
        Self { daemon, hash, row: kept.row.clone(), torrent, status, told, revision: kept.line.revision, figures: None }
    }

    fn id(&self) -> Option<TorrentId> {
        self.torrent.as_ref().ok().map(Torrent::id)
    }

    fn is_busy(&self) -> bool {
        self.told.seeds + self.told.downloaders > 0 || matches!(self.state(), State::Checking | State::Metadata)
    }

    pub(crate) fn state(&self) -> State {
        self.status.as_ref().map_or(State::Failed, |status| status.state)
    }

    /// What is known of it from its metadata, at rest too.
    pub(crate) fn about(&self) -> Option<&About> {
        self.status.as_ref()?.about.as_ref()
    }

    /// Whether all that is wanted is there, where it stays.
    pub(crate) fn is_complete(&self) -> bool {
        self.row.goes_to.is_none() && self.status.as_ref().is_some_and(|status| status.complete.is_some())
    }

    /// Bytes of what is wanted that are missing.
    pub(crate) fn left(&self) -> u64 {
        if self.is_complete() { 0 } else { self.told.wanted.max(self.told.have) - self.told.have }
    }

    /// Whether payload moves.
    pub(crate) fn moves(&self) -> bool {
        self.told.up_rate + self.told.down_rate > 0
    }

    pub(crate) fn peers(&self) -> &[PeerStats] {
        self.figures.as_ref().map_or(&[], |figures| &figures.peers)
    }

    /// A figure that the engine was asked for; 0 where it was not.
    pub(crate) fn figure<T: Default>(&self, of: impl Fn(&Snapshot) -> T) -> T {
        self.figures.as_ref().map(of).unwrap_or_default()
    }

    /// What stands in its .torrent or its link.
    pub(crate) fn facts(&self) -> Facts {
        let mut facts = match &self.row.origin {
            Origin::File(bytes, _) => of_file(bytes).unwrap_or_default(),
            Origin::Stored(_) => self.daemon.file(self.hash).and_then(|bytes| of_file(&bytes)).unwrap_or_default(),
            Origin::Link(link) => {
                let magnet = source::from_magnet(link).and_then(|source| source.magnet);
                let trackers = magnet.map(|magnet| magnet.trackers.iter().map(|url| vec![url.clone()]).collect());
                Facts { trackers: trackers.unwrap_or_default(), ..Facts::default() }
            }
        };
        if let Some(tiers) = &self.row.trackers {
            facts.trackers =
                tiers.iter().map(|tier| tier.iter().map(|url| url.reveal().to_owned()).collect()).collect();
        }
        facts
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
