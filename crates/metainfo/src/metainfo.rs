//! A .torrent file: an info dictionary and where to find its swarm (BEP 3, 5, 12, 17, 19, 52).
//!
//! Around the info dictionary we are tolerant: what is not understood is left out with a warning, because a working torrent is not
//! to be refused for a broken tracker in its list.

use alloc::{collections::BTreeMap, string::String, sync::Arc, vec, vec::Vec};
use core::fmt;

use teem_bencode::{Kind, Value};

use crate::error::Error;
use crate::info::Info;
use crate::limits::Limits;
use crate::redact::redact;
use crate::url::UrlError;
use crate::validate::validate;
use crate::{merkle, url};

/// Something of a file that was ignored or tolerated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Bytes follow the torrent.
    TrailingBytes {
        /// How many bytes follow.
        count: usize,
    },
    /// Keys of the info dictionary are not in order.
    UnsortedKeys,
    /// A tracker, web seed or node is malformed or of a scheme that is not used.
    BadUrl {
        /// As it stands in the file; may hold a passkey.
        url: String,
        /// Why it is of no use.
        why: UrlError,
    },
    /// More trackers, web seeds or nodes than are kept.
    TooMany {
        /// The key of the list.
        what: &'static str,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrailingBytes { count } => write!(f, "{count} bytes behind the torrent were ignored"),
            Self::UnsortedKeys => f.write_str("the info dictionary's keys are not in order"),
            Self::BadUrl { url, why } => write!(f, "ignored {}: {why}", redact(url)),
            Self::TooMany { what } => write!(f, "only the first entries of {what} were kept"),
        }
    }
}

/// A .torrent file.
#[derive(Debug, Clone)]
pub struct Metainfo {
    /// What the torrent is.
    pub info: Arc<Info>,
    /// Trackers by tier (BEP 12); URLs that parse, schemes http, https, udp, ws, wss.
    pub trackers: Vec<Vec<String>>,
    /// `url-list` (BEP 19); http or https, without duplicates.
    pub web_seeds: Vec<String>,
    /// `httpseeds` (BEP 17); http or https, without duplicates.
    pub http_seeds: Vec<String>,
    /// DHT nodes to start from (BEP 5): host and port.
    pub nodes: Vec<(String, u16)>,
    /// Free text of the creator.
    pub comment: Option<String>,
    /// The creator's program.
    pub created_by: Option<String>,
    /// Seconds since 1970, as the creator says.
    pub creation_date: Option<i64>,
    /// What was tolerated or left out.
    pub warnings: Vec<Warning>,
}

impl Metainfo {
    /// Reads a .torrent file.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        let (document, consumed) = teem_bencode::parse_prefix(bytes, &limits.bencode)?;
        let root = document.root();
        if root.kind() != Kind::Dict {
            return Err(Error::NotADict);
        }
        let info = root.get(b"info").filter(|info| info.kind() == Kind::Dict).ok_or(Error::MissingInfo)?;
        let (raw, valid) = (info.raw(), validate(info, limits)?);
        let mut outer = Outer { root, limits, warnings: Vec::new() };
        if consumed < bytes.len() {
            outer.warnings.push(Warning::TrailingBytes { count: bytes.len() - consumed });
        }
        if valid.unsorted {
            outer.warnings.push(Warning::UnsortedKeys);
        }
        let (trackers, nodes) = (outer.trackers(), outer.nodes());
        let (web_seeds, http_seeds) = (outer.urls(b"url-list", "url-list"), outer.urls(b"httpseeds", "httpseeds"));
        let (comment, created_by) = (outer.text(b"comment"), outer.text(b"created by"));
        let (warnings, layers) = (outer.warnings, layers(root)?);
        let creation_date = root.get(b"creation date").and_then(|v| v.as_int());
        // What was parsed is gone before the bytes are copied: of a million files both are large.
        drop(document);
        let info = Info::of(raw.to_vec(), valid);
        let layers = piece_layers(&layers, &info)?;
        let info = Arc::new(info.with_layers(layers));
        Ok(Self { info, trackers, web_seeds, http_seeds, nodes, comment, created_by, creation_date, warnings })
    }
}

/// Reads what stands around the info dictionary.
struct Outer<'d, 'a, 'l> {
    root: Value<'d, 'a>,
    limits: &'l Limits,
    warnings: Vec<Warning>,
}

impl Outer<'_, '_, '_> {
    fn text(&self, key: &[u8]) -> Option<String> {
        let bytes = self.root.get(key)?.as_bytes()?;
        (bytes.len() <= self.limits.text_bytes).then(|| String::from_utf8_lossy(bytes).into_owned())
    }

    /// A URL that `check` lets through; empty ones are left out in silence.
    fn url(&mut self, value: Value<'_, '_>, check: Check) -> Option<String> {
        let bytes = value.as_bytes().filter(|bytes| !bytes.trim_ascii().is_empty())?;
        url_or_warning(bytes, check, self.limits, &mut self.warnings)
    }

    /// `announce-list` counts where it has a usable entry, else `announce` (BEP 12).
    fn trackers(&mut self) -> Vec<Vec<String>> {
        let mut tiers = Vec::new();
        let mut room = self.limits.trackers;
        for tier in self.root.get(b"announce-list").and_then(|v| v.list()).into_iter().flatten() {
            let mut trackers = Vec::new();
            // Some creators forget the inner lists.
            let single = (tier.kind() == Kind::Bytes).then_some(tier);
            for entry in tier.list().into_iter().flatten().chain(single) {
                if room == 0 {
                    self.warnings.push(Warning::TooMany { what: "announce-list" });
                    tiers.push(trackers);
                    return tiers;
                }
                if let Some(tracker) = self.url(entry, |text| url::tracker(text)) {
                    trackers.push(tracker);
                    room -= 1;
                }
            }
            if !trackers.is_empty() {
                tiers.push(trackers);
            }
        }
        if tiers.is_empty()
            && let Some(announce) = self.root.get(b"announce").and_then(|v| self.url(v, |text| url::tracker(text)))
        {
            tiers.push(vec![announce]);
        }
        tiers
    }

    /// A string or a list of strings.
    fn urls(&mut self, key: &[u8], what: &'static str) -> Vec<String> {
        let mut urls: Vec<String> = Vec::new();
        let Some(value) = self.root.get(key) else { return urls };
        let single = (value.kind() == Kind::Bytes).then_some(value);
        for entry in value.list().into_iter().flatten().chain(single) {
            if urls.len() == self.limits.web_seeds {
                self.warnings.push(Warning::TooMany { what });
                break;
            }
            if let Some(url) = self.url(entry, |text| url::http(text))
                && !urls.contains(&url)
            {
                urls.push(url);
            }
        }
        urls
    }

    fn nodes(&mut self) -> Vec<(String, u16)> {
        let read = |node: Value<'_, '_>| {
            let mut parts = node.list()?;
            let host = parts.next()?.as_str().filter(|host| !host.is_empty() && host.len() <= 255)?;
            let port = u16::try_from(parts.next()?.as_int()?).ok().filter(|&port| port > 0)?;
            Some((String::from(host), port))
        };
        let list = self.root.get(b"nodes").and_then(|v| v.list());
        list.into_iter().flatten().filter_map(read).take(self.limits.nodes).collect()
    }
}

/// A test that mends a URL too.
pub(crate) type Check = fn(&[u8]) -> Result<String, UrlError>;

/// A URL that `check` lets through; any other is named in a warning, as long as there are not too many.
pub(crate) fn url_or_warning(
    bytes: &[u8],
    check: Check,
    limits: &Limits,
    warnings: &mut Vec<Warning>,
) -> Option<String> {
    let fits = if bytes.len() <= limits.text_bytes { Ok(()) } else { Err(UrlError::TooLong(limits.text_bytes)) };
    match fits.and_then(|()| check(bytes)) {
        Ok(url) => Some(url),
        Err(why) => {
            if warnings.len() < limits.nodes {
                let url = String::from_utf8_lossy(&bytes[..bytes.len().min(limits.text_bytes)]).into_owned();
                warnings.push(Warning::BadUrl { url, why });
            }
            None
        }
    }
}

/// The layers as they stand (BEP 52, "piece layers").
fn layers<'a>(root: Value<'_, 'a>) -> Result<BTreeMap<&'a [u8], &'a [u8]>, Error> {
    let mut given = BTreeMap::new();
    if let Some(layers) = root.get(b"piece layers") {
        for (key, layer) in layers.dict().ok_or(Error::BadPieceLayer { file: 0 })? {
            given.insert(key, layer.as_bytes().ok_or(Error::BadPieceLayer { file: 0 })?);
        }
    }
    Ok(given)
}

/// Checks that each file longer than a piece has a layer that leads to its root (BEP 52, "piece layers").
fn piece_layers(given: &BTreeMap<&[u8], &[u8]>, info: &Info) -> Result<BTreeMap<merkle::Hash, Vec<u8>>, Error> {
    let mut layers = BTreeMap::new();
    for (index, file) in info.files().iter().enumerate() {
        let Some(pieces_root) = file.pieces_root() else { continue };
        if file.length <= u64::from(info.piece_length()) || layers.contains_key(pieces_root) {
            continue;
        }
        let layer = given.get(&pieces_root[..]).ok_or(Error::BadPieceLayer { file: index })?;
        if !merkle::layer_is_valid(layer, file.length, info.piece_length(), pieces_root) {
            return Err(Error::BadPieceLayer { file: index });
        }
        layers.insert(*pieces_root, layer.to_vec());
    }
    Ok(layers)
}
