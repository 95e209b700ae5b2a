//! Magnet links (BEP 9, "magnet URI format"; BEP 53 for `so`; BEP 52 for `urn:btmh:`).
//!
//! Only a wrong or missing info-hash makes a link useless; other parameters that are not understood, or are more than allowed, are
//! left out. Trackers, web seeds and peers stay text, since names are resolved elsewhere.

use alloc::{string::String, vec::Vec};
use core::{fmt, ops::RangeInclusive};

use crate::info_hash::{InfoHash, InfoHashV2, hex};
use crate::key::TorrentKey;
use crate::limits::Limits;
use crate::metainfo::{Check, Warning, url_or_warning};
use crate::percent::{decode, encode};
use crate::url;

/// What a magnet link says. Build one and print it by `Display` to make a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Magnet {
    /// `xt`: what is wanted.
    pub key: TorrentKey,
    /// `dn`: a name to show until the true one is known; a stranger's text.
    pub name: Option<String>,
    /// `tr`: trackers, each a tier of its own; without duplicates.
    pub trackers: Vec<String>,
    /// `ws`: web seeds (BEP 19).
    pub web_seeds: Vec<String>,
    /// `x.pe`: peers as `host:port`, the host a name, an IPv4 address or an IPv6 address in brackets.
    pub peers: Vec<String>,
    /// `dht`: nodes as `host:port`.
    pub nodes: Vec<String>,
    /// `so`: ranges of file indices that are wanted; empty means all.
    pub selected: Vec<RangeInclusive<u32>>,
    /// `xs`: where the .torrent file is, http or https URLs.
    pub exact_sources: Vec<String>,
}

/// Why a text is no magnet link.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MagnetError {
    /// It does not begin with `magnet:?`.
    NotMagnet,
    /// It has more bytes than allowed.
    TooLong {
        /// The size of the link in bytes.
        size: usize,
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// No `xt` names a torrent.
    MissingHash,
    /// An info-hash has a wrong length or digit.
    BadHash {
        /// As it stands in the link.
        text: String,
    },
}

impl From<TorrentKey> for Magnet {
    fn from(key: TorrentKey) -> Self {
        Self {
            key,
            name: None,
            trackers: Vec::new(),
            web_seeds: Vec::new(),
            peers: Vec::new(),
            nodes: Vec::new(),
            selected: Vec::new(),
            exact_sources: Vec::new(),
        }
    }
}

impl Magnet {
    /// Reads a link that begins with `magnet:?` and has nothing around it.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, MagnetError> {
        Self::read(text, limits).map(|(magnet, _)| magnet)
    }

    /// The same, with what was left out of it.
    pub fn read(text: &str, limits: &Limits) -> Result<(Self, Vec<Warning>), MagnetError> {
        if text.len() > limits.magnet_bytes {
            return Err(MagnetError::TooLong { size: text.len(), limit: limits.magnet_bytes });
        }
        let scheme = text.get(..8).filter(|scheme| scheme.eq_ignore_ascii_case("magnet:?"));
        let query = &text[scheme.ok_or(MagnetError::NotMagnet)?.len()..];
        let parameters = || query.split('&').filter_map(|parameter| parameter.split_once('='));
        let (mut v1, mut v2) = (None, None);
        for (_, value) in parameters().filter(|(key, _)| unnumbered(key).eq_ignore_ascii_case("xt")) {
            let (one, two) = exact_topic(&String::from_utf8(decode(value)).unwrap_or_default())?;
            (v1, v2) = (v1.or(one), v2.or(two));
        }
        let mut magnet = Self::from(TorrentKey::new(v1, v2).ok_or(MagnetError::MissingHash)?);
        let mut warnings = Vec::new();
        for (key, value) in parameters() {
            magnet.parameter(key, value, limits, &mut warnings);
        }
        Ok((magnet, warnings))
    }

    fn parameter(&mut self, key: &str, value: &str, limits: &Limits, warnings: &mut Vec<Warning>) {
        let mut url = |list: &mut Vec<String>, what: &'static str, check: Check, most: usize| {
            let bytes = Some(decode(value)).filter(|bytes| !bytes.trim_ascii().is_empty());
            let url = bytes.and_then(|bytes| url_or_warning(&bytes, check, limits, warnings));
            let whole = list.len() == most && url.as_ref().is_some_and(|url| !list.contains(url));
            if whole && !warnings.iter().any(|w| matches!(w, Warning::TooMany { what: full } if *full == what)) {
                warnings.push(Warning::TooMany { what });
            }
            add(list, url, most);
        };
        let text = || String::from_utf8(decode(value)).ok();
        let plain = unnumbered(key);
        if key.eq_ignore_ascii_case("x.pe") {
            add(&mut self.peers, text().filter(|peer| is_endpoint(peer)), limits.magnet_peers);
        } else if plain.eq_ignore_ascii_case("tr") {
            url(&mut self.trackers, "tr", |text| url::tracker(text), limits.magnet_trackers);
        } else if plain.eq_ignore_ascii_case("ws") {
            url(&mut self.web_seeds, "ws", |text| url::http(text), limits.magnet_web_seeds);
        } else if plain.eq_ignore_ascii_case("xs") {
            url(&mut self.exact_sources, "xs", |text| url::http(text), limits.magnet_web_seeds);
        } else if key.eq_ignore_ascii_case("dht") {
            add(&mut self.nodes, text().filter(|node| is_endpoint(node)), limits.magnet_peers);
        } else if key.eq_ignore_ascii_case("dn") && self.name.is_none() {
            let name = decode(&value.replace('+', " "));
            self.name = Some(String::from_utf8_lossy(&name).into_owned()).filter(|name| !name.is_empty());
        } else if key.eq_ignore_ascii_case("so") {
            let ranges = text().unwrap_or_default();
            let room = limits.magnet_selections.saturating_sub(self.selected.len());
            self.selected.extend(ranges.split(',').filter_map(range).take(room));
        }
    }

    /// Whether the file with this index is wanted (BEP 53).
    pub fn selects(&self, file: u32) -> bool {
        self.selected.is_empty() || self.selected.iter().any(|range| range.contains(&file))
    }
}

/// A parameter's name; repeated ones may be numbered: `tr.1`.
fn unnumbered(key: &str) -> &str {
    key.split_once('.').map_or(key, |(plain, _)| plain)
}

/// The hash that a topic names, if any. Other networks' hashes (`urn:sha1:` and the like) are not ours.
fn exact_topic(urn: &str) -> Result<(Option<InfoHash>, Option<InfoHashV2>), MagnetError> {
    let bad = || MagnetError::BadHash { text: urn.chars().take(128).collect() };
    let strip =
        |prefix: &str| urn.get(..prefix.len()).filter(|p| p.eq_ignore_ascii_case(prefix)).map(|_| &urn[prefix.len()..]);
    if let Some(text) = strip("urn:btih:") {
        return Ok((Some(text.parse().map_err(|_| bad())?), None));
    }
    let Some(text) = strip("urn:btmh:") else { return Ok((None, None)) };
    // A multihash: 0x12 is SHA-256, 0x20 its length.
    let text = text.strip_prefix("1220").ok_or_else(bad)?;
    Ok((None, Some(InfoHashV2(hex(text).ok_or_else(bad)?))))
}

/// Appends unless it is there already or there is no room.
fn add(list: &mut Vec<String>, entry: Option<String>, limit: usize) {
    if let Some(entry) = entry.filter(|entry| list.len() < limit && !list.contains(entry)) {
        list.push(entry);
    }
}

/// `host:port` without anything that could not stand in a host.
fn is_endpoint(text: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || "-._:[]%".contains(c);
    matches!(url::split_port(text), Some((_, Some(_)))) && text.len() <= 300 && text.chars().all(allowed)
}

/// `7` or `2-5`.
fn range(text: &str) -> Option<RangeInclusive<u32>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some(first..=last)
}

impl fmt::Display for Magnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("magnet:?")?;
        let v1 = self.key.v1().map(|hash| write!(f, "xt=urn:btih:{hash}")).transpose()?;
        if let Some(hash) = self.key.v2() {
            write!(f, "{}xt=urn:btmh:1220{hash}", if v1.is_some() { "&" } else { "" })?;
        }
        if let Some(name) = &self.name {
            write!(f, "&dn={}", encode(name.as_bytes()))?;
        }
        let lists =
            [("tr", &self.trackers), ("ws", &self.web_seeds), ("xs", &self.exact_sources), ("dht", &self.nodes)];
        for (key, list) in lists {
            for entry in list {
                write!(f, "&{key}={}", encode(entry.as_bytes()))?;
            }
        }
        for peer in &self.peers {
            // Colon and brackets are allowed in a query and easier to read.
            write!(f, "&x.pe={}", encode(peer.as_bytes()).replace("%3A", ":").replace("%5B", "[").replace("%5D", "]"))?;
        }
        for (index, range) in self.selected.iter().enumerate() {
            f.write_str(if index == 0 { "&so=" } else { "," })?;
            match (range.start(), range.end()) {
                (first, last) if first == last => write!(f, "{first}")?,
                (first, last) => write!(f, "{first}-{last}")?,
            }
        }
        Ok(())
    }
}

impl MagnetError {
    /// The case as one word that scripts can match on.
    pub fn class(&self) -> &'static str {
        match self {
            Self::NotMagnet => "not_a_magnet",
            Self::TooLong { .. } => "limit",
            Self::MissingHash => "missing_info_hash",
            Self::BadHash { .. } => "bad_info_hash",
        }
    }
}

impl fmt::Display for MagnetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMagnet => f.write_str("a magnet link begins with magnet:?"),
            Self::TooLong { size, limit } => write!(f, "the magnet link has {size} bytes, at most {limit} are read"),
            Self::MissingHash => f.write_str("the magnet link names no torrent (xt=urn:btih:… is missing)"),
            Self::BadHash { text } => {
                write!(f, "{text:?} in the magnet link is no info-hash; it may have been cut off")
            }
        }
    }
}

impl core::error::Error for MagnetError {}
