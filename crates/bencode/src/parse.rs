//! The parser: one pass, an explicit stack bounded by the depth limit, no recursion (BEP 3, "bencoding").
//!
//! Lengths are compared with what is left before anything is done with them, so a string said to be huge costs nothing.

use alloc::vec::Vec;

use crate::error::Error;
use crate::limits::Limits;
use crate::view::{Document, Kind, Token, Violation, ViolationKind, content};

/// Digits that a string's length may have: as many as `u64::MAX`.
const LENGTH_DIGITS_MAX: usize = 20;

/// Parses an input that is one value and nothing else.
pub fn parse<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Document<'a>, Error> {
    let (document, at) = parse_prefix(bytes, limits)?;
    if at < bytes.len() {
        return Err(Error::Trailing { at });
    }
    Ok(document)
}

/// Parses the value that `bytes` begins with; also returns how many bytes it takes.
pub fn parse_prefix<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(Document<'a>, usize), Error> {
    let limit = limits.bytes.min(Token::REACH as usize);
    if bytes.len() > limit {
        return Err(Error::TooLarge { size: bytes.len(), limit });
    }
    let mut parser =
        Parser { input: bytes, at: 0, limits, values: 0, tokens: Vec::new(), violations: Vec::new(), open: Vec::new() };
    parser.run()?;
    let Parser { at, tokens, violations, .. } = parser;
    Ok((Document { input: &bytes[..at], tokens, violations }, at))
}

/// A list or dictionary whose end has not been seen.
struct Open {
    token: u32,
    /// For a dictionary: whether a key comes next, the last key's token, and whether the order was ever wrong.
    key_next: bool,
    last_key: Option<u32>,
    unsorted: bool,
}

struct Parser<'a, 'l> {
    input: &'a [u8],
    at: usize,
    limits: &'l Limits,
    /// Values and keys so far: the tokens but for the ends of lists and dictionaries.
    values: u32,
    tokens: Vec<Token>,
    violations: Vec<Violation>,
    open: Vec<Open>,
}

impl<'a> Parser<'a, '_> {
    fn run(&mut self) -> Result<(), Error> {
        loop {
            let byte = self.peek()?;
            let in_dict = self.open.last().is_some_and(|open| self.tokens[open.token as usize].kind() == Kind::Dict);
            let key_next = in_dict && self.open.last().is_some_and(|open| open.key_next);
            if byte == b'e' && !self.open.is_empty() && (key_next || !in_dict) {
                self.close();
            } else if key_next {
                if !byte.is_ascii_digit() {
                    return Err(Error::KeyNotString { at: self.at });
                }
                self.key()?;
                continue;
            } else {
                self.value(byte)?;
            }
            // A value has begun or ended here; if none is open, that was the whole.
            match self.open.last_mut() {
                None => return Ok(()),
                Some(open) if open.token as usize + 1 < self.tokens.len() => open.key_next = true,
                Some(_) => {}
            }
        }
    }

    fn peek(&self) -> Result<u8, Error> {
        self.input.get(self.at).copied().ok_or(Error::UnexpectedEnd { at: self.at })
    }

    fn value(&mut self, byte: u8) -> Result<(), Error> {
        match byte {
            b'i' => self.int(),
            b'0'..=b'9' => self.string().map(|_| ()),
            b'l' | b'd' => {
                if self.open.len() >= self.limits.depth as usize {
                    return Err(Error::TooDeep { at: self.at, limit: self.limits.depth });
                }
                let kind = if byte == b'l' { Kind::List } else { Kind::Dict };
                let token = self.push(kind, self.at, 0)?;
                self.open.push(Open { token, key_next: true, last_key: None, unsorted: false });
                self.at += 1;
                Ok(())
            }
            _ => Err(Error::UnexpectedByte { at: self.at }),
        }
    }

    /// `end` is of no meaning for a list or dictionary, which ends later.
    fn push(&mut self, kind: Kind, start: usize, end: usize) -> Result<u32, Error> {
        if self.values >= self.limits.tokens {
            return Err(Error::TooManyTokens { at: start, limit: self.limits.tokens });
        }
        self.values += 1;
        let index = self.tokens.len() as u32;
        self.tokens.push(Token::new(kind, start as u32, end as u32));
        Ok(index)
    }

    fn violation(&mut self, at: usize, kind: ViolationKind) {
        self.violations.push(Violation { at, kind });
    }

    /// `i`, an optional minus, digits, `e`.
    fn int(&mut self) -> Result<(), Error> {
        let start = self.at;
        self.at += 1;
        let negative = self.peek()? == b'-';
        self.at += usize::from(negative);
        let digits = self.at;
        let mut magnitude = Some(0_u64);
        while self.peek()? != b'e' {
            let byte = self.peek()?;
            if !byte.is_ascii_digit() {
                return Err(Error::BadDigit { at: self.at });
            }
            magnitude = magnitude.and_then(|m| m.checked_mul(10)?.checked_add(u64::from(byte - b'0')));
            self.at += 1;
        }
        let count = self.at - digits;
        if count == 0 {
            return Err(Error::BadDigit { at: self.at });
        }
        let max = i64::MAX as u64 + u64::from(negative);
        if magnitude.is_none_or(|m| m > max) {
            return Err(Error::Overflow { at: start });
        }
        if self.input[digits] == b'0' && (count > 1 || negative) {
            self.violation(start, ViolationKind::IntLeadingZero);
        }
        self.at += 1;
        self.push(Kind::Int, start, self.at).map(|_| ())
    }

    /// Digits, a colon, and as many bytes.
    fn string(&mut self) -> Result<u32, Error> {
        let start = self.at;
        let mut length = 0_u64;
        loop {
            let byte = self.peek()?;
            match byte {
                b':' => break,
                b'0'..=b'9' if self.at - start < LENGTH_DIGITS_MAX => {
                    length = length.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
                }
                _ => return Err(Error::BadStringLength { at: start }),
            }
            self.at += 1;
        }
        if self.input[start] == b'0' && self.at - start > 1 {
            self.violation(start, ViolationKind::LengthLeadingZero);
        }
        self.at += 1;
        if length > (self.input.len() - self.at) as u64 {
            return Err(Error::UnexpectedEnd { at: self.input.len() });
        }
        self.at += length as usize;
        self.push(Kind::Bytes, start, self.at)
    }

    fn key(&mut self) -> Result<(), Error> {
        let token = self.string()?;
        let last = self.open.last().and_then(|open| open.last_key);
        let order = last.map(|last| self.content(last).cmp(self.content(token)));
        let at = self.tokens[token as usize].start as usize;
        match order {
            Some(core::cmp::Ordering::Equal) => self.violation(at, ViolationKind::DuplicateKey),
            Some(core::cmp::Ordering::Greater) => self.violation(at, ViolationKind::UnsortedKey),
            _ => {}
        }
        if let Some(open) = self.open.last_mut() {
            open.unsorted |= order == Some(core::cmp::Ordering::Greater);
            open.last_key = Some(token);
            open.key_next = false;
        }
        // A value must follow, and an `e` is none.
        if self.peek()? == b'e' {
            return Err(Error::UnexpectedByte { at: self.at });
        }
        Ok(())
    }

    fn content(&self, token: u32) -> &'a [u8] {
        content(self.input, self.tokens[token as usize])
    }

    fn close(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let mark = self.tokens.len() as u32;
        self.tokens.push(Token::new(Kind::Int, self.at as u32, self.at as u32 + 1));
        self.at += 1;
        let token = &mut self.tokens[open.token as usize];
        *token = Token::new(token.kind(), token.start, mark + 1);
        if open.unsorted {
            self.duplicates(open.token + 1, mark);
        }
    }

    /// Equal keys need not be neighbours in a dictionary that is not sorted.
    fn duplicates(&mut self, first: u32, end: u32) {
        let mut keys = Vec::new();
        let mut index = first;
        while index < end {
            keys.push((self.content(index), self.tokens[index as usize].start as usize));
            index = self.tokens[index as usize + 1].next(index + 1);
        }
        keys.sort_unstable();
        for pair in keys.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            self.violation(pair[1].1, ViolationKind::DuplicateKey);
        }
    }
}
