//! The numbers of the messages (BEP 3, 5, 6, 10), the bits of the handshake, and the numbers that we give to extensions.

/// The sender will answer no more requests (BEP 3).
pub(crate) const CHOKE: u8 = 0;
/// The sender answers requests from now on (BEP 3).
pub(crate) const UNCHOKE: u8 = 1;
/// The receiver has pieces that the sender wants (BEP 3).
pub(crate) const INTERESTED: u8 = 2;
/// The receiver has none that the sender wants (BEP 3).
pub(crate) const NOT_INTERESTED: u8 = 3;
/// The sender has one more piece (BEP 3).
pub(crate) const HAVE: u8 = 4;
/// The pieces that the sender has, one bit each (BEP 3).
pub(crate) const BITFIELD: u8 = 5;
/// Asks for a block (BEP 3).
pub(crate) const REQUEST: u8 = 6;
/// Carries a block (BEP 3).
pub(crate) const PIECE: u8 = 7;
/// Takes a request back (BEP 3).
pub(crate) const CANCEL: u8 = 8;
/// The UDP port of the sender's DHT node (BEP 5).
pub(crate) const PORT: u8 = 9;
/// Names a piece that is cheap for the sender (BEP 6).
pub(crate) const SUGGEST: u8 = 13;
/// Stands for a bitfield with all bits set (BEP 6).
pub(crate) const HAVE_ALL: u8 = 14;
/// Stands for a bitfield with no bit set (BEP 6).
pub(crate) const HAVE_NONE: u8 = 15;
/// Refuses a request (BEP 6).
pub(crate) const REJECT: u8 = 16;
/// Names a piece that may be requested while choked (BEP 6).
pub(crate) const ALLOWED_FAST: u8 = 17;
/// Carries the messages of extensions (BEP 10).
pub(crate) const EXTENDED: u8 = 20;

/// The extended id of the extension handshake itself (BEP 10).
pub(crate) const EXTENDED_HANDSHAKE: u8 = 0;
/// The id that we give to `ut_metadata` (BEP 9) in our extension handshake, so the one that peers use toward us.
pub const UT_METADATA: u8 = 1;
/// The id that we give to `ut_pex` (BEP 11).
pub const UT_PEX: u8 = 2;
/// The id that we give to `lt_donthave` (BEP 54).
pub const LT_DONTHAVE: u8 = 3;
/// The id that we give to `ut_holepunch` (BEP 55).
pub const UT_HOLEPUNCH: u8 = 4;

/// The first 20 bytes of a connection (BEP 3).
pub const PROTOCOL: &[u8; 20] = b"\x13BitTorrent protocol";

/// A bit of the eight reserved bytes: index of the byte and mask.
pub(crate) type ReservedBit = (usize, u8);
/// The sender speaks the extension protocol (BEP 10).
pub(crate) const RESERVED_EXTENDED: ReservedBit = (5, 0x10);
/// The sender runs a DHT node (BEP 5).
pub(crate) const RESERVED_DHT: ReservedBit = (7, 0x01);
/// The sender speaks the fast extension (BEP 6).
pub(crate) const RESERVED_FAST: ReservedBit = (7, 0x04);
/// The sender can upgrade a hybrid torrent to version 2 (BEP 52).
pub(crate) const RESERVED_V2: ReservedBit = (7, 0x10);
