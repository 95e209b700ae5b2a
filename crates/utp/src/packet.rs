//! The form of a uTP packet (BEP 29, "header format", "extension", "Selective ACK").
//!
//! ```text
//! 0       4       8               16              24              32
//! | type  | ver   | extension     | connection_id                 |
//! | timestamp_microseconds                                        |
//! | timestamp_difference_microseconds                             |
//! | wnd_size                                                      |
//! | seq_nr                        | ack_nr                        |
//! ```
//! A chain of extensions may follow: the number of the next one, a length, so many bytes. Number 1 is the selective ack, a mask of the
//! packets that came past a missing one; all others are skipped. That they are is what a probe of the path's MTU is made of: it is a
//! packet like any other with a number that nobody uses and zeros up to the size that is tried.

/// Length in bytes of a head without extensions.
pub const HEAD_LEN: usize = 20;
/// The only version.
const VERSION: u8 = 1;
/// Extensions of one packet that are followed; two are in use, and a probe has one more.
const EXTENSIONS_MAX: usize = 4;
/// The selective ack.
const SELECTIVE_ACK: u8 = 1;
/// Goes on where a selective ack of 64 bytes ends, for a window of more packets than that tells of; nobody assigned this number, and who does not
/// know it skips it.
const MORE_ACKS: u8 = 254;
/// Bytes of a mask before this one goes on.
pub(crate) const MASK_MAX: usize = 64;
/// Zeros that make a probe of its packet; no one assigned this number.
const PADDING: u8 = 255;
/// Number of the next extension, and length of this one.
const EXTENSION_HEAD: usize = 2;
/// Bytes that padding can add to a packet.
pub(crate) const PADDING_MAX: usize = EXTENSION_HEAD + 255;

/// What a packet is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Carries bytes of the stream.
    Data,
    /// Ends the stream.
    Fin,
    /// Acknowledges and carries nothing.
    State,
    /// Ends the connection at once.
    Reset,
    /// Opens a connection.
    Syn,
}

/// The head of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// What the packet is for.
    pub kind: Kind,
    /// The connection, as the receiver knows it; that of a [`Kind::Syn`] is the one that answers to it carry.
    pub connection_id: u16,
    /// The sender's clock in microseconds, in wrapping arithmetic.
    pub timestamp_us: u32,
    /// How long the last packet of the other side took by both clocks, in microseconds.
    pub timestamp_difference_us: u32,
    /// Bytes that the sender takes beyond what it has acknowledged.
    pub window: u32,
    /// Number of this packet.
    pub seq_nr: u16,
    /// Number of the last packet that came in order.
    pub ack_nr: u16,
}

/// A packet, read where it lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet<'a> {
    /// Its first 20 bytes.
    pub head: Head,
    /// The mask of its selective ack; empty without one. The lowest bit of the first byte is the packet `ack_nr + 2`.
    pub selective_ack: &'a [u8],
    /// The mask that goes on where a selective ack of 64 bytes ends; empty without one.
    pub more_acks: &'a [u8],
    /// What follows the extensions.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a packet; `None` when it is none of version 1, or its extensions do not fit into it.
    pub fn decode(packet: &'a [u8]) -> Option<Self> {
        let (head, mut rest) = packet.split_first_chunk::<HEAD_LEN>()?;
        let [first, mut extension, ..] = *head;
        let kind = match first >> 4 {
            0 => Kind::Data,
            1 => Kind::Fin,
            2 => Kind::State,
            3 => Kind::Reset,
            4 => Kind::Syn,
            _ => return None,
        };
        if first & 0x0f != VERSION {
            return None;
        }
        let (mut selective_ack, mut more_acks) = (&[][..], &[][..]);
        for _ in 0..EXTENSIONS_MAX {
            if extension == 0 {
                break;
            }
            let (&[next, len], tail) = rest.split_first_chunk::<EXTENSION_HEAD>()?;
            let (bytes, tail) = tail.split_at_checked(usize::from(len))?;
            match extension {
                SELECTIVE_ACK => selective_ack = bytes,
                MORE_ACKS => more_acks = bytes,
                _ => {}
            }
            (extension, rest) = (next, tail);
        }
        let short = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        let long = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let head = Head {
            kind,
            connection_id: short(2),
            timestamp_us: long(4),
            timestamp_difference_us: long(8),
            window: long(12),
            seq_nr: short(16),
            ack_nr: short(18),
        };
        if selective_ack.len() != MASK_MAX {
            more_acks = &[];
        }
        (extension == 0).then_some(Self { head, selective_ack, more_acks, payload: rest })
    }
}

impl Head {
    /// Reads the head of a packet; `None` when [`Packet::decode`] would not read it.
    pub fn decode(packet: &[u8]) -> Option<Self> {
        Packet::decode(packet).map(|packet| packet.head)
    }

    /// The packet that consists of this head alone.
    pub fn encode(&self) -> [u8; HEAD_LEN] {
        let kind: u8 = match self.kind {
            Kind::Data => 0,
            Kind::Fin => 1,
            Kind::State => 2,
            Kind::Reset => 3,
            Kind::Syn => 4,
        };
        let mut out = [0; HEAD_LEN];
        out[0] = kind << 4 | VERSION;
        out[2..4].copy_from_slice(&self.connection_id.to_be_bytes());
        out[4..8].copy_from_slice(&self.timestamp_us.to_be_bytes());
        out[8..12].copy_from_slice(&self.timestamp_difference_us.to_be_bytes());
        out[12..16].copy_from_slice(&self.window.to_be_bytes());
        out[16..18].copy_from_slice(&self.seq_nr.to_be_bytes());
        out[18..20].copy_from_slice(&self.ack_nr.to_be_bytes());
        out
    }

    /// What ends the connection that this packet opens or belongs to; `None` for what ends one itself, so that no reset is ever answered with
    /// another. The sender finds its connection by the id in its packet, and believes the reset because that packet is acknowledged.
    pub fn refusal(&self) -> Option<Self> {
        (self.kind != Kind::Reset).then_some(Self {
            kind: Kind::Reset,
            connection_id: self.connection_id,
            timestamp_us: 0,
            timestamp_difference_us: 0,
            window: 0,
            seq_nr: 0,
            ack_nr: self.seq_nr,
        })
    }
}

/// What stands between head and payload of a packet that is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Between<'a> {
    /// The payload follows the head.
    Nothing,
    /// A selective ack; its length is a multiple of four, and what exceeds 64 bytes goes into an extension of ours.
    Mask(&'a [u8]),
    /// So many bytes in all, at least two and at most [`PADDING_MAX`].
    Padding(usize),
}

impl Between<'_> {
    /// Its length in bytes on the wire.
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Mask(mask) if mask.len() > MASK_MAX => 2 * EXTENSION_HEAD + mask.len(),
            Self::Mask(mask) => EXTENSION_HEAD + mask.len(),
            Self::Padding(len) => len,
        }
    }
}

/// Writes a packet and says how long it is; `None`, with nothing of use written, when it does not fit.
pub(crate) fn encode(head: &Head, between: Between<'_>, payload: &[u8], out: &mut [u8]) -> Option<usize> {
    let len = HEAD_LEN + between.len() + payload.len();
    let out = out.get_mut(..len)?;
    out[..HEAD_LEN].copy_from_slice(&head.encode());
    let extension = &mut out[HEAD_LEN..len - payload.len()];
    let number = match between {
        Between::Nothing => 0,
        Between::Mask(mask) => {
            let (first, more) = mask.split_at(mask.len().min(MASK_MAX));
            let (head, rest) = extension.split_at_mut(EXTENSION_HEAD);
            head.copy_from_slice(&[if more.is_empty() { 0 } else { MORE_ACKS }, first.len() as u8]);
            let (mask, rest) = rest.split_at_mut(first.len());
            mask.copy_from_slice(first);
            if !more.is_empty() {
                let (head, rest) = rest.split_at_mut(EXTENSION_HEAD);
                head.copy_from_slice(&[0, more.len() as u8]);
                rest.copy_from_slice(more);
            }
            SELECTIVE_ACK
        }
        Between::Padding(len) => {
            extension.fill(0);
            extension[1] = (len - EXTENSION_HEAD) as u8;
            PADDING
        }
    };
    out[1] = number;
    out[len - payload.len()..].copy_from_slice(payload);
    Some(len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// Connection 0x9c21 is opened by packet 0xabcd, with a window of 1 MiB.
    const SYN: [u8; 20] = [0x41, 0, 0x9c, 0x21, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0, 0, 0x10, 0, 0, 0xab, 0xcd, 0, 0];

    #[test]
    fn a_packet_that_opens_is_understood_and_refused() {
        let head = Head::decode(&SYN).unwrap();
        assert_eq!((head.kind, head.connection_id, head.seq_nr), (Kind::Syn, 0x9c21, 0xabcd));
        assert_eq!(head.encode(), SYN);
        let refusal = head.refusal().unwrap();
        assert_eq!(refusal.encode()[..4], [0x31, 0, 0x9c, 0x21]);
        assert_eq!(refusal.encode()[16..], [0, 0, 0xab, 0xcd]);
        assert_eq!(Head::decode(&refusal.encode()), Some(refusal));
    }

    #[test]
    fn everything_but_a_reset_is_refused() {
        for first in 0..=u8::MAX {
            let mut packet = SYN;
            packet[0] = first;
            let head = Head::decode(&packet);
            assert_eq!(head.is_some(), first & 0x0f == 1 && first >> 4 <= 4, "{first:#x}");
            let refused = head.and_then(|head| head.refusal()).is_some();
            assert_eq!(refused, [0x01, 0x11, 0x21, 0x41].contains(&first), "{first:#x}");
        }
    }

    #[test]
    fn extensions_must_fit_and_end() {
        let with = |first: u8, more: &[u8]| {
            let mut packet = SYN.to_vec();
            packet[1] = first;
            packet.extend_from_slice(more);
            packet
        };
        for (packet, fits) in [
            (with(2, &[0, 8, 0, 0, 0, 0, 0, 0, 0, 0]), true),
            (with(2, &[1, 1, 9, 0, 4, 0, 0, 0, 0]), true),
            (with(0, b"payload"), true),
            (with(2, &[]), false),
            (with(2, &[0]), false),
            (with(2, &[0, 1]), false),
            (with(1, &[1, 0, 1, 0, 1, 0, 0, 0]), true),
            (with(1, &[1, 0, 1, 0, 1, 0, 1, 0, 0, 0]), false),
        ] {
            assert_eq!(Head::decode(&packet).is_some(), fits, "{packet:?}");
        }
        let short: Vec<_> = (0..HEAD_LEN).filter(|len| Head::decode(&SYN[..*len]).is_some()).collect();
        assert_eq!(short, []);
    }

    #[test]
    fn what_is_written_is_read() {
        let head = Head { kind: Kind::Data, ..Head::decode(&SYN).unwrap() };
        let mut out = [0xEE; 400];
        let long = [7; MASK_MAX + 8];
        for (between, mask, more) in [
            (Between::Nothing, &[][..], &[][..]),
            (Between::Mask(&[1, 2, 3, 4]), &[1, 2, 3, 4][..], &[][..]),
            (Between::Mask(&long), &long[..MASK_MAX], &long[MASK_MAX..]),
            (Between::Padding(2), &[][..], &[][..]),
            (Between::Padding(PADDING_MAX), &[][..], &[][..]),
        ] {
            let len = encode(&head, between, b"payload", &mut out).unwrap();
            assert_eq!(len, HEAD_LEN + between.len() + 7);
            assert_eq!(
                Packet::decode(&out[..len]),
                Some(Packet { head, selective_ack: mask, more_acks: more, payload: b"payload" })
            );
            assert_eq!(encode(&head, between, b"payload", &mut out[..len - 1]), None);
        }
    }
}
