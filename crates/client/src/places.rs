//! Which torrent writes where (own design): no torrent is added twice, and no two write to one file. Two may share a folder, as parts of a
//! series do that are called alike.
use crate::choice::Choice;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use teem_disk::fs::Fs;
use teem_disk::{Place, saved_info};
use teem_metainfo::{File, Info, InfoHash, Limits, TorrentKey};
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
    place: Arc<Place>,
    /// Which files are wanted, until that can be said by their indices; `None` is all.
    choice: Option<Box<Choice>>,
    /// Where the content itself lies, where it is written.
    root: Option<Root>,
    /// What lies there.
    info: Option<Arc<Info>>,
}

/// Where the content of a torrent itself lies: its name, and the folder, which are one text each for all that have the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Root {
    // The name comes first: it is what mostly differs.
    name: Arc<str>,
    folder: Arc<Path>,
}

impl Root {
    fn of(place: &Place, info: &Info) -> Self {
        Self { name: place.name.as_deref().unwrap_or(info.name()).into(), folder: place.folder.as_path().into() }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(&*self.name)
    }
}

/// The places of all torrents of a client.
#[derive(Default)]
pub(crate) struct Places {
    table: Mutex<Table>,
    /// The file system that they lie on.
    fs: OnceLock<Arc<dyn Fs>>,
}

/// By torrent, and found again by what no two may have.
#[derive(Default)]
struct Table {
    placings: HashMap<TorrentId, Placing>,
    /// Of a hybrid both hashes.
    by_hash: HashMap<InfoHash, TorrentId>,
    /// Only those that write.
    by_root: BTreeSet<(Root, TorrentId)>,
    /// Thousands of torrents have a few dozen places: one of each folder in which nothing goes by another name.
    plain: HashMap<Arc<Path>, Arc<Place>>,
}

impl Places {
    /// Where everything lies; said once, before the first torrent.
    pub(crate) fn lie_on(&self, fs: Arc<dyn Fs>) {
        // What was said first holds.
        let _ = self.fs.set(fs);
    }

    /// A torrent rests: its metadata is not held.
    pub(crate) fn rest(&self, id: TorrentId) {
        if let Some(placing) = self.table().placings.get_mut(&id) {
            placing.info = None;
        }
    }

    /// The metadata of a torrent that rested is there.
    pub(crate) fn recall(&self, id: TorrentId, info: &Arc<Info>) {
        if let Some(placing) = self.table().placings.get_mut(&id) {
            placing.info = Some(info.clone());
        }
    }

    /// Reads the metadata of a torrent that rests: where its content lies, and what that is; or why it cannot be read, in a sentence. Waits for the
    /// medium.
    pub(crate) fn load(&self, id: TorrentId) -> Result<(Place, Arc<Info>), String> {
        let (place, key) = {
            let table = self.table();
            let placing = table.placings.get(&id).ok_or("the torrent was removed")?;
            if let Some(info) = &placing.info {
                return Ok((Place::clone(&placing.place), info.clone()));
            }
            (Place::clone(&placing.place), placing.key)
        };
        let read = || Info::parse(&saved_info(&**self.fs.get()?, &place, key)?, &Limits::PEER).ok();
        let info = read().ok_or_else(|| {
            let folder = place.state_dir.display();
            format!(
                "the metadata of {} is not where it was kept, in {folder}: add its link or .torrent again",
                key.wire()
            )
        })?;
        Ok((place, Arc::new(info)))
    }

    /// Reads the metadata of those that rest at the place of a torrent that is to come, so that it is known which files are theirs. Waits for the medium.
    pub(crate) fn recall_rivals(&self, id: TorrentId, info: &Info) {
        let root = self.table().placings.get(&id).map(|placing| Root::of(&placing.place, info));
        if let Some(root) = root {
            self.recall_at(&root);
        }
    }

    fn recall_at(&self, root: &Root) {
        let rivals: Vec<TorrentId> = {
            let table = self.table();
            let rests = |id: &TorrentId| table.placings.get(id).is_some_and(|placing| placing.info.is_none());
            table.at(root).filter(rests).collect()
        };
        for rival in rivals {
            // One whose files are not known is in the way whatever they are.
            if let Ok((_, info)) = self.load(rival) {
                self.recall(rival, &info);
            }
        }
    }

    /// Whether others rest where a torrent's content is to lie.
    pub(crate) fn has_rivals(&self, place: &Place, info: &Info) -> bool {
        let table = self.table();
        table.at(&Root::of(place, info)).next().is_some()
    }

    /// The same as [`Self::recall_rivals`] before the torrent has a place.
    pub(crate) fn recall_before(&self, place: &Place, info: &Info) {
        self.recall_at(&Root::of(place, info));
    }

    /// Remembers where a torrent goes.
    pub(crate) fn reserve(
        &self,
        id: TorrentId,
        key: TorrentKey,
        place: &Place,
        choice: Choice,
        info: Option<&Arc<Info>>,
    ) -> Result<(), AddError> {
        let mut table = self.table();
        if key.wires().any(|hash| table.by_hash.contains_key(&hash)) {
            return Err(AddError::Already(key));
        }
        let root = match info.filter(|_| !place.read_only) {
            Some(info) => Some(table.claim(id, Root::of(place, info), info)?),
            None => None,
        };
        table.by_hash.extend(key.wires().map(|hash| (hash, id)));
        let place = table.shared(place.clone());
        let (choice, info) = (boxed(choice), info.cloned());
        table.placings.insert(id, Placing { key, place, choice, root, info });
        Ok(())
    }

    /// The same for a torrent that rests, of which only the name is known: what is kept of it says that it lies there.
    pub(crate) fn reserve_at_rest(
        &self,
        id: TorrentId,
        key: TorrentKey,
        place: Place,
        name: &Arc<str>,
    ) -> Result<(), AddError> {
        let mut table = self.table();
        if key.wires().any(|hash| table.by_hash.contains_key(&hash)) {
            return Err(AddError::Already(key));
        }
        table.by_hash.extend(key.wires().map(|hash| (hash, id)));
        let place = table.shared(place);
        let name = || place.name.as_deref().map_or_else(|| name.clone(), Into::into);
        let root = || Root { name: name(), folder: place.folder.as_path().into() };
        let root = (!place.read_only).then(|| table.take(id, root()));
        table.placings.insert(id, Placing { key, place, choice: None, root, info: None });
        Ok(())
    }

    /// The metadata of a magnet link came: its name decides the place, its files what is wanted. `None` when the torrent is gone.
    pub(crate) fn settle(&self, id: TorrentId, info: &Arc<Info>) -> Option<Result<(Place, Choice), AddError>> {
        let mut table = self.table();
        let root = Root::of(&table.placings.get(&id)?.place, info);
        let root = match table.claim(id, root, info) {
            Ok(root) => root,
            Err(e) => return Some(Err(e)),
        };
        let placing = table.placings.get_mut(&id)?;
        (placing.root, placing.info) = (Some(root), Some(info.clone()));
        let choice = placing.choice.as_deref().cloned().unwrap_or_default();
        Some(Ok((Place::clone(&placing.place), choice)))
    }

    /// Other files are wanted than was said before. Whether the metadata has come, so that this choice comes too late to be asked for.
    pub(crate) fn choose(&self, id: TorrentId, choice: Choice) -> bool {
        let mut table = self.table();
        table.placings.get_mut(&id).is_some_and(|placing| {
            placing.choice = boxed(choice);
            placing.info.is_some()
        })
    }

    /// A folder that torrents lie in: one text for all of them.
    pub(crate) fn folder(&self, folder: &Path) -> Arc<Path> {
        self.table().plain.get_key_value(folder).map_or_else(|| folder.into(), |(folder, _)| folder.clone())
    }

    /// Where a torrent lies, once that is known.
    pub(crate) fn of(&self, id: TorrentId) -> Option<Place> {
        self.table()
            .placings
            .get(&id)
            .filter(|placing| placing.root.is_some() || placing.place.read_only)
            .map(|placing| Place::clone(&placing.place))
    }

    /// A torrent is gone: others may have its place.
    pub(crate) fn forget(&self, id: TorrentId) {
        let mut table = self.table();
        if let Some(placing) = table.placings.remove(&id) {
            for hash in placing.key.wires() {
                table.by_hash.remove(&hash);
            }
            if let Some(root) = placing.root {
                table.unclaim(id, root);
            }
            table.let_go(placing.place);
        }
    }

    /// Where a torrent goes, and whether anything of it may lie there: it does not while its metadata is missing.
    pub(crate) fn lies(&self, id: TorrentId) -> Option<(Place, bool)> {
        let table = self.table();
        let placing = table.placings.get(&id)?;
        Some((Place::clone(&placing.place), placing.root.is_some() || placing.place.read_only))
    }

    /// A torrent of which nothing lies anywhere yet goes elsewhere; false when that is not so, or it is gone.
    pub(crate) fn redirect(&self, id: TorrentId, to: &Place) -> bool {
        let mut table = self.table();
        if table.placings.get(&id).is_none_or(|placing| placing.root.is_some()) {
            return false;
        }
        table.lies_at(id, to);
        true
    }

    /// A torrent is about to be moved: from now on it has the place that it goes to as well.
    pub(crate) fn begin_move(&self, id: TorrentId, to: &Place, info: &Info) -> Result<(), AddError> {
        self.table().claim(id, Root::of(to, info), info).map(|_| ())
    }

    /// It has been moved, or could not be: the other place is free.
    pub(crate) fn end_move(&self, id: TorrentId, meant: &Place, lies: &Place, info: &Info) {
        let mut table = self.table();
        let Some(before) = table.placings.get(&id).map(|placing| placing.root.clone()) else {
            // Removed meanwhile, with the place that it had.
            return table.unclaim(id, Root::of(meant, info));
        };
        // A move of an earlier run may have ended elsewhere.
        let root = table.take(id, Root::of(lies, info));
        for other in before.into_iter().chain([Root::of(meant, info)]).filter(|other| *other != root) {
            table.unclaim(id, other);
        }
        table.lies_at(id, lies);
        if let Some(placing) = table.placings.get_mut(&id) {
            placing.root = Some(root);
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Torrents that write there.
    fn at(&self, root: &Root) -> impl Iterator<Item = TorrentId> {
        let all = (root.clone(), TorrentId(0))..=(root.clone(), TorrentId(u32::MAX));
        self.by_root.range(all).map(|(_, id)| *id)
    }

    /// A torrent writes there no longer.
    fn unclaim(&mut self, id: TorrentId, root: Root) {
        self.by_root.remove(&(root, id));
    }

    /// Takes a place for a torrent that writes there, whoever else does.
    fn take(&mut self, id: TorrentId, mut root: Root) -> Root {
        if let Some((folder, _)) = self.plain.get_key_value(&*root.folder) {
            root.folder = folder.clone();
        }
        self.by_root.insert((root.clone(), id));
        root
    }

    /// The one place of those that are alike.
    fn shared(&mut self, place: Place) -> Arc<Place> {
        if place.name.is_some() || !place.names.is_empty() || place.overwrite || place.read_only {
            return Arc::new(place);
        }
        if let Some(shared) = self.plain.get(&*place.folder).filter(|shared| shared.state_dir == place.state_dir) {
            return shared.clone();
        }
        let (folder, place) = (place.folder.as_path().into(), Arc::new(place));
        self.plain.insert(folder, place.clone());
        place
    }

    /// A torrent has a place no more.
    fn let_go(&mut self, place: Arc<Place>) {
        // It, and the one in the table.
        if self.plain.get(&*place.folder).is_some_and(|shared| Arc::ptr_eq(shared, &place))
            && Arc::strong_count(&place) <= 2
        {
            self.plain.remove(&*place.folder);
        }
    }

    /// A torrent lies elsewhere.
    fn lies_at(&mut self, id: TorrentId, place: &Place) {
        let place = self.shared(place.clone());
        if let Some(placing) = self.placings.get_mut(&id) {
            let before = std::mem::replace(&mut placing.place, place);
            self.let_go(before);
        }
    }

    /// Takes a place for a torrent that writes there. Others may have it too, as long as no file is the same.
    fn claim(&mut self, id: TorrentId, root: Root, info: &Info) -> Result<Root, AddError> {
        let others = self.at(&root).filter(|other| *other != id);
        for other in others.filter_map(|other| self.placings.get(&other)) {
            let file = match other.info.as_deref() {
                Some(other) => in_the_way(info, other),
                None => Some(PathBuf::new()),
            };
            if let Some(file) = file {
                let root = root.path();
                // Joined with nothing it would end in a slash.
                let path = if file.as_os_str().is_empty() { root } else { root.join(file) };
                return Err(AddError::SamePlace(path));
            }
        }
        Ok(self.take(id, root))
    }
}

/// A choice as it is kept: most torrents have none.
fn boxed(choice: Choice) -> Option<Box<Choice>> {
    (!choice.is_all()).then(|| Box::new(choice))
}

/// A path that both torrents have, as a file in one of them at least; below the folder that both have.
fn in_the_way(one: &Info, other: &Info) -> Option<PathBuf> {
    if one.is_single_file() || other.is_single_file() {
        return Some(PathBuf::new());
    }
    let files =
        |info: &Info| info.files().iter().filter(File::is_stored).map(|file| file.path()).collect::<HashSet<_>>();
    let (ones, others) = (files(one), files(other));
    let below = |files: &HashSet<String>, taken: &HashSet<String>| {
        let mut paths = files.iter().flat_map(|file| Path::new(file).ancestors());
        paths.find(|path| path.to_str().is_some_and(|path| taken.contains(path))).map(Path::to_owned)
    };
    below(&ones, &others).or_else(|| below(&others, &ones))
}

/// The metadata that an earlier run fetched for this folder.
pub(crate) async fn remembered(fs: Arc<dyn Fs>, place: Place, key: TorrentKey) -> Option<Arc<Info>> {
    let look = move || {
        let raw = saved_info(&*fs, &place, key)?;
        Info::parse(&raw, &Limits::PEER).ok().map(Arc::new)
    };
    tokio::task::spawn_blocking(look).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(hash: &str, paths: &[&[&str]]) -> Arc<Info> {
        let text = |text: &str| format!("{}:{text}", text.len());
        let file =
            |path: &&[&str]| format!("d6:lengthi5e4:pathl{}ee", path.iter().map(|part| text(part)).collect::<String>());
        let files: String = paths.iter().map(file).collect();
        let raw = format!("d5:filesl{files}e4:name6:series12:piece lengthi16384e6:pieces20:{}e", hash.repeat(20));
        Arc::new(Info::parse(raw.as_bytes(), &Limits::FILE).unwrap())
    }

    #[test]
    fn torrents_of_one_name_share_a_folder_and_no_file() {
        let places = Places::default();
        let place = Place::download("/x", "");
        let put =
            |id: u32, info: &Arc<Info>| places.reserve(TorrentId(id), info.key(), &place, Choice::All, Some(info));
        let first = info("a", &[&["e1"], &["extra", "x"]]);
        put(1, &first).unwrap();
        put(2, &info("b", &[&["e2"], &["extra", "y"]])).unwrap();
        for (paths, file) in [
            (&[&["e1"][..]][..], "/x/series/e1"),
            (&[&["e3"], &["extra", "y"]], "/x/series/extra/y"),
            (&[&["extra"]], "/x/series/extra"),
            (&[&["e2", "below"]], "/x/series/e2"),
        ] {
            assert_eq!(put(3, &info("c", paths)), Err(AddError::SamePlace(file.into())), "{paths:?}");
        }
        assert_eq!(places.table().plain.len(), 1, "one place for all");
        places.forget(TorrentId(1));
        put(3, &info("c", &[&["e1"]])).unwrap();
        assert!(put(4, &info("d", &[&["e2"]])).is_err(), "the other is still there");
        // The names of a magnet link's files come later.
        let later = info("e", &[&["e5"]]);
        places.reserve(TorrentId(5), later.key(), &place, Choice::All, None).unwrap();
        assert!(places.settle(TorrentId(5), &later).unwrap().is_ok());
        let clash = info("f", &[&["e5"]]);
        places.reserve(TorrentId(6), clash.key(), &place, Choice::All, None).unwrap();
        assert!(places.settle(TorrentId(6), &clash).unwrap().is_err());
        for id in 2..=6 {
            places.forget(TorrentId(id));
        }
        let table = places.table();
        assert!(table.plain.is_empty() && table.by_root.is_empty() && table.by_hash.is_empty());
    }
}
