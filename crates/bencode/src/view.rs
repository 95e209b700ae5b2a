//! A parsed document and views of its values (BEP 3, "bencoding").
//!
//! Tokens lie in the order of the input; each knows the index behind its last descendant, so that a sibling is reached in
//! one step. Views borrow the document, the bytes they hand out borrow only the input.
//!
//! Invariants: the children of a dictionary alternate key (a string token) and value; every span lies within the input.

use alloc::vec::Vec;
use core::{fmt, ops::Range};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An integer, written `i7e`.
    Int,
    /// A string of any bytes, written `3:moo`.
    Bytes,
    /// A list, written `l…e`.
    List,
    /// A dictionary, written `d…e`.
    Dict,
}

/// Eight bytes for each value, because a torrent of a million files has ten million of them. Lists and dictionaries have a second
/// one for their end mark, behind all that is in them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    /// Where it begins in the input.
    pub(crate) start: u32,
    /// The kind in the upper two bits; below them where an integer or string ends in the input, or the index of the token behind a list
    /// or dictionary.
    rest: u32,
}

impl Token {
    /// Inputs are shorter, and have fewer tokens: each takes a byte at least.
    pub(crate) const REACH: u32 = (1 << 30) - 1;

    pub(crate) fn new(kind: Kind, start: u32, rest: u32) -> Self {
        Self { start, rest: (kind as u32) << 30 | rest }
    }

    pub(crate) fn kind(self) -> Kind {
        match self.rest >> 30 {
            0 => Kind::Int,
            1 => Kind::Bytes,
            2 => Kind::List,
            _ => Kind::Dict,
        }
    }

    fn is_leaf(self) -> bool {
        matches!(self.kind(), Kind::Int | Kind::Bytes)
    }

    /// The index of the token behind this one, which has `index`, and behind all that is in it.
    pub(crate) fn next(self, index: u32) -> u32 {
        if self.is_leaf() { index + 1 } else { self.rest & Self::REACH }
    }
}

/// The content of a string: what stands behind its length and the colon.
pub(crate) fn content(input: &[u8], token: Token) -> &[u8] {
    let raw = &input[token.start as usize..(token.rest & Token::REACH) as usize];
    let colon = raw.iter().position(|byte| *byte == b':').unwrap_or(0);
    &raw[colon + 1..]
}

/// A way in which bytes that were parsed are not canonical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViolationKind {
    /// A key sorts before the one in front of it.
    UnsortedKey,
    /// A key stands twice in one dictionary; the first one is used.
    DuplicateKey,
    /// A superfluous zero or `-0` in an integer.
    IntLeadingZero,
    /// A superfluous zero in the length of a string.
    LengthLeadingZero,
}

/// A violation of BEP 3 that does not hinder reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Violation {
    /// Offset into the input.
    pub at: usize,
    /// What is wrong there.
    pub kind: ViolationKind,
}

/// A parsed value with all that it contains, over the borrowed input.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    pub(crate) input: &'a [u8],
    pub(crate) tokens: Vec<Token>,
    pub(crate) violations: Vec<Violation>,
}

impl<'a> Document<'a> {
    /// The outermost value.
    pub fn root(&self) -> Value<'_, 'a> {
        Value { document: self, index: 0 }
    }
}

/// One value of a [`Document`]: an index, cheap to copy.
#[derive(Clone, Copy)]
pub struct Value<'d, 'a> {
    document: &'d Document<'a>,
    index: u32,
}

impl<'d, 'a> Value<'d, 'a> {
    fn token(&self) -> Token {
        self.document.tokens[self.index as usize]
    }

    /// What this value is.
    pub fn kind(&self) -> Kind {
        self.token().kind()
    }

    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        (self.kind() == Kind::Int).then_some(())?;
        let raw = self.raw();
        core::str::from_utf8(&raw[1..raw.len() - 1]).ok()?.parse().ok()
    }

    /// The integer, if it is one and not negative.
    pub fn as_uint(&self) -> Option<u64> {
        u64::try_from(self.as_int()?).ok()
    }

    /// The content of the string, if it is one.
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        (self.kind() == Kind::Bytes).then(|| content(self.document.input, self.token()))
    }

    /// The content of the string, if it is one and UTF-8.
    pub fn as_str(&self) -> Option<&'a str> {
        core::str::from_utf8(self.as_bytes()?).ok()
    }

    /// The value of `key`, if this is a dictionary that has it; the first one where a key stands twice.
    /// Costs a step per key.
    pub fn get(&self, key: &[u8]) -> Option<Value<'d, 'a>> {
        self.dict()?.find_map(|(k, value)| (k == key).then_some(value))
    }

    /// The values, if this is a list.
    pub fn list(&self) -> Option<impl Iterator<Item = Value<'d, 'a>> + use<'d, 'a>> {
        (self.kind() == Kind::List).then(|| self.children())
    }

    /// Keys and values in the order of the input, if this is a dictionary.
    pub fn dict(&self) -> Option<impl Iterator<Item = (&'a [u8], Value<'d, 'a>)> + use<'d, 'a>> {
        (self.kind() == Kind::Dict).then(|| {
            let mut children = self.children();
            core::iter::from_fn(move || {
                let key = children.next()?.as_bytes()?;
                Some((key, children.next()?))
            })
        })
    }

    fn children(&self) -> Children<'d, 'a> {
        // The last one is the end mark.
        Children { document: self.document, index: self.index + 1, end: self.token().next(self.index) - 1 }
    }

    /// The bytes of this value as they stand in the input, prefix and end mark included.
    pub fn raw(&self) -> &'a [u8] {
        &self.document.input[self.span()]
    }

    /// Where in the input this value stands.
    pub fn span(&self) -> Range<usize> {
        let token = self.token();
        let last = if token.is_leaf() { token } else { self.document.tokens[token.next(self.index) as usize - 1] };
        token.start as usize..(last.rest & Token::REACH) as usize
    }

    /// Whether the bytes are the only ones BEP 3 allows for this value.
    pub fn is_canonical(&self) -> bool {
        self.violations().next().is_none()
    }

    /// The violation that stands first in this value, if there is one.
    pub fn first_violation(&self) -> Option<Violation> {
        self.violations().min_by_key(|violation| violation.at)
    }

    /// All violations in this value, in no particular order.
    pub fn violations(&self) -> impl Iterator<Item = Violation> + use<'d, 'a> {
        let span = self.span();
        self.document.violations.iter().copied().filter(move |violation| span.contains(&violation.at))
    }
}

impl fmt::Debug for Value<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{:?}", self.kind(), self.span())
    }
}

struct Children<'d, 'a> {
    document: &'d Document<'a>,
    index: u32,
    end: u32,
}

impl<'d, 'a> Iterator for Children<'d, 'a> {
    type Item = Value<'d, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.index >= self.end {
            return None;
        }
        let value = Value { document: self.document, index: self.index };
        self.index = value.token().next(self.index);
        Some(value)
    }
}
