//! What happened to the torrents, for those who come later (own design): a bounded list, each entry with a number of its own.
//!
//! Numbers go on over runs (`daemon::number_after`), so that nobody who asks for what came since is told anything twice.
use crate::line::Turn;
use serde::Serialize;
use std::collections::VecDeque;
use utoipa::ToSchema;

/// Entries that are kept; of what is older nothing is known.
const KEPT_MAX: usize = 4096;

/// What happened to one torrent, to a feed, or to what the daemon keeps.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventTold {
    /// Its number, greater than that of all before, also those of earlier runs.
    pub(crate) id: u64,
    /// When it happened, in seconds since 1970.
    pub(crate) time: u64,
    /// What happened: `added`, `removed`, `state`, `complete` or `error` to a torrent, `feed_failed`, `feed_answers` or `feed_item` to a feed,
    /// `store_failed` or `store_works` to what the daemon keeps. Further words may come.
    pub(crate) event: &'static str,
    /// The torrent's info-hash, as 40 hexadecimal digits; empty where it happened to something else.
    pub(crate) infohash: String,
    /// The torrent's name, or the feed's; empty where it happened to neither.
    pub(crate) name: String,
    /// What the torrent does from then on, where that is the event: a word, as in its object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<&'static str>,
    /// What went wrong, in a sentence, where that is the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// What is told of an event apart from whom it concerns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Happened {
    Added,
    Removed,
    Turned(Turn),
    /// A feed that answered fails: why.
    FeedFails(String),
    /// One that failed answers.
    FeedAnswers,
    /// What a rule takes of a feed cannot be had, and is given up: what and why.
    FeedItem(String),
    /// Changes cannot be kept from now on: why.
    StoreFails(String),
    /// They can be again.
    StoreWorks,
}

/// The last that happened.
#[derive(Debug)]
pub(crate) struct Ring {
    next: u64,
    kept: VecDeque<EventTold>,
}

impl Ring {
    /// Of a run whose numbers come after this one.
    pub(crate) fn new(before: u64) -> Self {
        Self { next: before + 1, kept: VecDeque::new() }
    }

    /// Notes what happened.
    pub(crate) fn push(&mut self, time: u64, infohash: String, name: String, happened: Happened) {
        let mut told = EventTold { id: self.next, time, event: "added", infohash, name, state: None, error: None };
        match happened {
            Happened::Added => {}
            Happened::Removed => told.event = "removed",
            Happened::Turned(Turn::State(state)) => (told.event, told.state) = ("state", Some(state.word())),
            Happened::Turned(Turn::Moving) => (told.event, told.state) = ("state", Some("moving")),
            Happened::Turned(Turn::Complete) => told.event = "complete",
            Happened::FeedFails(why) => (told.event, told.error) = ("feed_failed", Some(why)),
            Happened::FeedAnswers => told.event = "feed_answers",
            Happened::FeedItem(why) => (told.event, told.error) = ("feed_item", Some(why)),
            Happened::StoreFails(why) => (told.event, told.error) = ("store_failed", Some(why)),
            Happened::StoreWorks => told.event = "store_works",
            Happened::Turned(Turn::Error(why)) => (told.event, told.error) = ("error", Some(why)),
        }
        self.next += 1;
        self.kept.push_back(told);
        if self.kept.len() > KEPT_MAX {
            self.kept.pop_front();
        }
    }

    /// The number of the last that happened.
    pub(crate) fn last(&self) -> u64 {
        self.next - 1
    }

    /// What came after that number, the oldest first.
    pub(crate) fn since(&self, id: u64) -> Vec<EventTold> {
        let from = self.kept.partition_point(|told| told.id <= id);
        self.kept.range(from..).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use teem_client::event::State;

    #[test]
    fn numbers_go_on_over_runs_and_the_oldest_are_forgotten() {
        let mut ring = Ring::new(1_796_000_000 << 20);
        let first = ring.last();
        let push = |ring: &mut Ring, happened| ring.push(7, "ab".into(), "x".into(), happened);
        push(&mut ring, Happened::Added);
        push(&mut ring, Happened::Turned(Turn::State(State::Seeding)));
        push(&mut ring, Happened::Turned(Turn::Error("why".into())));
        let told = ring.since(first);
        let words: Vec<_> = told.iter().map(|t| (t.id - first, t.event, t.state, t.error.as_deref())).collect();
        assert_eq!(
            words,
            [(1, "added", None, None), (2, "state", Some("seeding"), None), (3, "error", None, Some("why"))]
        );
        assert_eq!(ring.since(first + 2).len(), 1);
        for _ in 0..KEPT_MAX {
            push(&mut ring, Happened::Removed);
        }
        assert_eq!((ring.since(0).len(), ring.since(ring.last()).len()), (KEPT_MAX, 0));
        assert!(ring.last() < 1 << 53, "a number of JSON");
    }
}
