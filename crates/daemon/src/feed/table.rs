//! The feeds that there are (own design): those of the daemon's file and those that it was told of, and how each stands.
use super::definition::{Feed, FeedName};
use super::seen::{Key, Seen};
use super::standing::Standing;
use crate::config::Origin;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::Instant;

/// How often an item is tried whose torrent cannot be had; then it is left alone until the next start.
pub(super) const TRIES_MAX: u32 = 5;

/// A feed that is followed.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) feed: Arc<Feed>,
    /// The file, or somebody who asked for it.
    pub(crate) origin: Origin,
    /// Whether that was over TCP with a token: it is asked at public addresses alone.
    pub(crate) strange: bool,
}

/// An item that a rule takes and that could not be taken.
#[derive(Clone, Debug)]
pub(super) struct Tried {
    pub(super) title: String,
    pub(super) why: String,
    pub(super) times: u32,
}

/// What is remembered of a feed while the daemon runs.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) due: Instant,
    pub(super) is_asked: bool,
    pub(super) tried: BTreeMap<Key, Tried>,
    /// Bytes of what items led to, where no rule takes so many or so few.
    pub(super) sizes: BTreeMap<Key, u64>,
}

impl Course {
    pub(super) fn due(due: Instant) -> Self {
        Self { due, is_asked: false, tried: BTreeMap::new(), sizes: BTreeMap::new() }
    }
}

#[derive(Debug, Default)]
pub(super) struct Table {
    of_file: BTreeMap<FeedName, Arc<Feed>>,
    /// Each with whether it is a stranger's wish.
    told: BTreeMap<FeedName, (Arc<Feed>, bool)>,
    pub(super) standings: BTreeMap<FeedName, Standing>,
    pub(super) courses: BTreeMap<FeedName, Course>,
    pub(super) seen: Seen,
}

impl Table {
    /// A feed by its name; the file's where both have one.
    pub(super) fn get(&self, name: &FeedName) -> Option<Kept> {
        let of_file = self.of_file.get(name).map(|feed| (feed.clone(), Origin::File, false));
        let told = || self.told.get(name).map(|(feed, strange)| (feed.clone(), Origin::Api, *strange));
        of_file.or_else(told).map(|(feed, origin, strange)| Kept { feed, origin, strange })
    }

    pub(super) fn names(&self) -> Vec<FeedName> {
        let mut names: Vec<_> = self.of_file.keys().chain(self.told.keys()).cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    /// Somebody wants it followed.
    pub(super) fn tell(&mut self, feed: Arc<Feed>, strange: bool) {
        self.courses.insert(feed.name.clone(), Course::due(Instant::now()));
        self.told.insert(feed.name.clone(), (feed, strange));
    }

    /// It is followed no more, and nothing is known of how it stands.
    pub(super) fn drop_told(&mut self, name: &FeedName) {
        self.told.remove(name);
        self.standings.remove(name);
        self.courses.remove(name);
    }

    pub(super) fn len(&self) -> usize {
        self.of_file.len() + self.told.len()
    }
}

/// The feeds, shared by those that look at them, change them and tell of them.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    table: Mutex<Table>,
    /// Told when it may be time for another.
    pub(super) changed: Notify,
    /// Told when a look is over.
    pub(super) looked: Notify,
}

impl Feeds {
    /// Those that were kept, with how each stood, `now` in seconds since 1970.
    pub(crate) fn new(told: Vec<(Feed, bool)>, standings: BTreeMap<FeedName, Standing>, seen: Seen, now: u64) -> Self {
        let mut table = Table { standings, seen, ..Table::default() };
        for (feed, strange) in told {
            let left = table.standings.get(&feed.name).map(|standing| standing.left(feed.every, now));
            let due = Instant::now() + left.unwrap_or_default();
            table.courses.insert(feed.name.clone(), Course::due(due));
            table.told.insert(feed.name.clone(), (Arc::new(feed), strange));
        }
        Self { table: Mutex::new(table), changed: Notify::new(), looked: Notify::new() }
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The feeds of the file are these from now on, at `now` in seconds since 1970. One that is another than before is asked at once.
    pub(crate) fn follow(&self, feeds: Vec<Feed>, now: u64) {
        let mut table = self.table();
        let before = std::mem::take(&mut table.of_file);
        let is_start = before.is_empty();
        for feed in feeds {
            let name = feed.name.clone();
            if before.get(&name).is_none_or(|before| **before != feed) {
                let left = table.standings.get(&name).map(|standing| standing.left(feed.every, now));
                // What a run before this one has asked is not asked again at once.
                let left = left.filter(|_| is_start).unwrap_or_default();
                table.courses.insert(name.clone(), Course::due(Instant::now() + left));
            }
            table.of_file.insert(name, Arc::new(feed));
        }
        let names = table.names();
        table.courses.retain(|name, _| names.contains(name));
        for name in names {
            // One that the file hid.
            table.courses.entry(name).or_insert_with(|| Course::due(Instant::now()));
        }
        drop(table);
        self.changed.notify_one();
    }

    /// Of those that are not being asked the one whose time comes first.
    pub(super) fn first_due(&self) -> Option<(FeedName, Instant)> {
        let table = self.table();
        let waiting = table.courses.iter().filter(|(_, course)| !course.is_asked);
        waiting.min_by_key(|(_, course)| course.due).map(|(name, course)| (name.clone(), course.due))
    }
}
