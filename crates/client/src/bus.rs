//! One bus for everything that happens in a client (own design): listeners of all torrents or of one, each with a bounded queue of
//! its own and a set of what has changed since it last looked.
//!
//! Nothing is kept for a torrent that nobody listens to, and an event costs those who listen to its torrent, not all torrents. A
//! listener that is slow loses the oldest events and learns how many; the set of changes loses nothing, since it is no larger than
//! the number of torrents.
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::ops::{BitOr, BitOrAssign};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use teem_swarm::event::{Event, State};
use teem_swarm::ids::TorrentId;
use tokio::sync::Notify;

/// Events that wait for one listener; beyond them the oldest is lost to it.
const WAITING_MAX: usize = 1024;

/// What a listener hears.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Heard {
    /// Something happened to a torrent or to the client.
    Event(Event),
    /// The listener was too slow: so many events that came before the next one are lost. [`Events::take_changes`] still names every
    /// torrent that they were about.
    Lagged(u64),
}

/// Kinds of change, as a set.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Changes(u16);

impl Changes {
    /// The torrent was added.
    pub const ADDED: Self = Self(1);
    /// It does something else than before.
    pub const STATE: Self = Self(1 << 1);
    /// Its metadata came.
    pub const METADATA: Self = Self(1 << 2);
    /// Pieces were verified or found damaged, or have been hashed again.
    pub const PIECES: Self = Self(1 << 3);
    /// It has become complete or durable, its first copy has left, as much was sent as somebody waits for, or all of it has been hashed
    /// again.
    pub const PROGRESS: Self = Self(1 << 4);
    /// A tracker answered, or did not.
    pub const TRACKERS: Self = Self(1 << 5);
    /// A peer was banned, or others see this machine elsewhere.
    pub const PEERS: Self = Self(1 << 6);
    /// The disk is in trouble, or is so no more.
    pub const DISK: Self = Self(1 << 7);
    /// There is something that the user should read.
    pub const NOTICE: Self = Self(1 << 8);
    /// It was removed.
    pub const REMOVED: Self = Self(1 << 9);
    /// Files have to be chosen before it goes on.
    pub const CHOICE: Self = Self(1 << 10);

    /// Whether all of these are in the set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing has changed.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn by(event: &Event) -> Self {
        match event {
            Event::Metadata { .. } => Self::METADATA,
            Event::State { state: State::Choosing, .. } => Self::STATE | Self::CHOICE,
            Event::State { .. } => Self::STATE,
            Event::PieceVerified { .. } | Event::PieceFailed { .. } | Event::Checked { .. } => Self::PIECES,
            Event::Rechecked { .. } => Self::PIECES | Self::PROGRESS,
            Event::Banned { .. } | Event::External { .. } => Self::PEERS,
            Event::Complete { .. } | Event::Durable { .. } | Event::AllOut { .. } | Event::Sent { .. } => {
                Self::PROGRESS
            }
            Event::Tracker { .. } => Self::TRACKERS,
            Event::Disk { .. } | Event::DiskRecovered { .. } => Self::DISK,
            Event::Failed { .. } | Event::Fault { .. } => Self::STATE | Self::NOTICE,
            Event::Notice { .. } => Self::NOTICE,
            Event::Removed { .. } => Self::REMOVED,
            _ => Self::default(),
        }
    }
}

impl BitOr for Changes {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Changes {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            "ADDED", "STATE", "METADATA", "PIECES", "PROGRESS", "TRACKERS", "PEERS", "DISK", "NOTICE", "REMOVED",
            "CHOICE",
        ];
        f.debug_set()
            .entries(names.iter().enumerate().filter(|(bit, _)| self.0 >> bit & 1 == 1).map(|(_, n)| n))
            .finish()
    }
}

/// What happens from now on, to all torrents of a client or to one.
pub struct Events(Arc<Listener>);

impl Events {
    /// The next that happens; `None` when the client, or the one torrent, has ended and everything was heard.
    pub async fn next(&mut self) -> Option<Heard> {
        loop {
            if let Some(heard) = self.try_next() {
                return Some(heard);
            }
            if self.0.inbox().ended {
                return None;
            }
            self.0.notify.notified().await;
        }
    }

    /// The next that has happened, if it has.
    pub fn try_next(&mut self) -> Option<Heard> {
        let mut inbox = self.0.inbox();
        if inbox.lost > 0 {
            return Some(Heard::Lagged(std::mem::take(&mut inbox.lost)));
        }
        inbox.events.pop_front().map(Heard::Event)
    }

    /// The torrents that have changed since this was last called, each with the kinds of its changes. Figures that always change
    /// (rates, bytes sent) are in none.
    pub fn take_changes(&mut self) -> BTreeMap<TorrentId, Changes> {
        std::mem::take(&mut self.0.inbox().changed)
    }

    /// Waits until there is something in [`Self::take_changes`]; false when the client has ended.
    pub async fn changed(&mut self) -> bool {
        loop {
            {
                let inbox = self.0.inbox();
                if !inbox.changed.is_empty() {
                    return true;
                }
                if inbox.ended {
                    return false;
                }
            }
            self.0.notify.notified().await;
        }
    }
}

#[derive(Default)]
struct Listener {
    inbox: Mutex<Inbox>,
    notify: Notify,
}

#[derive(Default)]
struct Inbox {
    events: VecDeque<Event>,
    lost: u64,
    changed: BTreeMap<TorrentId, Changes>,
    ended: bool,
}

impl Listener {
    fn inbox(&self) -> std::sync::MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, torrent: TorrentId, changes: Changes, event: Option<&Event>) {
        let mut inbox = self.inbox();
        *inbox.changed.entry(torrent).or_default() |= changes;
        if let Some(event) = event {
            if inbox.events.len() >= WAITING_MAX {
                inbox.events.pop_front();
                inbox.lost += 1;
            }
            inbox.events.push_back(event.clone());
        }
        drop(inbox);
        self.notify.notify_one();
    }
}

/// The listeners to all events, each with a bounded queue of its own.
#[derive(Default)]
pub(crate) struct Bus(Mutex<Listeners>);

#[derive(Default)]
struct Listeners {
    all: Vec<Weak<Listener>>,
    of: HashMap<TorrentId, Vec<Weak<Listener>>>,
    ended: bool,
}

impl Bus {
    /// Listens from now on, to all torrents or to one.
    pub(crate) fn listen(&self, to: Option<TorrentId>) -> Events {
        let listener = Arc::new(Listener::default());
        let mut listeners = self.listeners();
        listener.inbox().ended = listeners.ended;
        let list = match to {
            None => &mut listeners.all,
            Some(torrent) => listeners.of.entry(torrent).or_default(),
        };
        list.retain(|other| other.strong_count() > 0);
        list.push(Arc::downgrade(&listener));
        Events(listener)
    }

    /// Tells the listeners what has changed, in this order, and by which event where they are to hear of that.
    pub(crate) fn tell<'a>(&self, changes: impl IntoIterator<Item = (TorrentId, Changes, Option<&'a Event>)>) {
        let mut listeners = self.listeners();
        for (torrent, changes, event) in changes {
            listeners.tell(torrent, changes, event);
        }
    }

    /// The client has ended: nobody waits for more.
    pub(crate) fn end(&self) {
        let mut listeners = self.listeners();
        listeners.ended = true;
        end(&mut listeners.all);
        for mut list in std::mem::take(&mut listeners.of).into_values() {
            end(&mut list);
        }
    }

    fn listeners(&self) -> std::sync::MutexGuard<'_, Listeners> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listeners {
    fn tell(&mut self, torrent: TorrentId, changes: Changes, event: Option<&Event>) {
        let tell = |other: &Weak<Listener>| match other.upgrade() {
            Some(listener) => {
                listener.take(torrent, changes, event);
                true
            }
            None => false,
        };
        self.all.retain(tell);
        if let Some(list) = self.of.get_mut(&torrent) {
            list.retain(tell);
            if changes.contains(Changes::REMOVED) {
                // No more will come of it.
                end(list);
            }
            if list.is_empty() {
                self.of.remove(&torrent);
            }
        }
    }
}

/// Nobody of these waits for more.
fn end(list: &mut Vec<Weak<Listener>>) {
    for listener in list.drain(..).filter_map(|l| l.upgrade()) {
        listener.inbox().ended = true;
        listener.notify.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(torrent: u32, text: &str) -> Event {
        Event::Notice { torrent: TorrentId(torrent), text: text.to_owned() }
    }

    fn say(bus: &Bus, event: &Event, torrent: u32) {
        bus.tell([(TorrentId(torrent), Changes::by(event), Some(event))]);
    }

    fn texts(events: &mut Events) -> Vec<String> {
        let heard = std::iter::from_fn(|| events.try_next());
        heard.map(|h| if let Heard::Event(Event::Notice { text, .. }) = h { text } else { format!("{h:?}") }).collect()
    }

    #[test]
    fn listeners_hear_all_torrents_or_one() {
        let bus = Bus::default();
        let (mut all, mut second) = (bus.listen(None), bus.listen(Some(TorrentId(2))));
        say(&bus, &notice(1, "a"), 1);
        say(&bus, &notice(2, "b"), 2);
        bus.tell([(TorrentId(2), Changes::PIECES, None)]);
        assert_eq!(texts(&mut all), ["a", "b"]);
        assert_eq!(texts(&mut second), ["b"]);
        let changed = all.take_changes();
        assert_eq!(changed[&TorrentId(1)], Changes::NOTICE);
        assert_eq!(changed[&TorrentId(2)], Changes::NOTICE | Changes::PIECES);
        assert!(all.take_changes().is_empty());
        assert_eq!(second.take_changes().len(), 1);
    }

    #[test]
    fn a_slow_listener_learns_what_it_lost_and_no_change_is_lost() {
        let bus = Bus::default();
        let mut slow = bus.listen(None);
        for n in 0..WAITING_MAX as u32 + 7 {
            say(&bus, &notice(n, "x"), n);
        }
        assert!(matches!(slow.try_next(), Some(Heard::Lagged(7))));
        let Some(Heard::Event(Event::Notice { torrent, .. })) = slow.try_next() else { panic!("an event") };
        assert_eq!(torrent, TorrentId(7), "the oldest are those that were lost");
        assert_eq!(slow.take_changes().len(), WAITING_MAX + 7);
    }

    #[tokio::test]
    async fn waiting_ends_with_news_or_with_the_client() {
        let bus = Arc::new(Bus::default());
        let (mut one, mut other) = (bus.listen(None), bus.listen(Some(TorrentId(3))));
        let waiting =
            tokio::spawn(async move { (one.changed().await, one.next().await.is_some(), one.next().await.is_none()) });
        tokio::task::yield_now().await;
        say(&bus, &notice(3, "x"), 3);
        bus.end();
        assert_eq!(waiting.await.unwrap(), (true, true, true));
        assert_eq!(texts(&mut other), ["x"]);
        assert!(other.next().await.is_none());
        assert!(bus.listen(None).next().await.is_none(), "who comes later does not wait");
    }

    #[tokio::test]
    async fn the_end_of_a_torrent_is_the_last_that_is_heard_of_it() {
        let bus = Bus::default();
        let mut one = bus.listen(Some(TorrentId(1)));
        say(&bus, &Event::Removed { torrent: TorrentId(1) }, 1);
        assert!(matches!(one.next().await, Some(Heard::Event(Event::Removed { .. }))));
        assert!(one.next().await.is_none());
    }

    #[test]
    fn nothing_is_kept_for_those_who_left() {
        let bus = Bus::default();
        drop(bus.listen(Some(TorrentId(1))));
        say(&bus, &notice(1, "x"), 1);
        assert!(bus.listeners().of.is_empty());
    }
}
