//! The connections that are served, and which of them gives way when there are as many as there may be (own design).
//!
//! A slow client could hold all places for as long as a connection may last, and a kept-alive one costs a place while it says nothing.
//! So idle ones go first, the longest idle of all; then the oldest of the network that has most. A newcomer is turned away only
//! where every network has one connection and uses it.
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;

/// Bits of an IPv6 address that its holder chooses himself.
const OWN_BITS: u32 = 64;
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
    network: IpAddr,
    /// The turn at which it became idle, or [`BUSY`].
    idle: Arc<AtomicU64>,
    ends_by: Option<AbortHandle>,
}

/// A place among those that are served, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    crowd: Arc<Crowd>,
    number: u64,
    idle: Arc<AtomicU64>,
}

impl Crowd {
    /// Nobody yet; at most so many, and so many of one network.
    pub(crate) fn new(most: usize, per_network: usize) -> Self {
        Self { most, per_network, turns: AtomicU64::new(0), inside: Mutex::default() }
    }

    /// A place for somebody from that address; another connection ends for it where it must.
    pub(crate) fn enter(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let network = network(from);
        let mut inside = self.inside();
        if inside.there.values().filter(|member| member.network == network).count() >= self.per_network {
            let number = inside.longest_idle(Some(network)).or_else(|| inside.oldest(network))?;
            inside.end(number);
        }
        if inside.there.len() >= self.most {
            let number = inside.longest_idle(None).or_else(|| inside.oldest_of_most())?;
            inside.end(number);
        }
        let number = inside.next;
        inside.next += 1;
        let idle = Arc::new(AtomicU64::new(BUSY));
        inside.there.insert(number, Member { network, idle: idle.clone(), ends_by: None });
        Some(Place { crowd: self.clone(), number, idle })
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
    /// The connection that has been idle longest, of one network or of all.
    fn longest_idle(&self, of: Option<IpAddr>) -> Option<u64> {
        let there = self.there.iter().filter(|(_, member)| of.is_none_or(|network| network == member.network));
        let idle = there.map(|(number, member)| (member.idle.load(Ordering::Relaxed), *number));
        idle.filter(|(turn, _)| *turn != BUSY).min().map(|(_, number)| number)
    }

    fn oldest(&self, network: IpAddr) -> Option<u64> {
        self.there.iter().find(|(_, member)| member.network == network).map(|(number, _)| *number)
    }

    /// The oldest connection of the network that has most; `None` where each has but one.
    fn oldest_of_most(&self) -> Option<u64> {
        let mut counts: BTreeMap<IpAddr, (usize, u64)> = BTreeMap::new();
        for (number, member) in &self.there {
            counts.entry(member.network).or_insert((0, *number)).0 += 1;
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

    /// A request has begun.
    pub(crate) fn busy(&self) {
        self.idle.store(BUSY, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.inside().there.remove(&self.number);
    }
}

/// What one holder has: an IPv4 address, or a network of IPv6.
fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> OWN_BITS << OWN_BITS).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(crowd: &Crowd) -> Vec<u64> {
        crowd.inside().there.keys().copied().collect()
    }

    #[test]
    fn the_oldest_of_the_network_that_has_most_gives_way() {
        let crowd = Arc::new(Crowd::new(4, 4));
        let from = |text: &str| crowd.enter(text.parse().unwrap());
        let first = from("192.0.2.1").unwrap();
        let greedy = ["2001:db8::1", "2001:db8::2", "2001:db8::3"].map(|text| from(text).unwrap());
        let second = from("192.0.2.2").unwrap();
        assert_eq!(there(&crowd), [first.number(), greedy[1].number(), greedy[2].number(), second.number()]);
        let third = from("192.0.2.3").unwrap();
        assert!(from("192.0.2.4").is_none(), "everybody has but one");
        drop(second);
        assert!(from("192.0.2.4").is_some());
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
