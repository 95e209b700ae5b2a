//! How much is answered (own design, row 48 of bad input): so many queries a second from one address, and so many bytes a second to those that we
//! do not know, since an address may be a made-up one that answers flood.
use alloc::boxed::Box;
use alloc::vec;
use core::net::IpAddr;
use core::time::Duration;
use teem_basis::keyed::Keyed;
use teem_basis::time::Time;

/// Queries a second that one address, or /64, may ask.
const QUERIES_A_SECOND: u64 = 5;
/// And so many at once: what it may in ten seconds.
const QUERIES_AT_ONCE: u64 = 50;
/// Addresses share counters by a keyed hash, so their number is bounded and nobody knows with whom.
const COUNTERS: usize = 4_096;
/// Bytes of replies a second to strangers.
const BYTES_A_SECOND: u64 = 8_000;
/// What was not used for so long may be used at once.
const SAVED: Duration = Duration::from_secs(10);
/// Signatures a second that are looked at: 100 take about one hundredth of a core.
const SIGNATURES_A_SECOND: u64 = 100;

/// In a second.
const NANOS: u128 = 1_000_000_000;

/// What may still be spent: it grows with time up to a bound.
#[derive(Clone, Copy, Debug)]
struct Purse {
    left: u64,
    at: Time,
    a_second: u64,
    most: u64,
}

impl Purse {
    fn new(a_second: u64, most: u64) -> Self {
        Self { left: most, at: Time::ZERO, a_second, most }
    }

    /// Spends, if there is enough.
    fn spend(&mut self, now: Time, amount: u64) -> bool {
        let since = u64::try_from(now.since(self.at).as_nanos()).unwrap_or(u64::MAX);
        let gained = u128::from(since) * u128::from(self.a_second) / NANOS;
        if self.left + gained as u64 >= self.most {
            (self.left, self.at) = (self.most, now);
        } else {
            self.left += gained as u64;
            self.at = self.at + Duration::from_nanos((gained * NANOS / u128::from(self.a_second)) as u64);
        }
        let enough = self.left >= amount;
        if enough {
            self.left -= amount;
        }
        enough
    }
}

/// Counters of one node.
#[derive(Debug)]
pub(super) struct Rates {
    keyed: Keyed,
    askers: Box<[Purse]>,
    strangers: Purse,
    signatures: Purse,
    is_open: bool,
}

impl Rates {
    /// From 128 bits that nobody else knows. One that is open answers all, for measurements.
    pub(super) fn new(key: [u64; 2], is_open: bool) -> Self {
        Self {
            keyed: Keyed::new(key),
            askers: vec![Purse::new(QUERIES_A_SECOND, QUERIES_AT_ONCE); COUNTERS].into(),
            strangers: Purse::new(BYTES_A_SECOND, BYTES_A_SECOND * SAVED.as_secs()),
            signatures: Purse::new(SIGNATURES_A_SECOND, SIGNATURES_A_SECOND),
            is_open,
        }
    }

    /// Whether one more query of this address is looked at.
    pub(super) fn may_ask(&mut self, now: Time, from: IpAddr) -> bool {
        let at = self.keyed.hash(&holder(from)) as usize % COUNTERS;
        self.is_open || self.askers[at].spend(now, 1)
    }

    /// Whether so many bytes may go to a stranger.
    pub(super) fn may_send(&mut self, now: Time, bytes: usize) -> bool {
        self.is_open || self.strangers.spend(now, bytes as u64)
    }

    /// Whether one more signature is looked at.
    pub(super) fn may_verify(&mut self, now: Time) -> bool {
        self.signatures.spend(now, 1)
    }
}

/// What addresses of one holder have in common: an IPv4 address, or the first half of an IPv6 one.
fn holder(ip: IpAddr) -> [u64; 2] {
    match ip.to_canonical() {
        IpAddr::V4(ip) => [4, u32::from(ip).into()],
        IpAddr::V6(ip) => [6, (u128::from(ip) >> 64) as u64],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(n: u32) -> IpAddr {
        IpAddr::from((0x1400_0000 + n).to_be_bytes())
    }

    #[test]
    fn row_48_five_a_second_from_one_address_and_fifty_at_once() {
        let mut rates = Rates::new([1, 2], false);
        let start = Time::ZERO + Duration::from_hours(1);
        let mut looked_at = |from: IpAddr, ms: u64, times: u32| {
            (0..times).filter(|_| rates.may_ask(start + Duration::from_millis(ms), from)).count()
        };
        assert_eq!(looked_at(ip(1), 0, 1_000), 50);
        assert_eq!(looked_at(ip(1), 999, 1_000), 4);
        assert_eq!(looked_at(ip(1), 1_000, 1_000), 1);
        assert_eq!(looked_at(ip(2), 1_000, 1_000), 50);
        assert_eq!(looked_at(ip(1), 600_000, 1_000), 50, "no more is saved");
        let six = |host: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, host]);
        assert_eq!((0..1_000).map(|host| looked_at(six(host), 0, 1)).sum::<usize>(), 50, "a /64 is one");
    }

    /// Slow askers are not hurt by turns that come often: what a moment brings is not rounded away.
    #[test]
    fn what_is_gained_in_small_moments_adds_up() {
        let mut purse = Purse::new(5, 50);
        assert!(purse.spend(Time::ZERO, 50));
        let spent = (1..=10_000).filter(|ms| purse.spend(Time::ZERO + Duration::from_millis(*ms), 1)).count();
        assert_eq!(spent, 50);
    }

    #[test]
    fn strangers_get_eight_thousand_bytes_a_second_together() {
        let mut rates = Rates::new([1, 2], false);
        let start = Time::ZERO + Duration::from_hours(1);
        while rates.may_send(start, 500) {}
        let sent = (1..=100_000).filter(|ms| rates.may_send(start + Duration::from_millis(*ms), 500)).count();
        assert_eq!(sent * 500, 800_000);
        let mut open = Rates::new([1, 2], true);
        assert!((0..1_000).all(|_| open.may_send(start, 1_000_000) && open.may_ask(start, ip(1))));
    }
}
