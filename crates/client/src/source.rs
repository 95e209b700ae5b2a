//! From what a person pastes to what a torrent needs (BEP 3, 9): reads files and URLs, understands links.
use crate::http::egress::Egress;
use crate::http::error::HttpError;
use crate::http::fetch::{Http, Limits as HttpLimits};
use crate::places::AddError;
use std::fmt;
use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use teem_metainfo::redact::{redact_file, redact_link, redact_of};
use teem_metainfo::{AnnounceUrl, Info, Limits, Link, Magnet, Metainfo, Origin, TorrentKey, Warning, paste};
use teem_wire::reach::Reach;

/// Why a link leads nowhere. `class` is a word for scripts.
#[derive(Debug)]
#[non_exhaustive]
pub enum LinkError {
    /// The text is no link, or a broken one.
    Link(teem_metainfo::LinkError),
    /// The file or the answer is no valid .torrent.
    Torrent(String, teem_metainfo::Error),
    /// The file cannot be read.
    File(PathBuf, std::io::Error),
    /// The URL cannot be fetched.
    Fetch(String, HttpError),
    /// The URL answered with this status.
    Status(String, u16),
}

impl LinkError {
    /// One word for scripts; for torrents the kind of what is wrong with them.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Link(e) => e.class(),
            Self::Torrent(_, e) => e.class(),
            Self::File(..) => "file",
            Self::Fetch(..) | Self::Status(..) => "fetch",
        }
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(e) => write!(f, "{e}"),
            Self::Torrent(what, e) => write!(f, "{what} is not a valid .torrent file: {e}"),
            Self::File(path, e) if e.kind() == std::io::ErrorKind::NotFound => {
                let shown = redact_link(&path.display().to_string());
                write!(f, "{shown} does not exist, and it is no magnet link, URL or info-hash either")
            }
            Self::File(path, e) => write!(f, "{} cannot be read: {e}", redact_link(&path.display().to_string())),
            Self::Fetch(url, e) => {
                write!(f, "{} cannot be fetched: {}", redact_file(url), redact_of(&e.to_string(), url))
            }
            Self::Status(url, status) => {
                write!(f, "{} answers with status {status}, not with a .torrent file", redact_file(url))
            }
        }
    }
}

impl std::error::Error for LinkError {}

/// What a link gave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Source {
    /// What the torrent is known by.
    pub key: TorrentKey,
    /// The metadata, where the link brought it along.
    pub info: Option<Arc<Info>>,
    /// The whole .torrent, where there was one.
    pub metainfo: Option<Arc<Metainfo>>,
    /// Its bytes as they came.
    pub file: Option<Arc<[u8]>>,
    /// The magnet link, where it was one.
    pub magnet: Option<Arc<Magnet>>,
    /// What to call it before the metadata is there.
    pub name: Option<String>,
    /// A stranger made it, unless it is a file of the user's.
    pub origin: Origin,
    /// Trackers by tier; each has an origin of its own, which decides where it may be.
    pub trackers: Vec<Vec<AnnounceUrl>>,
    /// Peers as `host:port` (`x.pe`).
    pub peers: Vec<String>,
    /// What the user should know about the link.
    pub hints: Vec<String>,
    /// Of these, what is said of URLs that cannot be used: why there may be no tracker although some are named.
    pub left_out: Vec<String>,
}

impl From<TorrentKey> for Source {
    fn from(key: TorrentKey) -> Self {
        Self {
            key,
            info: None,
            metainfo: None,
            file: None,
            magnet: None,
            name: None,
            origin: Origin::User,
            trackers: Vec::new(),
            peers: Vec::new(),
            hints: Vec::new(),
            left_out: Vec::new(),
        }
    }
}

/// The trackers of a torrent that came from there.
fn of_tiers(tiers: &[Vec<String>], origin: Origin) -> Vec<Vec<AnnounceUrl>> {
    tiers.iter().map(|tier| tier.iter().map(|url| AnnounceUrl::new(url, origin)).collect()).collect()
}

impl Source {
    /// The same, as a server has answered it.
    #[must_use]
    pub fn of_stranger(self) -> Self {
        let tiers = self.metainfo.as_ref().map_or(&[][..], |metainfo| &metainfo.trackers);
        Self { origin: Origin::Stranger, trackers: of_tiers(tiers, Origin::Stranger), ..self }
    }

    /// What the torrent is known by, if it is one that can be transferred: nothing of version 2 alone is.
    pub fn transferable(&self) -> Result<TorrentKey, AddError> {
        self.key.v1().map(|_| self.key).ok_or(AddError::OnlyV2)
    }
}

impl From<Metainfo> for Source {
    fn from(metainfo: Metainfo) -> Self {
        let known = Self::from(metainfo.info.key());
        Self {
            info: Some(metainfo.info.clone()),
            name: Some(metainfo.info.name().to_owned()),
            trackers: of_tiers(&metainfo.trackers, Origin::User),
            hints: metainfo.warnings.iter().map(ToString::to_string).collect(),
            left_out: bad_urls(&metainfo.warnings),
            metainfo: Some(Arc::new(metainfo)),
            ..known
        }
    }
}

impl From<Magnet> for Source {
    fn from(magnet: Magnet) -> Self {
        let known = Self::from(magnet.key);
        Self {
            name: magnet.name.clone(),
            origin: Origin::Stranger,
            trackers: magnet.trackers.iter().map(|url| vec![AnnounceUrl::new(url, Origin::Stranger)]).collect(),
            peers: magnet.peers.clone(),
            magnet: Some(Arc::new(magnet)),
            ..known
        }
    }
}

/// What is said of URLs that are of no use.
fn bad_urls(warnings: &[Warning]) -> Vec<String> {
    warnings.iter().filter(|w| matches!(w, Warning::BadUrl { .. })).map(ToString::to_string).collect()
}

/// The links of a file or an answer that is text and no .torrent; `None` where it is one, or neither.
pub fn links(bytes: &[u8]) -> Option<Vec<String>> {
    let text = paste::text(bytes)?;
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').as_bytes();
    let is_torrent =
        start.first() == Some(&b'd') && start.get(1).is_some_and(u8::is_ascii_digit) && start.contains(&b':');
    let hash = start.get(..40).is_some_and(|hash| hash.iter().all(u8::is_ascii_hexdigit));
    if is_torrent && !hash { None } else { Some(paste::links(&text)) }
}

/// Reads a .torrent from bytes; `what` names them in the error.
pub fn from_bytes(what: &str, bytes: &[u8]) -> Result<Source, LinkError> {
    // Editors and scripts put a byte-order mark or a line break in front.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let metainfo = Metainfo::parse(bytes, &Limits::FILE).map_err(|e| LinkError::Torrent(what.to_owned(), e))?;
    Ok(Source { file: Some(bytes.into()), ..metainfo.into() })
}

/// Understands a magnet link or an info-hash, which nobody has to be asked about; `None` for any other text.
pub fn from_magnet(text: &str) -> Option<Source> {
    only_magnet(&[text.to_owned()])
}

/// Reads a file with the limit of a .torrent file.
pub fn read_limited(path: &std::path::Path) -> Result<Vec<u8>, LinkError> {
    let limit = Limits::FILE.bencode.bytes as u64;
    let fail = |e| LinkError::File(path.to_owned(), e);
    let file = std::fs::File::open(path).map_err(fail)?;
    if file.metadata().map_err(fail)?.is_dir() {
        return Err(fail(std::io::Error::other("it is a folder, not a .torrent file")));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

/// Follows what a person pasted to a torrent or at least to its info-hash.
pub async fn load(text: &str, http: &Http) -> Result<Source, LinkError> {
    load_within(text, http, Egress::From(Reach::Loopback)).await
}

/// The same for somebody who may not have this machine speak to itself or its neighbours (bad-input row 53): where a name leads is looked at, and each hop.
pub async fn load_public(text: &str, http: &Http) -> Result<Source, LinkError> {
    load_within(text, http, Egress::From(Reach::Public)).await
}

/// The same for a link that a server at `from` names, as a feed does: a magnet link, an info-hash, or a URL that leads to nothing nearer to this machine than
/// that server is, and never a file (bad-input rows 53 and 62).
pub async fn load_named_by(text: &str, http: &Http, from: SocketAddr) -> Result<Source, LinkError> {
    if matches!(Link::parse(text, &Limits::FILE), Ok(Link::Path(_))) {
        return Err(LinkError::Link(teem_metainfo::LinkError::BadUrl { url: text.chars().take(200).collect() }));
    }
    load_within(text, http, Egress::From(Reach::Loopback).after(from)).await
}

async fn load_within(text: &str, http: &Http, egress: Egress) -> Result<Source, LinkError> {
    match Link::parse(text, &Limits::FILE).map_err(LinkError::Link)? {
        Link::Magnet { magnet, lost_trackers, warnings } => Ok(of_magnet(magnet, lost_trackers, &warnings)),
        Link::Url(url) => {
            let got = http.get_within(&url, HttpLimits::TORRENT, egress).await;
            let answer = got.map_err(|e| LinkError::Fetch(url.clone(), e))?;
            if let Some(magnet) = answer.magnet.as_deref().and_then(|link| only_magnet(&[link.to_owned()])) {
                return Ok(magnet);
            }
            if answer.status != 200 {
                return Err(LinkError::Status(url, answer.status));
            }
            // A server may name a torrent, never a file of ours or another address to ask.
            match links(&answer.body).and_then(|links| only_magnet(&links)) {
                Some(magnet) => Ok(magnet),
                None => Ok(from_bytes(&redact_file(&url), &answer.body)?.of_stranger()),
            }
        }
        Link::Path(path) => {
            let (path, bytes) = read_pasted(&path)?;
            let what = path.display().to_string();
            let Some(links) = links(&bytes).filter(|links| !links.is_empty()) else { return from_bytes(&what, &bytes) };
            match only_magnet(&links) {
                Some(magnet) => Ok(magnet),
                None => from_bytes(&what, &bytes),
            }
        }
    }
}

/// All links that a file holds, where a path names one that is text and no .torrent; else the text itself.
pub fn expand(text: &str) -> Vec<String> {
    let several = paste::links(text);
    let is_link = |link: &String| !matches!(Link::parse(link, &Limits::FILE), Ok(Link::Path(_)) | Err(_));
    if several.iter().filter(|link| is_link(link)).count() > 1 {
        return several;
    }
    let held = match Link::parse(text, &Limits::FILE) {
        Ok(Link::Path(path)) => read_pasted(&path).ok().and_then(|(_, bytes)| links(&bytes)),
        _ => None,
    };
    // A file that names files could lead anywhere, round in a circle too.
    let held: Vec<String> = held.into_iter().flatten().filter(is_link).collect();
    if held.is_empty() { vec![text.to_owned()] } else { held }
}

/// Reads the file that a pasted path names; the path may stand in quotes, and have space around.
fn read_pasted(text: &str) -> Result<(PathBuf, Vec<u8>), LinkError> {
    let path = PathBuf::from(text);
    let bare = PathBuf::from(text.trim().trim_matches(['"', '\'', '`', '<', '>', '\u{feff}']).trim());
    match read_limited(&path) {
        Err(LinkError::File(_, e)) if e.kind() == std::io::ErrorKind::NotFound && bare.is_file() => {
            read_limited(&bare).map(|bytes| (bare, bytes))
        }
        read => read.map(|bytes| (path, bytes)),
    }
}

/// The torrent that all magnet links and info-hashes among these name, if they name but one.
fn only_magnet(links: &[String]) -> Option<Source> {
    let mut found: Option<Source> = None;
    for link in links {
        let Ok(Link::Magnet { magnet, lost_trackers, warnings }) = Link::parse(link, &Limits::FILE) else { continue };
        match &found {
            Some(other) if other.key != magnet.key => return None,
            Some(_) => {}
            None => found = Some(of_magnet(magnet, lost_trackers, &warnings)),
        }
    }
    found
}

fn of_magnet(magnet: Magnet, lost_trackers: bool, warnings: &[Warning]) -> Source {
    let hint = lost_trackers
        .then(|| "this link has no trackers: a shell cuts a link at `&` unless it stands in quotes".to_owned());
    let mut source = Source::from(magnet);
    source.left_out = bad_urls(warnings);
    source.hints.extend(warnings.iter().map(ToString::to_string).chain(hint));
    source
}
