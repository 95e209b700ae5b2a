//! Trackers that were left out while a torrent runs (own design; BEP 3 for `stopped`): they hear `stopped` if they had heard `started`.
//!
//! Invariant: none is waited for longer than one of a torrent that ends.
use super::tracker::Tracker;
use crate::ask::AskId;
use crate::time::Time;
use alloc::vec::Vec;
use core::time::Duration;
use teem_metainfo::AnnounceUrl;

/// How long `stopped` may take before the torrent, or the tracker that was left out, is let go without it.
pub(super) const STOP_MAX: Duration = Duration::from_secs(4);
/// Those that are told at once; more are left out without a word.
const LEAVING_MAX: usize = 100;

/// Trackers that have to hear `stopped`, and since when.
#[derive(Debug, Default)]
pub(super) struct Leaving(Vec<(Tracker, Time)>);

impl Leaving {
    /// A tracker is left out.
    pub(super) fn add(&mut self, now: Time, mut tracker: Tracker) {
        tracker.stop(now);
        if !tracker.is_stopped() && self.0.len() < LEAVING_MAX {
            self.0.push((tracker, now));
        }
    }

    /// Lets those go that know, or have had their time.
    pub(super) fn let_go(&mut self, now: Time) {
        self.0.retain(|(tracker, since)| !tracker.is_stopped() && now < *since + STOP_MAX);
    }

    /// Whether nobody has to hear of it any more.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those to which `stopped` is to be said now.
    pub(super) fn due(&mut self, now: Time) -> impl Iterator<Item = &mut Tracker> {
        let due = move |tracker: &Tracker, since| tracker.stop_due(since).is_some_and(|at| now >= at);
        self.0.iter_mut().filter(move |(tracker, since)| due(tracker, *since)).map(|(tracker, _)| tracker)
    }

    /// What waited for its turn may be said now.
    pub(super) fn has_turn(&mut self) {
        self.0.iter_mut().for_each(|(tracker, _)| tracker.has_turn());
    }

    /// When something is to be done: something to be said, somebody to be given up.
    pub(super) fn times(&self) -> impl Iterator<Item = Time> + '_ {
        self.0.iter().flat_map(|(tracker, since)| tracker.stop_due(*since).into_iter().chain([*since + STOP_MAX]))
    }

    /// When the tracker of that URL is given up at the latest, if it leaves.
    pub(super) fn ends(&self, url: &AnnounceUrl) -> Option<Time> {
        self.0.iter().find(|(tracker, _)| tracker.url.is_same(url)).map(|(_, since)| *since + STOP_MAX)
    }

    /// The tracker that was asked under an id.
    pub(super) fn asked(&mut self, id: AskId) -> Option<&mut Tracker> {
        self.0.iter_mut().map(|(tracker, _)| tracker).find(|tracker| tracker.was_asked(id))
    }
}
