//! Whether strangers reach us (own design): a connection or a packet from an address in the world that we never spoke to can come only where no router
//! and no firewall keeps it out, so it shows more than anybody's service could.
//!
//! What is spoken to over UDP opens the way back for some minutes, and from there alone; so it is remembered whom we addressed. It is remembered
//! coarsely: an address that falls together with one that we spoke to counts as spoken to, which only delays the finding.
use core::net::{IpAddr, SocketAddr};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::Arc;
use teem_swarm::remote::Transport;
use teem_swarm::time::Time;
use teem_wire::compact::Family;
use teem_wire::reach::Reach;

/// Bits for addresses that were spoken to: a table of 8 KiB.
const BITS: usize = 1 << 16;
/// How long an address counts as spoken to at least: far longer than a router holds the way back open.
const SPOKEN_FOR: Duration = Duration::from_secs(600);

/// What came unasked, of one address family.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Unasked {
    /// A connection over TCP.
    pub tcp: bool,
    /// A packet over UDP.
    pub udp: bool,
}

/// What came unasked so far, for everybody to read.
#[derive(Default, Debug)]
pub(crate) struct Unaskeds([AtomicBool; 4]);

impl Unaskeds {
    fn place(family: Family, transport: Transport) -> usize {
        usize::from(family == Family::V6) * 2 + usize::from(transport == Transport::Utp)
    }

    pub(crate) fn of(&self, family: Family) -> Unasked {
        let has = |transport| self.0[Self::place(family, transport)].load(Ordering::Relaxed);
        Unasked { tcp: has(Transport::Tcp), udp: has(Transport::Utp) }
    }

    /// We are elsewhere: what came to the former place says nothing.
    pub(crate) fn forget(&self) {
        self.0.iter().for_each(|came| came.store(false, Ordering::Relaxed));
    }
}

/// The addresses that we spoke to lately, and what came from others.
#[derive(Debug)]
pub(crate) struct Strangers {
    pub(crate) came: Arc<Unaskeds>,
    /// By turns: this turn's and the last one's.
    spoken: [Box<[u64]>; 2],
    turn_from: Time,
}

impl Strangers {
    pub(crate) fn new() -> Self {
        let table = || vec![0; BITS / 64].into_boxed_slice();
        Self { came: Arc::default(), spoken: [table(), table()], turn_from: Time::ZERO }
    }

    /// A packet leaves for this address.
    pub(crate) fn speak_to(&mut self, now: Time, to: SocketAddr) {
        if now.since(self.turn_from) >= SPOKEN_FOR {
            self.spoken.swap(0, 1);
            self.spoken[0].fill(0);
            self.turn_from = now;
        }
        let bit = bit(to.ip());
        self.spoken[0][bit / 64] |= 1 << (bit % 64);
    }

    /// A connection was opened from there, or a question came by UDP.
    pub(crate) fn came(&self, from: SocketAddr, transport: Transport) {
        let ip = from.ip().to_canonical();
        let bit = bit(ip);
        let spoken = || self.spoken.iter().any(|table| table[bit / 64] >> (bit % 64) & 1 == 1);
        if Reach::of(ip) == Reach::Public && (transport == Transport::Tcp || !spoken()) {
            self.came.0[Unaskeds::place(Family::of(ip), transport)].store(true, Ordering::Relaxed);
        }
    }
}

/// Where an address has its bit: by its network, since neighbours may share a router.
fn bit(ip: IpAddr) -> usize {
    let number = match ip.to_canonical() {
        IpAddr::V4(ip) => u64::from(u32::from(ip)),
        IpAddr::V6(ip) => (u128::from(ip) >> 64) as u64,
    };
    (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48) as usize % BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_stranger_of_the_world_shows_that_we_are_reached_by_its_family_and_way() {
        let strangers = Strangers::new();
        for near in ["127.0.0.1:1", "10.0.0.1:1", "[fe80::1]:1", "[::ffff:192.168.1.1]:1"] {
            strangers.came(at(near), Transport::Tcp);
            strangers.came(at(near), Transport::Utp);
        }
        let of = |family| strangers.came.of(family);
        assert_eq!([of(Family::V4), of(Family::V6)], [Unasked::default(); 2]);
        strangers.came(at("198.18.0.7:9"), Transport::Tcp);
        strangers.came(at("[2001:2::7]:9"), Transport::Utp);
        assert_eq!(of(Family::V4), Unasked { tcp: true, udp: false });
        assert_eq!(of(Family::V6), Unasked { tcp: false, udp: true });
        strangers.came.forget();
        assert_eq!([of(Family::V4), of(Family::V6)], [Unasked::default(); 2]);
    }

    #[test]
    fn an_address_that_was_spoken_to_over_udp_shows_nothing_until_that_is_long_ago() {
        let mut strangers = Strangers::new();
        let (peer, later) = (at("198.18.0.7:9"), |s| Time::ZERO + Duration::from_secs(s));
        strangers.speak_to(later(1), peer);
        strangers.came(at("198.18.0.7:4000"), Transport::Utp);
        strangers.speak_to(later(700), at("198.18.9.9:1"));
        strangers.came(peer, Transport::Utp);
        assert!(!strangers.came.of(Family::V4).udp);
        strangers.speak_to(later(1_400), at("198.18.9.9:1"));
        strangers.came(peer, Transport::Utp);
        assert!(strangers.came.of(Family::V4).udp);
    }
}
