//! The paths of very many files in little memory (own design): names lie end to end in one run of bytes, a folder's name once.
//!
//! A file costs its own name and 12 bytes, however deep it lies. Names are bytes, because what a torrent or a file system has
//! need not be text.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use core::cmp::Ordering;

/// The folder that all paths begin in.
pub(crate) const ROOT: u32 = 0;

/// Paths below one folder, by index; made by a [`PathsBuilder`].
#[derive(Debug, Clone, Default)]
pub struct Paths {
    names: Vec<u8>,
    /// Folder `n` stands at `n - 1`, behind the folder that it lies in; [`ROOT`] has no entry.
    folders: Vec<Node>,
    files: Vec<Node>,
}

/// Equal are the same paths in the same order, however they are kept.
impl PartialEq for Paths {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && (0..self.len()).all(|index| self.parts(index) == other.parts(index))
    }
}

impl Eq for Paths {}

/// A name in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    folder: u32,
    start: u32,
    len: u16,
}

impl Paths {
    /// Number of paths.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The parts of a path; none if there is no such path, or if it is that of the folder itself.
    pub fn parts(&self, index: usize) -> Vec<&[u8]> {
        let Some(file) = self.files.get(index).filter(|file| file.len > 0) else { return Vec::new() };
        let mut parts = Vec::with_capacity(8);
        parts.push(self.text(file));
        parts.extend(self.above(file.folder).map(|folder| self.text(folder)));
        parts.reverse();
        parts
    }

    /// Appends the parts of a path, joined by slashes.
    pub fn join(&self, index: usize, out: &mut Vec<u8>) {
        for (n, part) in self.parts(index).into_iter().enumerate() {
            if n > 0 {
                out.push(b'/');
            }
            out.extend_from_slice(part);
        }
    }

    /// Takes a path out; those behind it move up.
    pub fn remove(&mut self, index: usize) {
        if index < self.files.len() {
            self.files.remove(index);
        }
    }

    /// How two paths compare, part by part.
    pub fn compare(&self, a: usize, b: usize) -> Ordering {
        match (self.files.get(a), self.files.get(b)) {
            (Some(a), Some(b)) if a.folder == b.folder => self.text(a).cmp(self.text(b)),
            _ => self.parts(a).cmp(&self.parts(b)),
        }
    }

    /// Puts paths in another order: `order` has each index once.
    pub(crate) fn reorder(&mut self, order: &[u32]) {
        self.files = order.iter().filter_map(|&index| self.files.get(index as usize).copied()).collect();
    }

    /// The last part of a path.
    pub(crate) fn name(&self, index: usize) -> &[u8] {
        self.files.get(index).map_or(&[], |file| self.text(file))
    }

    /// The folder that a path ends in.
    pub(crate) fn folder(&self, index: usize) -> u32 {
        self.files.get(index).map_or(ROOT, |file| file.folder)
    }

    /// Number of folders, the first included.
    pub(crate) fn folder_count(&self) -> usize {
        self.folders.len() + 1
    }

    /// A folder's name, and the folder that it lies in, which has a lower number. Not for [`ROOT`].
    pub(crate) fn folder_at(&self, folder: u32) -> (u32, &[u8]) {
        let node = (folder as usize).checked_sub(1).and_then(|at| self.folders.get(at));
        node.map_or((ROOT, &[]), |node| (node.folder, self.text(node)))
    }

    /// Gives a path another last part; false where there is no room for it.
    pub(crate) fn rename(&mut self, index: usize, name: &[u8]) -> bool {
        let (Some(len), Some(start)) = (len(name), room(&self.names, name)) else { return false };
        let Some(file) = self.files.get_mut(index) else { return false };
        (file.start, file.len) = (start, len);
        self.names.extend_from_slice(name);
        true
    }

    fn text(&self, node: &Node) -> &[u8] {
        &self.names[node.start as usize..][..usize::from(node.len)]
    }

    /// A folder and those that it lies in, the innermost first.
    fn above(&self, folder: u32) -> impl Iterator<Item = &Node> {
        let at = move |folder: u32| (folder as usize).checked_sub(1).and_then(|at| self.folders.get(at));
        core::iter::successors(at(folder), move |node| at(node.folder))
    }
}

/// More names, or longer ones, than can be kept: 4 GiB of them, or one of more than 64 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// Collects paths one by one, each folder's name once.
#[derive(Debug, Default)]
pub struct PathsBuilder {
    paths: Paths,
    known: BTreeMap<(u32, Box<[u8]>), u32>,
    /// The folders of the path before: most files lie where the one before them does.
    trail: Vec<u32>,
}

impl PathsBuilder {
    /// Appends a path; without parts it is that of the folder itself.
    pub fn push(&mut self, parts: &[&[u8]]) -> Result<(), TooLong> {
        let Some((name, folders)) = parts.split_last() else { return self.push_in(ROOT, b"") };
        let folder = self.enter(folders)?;
        self.push_in(folder, name)
    }

    /// The paths so far.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// All paths that were appended, in that order.
    pub fn finish(self) -> Paths {
        self.paths
    }

    /// The number of a folder.
    pub(crate) fn enter(&mut self, parts: &[&[u8]]) -> Result<u32, TooLong> {
        let same = self.trail.iter().zip(parts).take_while(|(folder, part)| self.paths.folder_at(**folder).1 == **part);
        self.trail.truncate(same.count());
        for part in &parts[self.trail.len()..] {
            let above = self.trail.last().copied().unwrap_or(ROOT);
            let key = (above, Box::from(*part));
            let folder = if let Some(folder) = self.known.get(&key) {
                *folder
            } else {
                let node = self.node(above, part)?;
                self.paths.folders.push(node);
                let folder = u32::try_from(self.paths.folders.len()).map_err(|_| TooLong)?;
                self.known.insert(key, folder);
                folder
            };
            self.trail.push(folder);
        }
        Ok(self.trail.last().copied().unwrap_or(ROOT))
    }

    /// Appends a path by the number of its folder.
    pub(crate) fn push_in(&mut self, folder: u32, name: &[u8]) -> Result<(), TooLong> {
        let node = self.node(folder, name)?;
        self.paths.files.push(node);
        Ok(())
    }

    fn node(&mut self, folder: u32, name: &[u8]) -> Result<Node, TooLong> {
        let (len, start) = (len(name).ok_or(TooLong)?, room(&self.paths.names, name).ok_or(TooLong)?);
        self.paths.names.extend_from_slice(name);
        Ok(Node { folder, start, len })
    }
}

fn len(name: &[u8]) -> Option<u16> {
    u16::try_from(name.len()).ok()
}

/// Where a name would begin, if it ends where 32 bits still reach.
fn room(names: &[u8], name: &[u8]) -> Option<u32> {
    u32::try_from(names.len() + name.len()).ok()?;
    u32::try_from(names.len()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(all: &[&str]) -> Paths {
        let mut builder = PathsBuilder::default();
        for path in all {
            let parts: Vec<&[u8]> = path.split('/').filter(|part| !part.is_empty()).map(str::as_bytes).collect();
            builder.push(&parts).unwrap();
        }
        builder.finish()
    }

    fn joined(paths: &Paths, index: usize) -> Vec<u8> {
        let mut out = Vec::new();
        paths.join(index, &mut out);
        out
    }

    #[test]
    fn paths_come_back_and_folders_are_kept_once() {
        let all = ["a/b/c", "a/b/d", "a", "", "a/x/c", "b/a/b/c", "a/b/e"];
        let paths = paths(&all);
        for (n, path) in all.iter().enumerate() {
            assert_eq!(joined(&paths, n), path.as_bytes());
        }
        assert_eq!((paths.folder_count(), paths.len(), paths.folder(0)), (7, 7, paths.folder(6)));
        assert_eq!(joined(&paths, 7), b"");
    }

    #[test]
    fn they_compare_by_parts_and_can_be_changed() {
        let mut paths = paths(&["a!b", "a/b", "a/c"]);
        assert_eq!((paths.compare(0, 1), paths.compare(2, 1)), (Ordering::Greater, Ordering::Greater));
        paths.reorder(&[1, 2, 0]);
        assert!(paths.rename(1, b"new"));
        paths.remove(0);
        assert_eq!((joined(&paths, 0), joined(&paths, 1)), (b"a/new".to_vec(), b"a!b".to_vec()));
        assert_eq!(paths, self::paths(&["a/new", "a!b"]));
    }
}
