//! How often others are told that nobody speaks uTP here (own design; BEP 29).
//!
//! An address of UDP can be forged, so an answer may go to somebody who asked for none. It is no longer than what it answers, each holder gets
//! few in a second, and all together get a bounded number. What is beyond that is dropped; its sender repeats it.
use core::net::IpAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use teem_swarm::time::Time;
use teem_wire::holder::Holder;

/// For so long refusals are counted before the count begins anew.
const SPAN: Duration = Duration::from_secs(1);
/// Refusals to one holder in a span: a client with many torrents opens a dozen connections a second.
const PER_HOLDER_MAX: u32 = 32;
/// Refusals in all in a span: 20 kB with 20 bytes each.
const ALL_MAX: u32 = 1_024;

/// The refusals of the running span.
#[derive(Default)]
pub(crate) struct Refusals {
    since: Time,
    all: u32,
    /// No more than [`ALL_MAX`].
    holders: BTreeMap<Holder, u32>,
}

impl Refusals {
    /// Whether one more may go there now; it is counted.
    pub(crate) fn take(&mut self, now: Time, to: IpAddr) -> bool {
        if now.since(self.since) >= SPAN {
            *self = Self { since: now, ..Self::default() };
        }
        if self.all >= ALL_MAX {
            return false;
        }
        let held = self.holders.entry(Holder::of(to)).or_default();
        let may = *held < PER_HOLDER_MAX;
        if may {
            *held += 1;
            self.all += 1;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::ZERO + Duration::from_millis(ms)
    }

    fn taken(refusals: &mut Refusals, now: Time, ips: impl Iterator<Item = u32>) -> u32 {
        ips.map(|ip| u32::from(refusals.take(now, IpAddr::from(ip.to_be_bytes())))).sum()
    }

    #[test]
    fn a_holder_and_all_together_get_so_many_a_second() {
        let mut refusals = Refusals::default();
        assert_eq!(taken(&mut refusals, at(5_000), std::iter::repeat_n(0x0808_0808, 100)), PER_HOLDER_MAX);
        assert_eq!(taken(&mut refusals, at(5_000), 0x0900_0000..0x0900_4000), ALL_MAX - PER_HOLDER_MAX);
        assert!(refusals.holders.len() <= ALL_MAX as usize);
        assert_eq!(taken(&mut refusals, at(5_999), 0x0a00_0000..0x0a00_0010), 0);
        assert_eq!(taken(&mut refusals, at(6_000), std::iter::repeat_n(0x0808_0808, 100)), PER_HOLDER_MAX);
    }

    #[test]
    fn the_addresses_of_one_64_are_one_holder() {
        let mut refusals = Refusals::default();
        let of = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, n]);
        let taken: u32 = (0..200).map(|n| u32::from(refusals.take(at(0), of(n)))).sum();
        assert_eq!(taken, PER_HOLDER_MAX);
    }
}
