//! The canonical writer (BEP 3: keys sorted as raw strings, no superfluous zeros).
//!
//! Sorting is the caller's, who writes keys in order; a debug build checks it. For keys known only at run time there is
//! [`Writer::dict_from`], which sorts.

use alloc::{collections::BTreeMap, vec::Vec};

/// Writes values one behind the other.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// What was written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.out
    }

    fn digits(&mut self, mut value: u64) {
        let mut digits = [0; 20];
        let mut start = digits.len();
        loop {
            start -= 1;
            digits[start] = b'0' + (value % 10) as u8;
            value /= 10;
            if value == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&digits[start..]);
    }

    /// Appends an integer, `i…e`.
    pub fn int(&mut self, value: i64) {
        self.out.push(b'i');
        if value < 0 {
            self.out.push(b'-');
        }
        self.digits(value.unsigned_abs());
        self.out.push(b'e');
    }

    /// `i…e` of a number without sign. Readers hold 63 bits; larger ones will not be understood.
    pub fn uint(&mut self, value: u64) {
        self.out.push(b'i');
        self.digits(value);
        self.out.push(b'e');
    }

    /// Appends a string, `length:content`.
    pub fn bytes(&mut self, value: &[u8]) {
        self.digits(value.len() as u64);
        self.out.push(b':');
        self.out.extend_from_slice(value);
    }

    /// `length:content` of text.
    pub fn str(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    /// An encoded value as it stands, for example an info dictionary whose bytes must not change.
    pub fn raw(&mut self, encoded: &[u8]) {
        self.out.extend_from_slice(encoded);
    }

    /// `l…e`; `items` writes the values.
    pub fn list(&mut self, items: impl FnOnce(&mut Writer)) {
        self.out.push(b'l');
        items(self);
        self.out.push(b'e');
    }

    /// `d…e`; `entries` writes keys in ascending order, each followed by one value.
    pub fn dict(&mut self, entries: impl FnOnce(&mut DictWriter<'_>)) {
        self.out.push(b'd');
        entries(&mut DictWriter { writer: self, last: None });
        self.out.push(b'e');
    }

    /// `d…e` of keys and encoded values in any order; the last of equal keys stays.
    pub fn dict_from(&mut self, entries: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) {
        let sorted: BTreeMap<Vec<u8>, Vec<u8>> = entries.into_iter().collect();
        self.dict(|dict| {
            for (key, value) in &sorted {
                dict.key(key).raw(value);
            }
        });
    }
}

/// The inside of a dictionary, see [`Writer::dict`].
#[derive(Debug)]
pub struct DictWriter<'w> {
    writer: &'w mut Writer,
    /// Where the last key's content stands in the output.
    last: Option<(usize, usize)>,
}

impl DictWriter<'_> {
    /// Writes a key; the caller then writes exactly one value to what is returned.
    pub fn key(&mut self, key: &[u8]) -> &mut Writer {
        debug_assert!(
            self.last.is_none_or(|(start, end)| &self.writer.out[start..end] < key),
            "keys of a dictionary must ascend"
        );
        self.writer.bytes(key);
        let end = self.writer.out.len();
        self.last = Some((end - key.len(), end));
        self.writer
    }
}
