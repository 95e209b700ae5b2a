//! What a document may cost before it is refused (own design: BEP 3 sets no bounds).
//!
//! There is no parser without limits: size, nesting and the number of values are bounded apart, because each can be made
//! large while the others stay small.

/// Bounds of one parse. The constants are the profiles that the project uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Size of the input in bytes, trailing bytes included.
    pub bytes: usize,
    /// Nesting of lists and dictionaries: a bare string has depth 0, `le` has 1.
    pub depth: u32,
    /// Number of values and keys together.
    pub tokens: u32,
}

impl Limits {
    /// A .torrent file that the user names: 192 MiB is a million files with paths of 150 bytes and a million piece hashes besides,
    /// which create makes and so everybody else has to read; 16 M tokens are a million files five folders deep with attributes, at 8
    /// bytes a token and as much for each end of a list or dictionary. Strangers have [`Limits::INFO`].
    pub const METAINFO: Self = Self { bytes: 192 << 20, depth: 64, tokens: 16_000_000 };
    /// An info dictionary from strangers: 16 MiB, which a few hundred thousand files fill with less than 4 M tokens.
    pub const INFO: Self = Self { bytes: 16 << 20, tokens: 4_000_000, ..Self::METAINFO };
    /// An answer of a tracker: 1 MiB, of which dictionary-form peers (8 tokens in about 50 bytes) make most tokens.
    pub const TRACKER: Self = Self { bytes: 1 << 20, depth: 16, tokens: 200_000 };
    /// A message of one peer or node (extension handshake, PEX, DHT): 256 KiB, of which an honest one needs below 100 tokens.
    pub const MESSAGE: Self = Self { bytes: 256 << 10, depth: 16, tokens: 4_096 };
}
