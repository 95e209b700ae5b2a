//! Canonical peer priority (BEP 40): a number that both ends of a connection come to, from their addresses alone.
//!
//! Whoever has more peers than he can take prefers those of high priority. Because all agree on it, and nobody can choose his
//! network, everybody finds somebody. Of an address only the network counts, and half of the bits of the rest.
use core::net::{IpAddr, SocketAddr};

/// The polynomial of CRC-32C (Castagnoli), its bits in reverse.
const POLYNOMIAL: u32 = 0x82F6_3B78;
/// What is left of a byte behind the network.
const MASK: u8 = 0x55;

/// The priority of the connection between two addresses, in whatever order; `None` when they are of different families. The
/// ports count only when the addresses are the same.
pub fn priority(a: SocketAddr, b: SocketAddr) -> Option<u32> {
    match (a.ip().to_canonical(), b.ip().to_canonical()) {
        (x, y) if x == y => Some(joint(a.port().to_be_bytes(), b.port().to_be_bytes())),
        (IpAddr::V4(x), IpAddr::V4(y)) => Some(masked(x.octets(), y.octets(), 2)),
        (IpAddr::V6(x), IpAddr::V6(y)) => Some(masked(x.octets(), y.octets(), 6)),
        _ => None,
    }
}

/// Of two different addresses: as many bytes are kept whole as they have in common and one more, `network` at least.
fn masked<const N: usize>(mut a: [u8; N], mut b: [u8; N], network: usize) -> u32 {
    let common = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let whole = network.max(common + 1);
    a.iter_mut().skip(whole).chain(b.iter_mut().skip(whole)).for_each(|byte| *byte &= MASK);
    joint(a, b)
}

/// The checksum of both, the lesser first.
fn joint<const N: usize>(a: [u8; N], b: [u8; N]) -> u32 {
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    !first.into_iter().chain(second).fold(!0, step)
}

/// One byte more in a CRC-32C.
fn step(crc: u32, byte: u8) -> u32 {
    (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(a: &str, b: &str) -> Option<u32> {
        priority(a.parse().unwrap(), b.parse().unwrap())
    }

    #[test]
    fn the_specification_s_examples() {
        assert_eq!(of("123.213.32.10:0", "98.76.54.32:0"), Some(0xEC2D_7224));
        assert_eq!(of("123.213.32.10:0", "123.213.32.234:0"), Some(0x9956_8189));
    }

    #[test]
    fn crc_32c_is_what_others_compute() {
        let crc = |bytes: &[u8]| !bytes.iter().copied().fold(!0, step);
        assert_eq!(crc(b"123456789"), 0xE306_9283);
        assert_eq!(crc(&[0; 32]), 0x8A91_36AA); // RFC 3720, B.4
    }

    #[test]
    fn both_ends_agree_and_families_do_not_mix() {
        assert_eq!(of("8.8.8.8:1", "9.9.9.9:2"), of("9.9.9.9:77", "8.8.8.8:99"));
        assert_eq!(of("8.8.8.8:1", "9.9.9.9:2"), of("[::ffff:8.8.8.8]:1", "9.9.9.9:2"));
        assert_eq!(of("8.8.8.8:1", "[2001:db8::1]:2"), None);
        assert_ne!(of("8.8.8.8:1", "8.8.8.8:2"), of("8.8.8.8:1", "8.8.8.8:3"), "ports tell neighbours apart");
    }
}
