//! The connections that are served, and which of them gives way when there are as many as there may be (own design).
//!
//! A slow client could hold all places for as long as a connection may last, and a kept-alive one costs a place while it says nothing.
//! So idle ones go first, the longest idle of all; then one that hardly moves a byte, of the network that has most of those; then the
//! oldest of the holder and of the network that has most. A newcomer is turned away only where each network has one connection and
//! makes use of it.
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use teem_wire::holder::{Holder, Network};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// A connection that has moved less than so many bytes a second since its request began, and has had a moment to do so, makes room
/// for a newcomer: under any line that is in use.
const SLOW: u64 = 1024;
const MOMENT: Duration = Duration::from_secs(2);
/// In place of a turn: not idle.
const BUSY: u64 = u64::MAX;

/// The connections that are being served.
#[derive(Debug)]
pub(crate) struct Crowd {
    most: usize,
    per_network: usize,
    /// Counts how often a connection became idle: the smaller the number one has, the longer it has been.
    turns: AtomicU64,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    /// The next number: the smaller, the older.
    next: u64,
    there: BTreeMap<u64, Member>,
}

#[derive(Debug)]
struct Member {
    holder: Holder,
    work: Arc<Work>,
    /// The turn at which it became idle, or [`BUSY`].
    idle: Arc<AtomicU64>,
    ends_by: Option<AbortHandle>,
}

/// What a connection does with its place.
#[derive(Debug)]
struct Work {
    /// When its request began, or it came itself, and the bytes that it has moved since.
    since: Mutex<Instant>,
    moved: AtomicU64,
    /// Whether a route works on its request: that takes what it takes, and is not the client's doing.
    answering: Arc<AtomicBool>,
    /// Whether an answer waits for the client to take it.
    stuck: AtomicBool,
}

impl Work {
    /// Bytes a second, where it is the client's turn to move some and it has had a moment to.
    fn rate(&self) -> Option<u64> {
        if self.answering.load(Ordering::Relaxed) && !self.stuck.load(Ordering::Relaxed) {
            return None;
        }
        let time = self.since.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        let rate = u128::from(self.moved.load(Ordering::Relaxed)) * 1000 / time.as_millis().max(1);
        (time >= MOMENT).then_some(rate as u64)
    }

    fn begin(&self) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.moved.store(0, Ordering::Relaxed);
    }
}

/// A place among those that are served, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    crowd: Arc<Crowd>,
    number: u64,
    idle: Arc<AtomicU64>,
    work: Arc<Work>,
}

impl Crowd {
    /// Nobody yet; at most so many, and so many of one network.
    pub(crate) fn new(most: usize, per_network: usize) -> Self {
        Self { most, per_network, turns: AtomicU64::new(0), inside: Mutex::default() }
    }

    /// A place for somebody from that address; another connection ends for it where it must.
    pub(crate) fn enter(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let holder = Holder::of(from);
        let mut inside = self.inside();
        if inside.there.values().filter(|member| member.holder == holder).count() >= self.per_network {
            let number = inside.longest_idle(Some(holder)).or_else(|| inside.oldest(holder))?;
            inside.end(number);
        }
        if inside.there.len() >= self.most {
            let idle = inside.longest_idle(None).or_else(|| inside.slowest());
            let number = idle.or_else(|| inside.oldest_of_most(|member| member.holder));
            let number = number.or_else(|| inside.oldest_of_most(|member| member.holder.wider()))?;
            inside.end(number);
        }
        let number = inside.next;
        inside.next += 1;
        let idle = Arc::new(AtomicU64::new(BUSY));
        let work = Arc::new(Work {
            since: Mutex::new(Instant::now()),
            moved: AtomicU64::new(0),
            answering: Arc::default(),
            stuck: AtomicBool::new(false),
        });
        inside.there.insert(number, Member { holder, work: work.clone(), idle: idle.clone(), ends_by: None });
        Some(Place { crowd: self.clone(), number, idle, work })
    }

    /// How the connection at a place is ended; at once, if the place has gone to another meanwhile.
    pub(crate) fn ends_by(&self, number: u64, handle: AbortHandle) {
        match self.inside().there.get_mut(&number) {
            Some(member) => member.ends_by = Some(handle),
            None => handle.abort(),
        }
    }

    /// A panic elsewhere does not make it unusable: each change leaves it whole.
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    /// The connection that has been idle longest, of one holder or of all.
    fn longest_idle(&self, of: Option<Holder>) -> Option<u64> {
        let there = self.there.iter().filter(|(_, member)| of.is_none_or(|holder| holder == member.holder));
        let idle = there.map(|(number, member)| (member.idle.load(Ordering::Relaxed), *number));
        idle.filter(|(turn, _)| *turn != BUSY).min().map(|(_, number)| number)
    }

    /// The slowest of those that hardly move a byte: of the network that has most of them.
    fn slowest(&self) -> Option<u64> {
        let rates =
            self.there.iter().filter_map(|(number, member)| Some((*number, member.holder, member.work.rate()?)));
        let slow: Vec<_> = rates.filter(|(_, _, rate)| *rate < SLOW).collect();
        let mut counts = BTreeMap::<Network, usize>::new();
        for (_, holder, _) in &slow {
            *counts.entry(holder.wider()).or_default() += 1;
        }
        let crowd = |holder: &Holder| counts.get(&holder.wider()).copied().unwrap_or(0);
        slow.iter()
            .min_by_key(|(number, holder, rate)| (usize::MAX - crowd(holder), *rate, *number))
            .map(|(number, ..)| *number)
    }

    fn oldest(&self, holder: Holder) -> Option<u64> {
        self.there.iter().find(|(_, member)| member.holder == holder).map(|(number, _)| *number)
    }

    /// The oldest connection of the party that has most; `None` where each has but one.
    fn oldest_of_most<P: Ord>(&self, party: impl Fn(&Member) -> P) -> Option<u64> {
        let mut counts: BTreeMap<P, (usize, u64)> = BTreeMap::new();
        for (number, member) in &self.there {
            counts.entry(party(member)).or_insert((0, *number)).0 += 1;
        }
        let (count, oldest) = counts.into_values().max_by_key(|(count, oldest)| (*count, u64::MAX - oldest))?;
        (count > 1).then_some(oldest)
    }

    fn end(&mut self, number: u64) {
        if let Some(handle) = self.there.remove(&number).and_then(|member| member.ends_by) {
            handle.abort();
        }
    }
}

impl Place {
    /// The number that tells it from all others, smaller for older ones.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Nothing is asked and nothing is being answered; said again it changes nothing.
    pub(crate) fn idle(&self) {
        if self.idle.load(Ordering::Relaxed) == BUSY {
            self.idle.store(self.crowd.turns.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// A request has begun, or an answer is still on its way.
    pub(crate) fn busy(&self) {
        if self.idle.swap(BUSY, Ordering::Relaxed) != BUSY {
            self.work.begin();
        }
    }

    /// Bytes have come in or gone out.
    pub(crate) fn moved(&self, bytes: usize) {
        self.work.moved.fetch_add(bytes as u64, Ordering::Relaxed);
        self.work.stuck.store(false, Ordering::Relaxed);
    }

    /// What is to go out does not fit: the client has to read.
    pub(crate) fn stuck(&self) {
        self.work.stuck.store(true, Ordering::Relaxed);
    }

    /// Whether a request is being answered, to be kept true by what answers.
    pub(crate) fn answering(&self) -> Arc<AtomicBool> {
        self.work.answering.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.inside().there.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(crowd: &Crowd) -> Vec<u64> {
        crowd.inside().there.keys().copied().collect()
    }

    #[tokio::test(start_paused = true)]
    async fn row_8_a_crowd_of_slow_ones_locks_nobody_out() {
        let crowd = Arc::new(Crowd::new(8, 8));
        let from = |a: u8, b: u8| crowd.enter(IpAddr::from([198, 18, a, b]));
        let slow: Vec<_> = (0..8).map(|n| from(n, 1).unwrap()).collect();
        assert!(from(100, 1).is_none(), "none has had a moment yet, and each network has one");
        tokio::time::advance(MOMENT).await;
        slow[0].moved(2 * SLOW as usize * MOMENT.as_secs() as usize);
        slow[1].moved(10);
        let first = from(100, 1).unwrap();
        assert_eq!(
            there(&crowd),
            [0, 1, 3, 4, 5, 6, 7, first.number()],
            "the one that moved nothing, and is the oldest of these"
        );
        let second = from(100, 2).unwrap();
        assert_eq!(there(&crowd), [0, 1, 4, 5, 6, 7, first.number(), second.number()]);
        // Of two with the same rate the one goes whose network has more such.
        let crowd = Arc::new(Crowd::new(3, 3));
        let from = |a: u8, b: u8| crowd.enter(IpAddr::from([198, 18, a, b])).unwrap();
        let places = [from(1, 1), from(2, 1), from(2, 2)];
        tokio::time::advance(MOMENT).await;
        let newcomer = from(3, 1);
        assert_eq!(there(&crowd), [places[0].number(), places[2].number(), newcomer.number()]);
    }

    #[test]
    fn the_oldest_of_the_network_that_has_most_gives_way() {
        let crowd = Arc::new(Crowd::new(4, 4));
        let from = |text: &str| crowd.enter(text.parse().unwrap());
        let first = from("192.0.1.1").unwrap();
        let greedy = ["2001:db8::1", "2001:db8::2", "2001:db8::3"].map(|text| from(text).unwrap());
        let second = from("192.0.2.1").unwrap();
        assert_eq!(there(&crowd), [first.number(), greedy[1].number(), greedy[2].number(), second.number()]);
        let third = from("192.0.3.1").unwrap();
        assert!(from("192.0.4.1").is_none(), "everybody has but one");
        drop(second);
        assert!(from("192.0.4.1").is_some());
        drop((greedy, third));
        assert_eq!(there(&crowd), [first.number()]);
    }

    #[test]
    fn the_longest_idle_gives_way_before_all_others() {
        let crowd = Arc::new(Crowd::new(3, 3));
        let from = |text: &str| crowd.enter(text.parse().unwrap()).unwrap();
        let places = [from("192.0.2.1"), from("192.0.2.1"), from("192.0.2.2")];
        places[2].idle();
        places[1].idle();
        places[2].idle();
        let fourth = from("192.0.2.3");
        assert_eq!(there(&crowd), [places[0].number(), places[1].number(), fourth.number()]);
        places[0].idle();
        places[1].busy();
        let fifth = from("192.0.2.4");
        assert_eq!(there(&crowd), [places[1].number(), fourth.number(), fifth.number()]);
    }

    #[test]
    fn one_network_has_no_more_than_its_share() {
        let crowd = Arc::new(Crowd::new(8, 2));
        let from = |text: &str| crowd.enter(text.parse().unwrap()).unwrap();
        let other = from("192.0.2.9");
        other.idle();
        let own = [from("2001:db8::1"), from("2001:db8::2")];
        let third = from("2001:db8::3");
        assert_eq!(there(&crowd), [other.number(), own[1].number(), third.number()], "nobody else pays");
        third.idle();
        let fourth = from("2001:db8::4");
        assert_eq!(there(&crowd), [other.number(), own[1].number(), fourth.number()]);
    }
}
