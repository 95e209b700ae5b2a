//! How torrents stand, as the dialects of other programs tell it (own design): what is kept of a torrent, what is true of it and its figures, side by side.
//!
//! What lists show is there already ([`Told`]); peers and trackers cost the engine a turn, and what stands in the .torrent costs a look at a record ([`Facts`]),
//! so that neither is fetched for those who want names, labels and figures. No torrent is woken. Whoever tells of all torrents takes [`AT_ONCE`] at a time, so
//! that neither locks nor the engine are held for long, and memory only for what is written.
use crate::daemon::Daemon;
use crate::details::{FileTold, Pieces, files};
use crate::facts::{Facts, Shelf};
use crate::failed::Failed;
use crate::kept::Kept;
use crate::row::Row;
use crate::shown::told;
use crate::sums::Sums;
use crate::told::Told;
use std::collections::HashMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError};
use teem_client::event::{PeerStats, Snapshot, State};
use teem_client::metainfo::{Info, InfoHash};
use teem_client::{About, Status, Torrent, TorrentId};

/// Torrents that are looked at and asked about at once: a millisecond or two of a lock, some of the engine's turn.
pub(crate) const AT_ONCE: usize = 500;

/// Torrents that are added up before others may change some.
const SUMMED_AT_ONCE: usize = 2_000;

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
        for some in ids.chunks(AT_ONCE) {
            let snapshots = self.client().snapshots_of(some).await.map_err(Failed::Ended)?;
            found.extend(snapshots.into_iter().map(|snapshot| (snapshot.torrent, snapshot)));
        }
        for one in &mut all {
            one.figures = one.id().and_then(|id| found.remove(&id));
        }
        Ok(all)
    }
}

impl Daemon {
    /// The sums as they are now. They are added up only where something has changed since they last were.
    pub(crate) fn sums(&self) -> Arc<Sums> {
        self.refresh();
        // One adds up at a time, and those that wait find it done.
        let mut last = self.0.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let revision = self.torrents().revision();
        if last.0 != revision {
            let mut sums = Sums::default();
            let mut after = Bound::Unbounded;
            loop {
                let torrents = self.torrents();
                let some = torrents.range((after, Bound::Unbounded)).take(SUMMED_AT_ONCE);
                let mut number = 0;
                for (hash, kept) in some {
                    sums.add(kept);
                    (after, number) = (Bound::Excluded(*hash), number + 1);
                }
                if number < SUMMED_AT_ONCE {
                    break;
                }
            }
            *last = (revision, Arc::new(sums));
        }
        last.1.clone()
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
        Self { daemon, hash, row: kept.row.clone(), torrent, status, told, figures: None }
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

    /// What stands in its .torrent or its link. Waits for the medium.
    pub(crate) fn facts(&self) -> Facts {
        self.facts_by(&Shelf::default())
    }

    /// The same by the records of many.
    pub(crate) fn facts_by(&self, shelf: &Shelf) -> Facts {
        self.daemon.facts(self.hash, &self.row, shelf)
    }
}
