//! What was taken of feeds, known again by digests (own design): of the id of an item in its feed, and of the info-hash of what it led to, whichever feed named it.
use super::definition::FeedName;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use teem_client::metainfo::InfoHash;

/// Digests that are kept; when there are more, the oldest tenth is forgotten.
const KEPT_MAX: usize = 200_000;

/// By what something is known again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Key([u8; 16]);

impl Key {
    /// An item of a feed.
    pub(crate) fn of_item(feed: &FeedName, id: &str) -> Self {
        Self::of(&[b"item", feed.as_str().as_bytes(), id.as_bytes()])
    }

    /// What an item led to, in whichever feed.
    pub(crate) fn of_torrent(hash: InfoHash) -> Self {
        Self::of(&[b"torrent", hash.to_string().as_bytes()])
    }

    fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hasher.finalize()[..16]);
        Self(key)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Key {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let number = if text.len() == 32 { u128::from_str_radix(text, 16) } else { return Err(()) };
        number.map(|number| Self(number.to_be_bytes())).map_err(|_| ())
    }
}

/// All that was taken, with when, in seconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Seen(BTreeMap<Key, u64>);

impl Seen {
    /// Takes over a record; whether it is one.
    pub(crate) fn remember(&mut self, name: &str, bytes: &[u8]) -> bool {
        let time = <[u8; 8]>::try_from(bytes).ok().map(u64::from_be_bytes);
        let record = name.parse().ok().zip(time);
        self.0.extend(record);
        record.is_some()
    }

    pub(crate) fn has(&self, key: Key) -> bool {
        self.0.contains_key(&key)
    }

    /// Notes keys, and gives the records that are to be put and to be removed for that.
    pub(crate) fn note(&mut self, keys: &[Key], now: u64) -> Vec<(String, Option<Vec<u8>>)> {
        let mut records: Vec<_> = keys.iter().map(|key| (key.to_string(), Some(now.to_be_bytes().to_vec()))).collect();
        self.0.extend(keys.iter().map(|key| (*key, now)));
        if self.0.len() > KEPT_MAX {
            let mut all: Vec<(u64, Key)> = self.0.iter().map(|(key, time)| (*time, *key)).collect();
            all.sort_unstable();
            for (_, key) in all.into_iter().filter(|(_, key)| !keys.contains(key)).take(KEPT_MAX / 10) {
                self.0.remove(&key);
                records.push((key.to_string(), None));
            }
        }
        records
    }

    /// Takes back what was noted and could not be kept.
    pub(crate) fn forget(&mut self, keys: &[Key]) {
        for key in keys {
            self.0.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_belong_to_their_feed_and_what_is_kept_comes_back() {
        let [a, b] = ["a", "b"].map(|name| name.parse::<FeedName>().unwrap());
        let keys = [Key::of_item(&a, "1"), Key::of_item(&b, "1"), Key::of_item(&a, "2")];
        let mut seen = Seen::default();
        let records = seen.note(&keys[..1], 7);
        assert!(seen.has(keys[0]) && !seen.has(keys[1]) && !seen.has(keys[2]));
        let mut again = Seen::default();
        for (name, bytes) in records {
            assert!(again.remember(&name, &bytes.unwrap()));
        }
        assert!(again.has(keys[0]) && !again.has(keys[1]));
        assert!(!again.remember("x", &[0; 8]) && !again.remember(&"0".repeat(32), &[0; 7]));
        seen.forget(&keys[..1]);
        assert!(!seen.has(keys[0]));
    }

    #[test]
    fn the_oldest_are_forgotten_when_there_are_too_many() {
        let feed: FeedName = "a".parse().unwrap();
        let mut seen = Seen::default();
        for n in 0..KEPT_MAX as u64 {
            seen.0.insert(Key::of(&[&n.to_be_bytes()]), n);
        }
        let new = Key::of_item(&feed, "new");
        let records = seen.note(&[new], 0);
        assert_eq!((records.len(), seen.0.len()), (1 + KEPT_MAX / 10, KEPT_MAX + 1 - KEPT_MAX / 10));
        assert!(seen.has(new) && !seen.has(Key::of(&[&0u64.to_be_bytes()])));
    }
}
