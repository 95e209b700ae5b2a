//! A torrent's files by their paths beneath the folder, and pieces as extents in them (BEP 3; pads of BEP 47).
//!
//! Pads and symbolic links have no path: they are never opened, created or written. Paths are made when they are asked for: a
//! million of them would be a hundred megabytes.
use crate::place::Place;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use teem_metainfo::path::forms;
use teem_metainfo::{Extent, File, Info};

/// What other programs put behind the names of files that they have not finished: Transmission, qBittorrent, µTorrent, BitComet, browsers.
const UNFINISHED: [&str; 5] = [".part", ".!qB", ".!ut", ".bc!", ".crdownload"];

/// The content of one torrent in one place.
pub(crate) struct Content {
    pub(crate) info: Arc<Info>,
    /// What the content's file or folder is called there.
    name: String,
    /// The files that go by other names than we would give them.
    names: BTreeMap<usize, Named>,
    /// The files that their owner has given other names: their paths below the content's folder.
    given: BTreeMap<usize, String>,
}

/// How a file is called that was found.
#[derive(Clone, Copy)]
enum Named {
    /// As the torrent has it, where we would give it a safer name.
    Native,
    /// In the composed form of Unicode (NFC).
    Composed,
    /// In the decomposed form (NFD).
    Decomposed,
}

/// A file that is stored.
#[derive(Clone, Copy)]
pub(crate) struct Stored {
    pub(crate) index: usize,
    pub(crate) len: u64,
}

impl Content {
    /// Lays out `info` in `place`. Content that lies there may have been made elsewhere: a file that is not there under the name that we would give it goes by
    /// the one that it is found under, which is the torrent's own or the same in another Unicode form. `identity` knows files that are there,
    /// `is_folder` folders. Two files that are to be written never go by one name.
    pub(crate) fn new(
        info: Arc<Info>,
        place: &Place,
        identity: impl Fn(&Path) -> Option<(u32, u64)>,
        is_folder: impl Fn(&Path) -> bool,
    ) -> Self {
        let is_there = |name: &str| {
            let path = Path::new(name);
            if info.is_single_file() { identity(path).is_some() } else { is_folder(path) }
        };
        let given = place.name.as_deref().unwrap_or(info.name());
        let others = if given.is_ascii() { Vec::new() } else { forms(given).into() };
        let name = [given.to_owned()].into_iter().chain(others).find(|name| is_there(name));
        let nothing = name.is_none();
        let name = name.unwrap_or_else(|| given.to_owned());
        let mut content = Self { name, info, names: BTreeMap::new(), given: place.names.clone() };
        if nothing || content.info.is_single_file() {
            return content;
        }
        let candidates = |file: &File<'_>| {
            let native = file.original().and_then(|_| file.native_path()).map(|parts| parts.join("/"));
            let path = file.path();
            let others = if path.is_ascii() { None } else { Some(forms(&path)) };
            let others =
                others.map(|[composed, decomposed]| [(Named::Composed, composed), (Named::Decomposed, decomposed)]);
            native
                .map(|native| (Named::Native, native))
                .into_iter()
                .chain(others.into_iter().flatten())
                .collect::<Vec<_>>()
        };
        let mut names = BTreeMap::new();
        for (index, file) in content.info.files().iter().enumerate().filter(|(_, file)| file.is_stored()) {
            let candidates = candidates(&file);
            if candidates.is_empty()
                || content.given.contains_key(&index)
                || identity(&content.join(&file.path())).is_some()
            {
                continue;
            }
            let found = candidates.into_iter().find_map(|(named, path)| Some((named, identity(&content.join(&path))?)));
            names.extend(found.map(|found| (index, found)));
        }
        if !place.read_only && !names.is_empty() {
            let ours = content.stored().filter_map(|file| identity(&content.path(file.index)?));
            let mut taken: BTreeSet<(u32, u64)> = ours.collect();
            // What is called as the torrent says comes before what is called much the same.
            let native = |named: Named| matches!(named, Named::Native);
            names.retain(|_, (named, file)| !native(*named) || taken.insert(*file));
            names.retain(|_, (named, file)| native(*named) || taken.insert(*file));
        }
        content.names = names.into_iter().map(|(index, (named, _))| (index, named)).collect();
        content
    }

    /// The path of a file beneath the folder; `None` for pads and links.
    pub(crate) fn path(&self, file: usize) -> Option<PathBuf> {
        if let Some(given) = self.given.get(&file).filter(|_| !self.info.is_single_file()) {
            return Some(self.join(given));
        }
        let named = self.names.get(&file);
        let file = self.info.files().get(file).filter(File::is_stored)?;
        let path = file.path();
        let [composed, decomposed] = if named.is_some() { forms(&path) } else { [String::new(), String::new()] };
        Some(self.join(&match named {
            None => path,
            Some(Named::Native) => file.native_path().map_or(path, |parts| parts.join("/")),
            Some(Named::Composed) => composed,
            Some(Named::Decomposed) => decomposed,
        }))
    }

    /// No part of a path has a slash, whether it is a safe name or one as it stands.
    fn join(&self, below: &str) -> PathBuf {
        let mut path = String::with_capacity(self.name.len() + 1 + below.len());
        path.push_str(&self.name);
        if !below.is_empty() {
            path.push('/');
            path.push_str(below);
        }
        path.into()
    }

    /// What an unfinished file is called by other programs that put it in this place.
    pub(crate) fn unfinished(&self, file: usize) -> impl Iterator<Item = PathBuf> {
        let path = self.path(file);
        UNFINISHED.iter().filter_map(move |end| Some(PathBuf::from(format!("{}{end}", path.as_ref()?.display()))))
    }

    /// All files that are stored.
    pub(crate) fn stored(&self) -> impl Iterator<Item = Stored> + '_ {
        let files = self.info.files().iter().enumerate().filter(|(_, file)| file.is_stored());
        files.map(|(index, file)| Stored { index, len: file.length })
    }

    /// The parts of a piece that are stored.
    pub(crate) fn extents(&self, piece: u32) -> impl Iterator<Item = Extent> + '_ {
        self.info.extents(piece, 0, self.info.piece_size(piece)).filter(|e| !e.pad)
    }

    pub(crate) fn piece_count(&self) -> u32 {
        self.info.piece_count()
    }
}
