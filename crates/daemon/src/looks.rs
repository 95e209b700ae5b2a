//! How many folders are looked at at once (own design): a few of each root, so that one whose disk hangs keeps a few threads and holds no other root up.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::Semaphore;

/// Folders of one root that are looked at at once, each on a thread that its disk may keep.
const LOOKS_MAX: usize = 4;

/// Room for looks at folders, by the root that they lie below.
pub(crate) struct Looks {
    of_roots: Vec<(PathBuf, Arc<Semaphore>)>,
    /// Of folders that lie below none, as far as their names say.
    others: Arc<Semaphore>,
    /// Bytes that were free below the first root when it was looked at last, and room for that.
    pub(crate) free: Arc<AtomicU64>,
    pub(crate) one: Arc<Semaphore>,
}

impl Looks {
    pub(crate) fn new(roots: &[PathBuf]) -> Self {
        let room = || Arc::new(Semaphore::new(LOOKS_MAX));
        Self {
            of_roots: roots.iter().map(|root| (root.clone(), room())).collect(),
            others: room(),
            free: Arc::default(),
            one: Arc::new(Semaphore::new(1)),
        }
    }

    /// Room for a look at this folder. By its name: where its links lead would have to be looked at.
    pub(crate) fn of(&self, folder: &Path) -> Arc<Semaphore> {
        let own = self.of_roots.iter().filter(|(root, _)| folder.starts_with(root));
        own.max_by_key(|(root, _)| root.components().count()).map_or(&self.others, |(_, room)| room).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_one_of_the_nearest_root_by_name() {
        let looks = Looks::new(&["/a".into(), "/a/b".into(), "/c".into()]);
        let of = |folder: &str| looks.of(Path::new(folder));
        let same = |a: &str, b: &str| Arc::ptr_eq(&of(a), &of(b));
        assert!(same("/a", "/a/x") && same("/a/b/x", "/a/b") && same("/x", "/ab"));
        assert!(!same("/a", "/a/b") && !same("/a", "/c") && !same("/a", "/x"));
    }
}
