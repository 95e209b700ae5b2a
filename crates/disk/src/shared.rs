//! What submitter and workers share (own design): pool, queue, mailbox, open files, and where torrents lie.
use crate::create::HashFiles;
use crate::files::Files;
use crate::folders::Folders;
use crate::fs::Fs;
use crate::mailbox::Mailbox;
use crate::place::Place;
use crate::pool::Pool;
use crate::queue::Queue;
use crate::state::{Leases, RecordFiles, StateStore};
use crate::told::Told;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use teem_swarm::ids::TorrentId;

/// The common ground of one disk.
pub(crate) struct Shared {
    pub(crate) pool: Pool,
    pub(crate) queue: Queue,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) files: Arc<Files>,
    places: Mutex<Places>,
    vouched: Mutex<BTreeMap<TorrentId, Vouched>>,
    pub(crate) folders: Arc<Folders>,
    /// Names that are kept from other processes.
    pub(crate) leases: Leases,
    /// Where saved state lies when not in files of its own for each torrent.
    pub(crate) records: Option<Arc<dyn StateStore>>,
}

/// What is said of content that has no saved state yet.
pub(crate) enum Vouched {
    /// These files were hashed just now.
    Hashed(HashFiles),
    /// Another program had it.
    Told(Told),
}

/// Where torrents lie, each with the number of the telling: what was told after a torrent was opened is meant for the next time.
#[derive(Default)]
struct Places {
    told: u64,
    of: BTreeMap<TorrentId, (u64, Place)>,
}

impl Shared {
    pub(crate) fn new(
        pool: Pool,
        queue: Queue,
        fs: Arc<dyn Fs>,
        files: Files,
        records: Option<Arc<dyn StateStore>>,
    ) -> Self {
        let (mailbox, places, vouched) = (Arc::default(), Mutex::default(), Mutex::default());
        let (files, folders) = (Arc::new(files), Arc::new(Folders::new(Arc::clone(&fs))));
        Self { pool, queue, mailbox, fs, files, folders, places, vouched, leases: Leases::default(), records }
    }

    /// Where a torrent lies, when it was told, and the number of that telling.
    pub(crate) fn place(&self, id: TorrentId) -> Option<(u64, Place)> {
        self.places().of.get(&id).cloned()
    }

    /// Takes in where a torrent lies.
    pub(crate) fn tell_place(&self, id: TorrentId, place: Place) {
        self.queue.placed(id, &place.folder);
        let mut places = self.places();
        places.told += 1;
        let told = places.told;
        places.of.insert(id, (told, place));
    }

    /// A torrent that was opened with that telling is closed: it is forgotten, but not a later one.
    pub(crate) fn forget_place(&self, id: TorrentId, told: u64) {
        let mut places = self.places();
        if places.of.get(&id).is_some_and(|(last, _)| *last == told) {
            places.of.remove(&id);
        }
    }

    /// Where records of saved state lie, of whatever kind.
    pub(crate) fn store(&self, state_dir: &Path) -> io::Result<Arc<dyn StateStore>> {
        match &self.records {
            Some(records) => Ok(Arc::clone(records)),
            None => Ok(Arc::new(RecordFiles(self.folders.enter(state_dir, true)?))),
        }
    }

    /// Since when no file and no folder was used, while some are held open in case they are used again.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        [self.files.idle_since(), self.folders.idle_since()].into_iter().flatten().max()
    }

    /// Closes files and folders that nobody has used for a while.
    pub(crate) fn close_idle(&self) {
        self.files.close_idle();
        self.folders.close_idle();
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is said of a torrent's content; asked for once.
    pub(crate) fn take_vouched(&self, id: TorrentId) -> Option<Vouched> {
        self.vouched.lock().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }

    pub(crate) fn vouch(&self, id: TorrentId, vouched: Vouched) {
        self.vouched.lock().unwrap_or_else(PoisonError::into_inner).insert(id, vouched);
    }
}
