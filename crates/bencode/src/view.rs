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
    /// `i7e`
    Int,
    /// `3:moo`, any bytes
    Bytes,
    /// `l…e`
    List,
    /// `d…e`
    Dict,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    /// Span in the input; 32 bits suffice because `parse` refuses larger inputs.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Index of the token behind this one and all its descendants.
    pub(crate) next: u32,
    pub(crate) kind: Kind,
    /// Bytes before a string's content (its length and the colon).
    pub(crate) header: u8,
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
        self.token().kind
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
        let token = self.token();
        (token.kind == Kind::Bytes)
            .then(|| &self.document.input[token.start as usize + token.header as usize..token.end as usize])
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
        Children { document: self.document, index: self.index + 1, end: self.token().next }
    }

    /// The bytes of this value as they stand in the input, prefix and end mark included.
    pub fn raw(&self) -> &'a [u8] {
        &self.document.input[self.span()]
    }

    /// Where in the input this value stands.
    pub fn span(&self) -> Range<usize> {
        let token = self.token();
        token.start as usize..token.end as usize
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
        self.index = value.token().next;
        Some(value)
    }
}
