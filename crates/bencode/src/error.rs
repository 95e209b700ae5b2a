//! Why bytes are not a bencoded value (BEP 3, "bencoding"). Every case says where, as an offset into the input.

use core::fmt;

/// A refused input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The input ends at `at`, within a value (or a string is said to be longer than what is left).
    UnexpectedEnd {
        /// Offset where more bytes were needed.
        at: usize,
    },
    /// A byte that begins no value stands where a value is needed.
    UnexpectedByte {
        /// Offset of the byte.
        at: usize,
    },
    /// Something other than a digit within an integer, or an integer without digits.
    BadDigit {
        /// Offset of the byte.
        at: usize,
    },
    /// A key of a dictionary is not a string.
    KeyNotString {
        /// Offset of the key.
        at: usize,
    },
    /// The length of a string is not digits followed by a colon.
    BadStringLength {
        /// Offset where the length begins.
        at: usize,
    },
    /// An integer does not fit in 64 bits with sign.
    Overflow {
        /// Offset of the integer's `i`.
        at: usize,
    },
    /// Lists and dictionaries are nested deeper than allowed.
    TooDeep {
        /// Offset of the first one too deep.
        at: usize,
        /// How deep they may be nested.
        limit: u32,
    },
    /// More values than allowed.
    TooManyTokens {
        /// Offset of the first one too many.
        at: usize,
        /// How many values there may be.
        limit: u32,
    },
    /// The input is larger than allowed; it was not looked at.
    TooLarge {
        /// Size of the input in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A whole value was read and more bytes follow.
    Trailing {
        /// Offset of the first byte behind the value.
        at: usize,
    },
}

impl Error {
    /// The case as one word that scripts can match on.
    pub fn class(&self) -> &'static str {
        match self {
            Self::UnexpectedEnd { .. } => "unexpected_end",
            Self::UnexpectedByte { .. } | Self::Trailing { .. } => "unexpected_byte",
            Self::BadDigit { .. } | Self::KeyNotString { .. } => "bad_digit",
            Self::BadStringLength { .. } => "bad_string_length",
            Self::Overflow { .. } => "overflow",
            Self::TooDeep { .. } => "too_deep",
            Self::TooManyTokens { .. } | Self::TooLarge { .. } => "limit",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::UnexpectedEnd { at } => write!(f, "the bencoded data is cut off at byte {at}"),
            Self::UnexpectedByte { at } => write!(f, "byte {at} begins no bencoded value"),
            Self::BadDigit { at } => write!(f, "a digit was expected at byte {at}"),
            Self::KeyNotString { at } => write!(f, "the dictionary key at byte {at} is not a string"),
            Self::BadStringLength { at } => write!(f, "the string at byte {at} has no proper length"),
            Self::Overflow { at } => write!(f, "the integer at byte {at} does not fit in 64 bits"),
            Self::TooDeep { at, limit } => write!(f, "more than {limit} levels of nesting at byte {at}"),
            Self::TooManyTokens { at, limit } => write!(f, "more than {limit} values, the next at byte {at}"),
            Self::TooLarge { size, limit } => write!(f, "{size} bytes of bencoded data, at most {limit} are read"),
            Self::Trailing { at } => write!(f, "unexpected bytes follow the bencoded value from byte {at} on"),
        }
    }
}

impl core::error::Error for Error {}
