//! Who is being served, and who gives way when there are as many as there may be (own design).
//!
//! Somebody slow could hold all places for as long as a connection may last. So a newcomer takes the place of the oldest
//! connection of the address that has most; where every address has but one, it is turned away.
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;

/// Bits of an IPv6 address that its holder chooses himself.
const OWN_BITS: u32 = 64;

/// The connections that are being served.
#[derive(Debug)]
pub(super) struct Crowd {
    most: usize,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    /// The next number: the smaller, the older.
    next: u64,
    there: BTreeMap<u64, (IpAddr, Option<AbortHandle>)>,
}

/// A place among those that are served, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    crowd: Arc<Crowd>,
    number: u64,
}

impl Crowd {
    /// Nobody yet, and at most so many.
    pub(super) fn new(most: usize) -> Self {
        Self { most, inside: Mutex::default() }
    }

    /// A place for somebody from that address, whoever has to give way for it.
    pub(super) fn enter(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let mut inside = self.inside();
        if inside.there.len() >= self.most {
            let (_, way) = inside.who_gives_way().and_then(|number| inside.there.remove(&number))?;
            if let Some(way) = way {
                way.abort();
            }
        }
        let number = inside.next;
        inside.next += 1;
        inside.there.insert(number, (holder(from), None));
        Some(Place { crowd: self.clone(), number })
    }

    /// How the connection at a place is ended; at once, if the place has gone to another meanwhile.
    pub(super) fn ends_by(&self, number: u64, handle: AbortHandle) {
        match self.inside().there.get_mut(&number) {
            Some((_, slot)) => *slot = Some(handle),
            None => handle.abort(),
        }
    }

    /// A panic elsewhere does not make it unusable: each change leaves it whole.
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn who_gives_way(&self) -> Option<u64> {
        let mut counts: BTreeMap<IpAddr, (usize, u64)> = BTreeMap::new();
        for (number, (from, _)) in &self.there {
            counts.entry(*from).or_insert((0, *number)).0 += 1;
        }
        let (count, oldest) = counts.into_values().max_by_key(|(count, oldest)| (*count, u64::MAX - oldest))?;
        (count > 1).then_some(oldest)
    }
}

impl Place {
    /// Its number.
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.inside().there.remove(&self.number);
    }
}

/// What one holder has: an IPv4 address, or a network of IPv6.
fn holder(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> OWN_BITS << OWN_BITS).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn the_oldest_of_who_has_most_gives_way() {
        let crowd = Arc::new(Crowd::new(4));
        let from = |text: &str| crowd.enter(text.parse().unwrap());
        let first = from("192.0.2.1").unwrap();
        let greedy = ["2001:db8::1", "2001:db8::2", "2001:db8::3"].map(|text| from(text).unwrap());
        let there = || crowd.inside().there.keys().copied().collect::<Vec<_>>();
        let second = from("192.0.2.2").unwrap();
        assert_eq!(there(), [first.number(), greedy[1].number(), greedy[2].number(), second.number()]);
        let third = from("192.0.2.3").unwrap();
        assert!(from("192.0.2.4").is_none(), "everybody has but one");
        drop(second);
        assert!(from("192.0.2.4").is_some());
        drop((greedy, third));
        assert_eq!(there(), [first.number()]);
    }
}
