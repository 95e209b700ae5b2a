//! Stateless connection ids (BEP 15): proof that a client receives packets at the address it sends from.
//!
//! An id is a mark, the moment of issue in steps of 4 s, modulo 256, and 48 bits of a keyed MAC over address and moment. Nothing is
//! stored. It is good for 120 s, twice as long as clients may use it. The mark, an id's first byte and so an announce's, is one
//! that neither packets of the DHT (they begin with `d`) nor of uTP (version 1 in the low nibble) begin with: one port serves all.
use core::hash::Hasher;
use core::net::IpAddr;
use core::time::Duration;
use siphasher::sip::SipHasher24;

/// The first byte of every id.
pub const MARK: u8 = 0x54;
/// Seconds in a step of the clock in an id.
const STEP_SECS: u64 = 4;
/// For how many steps an id is good: 120 s.
const STEPS_VALID: u8 = 30;
/// Bits of the MAC in an id.
const MAC_MASK: u64 = (1 << 48) - 1;

/// Issues and checks ids.
#[derive(Clone)]
pub(crate) struct ConnectionIds {
    key: [u8; 16],
}

impl ConnectionIds {
    /// With a secret key, the same for all families and sockets.
    pub(crate) fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    /// An id for a client at that address.
    pub(crate) fn issue(&self, now: Duration, ip: IpAddr) -> u64 {
        self.id(now.as_secs() / STEP_SECS, ip)
    }

    /// Whether an id was issued to that address at most 120 s ago.
    pub(crate) fn check(&self, now: Duration, ip: IpAddr, id: u64) -> bool {
        let step = now.as_secs() / STEP_SECS;
        let age = (step as u8).wrapping_sub((id >> 48) as u8);
        let Some(issued) = step.checked_sub(u64::from(age)) else { return false };
        age <= STEPS_VALID && self.id(issued, ip) == id
    }

    fn id(&self, step: u64, ip: IpAddr) -> u64 {
        let octets = match ip.to_canonical() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => ip.octets(),
        };
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write(&octets);
        hasher.write(&step.to_be_bytes());
        u64::from(MARK) << 56 | (step & 0xFF) << 48 | (hasher.finish() & MAC_MASK)
    }
}

impl core::fmt::Debug for ConnectionIds {
    /// Without the key.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ConnectionIds")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_for_one_address_and_two_minutes() {
        let ids = ConnectionIds::new([7; 16]);
        let at = Duration::from_secs;
        let ip: IpAddr = "192.0.2.1".parse().unwrap();
        for start in [0, 1, 999, 1023, 100_003] {
            let id = ids.issue(at(start), ip);
            assert_eq!(id.to_be_bytes()[0], MARK);
            for age in [0, 59, 60, 119] {
                assert!(ids.check(at(start + age), ip, id), "{start} {age}");
            }
            for age in [124, 200, 1024, 1025, 4096] {
                assert!(!ids.check(at(start + age), ip, id), "{start} {age}");
            }
            assert!(ids.check(at(start), "::ffff:192.0.2.1".parse().unwrap(), id));
            assert!(!ids.check(at(start), "192.0.2.2".parse().unwrap(), id));
            assert!(!ConnectionIds::new([8; 16]).check(at(start), ip, id));
            for bit in 0..64 {
                assert!(!ids.check(at(start), ip, id ^ (1 << bit)), "{bit}");
            }
        }
        assert!(!ids.check(at(0), ip, 0));
    }

    #[test]
    fn the_mark_is_no_beginning_of_other_protocols() {
        assert_ne!(MARK, b'd');
        assert_ne!(MARK & 0x0F, 1); // uTP: type in the high nibble, version 1 in the low
    }
}
