//! What owners want of torrents beside what is each one's own (own design): thousands want the same of thousands, so it is held once for all of them.
//!
//! Invariant: what is shared is never changed. A row that is changed has a copy of its own from then on, until the table finds that others have the same.
use crate::tiers::Tiers;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use teem_client::Priority;

/// Sets of wishes that are remembered: a few dozen labels and folders. What is beyond is held by its torrents.
const SHARED_MAX: usize = 256;

/// What an owner wants of a torrent.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Wanted {
    /// The folder that its content lies in, or is to lie in.
    pub(crate) folder: PathBuf,
    /// The folder that it is moved to once it is complete.
    pub(crate) goes_to: Option<PathBuf>,
    /// What the content is called there, where that is not the torrent's name, and its files that go by other names.
    pub(crate) name: Option<String>,
    pub(crate) names: BTreeMap<usize, String>,
    pub(crate) labels: BTreeSet<String>,
    /// Which files are wanted, and which of them first, as patterns.
    pub(crate) only: Vec<String>,
    pub(crate) first: Vec<String>,
    /// The priority of each file by its index, padding included, where its owner has named files so; then the patterns say nothing. Files beyond
    /// the list are wanted like the rest.
    pub(crate) files: Vec<Priority>,
    /// Its trackers, where they are not those that it came with.
    pub(crate) trackers: Option<Tiers>,
    /// Limits in payload bytes a second.
    pub(crate) up: Option<u64>,
    pub(crate) down: Option<u64>,
    /// How it is shared, where its content is served as it lies and never changed.
    pub(crate) shared: Option<Sharing>,
}

/// How content is shared.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Sharing {
    /// Names and addresses that others reach this machine by.
    pub(crate) hosts: Vec<String>,
    /// Whether the daemon's tracker knows it, with the page and the .torrent beside it.
    pub(crate) tracks: bool,
}

/// Wishes that several torrents may have.
#[derive(Default)]
pub(crate) struct Shared(Vec<Arc<Wanted>>);

impl Shared {
    /// Has these wishes be those that others have too, where they are the same.
    pub(crate) fn share(&mut self, wanted: &mut Arc<Wanted>) {
        if let Some(at) = self.0.iter().position(|known| *known == *wanted) {
            wanted.clone_from(&self.0[at]);
            // Those that come again and again are found soon.
            self.0.swap(at, at / 2);
            return;
        }
        // What belongs to one file or name is nobody else's.
        if wanted.name.is_some() || !wanted.names.is_empty() || !wanted.files.is_empty() {
            return;
        }
        if self.0.len() >= SHARED_MAX {
            self.0.retain(|known| Arc::strong_count(known) > 1);
            self.0.truncate(SHARED_MAX - 1);
        }
        self.0.push(wanted.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(label: usize) -> Arc<Wanted> {
        Arc::new(Wanted { labels: [label.to_string()].into(), ..Wanted::default() })
    }

    #[test]
    fn what_is_the_same_is_held_once_and_bounds_are_held() {
        let mut shared = Shared::default();
        let (mut one, mut other) = (labelled(1), labelled(1));
        shared.share(&mut one);
        shared.share(&mut other);
        assert!(Arc::ptr_eq(&one, &other));
        Arc::make_mut(&mut other).up = Some(7);
        assert_eq!((one.up, other.up), (None, Some(7)), "a change is one torrent's own");
        let mut own = Arc::new(Wanted { name: Some("a".into()), ..Wanted::default() });
        shared.share(&mut own);
        assert_eq!(Arc::strong_count(&own), 1);
        for label in 0..2 * SHARED_MAX {
            shared.share(&mut labelled(label));
        }
        assert!(shared.0.len() <= SHARED_MAX);
        let mut again = labelled(1);
        shared.share(&mut again);
        assert!(Arc::ptr_eq(&one, &again), "what torrents have is not forgotten");
    }
}
