//! Changing what stands around an info dictionary (BEP 12, "Multitracker"; BEP 19, `url-list`), which itself stays byte for byte as it is.
//!
//! Keys that an edit does not concern keep their bytes. Where trackers change, `announce` and `announce-list` are written anew so
//! that they agree: `announce` is in the list, and one tracker alone needs no list. An `announce` that the list overrides (BEP 12) is not
//! brought back by that: it goes when the list is written. An edit that changes nothing gives the same bytes.
//!
//! Invariant: what comes out passes [`Metainfo::parse`] and has the info-hash of what went in; both are checked here.

use alloc::{borrow::ToOwned, collections::BTreeMap, string::String, vec, vec::Vec};
use core::fmt;

use teem_bencode::{Kind, Value, Writer};

use crate::error::Error;
use crate::limits::Limits;
use crate::metainfo::{Check, Metainfo};
use crate::redact::redact;
use crate::url::{self, UrlError};

/// What is wanted. Trackers are replaced first, then removed, then added.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edit {
    /// In every tracker's URL the first text becomes the second.
    pub replace: Option<(String, String)>,
    /// URLs of trackers, as they stand in the file.
    pub remove_trackers: Vec<String>,
    /// URLs of trackers; one that is there already stays where it is.
    pub add_trackers: Vec<String>,
    /// The tier, from 1, that added trackers join at its end, or a new last one; without it each is a tier of its own.
    pub tier: Option<usize>,
    /// URLs as they stand in the file.
    pub remove_web_seeds: Vec<String>,
    /// One that is there already is not added twice.
    pub add_web_seeds: Vec<String>,
    /// An empty one takes the comment away.
    pub comment: Option<String>,
}

/// One thing that an edit changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A tracker joined this tier, from 1.
    TrackerAdded {
        /// The URL of the tracker.
        url: String,
        /// The tier that it joined, counted from 1.
        tier: usize,
    },
    /// A tracker is there no more.
    TrackerRemoved {
        /// The URL of the tracker.
        url: String,
    },
    /// A tracker has another URL.
    TrackerReplaced {
        /// What it was.
        old: String,
        /// What it is.
        new: String,
    },
    /// A web seed was added.
    WebSeedAdded {
        /// The URL of the web seed.
        url: String,
    },
    /// A web seed is there no more.
    WebSeedRemoved {
        /// The URL of the web seed.
        url: String,
    },
    /// The comment is another one.
    Comment {
        /// What it was.
        old: Option<String>,
        /// What it is.
        new: Option<String>,
    },
}

/// A file after an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The .torrent; what it was where `changes` is empty.
    pub bytes: Vec<u8>,
    /// In the order in which they were made.
    pub changes: Vec<Change>,
}

/// Why a file cannot be edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditError {
    /// It is no valid torrent.
    Torrent(Error),
    /// A key outside the info dictionary stands twice, so that programs differ on what it says.
    RepeatedKey {
        /// The key that stands twice.
        key: String,
    },
    /// A URL that the edit would write is none, or of no use.
    BadUrl {
        /// As it would stand; may hold a passkey.
        url: String,
        /// Why it is of no use.
        why: UrlError,
    },
    /// There would be more trackers or web seeds than readers keep.
    TooMany {
        /// The key of the list.
        what: &'static str,
        /// How many are kept.
        limit: usize,
    },
    /// A text would be longer than readers take.
    TooLong {
        /// The most that readers take, in bytes.
        limit: usize,
    },
    /// The info-hash would be another one: a fault of this program.
    InfoChanged,
}

/// Edits a .torrent file.
pub fn edit(bytes: &[u8], edit: &Edit, limits: &Limits) -> Result<Edited, EditError> {
    let before = Metainfo::parse(bytes, limits).map_err(EditError::Torrent)?;
    let (document, consumed) =
        teem_bencode::parse_prefix(bytes, &limits.bencode).map_err(|e| EditError::Torrent(e.into()))?;
    let root = document.root();
    let mut work = Work { keys: keys(root)?, limits, changes: Vec::new() };
    work.trackers(root, edit)?;
    work.web_seeds(root, edit)?;
    work.comment(root, edit)?;
    if work.changes.is_empty() {
        return Ok(Edited { bytes: bytes.to_vec(), changes: Vec::new() });
    }
    let mut writer = Writer::new();
    writer.dict_from(work.keys);
    let mut edited = writer.into_bytes();
    edited.extend_from_slice(&bytes[consumed..]);
    let after = Metainfo::parse(&edited, limits).map_err(EditError::Torrent)?;
    if after.info.key() != before.info.key() {
        return Err(EditError::InfoChanged);
    }
    Ok(Edited { bytes: edited, changes: work.changes })
}

/// Every key of the file with its value's bytes.
fn keys(root: Value<'_, '_>) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, EditError> {
    let mut keys = BTreeMap::new();
    for (key, value) in root.dict().into_iter().flatten() {
        if keys.insert(key.to_vec(), value.raw().to_vec()).is_some() {
            return Err(EditError::RepeatedKey { key: text(key) });
        }
    }
    Ok(keys)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

struct Work<'l> {
    keys: BTreeMap<Vec<u8>, Vec<u8>>,
    limits: &'l Limits,
    changes: Vec<Change>,
}

impl Work<'_> {
    fn trackers(&mut self, root: Value<'_, '_>, edit: &Edit) -> Result<(), EditError> {
        let (mut announce, mut tiers) = tiers(root);
        let before = self.changes.len();
        if let Some((old, new)) = &edit.replace {
            self.replace(&mut announce, &mut tiers, old, new)?;
        }
        for url in &edit.remove_trackers {
            let is = |entry: &Vec<u8>| is_same(entry, url.trim(), |text| url::tracker(text));
            let overridden = announce.as_ref().is_some_and(is) && announce.take().is_some();
            if overridden || tiers.iter().flatten().any(is) {
                for tier in &mut tiers {
                    tier.retain(|entry| !is(entry));
                }
                self.changes.push(Change::TrackerRemoved { url: url.trim().to_owned() });
            }
        }
        tiers.retain(|tier| !tier.is_empty());
        let at = edit.tier.map(|tier| (tier.max(1) - 1).min(tiers.len()));
        for url in &edit.add_trackers {
            let url = self.checked(url, |text| url::tracker(text))?;
            if tiers.iter().flatten().any(|entry| is_same(entry, &url, |text| url::tracker(text))) {
                continue;
            }
            let at = at.unwrap_or(tiers.len());
            if at == tiers.len() {
                tiers.push(Vec::new());
            }
            tiers[at].push(url.clone().into_bytes());
            self.changes.push(Change::TrackerAdded { url, tier: at + 1 });
        }
        if self.changes.len() == before {
            return Ok(());
        }
        let count = tiers.iter().map(Vec::len).sum::<usize>();
        if count > self.limits.trackers {
            return Err(EditError::TooMany { what: "announce-list", limit: self.limits.trackers });
        }
        let announce = announce.filter(|url| tiers.iter().flatten().any(|entry| entry == url));
        self.put("announce", announce.as_ref().or_else(|| tiers.first()?.first()), |w, url| w.bytes(url));
        self.put("announce-list", Some(&tiers).filter(|_| count > 1), |w, tiers| {
            w.list(|w| tiers.iter().for_each(|tier| w.list(|w| tier.iter().for_each(|url| w.bytes(url)))));
        });
        Ok(())
    }

    fn replace(
        &mut self,
        announce: &mut Option<Vec<u8>>,
        tiers: &mut [Vec<Vec<u8>>],
        old: &str,
        new: &str,
    ) -> Result<(), EditError> {
        for entry in tiers.iter_mut().flatten().chain(announce) {
            let Some(before) = core::str::from_utf8(entry).ok().filter(|url| url.contains(old)) else { continue };
            let after = before.replace(old, new);
            if after == before || old.is_empty() {
                continue;
            }
            let after = self.checked(&after, |text| url::tracker(text))?;
            let change = Change::TrackerReplaced { old: before.to_owned(), new: after.clone() };
            if !self.changes.contains(&change) {
                self.changes.push(change);
            }
            *entry = after.into_bytes();
        }
        // Two trackers may have become one.
        let mut seen: Vec<Vec<u8>> = Vec::new();
        for tier in tiers {
            tier.retain(|entry| {
                let new = !seen.contains(entry);
                if new {
                    seen.push(entry.clone());
                }
                new
            });
        }
        Ok(())
    }

    fn web_seeds(&mut self, root: Value<'_, '_>, edit: &Edit) -> Result<(), EditError> {
        let mut urls = strings(root.get(b"url-list"));
        let before = self.changes.len();
        for url in &edit.remove_web_seeds {
            let count = urls.len();
            urls.retain(|entry| !is_same(entry, url.trim(), |text| url::http(text)));
            if urls.len() < count {
                self.changes.push(Change::WebSeedRemoved { url: url.trim().to_owned() });
            }
        }
        for url in &edit.add_web_seeds {
            let url = self.checked(url, |text| url::http(text))?;
            if !urls.iter().any(|entry| is_same(entry, &url, |text| url::http(text))) {
                urls.push(url.clone().into_bytes());
                self.changes.push(Change::WebSeedAdded { url });
            }
        }
        if self.changes.len() == before {
            return Ok(());
        }
        if urls.len() > self.limits.web_seeds {
            return Err(EditError::TooMany { what: "url-list", limit: self.limits.web_seeds });
        }
        self.put("url-list", Some(&urls).filter(|urls| !urls.is_empty()), |w, urls| {
            w.list(|w| urls.iter().for_each(|url| w.bytes(url)));
        });
        Ok(())
    }

    /// Some creators write the comment a second time as `comment.utf-8`, which some readers prefer.
    fn comment(&mut self, root: Value<'_, '_>, edit: &Edit) -> Result<(), EditError> {
        let Some(new) = &edit.comment else { return Ok(()) };
        if new.len() > self.limits.text_bytes {
            return Err(EditError::TooLong { limit: self.limits.text_bytes });
        }
        let stands = |key: &[u8]| root.get(key).and_then(|v| v.as_bytes()).map(text);
        let (old, second) = (stands(b"comment"), stands(b"comment.utf-8"));
        let new = Some(new.clone()).filter(|new| !new.is_empty());
        if old == new && second.as_ref().is_none_or(|second| Some(second) == new.as_ref()) {
            return Ok(());
        }
        self.put("comment", new.as_ref(), |w, text| w.str(text));
        if second.is_some() {
            self.put("comment.utf-8", new.as_ref(), |w, text| w.str(text));
        }
        self.changes.push(Change::Comment { old: second.or(old), new });
        Ok(())
    }

    fn put<T>(&mut self, key: &str, value: Option<T>, write: impl FnOnce(&mut Writer, T)) {
        match value {
            Some(value) => {
                let mut writer = Writer::new();
                write(&mut writer, value);
                self.keys.insert(key.as_bytes().to_vec(), writer.into_bytes());
            }
            None => {
                self.keys.remove(key.as_bytes());
            }
        }
    }

    fn checked(&self, text: &str, check: Check) -> Result<String, EditError> {
        let limit = self.limits.text_bytes;
        let short = |url: String| if url.len() <= limit { Ok(url) } else { Err(UrlError::TooLong(limit)) };
        let url = check(text.as_bytes()).and_then(short);
        url.map_err(|why| EditError::BadUrl { url: text.chars().take(200).collect(), why })
    }
}

/// `announce`, and the tiers as readers of BEP 12 see them: `announce` counts only where the list has no entry of use. What is no string is
/// left out.
fn tiers(root: Value<'_, '_>) -> (Option<Vec<u8>>, Vec<Vec<Vec<u8>>>) {
    let announce = root.get(b"announce").and_then(|v| v.as_bytes()).filter(|url| !url.trim_ascii().is_empty());
    let announce = announce.map(<[u8]>::to_vec);
    let list = root.get(b"announce-list").and_then(|v| v.list());
    let mut tiers: Vec<Vec<Vec<u8>>> = list.into_iter().flatten().map(|tier| strings(Some(tier))).collect();
    tiers.retain(|tier| !tier.is_empty());
    let overridden = tiers.iter().flatten().any(|entry| url::tracker(entry).is_ok());
    if let Some(url) = announce.as_ref().filter(|url| !overridden && !tiers.iter().flatten().any(|entry| entry == *url))
    {
        tiers.insert(0, vec![url.clone()]);
    }
    (announce, tiers)
}

/// Whether an entry is that URL: as it stands, or as both are understood.
fn is_same(entry: &[u8], url: &str, check: Check) -> bool {
    entry.trim_ascii() == url.as_bytes() || check(entry).is_ok_and(|entry| check(url.as_bytes()) == Ok(entry))
}

/// A string or a list of strings; empty ones say nothing.
fn strings(value: Option<Value<'_, '_>>) -> Vec<Vec<u8>> {
    let single = value.filter(|v| v.kind() == Kind::Bytes);
    let list = value.and_then(|v| v.list()).into_iter().flatten().chain(single);
    list.filter_map(|v| v.as_bytes()).filter(|s| !s.trim_ascii().is_empty()).map(<[u8]>::to_vec).collect()
}

impl EditError {
    /// The case as one word that scripts can match on.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Torrent(error) => error.class(),
            Self::RepeatedKey { .. } => "repeated_key",
            Self::BadUrl { .. } => "bad_url",
            Self::TooMany { .. } | Self::TooLong { .. } => "limit",
            Self::InfoChanged => "info_changed",
        }
    }
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torrent(error) => error.fmt(f),
            Self::RepeatedKey { key } => write!(f, "the key {key:?} stands twice, so programs differ on what it says"),
            Self::BadUrl { url, why } => write!(f, "{} would be of no use: {why}", redact(url)),
            Self::TooMany { what, limit } => write!(f, "{what} would have more than {limit} entries"),
            Self::TooLong { limit } => write!(f, "a comment of more than {limit} bytes is not read by others"),
            Self::InfoChanged => f.write_str("the info-hash would have changed; this is a fault of the program"),
        }
    }
}

impl core::error::Error for EditError {}
