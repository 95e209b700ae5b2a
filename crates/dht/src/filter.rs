//! Filters of addresses (BEP 33): those that several nodes hold peers of are put together, and how many addresses went in can be estimated.
use crate::krpc::message::FILTER_LEN;
use core::net::IpAddr;
use sha1::{Digest, Sha1};

/// Bits of a filter (`m`).
const BITS: u32 = FILTER_LEN as u32 * 8;
/// One, in the fixed-point numbers of the estimate.
const ONE: u64 = 1 << 40;

/// A set of addresses that can be added to, put together with others, and counted roughly.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter(pub [u8; FILTER_LEN]);

impl Default for Filter {
    fn default() -> Self {
        Self([0; FILTER_LEN])
    }
}

impl Filter {
    /// Adds an address.
    pub fn insert(&mut self, ip: IpAddr) {
        let hash = match ip.to_canonical() {
            IpAddr::V4(ip) => Sha1::digest(ip.octets()),
            IpAddr::V6(ip) => Sha1::digest(ip.octets()),
        };
        for place in [[hash[0], hash[1]], [hash[2], hash[3]]] {
            let index = u32::from(u16::from_le_bytes(place)) % BITS;
            self.0[index as usize / 8] |= 1 << (index % 8);
        }
    }

    /// Adds what another has.
    pub fn union(&mut self, other: &[u8; FILTER_LEN]) {
        self.0.iter_mut().zip(other).for_each(|(byte, other)| *byte |= other);
    }

    /// How many addresses went in, rounded; beyond some 6,000 it says no more than "many".
    ///
    /// The specification's `log(c / m) / (k * log(1 - 1 / m))`, found by counting how often `(1 - 1 / m)²` goes into the share `c / m` of zeros.
    pub fn estimate(&self) -> u32 {
        let zeros: u32 = self.0.iter().map(|byte| byte.count_zeros()).sum();
        let share = u64::from(zeros.clamp(1, BITS - 1)) * (ONE / u64::from(BITS));
        if zeros == BITS {
            return 0;
        }
        let (mut left, mut count) = (ONE, 0);
        loop {
            let once = left - left / u64::from(BITS);
            let next = once - once / u64::from(BITS);
            if next <= share {
                // The nearer of the two.
                return if left - share < share - next { count } else { count + 1 };
            }
            (left, count) = (next, count + 1);
        }
    }
}
