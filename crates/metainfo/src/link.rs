//! What a person pastes to say which torrent is meant: a magnet link (BEP 9), an info-hash, a URL or a path.
//!
//! Tolerant of what mail programs, web pages and terminals do to links: space around, line breaks within, `&amp;`, percent-coding
//! of the whole, quotes, brackets and prose around. A path is what remains, so a text is refused only if it is clearly meant as something else and broken.

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::fmt;

use crate::key::TorrentKey;
use crate::limits::Limits;
use crate::magnet::{Magnet, MagnetError};
use crate::metainfo::Warning;
use crate::percent::decode;
use crate::redact::redact_link;
use crate::{paste, url};

/// A torrent named by a person.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // few are ever made
pub enum Link {
    /// A magnet link, or a bare info-hash as a magnet link without anything else.
    Magnet {
        /// What it says.
        magnet: Magnet,
        /// Whether the link has one parameter only, as when a shell cut it off at an unquoted `&`.
        lost_trackers: bool,
        /// What was left out of it.
        warnings: Vec<Warning>,
    },
    /// An http or https URL of a .torrent file.
    Url(String),
    /// A .torrent file here, as typed.
    Path(String),
}

/// Why a text names no torrent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkError {
    /// Nothing was given.
    Empty,
    /// A broken magnet link.
    Magnet(MagnetError),
    /// A URL that is malformed, or of a scheme that is not fetched.
    BadUrl {
        /// The URL as it was given.
        url: String,
    },
}

impl Link {
    /// Understands a pasted text.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, LinkError> {
        if text.len() > limits.magnet_bytes {
            return Err(LinkError::Magnet(MagnetError::TooLong { size: text.len(), limit: limits.magnet_bytes }));
        }
        let alone = paste::cleaned(text);
        if alone.is_empty() {
            let nothing = text.trim_matches(|c: char| c.is_whitespace() || "<>\"'".contains(c)).is_empty();
            return if nothing { Err(LinkError::Empty) } else { Ok(Self::Path(String::from(text))) };
        }
        // Prose around a link is left out; a link alone may have been wrapped anywhere.
        let found = paste::links(text);
        let trimmed = match &found[..] {
            [one] if !paste::begins(&alone) && paste::begins(one) => one,
            [first, more @ ..] if paste::begins(first) && more.iter().any(|link| paste::begins(link)) => first,
            _ => &*alone,
        };
        if let Some(magnet) = as_magnet(trimmed) {
            let lost_trackers = !magnet.contains('&');
            return Magnet::read(&magnet, limits)
                .map(|(magnet, warnings)| Self::Magnet { magnet, lost_trackers, warnings })
                .map_err(LinkError::Magnet);
        }
        if let Some(key) = TorrentKey::pasted(trimmed) {
            return Ok(Self::from(key));
        }
        if let Some((scheme, _)) = trimmed.split_once("://").filter(|_| as_file(trimmed).is_none()) {
            let is_scheme = scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c));
            if is_scheme && !scheme.is_empty() {
                let url = paste::without_breaks(trimmed);
                return match url::http(&*url) {
                    Ok(url) => Ok(Self::Url(url)),
                    Err(_) => Err(LinkError::BadUrl { url: url.chars().take(200).collect() }),
                };
            }
        }
        if let Some(path) = as_file(trimmed) {
            return path.map(Self::Path);
        }
        if ["data:", "urn:btih:"].iter().any(|p| has_prefix(trimmed, p)) {
            return match trimmed.get(9..).filter(|_| has_prefix(trimmed, "urn:btih:")).and_then(TorrentKey::pasted) {
                Some(key) => Ok(Self::from(key)),
                None => Err(LinkError::BadUrl { url: trimmed.chars().take(200).collect() }),
            };
        }
        // A path may begin or end with a space, so it is taken as typed but for line ends.
        Ok(Self::Path(String::from(text.trim_matches(['\r', '\n']))))
    }
}

impl From<TorrentKey> for Link {
    fn from(key: TorrentKey) -> Self {
        Self::Magnet { magnet: Magnet::from(key), lost_trackers: false, warnings: Vec::new() }
    }
}

fn has_prefix(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// The text as a magnet link, if it is one even when it was coded as a whole (`magnet%3A%3Fxt%3D…`).
fn as_magnet(text: &str) -> Option<Cow<'_, str>> {
    let text = paste::without_breaks(text);
    if has_prefix(&text, "magnet:?") {
        // All but the beginning may be coded: `magnet:?xt%3Durn%3A…%26dn%3D…`.
        if !text.contains('=')
            && let Ok(decoded) = String::from_utf8(decode(&text))
        {
            return Some(decoded.into());
        }
        return Some(text);
    }
    if has_prefix(&text, "magnet%3a?") && text.contains('=') {
        return Some(["magnet:", &text[9..]].concat().into());
    }
    if has_prefix(&text, "magnet://?") || has_prefix(&text, "magnet:///?") || has_prefix(&text, "magnet:/?") {
        return text.split_once('?').map(|(_, query)| Cow::Owned(["magnet:?", query].concat()));
    }
    if has_prefix(&text, "magnet%3a") || has_prefix(&text, "magnet:%3f") {
        let decoded = String::from_utf8(decode(&text)).ok()?;
        return has_prefix(&decoded, "magnet:?").then_some(Cow::Owned(decoded));
    }
    // Broken, but meant as one: the error says why.
    has_prefix(&text, "magnet:").then_some(text)
}

/// The path of a `file:` URL of this machine (RFC 8089); none for other texts. A URL may have been copied from a stranger's page, so only what
/// is called as files with links are can be named by one; any other file can be named by its path.
fn as_file(text: &str) -> Option<Result<String, LinkError>> {
    let rest = text.get(5..).filter(|_| has_prefix(text, "file:"))?;
    let path = match rest.strip_prefix("//") {
        Some(rest) if has_prefix(rest, "localhost/") => rest.get(9..),
        rest_of_path => Some(rest_of_path.unwrap_or(rest)),
    };
    let path = path.filter(|path| path.starts_with('/')).and_then(|path| String::from_utf8(decode(path)).ok());
    let kinds = [".torrent", ".magnet", ".txt", ".url"];
    let is_kind = |path: &String| kinds.iter().any(|kind| path.to_ascii_lowercase().ends_with(kind));
    let path = path.filter(|path| !path.contains('\0') && is_kind(path));
    Some(path.ok_or_else(|| LinkError::BadUrl { url: text.chars().take(200).collect() }))
}

impl LinkError {
    /// The case as one word that scripts can match on.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Empty => "empty_link",
            Self::Magnet(error) => error.class(),
            Self::BadUrl { .. } => "bad_url",
        }
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no link is given"),
            Self::Magnet(error) => error.fmt(f),
            Self::BadUrl { url } => {
                write!(f, "{:?} is not a URL that can be fetched; use http or https", redact_link(url))
            }
        }
    }
}

impl core::error::Error for LinkError {}
