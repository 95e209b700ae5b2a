//! Ids that are bound to an address (BEP 42): the first 21 bits of an id follow from the address of its node and from three bits that the node
//! chooses, so that nobody can place nodes around a target without having many addresses.
use crate::id::Id;
use core::net::IpAddr;
use teem_basis::rng::Rng;
use teem_wire::reach::Reach;

const V4_MASK: [u8; 4] = [0x03, 0x0F, 0x3F, 0xFF];
const V6_MASK: [u8; 8] = [0x01, 0x03, 0x07, 0x0F, 0x1F, 0x3F, 0x7F, 0xFF];
/// Of the third byte these bits are bound, besides the two whole bytes before it.
const THIRD_BYTE: u8 = 0xF8;
/// The last byte holds what the node chose; three bits of it count.
const CHOSEN_BITS: u8 = 7;

/// Whether the id is one that this address may have. One that is not reached from everywhere may have any.
pub fn fits(id: Id, ip: IpAddr) -> bool {
    if Reach::of(ip) != Reach::Public {
        return true;
    }
    let crc = bound(ip, id.0[19]);
    id.0[0] == crc[0] && id.0[1] == crc[1] && (id.0[2] ^ crc[2]) & THIRD_BYTE == 0
}

/// An id that fits the address; what is free in it is drawn.
pub fn id_for(ip: IpAddr, rng: &mut Rng) -> Id {
    let mut id = Id::random(rng);
    let crc = bound(ip, id.0[19]);
    id.0[..2].copy_from_slice(&crc[..2]);
    id.0[2] = crc[2] & THIRD_BYTE | id.0[2] & !THIRD_BYTE;
    id
}

/// What the first bits of an id have to be.
fn bound(ip: IpAddr, chosen: u8) -> [u8; 4] {
    let chosen = (chosen & CHOSEN_BITS) << 5;
    let crc = match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let mut part = masked(ip.octets(), V4_MASK);
            part[0] |= chosen;
            crc32c(&part)
        }
        IpAddr::V6(ip) => {
            let network = (u128::from(ip) >> 64) as u64;
            let mut part = masked(network.to_be_bytes(), V6_MASK);
            part[0] |= chosen;
            crc32c(&part)
        }
    };
    crc.to_be_bytes()
}

fn masked<const N: usize>(mut ip: [u8; N], mask: [u8; N]) -> [u8; N] {
    ip.iter_mut().zip(mask).for_each(|(byte, mask)| *byte &= mask);
    ip
}

/// The checksum of Castagnoli (RFC 3720, appendix B.4), bit by bit: eight bytes are not worth a table.
fn crc32c(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82F6_3B78;
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnoli() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
    }
}
