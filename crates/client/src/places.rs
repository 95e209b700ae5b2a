//! Which torrent writes where (own design): no torrent is added twice, and no two write to one place.
use crate::choice::Choice;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use teem_disk::root::RealFs;
use teem_disk::{Place, saved_info};
use teem_metainfo::{Info, InfoHash, Limits, TorrentKey};
use teem_swarm::ids::TorrentId;

/// Why a torrent cannot be added.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AddError {
    /// It is here already.
    Already(TorrentKey),
    /// Another torrent of this client writes to the same place.
    SamePlace(PathBuf),
    /// The torrent has no v1 part; those of v2 alone cannot be transferred.
    OnlyV2,
    /// A peer that the user named cannot be found: why.
    Peer(String),
    /// None of the files that the user wants is there: why.
    Choice(String),
    /// The client has ended.
    Stopped,
}

impl fmt::Display for AddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Already(hash) => write!(f, "the torrent {hash} is being transferred already"),
            Self::SamePlace(path) => {
                write!(f, "another torrent writes to {} already: choose another folder with -o", path.display())
            }
            Self::OnlyV2 => f.write_str("this torrent is of version 2 only, which Teem can show but not transfer"),
            Self::Peer(why) | Self::Choice(why) => f.write_str(why),
            Self::Stopped => f.write_str("the client has ended"),
        }
    }
}

impl std::error::Error for AddError {}

/// Where a torrent's content goes, kept until (magnet links) its name is known.
struct Placing {
    key: TorrentKey,
    place: Place,
    /// Which files are wanted, until that can be said by their indices.
    choice: Choice,
    /// The path of the content itself, where it is written.
    root: Option<PathBuf>,
}

/// The places of all torrents of a client.
#[derive(Default)]
pub(crate) struct Places(Mutex<Table>);

/// By torrent, and found again by what no two may have.
#[derive(Default)]
struct Table {
    placings: HashMap<TorrentId, Placing>,
    /// Of a hybrid both hashes.
    by_hash: HashMap<InfoHash, TorrentId>,
    /// Only those that write.
    by_root: HashMap<PathBuf, TorrentId>,
}

impl Places {
    /// Remembers where a torrent goes.
    pub(crate) fn reserve(
        &self,
        id: TorrentId,
        key: TorrentKey,
        place: &Place,
        choice: Choice,
        info: Option<&Info>,
    ) -> Result<(), AddError> {
        let mut table = self.table();
        if key.wires().any(|hash| table.by_hash.contains_key(&hash)) {
            return Err(AddError::Already(key));
        }
        let root = info.map(|info| content_root(place, info));
        let root = root.filter(|_| !place.read_only);
        if let Some(root) = &root {
            table.claim(id, root)?;
        }
        table.by_hash.extend(key.wires().map(|hash| (hash, id)));
        table.placings.insert(id, Placing { key, place: place.clone(), choice, root });
        Ok(())
    }

    /// The metadata of a magnet link came: its name decides the place, its files what is wanted. `None` when the torrent is gone.
    pub(crate) fn settle(&self, id: TorrentId, info: &Info) -> Option<Result<(Place, Choice), AddError>> {
        let mut table = self.table();
        let root = content_root(&table.placings.get(&id)?.place, info);
        if let Err(e) = table.claim(id, &root) {
            return Some(Err(e));
        }
        let placing = table.placings.get_mut(&id)?;
        placing.root = Some(root);
        Some(Ok((placing.place.clone(), placing.choice.clone())))
    }

    /// Where a torrent lies, once that is known.
    pub(crate) fn of(&self, id: TorrentId) -> Option<Place> {
        self.table()
            .placings
            .get(&id)
            .filter(|placing| placing.root.is_some() || placing.place.read_only)
            .map(|placing| placing.place.clone())
    }

    /// A torrent is gone: others may have its place.
    pub(crate) fn forget(&self, id: TorrentId) {
        let mut table = self.table();
        if let Some(placing) = table.placings.remove(&id) {
            for hash in placing.key.wires() {
                table.by_hash.remove(&hash);
            }
            if let Some(root) = placing.root {
                table.by_root.remove(&root);
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Takes a place for a torrent that writes there.
    fn claim(&mut self, id: TorrentId, root: &Path) -> Result<(), AddError> {
        match self.by_root.get(root) {
            Some(other) if *other != id => Err(AddError::SamePlace(root.to_owned())),
            _ => {
                self.by_root.insert(root.to_owned(), id);
                Ok(())
            }
        }
    }
}

/// The metadata that an earlier run fetched for this folder.
pub(crate) async fn remembered(place: Place, key: TorrentKey) -> Option<Arc<Info>> {
    let look = move || {
        let raw = saved_info(&RealFs, &place, key)?;
        Info::parse(&raw, &Limits::PEER).ok().map(Arc::new)
    };
    tokio::task::spawn_blocking(look).await.ok().flatten()
}

fn content_root(place: &Place, info: &Info) -> PathBuf {
    place.folder.join(place.name.as_deref().unwrap_or(info.name()))
}
