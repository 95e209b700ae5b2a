//! What submitter and workers share (own design): pool, queue, mailbox, open files, and where torrents lie.
use crate::create::HashFiles;
use crate::files::Files;
use crate::fs::Fs;
use crate::mailbox::Mailbox;
use crate::place::Place;
use crate::pool::Pool;
use crate::queue::Queue;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use teem_swarm::ids::TorrentId;

/// The common ground of one disk.
pub(crate) struct Shared {
    pub(crate) pool: Pool,
    pub(crate) queue: Queue,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) files: Arc<Files>,
    places: Mutex<BTreeMap<TorrentId, Place>>,
    vouched: Mutex<BTreeMap<TorrentId, HashFiles>>,
}

impl Shared {
    pub(crate) fn new(pool: Pool, queue: Queue, fs: Arc<dyn Fs>, files: Files) -> Self {
        let (mailbox, places, vouched) = (Arc::default(), Mutex::default(), Mutex::default());
        Self { pool, queue, mailbox, fs, files: Arc::new(files), places, vouched }
    }

    /// Where a torrent lies, when it was told.
    pub(crate) fn place(&self, id: TorrentId) -> Option<Place> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    pub(crate) fn set_place(&self, id: TorrentId, place: Option<Place>) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        match place {
            Some(place) => places.insert(id, place),
            None => places.remove(&id),
        };
    }

    /// Files that were hashed just now, as they were then; asked for once.
    pub(crate) fn take_vouched(&self, id: TorrentId) -> Option<HashFiles> {
        self.vouched.lock().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }

    pub(crate) fn vouch(&self, id: TorrentId, files: HashFiles) {
        self.vouched.lock().unwrap_or_else(PoisonError::into_inner).insert(id, files);
    }
}
