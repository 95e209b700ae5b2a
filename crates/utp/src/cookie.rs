//! Openings of others (BEP 29, "connection setup"; RFC 4987, section 3.6, for the idea): what one costs before the other side has shown that it gets our
//! answers.
//!
//! The number that we answer an opening with is a keyed hash of the address, the id, the other side's number and the time, so nothing is
//! kept: the first packet of the stream, which acknowledges that number and follows the other's own, is proof enough to be one connection. The number has 16
//! bits, and a flood may guess: so connections are *young* until something that we sent is acknowledged, and young ones are few: 128, and 8 from one network
//! (a /24, or a /48 of IPv6).

use alloc::collections::BTreeMap;
use core::net::{IpAddr, SocketAddr};
use teem_basis::keyed::Keyed;

/// Young connections in all.
const YOUNG_MAX: usize = 128;
/// Young connections of one network.
const YOUNG_OF_NETWORK_MAX: usize = 8;
/// A number is good for the stretch of time of so many bits of microseconds in which it was given (8.4 s), and the next.
const STRETCH_BITS: u32 = 23;

/// What is around an address: the first three bytes of IPv4, six of IPv6, and which of both.
type Network = (bool, [u8; 6]);

fn network(ip: IpAddr) -> Network {
    let mut part = [0; 6];
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            part[..3].copy_from_slice(&ip.octets()[..3]);
            (true, part)
        }
        IpAddr::V6(ip) => {
            part.copy_from_slice(&ip.octets()[..6]);
            (false, part)
        }
    }
}

/// The number that an opening at that time is answered with.
pub(crate) fn number(keyed: &Keyed, now_us: u64, remote: SocketAddr, id: u16, theirs: u16) -> u16 {
    hash(keyed, now_us >> STRETCH_BITS, remote, id, theirs)
}

/// Whether that number was given to such an opening lately.
pub(crate) fn is_ours(keyed: &Keyed, now_us: u64, remote: SocketAddr, id: u16, theirs: u16, number: u16) -> bool {
    let stretch = now_us >> STRETCH_BITS;
    [stretch, stretch.wrapping_sub(1)].iter().any(|at| hash(keyed, *at, remote, id, theirs) == number)
}

fn hash(keyed: &Keyed, stretch: u64, remote: SocketAddr, id: u16, theirs: u16) -> u16 {
    let (ip, family) = match remote.ip().to_canonical() {
        IpAddr::V4(ip) => (u128::from(u32::from(ip)), 4),
        IpAddr::V6(ip) => (u128::from(ip), 6),
    };
    let ends = u64::from(remote.port()) << 48 | u64::from(id) << 32 | u64::from(theirs) << 16 | family;
    keyed.hash(&[ip as u64, (ip >> 64) as u64, ends, stretch]) as u16
}

/// Young connections, counted by network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Young {
    all: usize,
    by_network: BTreeMap<Network, usize>,
}

impl Young {
    /// Counts one more, if it may be.
    pub(crate) fn enter(&mut self, ip: IpAddr) -> bool {
        let count = self.by_network.get(&network(ip)).copied().unwrap_or(0);
        let may = self.all < YOUNG_MAX && count < YOUNG_OF_NETWORK_MAX;
        if may {
            self.all += 1;
            self.by_network.insert(network(ip), count + 1);
        }
        may
    }

    /// One is young no more, or gone.
    pub(crate) fn leave(&mut self, ip: IpAddr) {
        self.all -= 1;
        if let Some(count) = self.by_network.get_mut(&network(ip)) {
            *count -= 1;
            if *count == 0 {
                self.by_network.remove(&network(ip));
            }
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.all
    }

    /// What must hold at every moment.
    pub(crate) fn check(&self) {
        assert_eq!(self.by_network.values().sum::<usize>(), self.all);
        assert!(
            self.all <= YOUNG_MAX && self.by_network.values().all(|count| (1..=YOUNG_OF_NETWORK_MAX).contains(count))
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_good_for_its_opening_and_for_a_while() {
        let keyed = Keyed::new([1, 2]);
        let remote: SocketAddr = "192.0.2.1:6881".parse().unwrap();
        let ours = number(&keyed, 5_000_000, remote, 7, 9);
        assert!(is_ours(&keyed, 13_000_000, remote, 7, 9, ours));
        assert!(!is_ours(&keyed, 26_000_000, remote, 7, 9, ours));
        assert!(!is_ours(&keyed, 5_000_000, remote, 8, 9, ours));
        assert!(!is_ours(&keyed, 5_000_000, remote, 7, 10, ours));
        assert!(!is_ours(&Keyed::new([1, 3]), 5_000_000, remote, 7, 9, ours));
        assert!(is_ours(&keyed, 5_000_000, "[::ffff:192.0.2.1]:6881".parse().unwrap(), 7, 9, ours));
    }

    #[test]
    fn a_network_has_eight_and_all_have_128() {
        let mut young = Young::default();
        let ip = |network: u8, host: u8| IpAddr::from([192, 0, network, host]);
        let entered = (0..=255).filter(|host| young.enter(ip(0, *host))).count();
        assert_eq!(entered, 8);
        let entered = (1..=255).filter(|network| young.enter(ip(*network, 1))).count();
        assert_eq!((entered, young.count()), (120, 128));
        young.leave(ip(0, 3));
        young.check();
        assert!(young.enter(ip(0, 9)) && !young.enter(ip(0, 10)));
        for (a, b, same) in [("2001:db8:1:2::1", "2001:db8:1:3::1", true), ("2001:db8:1::1", "2001:db8:2::1", false)] {
            assert_eq!(network(a.parse().unwrap()) == network(b.parse().unwrap()), same);
        }
    }
}
