//! The numbers of the messages (BEP 3, 5, 6, 10), the bits of the handshake, and the numbers that we give to extensions.

/// BEP 3.
pub(crate) const CHOKE: u8 = 0;
/// BEP 3.
pub(crate) const UNCHOKE: u8 = 1;
/// BEP 3.
pub(crate) const INTERESTED: u8 = 2;
/// BEP 3.
pub(crate) const NOT_INTERESTED: u8 = 3;
/// BEP 3.
pub(crate) const HAVE: u8 = 4;
/// BEP 3.
pub(crate) const BITFIELD: u8 = 5;
/// BEP 3.
pub(crate) const REQUEST: u8 = 6;
/// BEP 3.
pub(crate) const PIECE: u8 = 7;
/// BEP 3.
pub(crate) const CANCEL: u8 = 8;
/// BEP 5.
pub(crate) const PORT: u8 = 9;
/// BEP 6.
pub(crate) const SUGGEST: u8 = 13;
/// BEP 6.
pub(crate) const HAVE_ALL: u8 = 14;
/// BEP 6.
pub(crate) const HAVE_NONE: u8 = 15;
/// BEP 6.
pub(crate) const REJECT: u8 = 16;
/// BEP 6.
pub(crate) const ALLOWED_FAST: u8 = 17;
/// BEP 10.
pub(crate) const EXTENDED: u8 = 20;

/// The extended id of the extension handshake itself (BEP 10).
pub(crate) const EXTENDED_HANDSHAKE: u8 = 0;
/// The id that we give to `ut_metadata` (BEP 9) in our extension handshake, so the one that peers use toward us.
pub const UT_METADATA: u8 = 1;
/// The id that we give to `ut_pex` (BEP 11).
pub const UT_PEX: u8 = 2;
/// The id that we give to `lt_donthave` (BEP 54).
pub const LT_DONTHAVE: u8 = 3;

/// The first 20 bytes of a connection (BEP 3).
pub(crate) const PROTOCOL: &[u8; 20] = b"\x13BitTorrent protocol";

/// A bit of the eight reserved bytes: index of the byte and mask.
pub(crate) type ReservedBit = (usize, u8);
/// BEP 10.
pub(crate) const RESERVED_EXTENDED: ReservedBit = (5, 0x10);
/// BEP 5.
pub(crate) const RESERVED_DHT: ReservedBit = (7, 0x01);
/// BEP 6.
pub(crate) const RESERVED_FAST: ReservedBit = (7, 0x04);
/// BEP 52.
pub(crate) const RESERVED_V2: ReservedBit = (7, 0x10);
