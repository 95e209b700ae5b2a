//! How large a datagram the path takes (own design, after RFC 8899): 1,232 bytes, which IPv6 promises, then 1,452 and over IPv4 1,472 once one of that
//! size has come through.
//!
//! A probe is an ordinary packet that is filled up with zeros, so its payload is sent again as it is when the probe is lost, and that it was lost says
//! nothing about congestion. When a packet above 1,232 bytes is lost twice and none of that size was acknowledged meanwhile, the path has become
//! narrower without a word (a black hole): sizes fall back, and packets that were cut larger may be fragmented.

use core::net::IpAddr;

/// Bytes of a datagram that every path takes.
pub(crate) const LEAST: usize = 1_232;
/// Sizes that are tried, over IPv4 and over IPv6: an Ethernet frame less the heads of IP and UDP.
const TRIED: [usize; 2] = [1_452, 1_472];
/// Probes of one size that may be lost before it is taken for too large.
const LOST_MAX: u8 = 3;
/// Losses of full packets that mean a black hole.
const HOLE: u8 = 2;
/// A size that did not come through is tried again after this.
const AGAIN_US: u64 = 600_000_000;

/// What is known of the path.
#[derive(Clone, Debug)]
pub(crate) struct Mtu {
    /// Bytes of a datagram that came through.
    proven: usize,
    /// The largest that may be tried.
    most: usize,
    /// Probes of the next size that were lost, and when it may be tried.
    lost: u8,
    try_us: u64,
    /// A probe is on the way.
    probing: bool,
    /// Full packets lost since one was acknowledged.
    hole: u8,
}

impl Mtu {
    pub(crate) fn new(remote: IpAddr) -> Self {
        let most = if remote.to_canonical().is_ipv4() { TRIED[1] } else { TRIED[0] };
        Self { proven: LEAST, most, lost: 0, try_us: 0, probing: false, hole: 0 }
    }

    /// Bytes of a full datagram.
    pub(crate) fn datagram(&self) -> usize {
        self.proven
    }

    /// The size to try now.
    pub(crate) fn probe(&self, now_us: u64) -> Option<usize> {
        let next = TRIED.into_iter().find(|size| *size > self.proven && *size <= self.most)?;
        (!self.probing && now_us >= self.try_us).then_some(next)
    }

    /// A probe leaves.
    pub(crate) fn probes(&mut self) {
        self.probing = true;
    }

    /// A datagram of that size came through.
    pub(crate) fn came_through(&mut self, size: usize, probe: bool) {
        if probe {
            self.probing = false;
        }
        if probe && size > self.proven && size <= self.most {
            (self.proven, self.lost, self.try_us) = (size, 0, 0);
        }
        if size > LEAST {
            self.hole = 0;
        }
    }

    /// A probe was lost.
    pub(crate) fn probe_lost(&mut self, now_us: u64) {
        self.probing = false;
        self.lost += 1;
        if self.lost >= LOST_MAX {
            (self.lost, self.try_us) = (0, now_us + AGAIN_US);
        }
    }

    /// A datagram of that size was lost, for the second time or more; says whether the path is a black hole for it.
    pub(crate) fn lost_again(&mut self, now_us: u64, size: usize) -> bool {
        if size <= LEAST || self.proven == LEAST {
            return false;
        }
        self.hole += 1;
        if self.hole < HOLE {
            return false;
        }
        (self.proven, self.hole, self.lost, self.try_us) = (LEAST, 0, 0, now_us + AGAIN_US);
        true
    }

    /// What must hold at every moment.
    pub(crate) fn check(&self) {
        assert!(self.proven >= LEAST && self.proven <= self.most, "{self:?}");
        assert!(self.lost < LOST_MAX && self.hole < HOLE, "{self:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_proven_one_by_one() {
        for (ip, sizes) in [("192.0.2.1", &[1_452, 1_472][..]), ("2001:db8::1", &[1_452])] {
            let mut mtu = Mtu::new(ip.parse().unwrap());
            for size in sizes {
                assert_eq!(mtu.probe(0), Some(*size));
                mtu.probes();
                assert_eq!(mtu.probe(0), None, "one at a time");
                mtu.came_through(*size, true);
                assert_eq!(mtu.datagram(), *size);
                mtu.check();
            }
            assert_eq!(mtu.probe(0), None);
        }
    }

    #[test]
    fn a_size_that_is_lost_three_times_is_left_alone_for_ten_minutes() {
        let mut mtu = Mtu::new("192.0.2.1".parse().unwrap());
        for _ in 0..3 {
            assert_eq!(mtu.probe(5), Some(1_452));
            mtu.probes();
            mtu.probe_lost(5);
            mtu.check();
        }
        assert_eq!((mtu.probe(599_999_999), mtu.probe(600_000_005)), (None, Some(1_452)));
    }

    #[test]
    fn two_losses_without_a_full_packet_between_are_a_black_hole() {
        let mut mtu = Mtu::new("192.0.2.1".parse().unwrap());
        mtu.came_through(1_472, true);
        assert!(!mtu.lost_again(0, 1_472));
        mtu.came_through(1_472, false);
        assert!(!mtu.lost_again(0, 1_472));
        assert!(!mtu.lost_again(0, 1_000));
        assert!(mtu.lost_again(0, 1_472));
        assert_eq!((mtu.datagram(), mtu.probe(0)), (LEAST, None));
    }
}
