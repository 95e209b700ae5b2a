//! Addresses that nobody is to be met at (own design; `--filter`): merged ranges in sorted arrays, one for each family.
//!
//! A million ranges of IPv4 are 8 MB. A table says where those of each /16 begin, so an address is found in a few steps that lie side by side. Ranges of IPv6 are kept apart, so that they make those of IPv4 no larger.
use core::net::{IpAddr, Ipv6Addr};

mod line;
mod read;

pub use line::{LINE_MAX, Line, parse};
pub use read::{FilterError, read};

/// Ranges of one family, sorted and apart from each other; both ends are within.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Ranges<N>(Vec<(N, N)>);

impl<N> Default for Ranges<N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Numbers that addresses are.
trait Number: Copy + Ord {
    /// The next one, if there is one.
    fn next(self) -> Option<Self>;
}

impl Number for u32 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Number for u128 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl<N: Number> Ranges<N> {
    /// Sorts, and joins what overlaps or follows.
    fn settle(&mut self) {
        let all = &mut self.0;
        all.sort_unstable();
        all.dedup_by(|later, before| {
            let joined = before.1.next().is_none_or(|next| later.0 <= next);
            if joined {
                before.1 = before.1.max(later.1);
            }
            joined
        });
        all.shrink_to_fit();
    }

    fn has(&self, number: N) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= number);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|(_, last)| number <= *last)
    }
}

/// What is kept out.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Filter {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
    /// For the first half of an address of IPv4, how many ranges begin before all that have it; empty where there are no ranges.
    begins: Vec<u32>,
}

impl Filter {
    /// A filter of ranges, both ends of which are kept out; IPv4 mapped into IPv6 is IPv4.
    pub fn of(ranges: impl IntoIterator<Item = (IpAddr, IpAddr)>) -> Self {
        let mut filter = Self::default();
        ranges.into_iter().for_each(|(first, last)| filter.add(first, last));
        filter.settle();
        filter
    }

    fn add(&mut self, first: IpAddr, last: IpAddr) {
        match (first.to_canonical(), last.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(last)) => self.v4.0.push((first.into(), last.into())),
            _ => self.v6.0.push((wide(first), wide(last))),
        }
    }

    fn settle(&mut self) {
        self.v4.settle();
        self.v6.settle();
        self.begins.clear();
        if self.v4.0.is_empty() {
            return;
        }
        let mut before = 0;
        for half in 0..=u32::from(u16::MAX) {
            while self.v4.0.get(before).is_some_and(|(first, _)| first >> 16 < half) {
                before += 1;
            }
            self.begins.push(u32::try_from(before).unwrap_or(u32::MAX));
        }
    }

    fn bars_v4(&self, ip: u32) -> bool {
        let half = (ip >> 16) as usize;
        let Some(&from) = self.begins.get(half) else { return false };
        let to = self.begins.get(half + 1).map_or(self.v4.0.len(), |to| *to as usize);
        let Some(near) = self.v4.0.get(from as usize..to) else { return false };
        // Of those that begin before it the last is the only one that can reach so far.
        let after = from as usize + near.partition_point(|(first, _)| *first <= ip);
        after.checked_sub(1).and_then(|at| self.v4.0.get(at)).is_some_and(|(_, last)| ip <= *last)
    }

    /// Whether an address is kept out.
    pub fn bars(&self, ip: IpAddr) -> bool {
        match ip.to_canonical() {
            IpAddr::V4(ip) => self.bars_v4(ip.into()) || (!self.v6.0.is_empty() && self.v6.has(wide(ip.into()))),
            IpAddr::V6(ip) => self.v6.has(ip.into()),
        }
    }

    /// How many ranges there are, joined.
    pub fn len(&self) -> usize {
        self.v4.0.len() + self.v6.0.len()
    }

    /// Whether nothing is kept out.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An address as a number of IPv6.
fn wide(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().into(),
        IpAddr::V6(ip) => Ipv6Addr::into(ip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_that_meet_are_one() {
        let of = |ranges: &[(&str, &str)]| Filter::of(ranges.iter().map(|(a, b)| (ip(a), ip(b))));
        assert_eq!(of(&[("10.0.0.9", "10.0.0.12"), ("10.0.0.0", "10.0.0.8")]).len(), 1);
        assert_eq!(of(&[("10.0.0.10", "10.0.0.12"), ("10.0.0.0", "10.0.0.8")]).len(), 2);
        assert_eq!(of(&[("10.0.0.0", "10.0.0.255"), ("10.0.0.7", "10.0.0.8"), ("10.0.0.9", "10.0.0.9")]).len(), 1);
        assert_eq!(of(&[("0.0.0.0", "255.255.255.255"), ("9.0.0.0", "9.0.0.1")]).len(), 1);
        let all = of(&[("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]);
        assert!(all.bars(ip("2001:db8::1")) && all.bars(ip("10.0.0.1")));
        assert!(!Filter::default().bars(ip("10.0.0.1")) && Filter::default().is_empty());
    }

    #[test]
    fn ends_are_within_and_mapped_addresses_are_what_they_map() {
        let filter = Filter::of([(ip("10.0.0.1"), ip("10.0.0.3")), (ip("::ffff:192.0.2.1"), ip("192.0.2.1"))]);
        let barred = ["10.0.0.1", "10.0.0.3", "::ffff:10.0.0.2", "192.0.2.1"];
        assert!(barred.iter().all(|text| filter.bars(ip(text))));
        assert!(["10.0.0.0", "10.0.0.4", "192.0.2.2", "2001:db8::1"].iter().all(|text| !filter.bars(ip(text))));
    }
}
