//! From what a person pastes to what a torrent needs (BEP 3, 9): reads files and URLs, understands links.
use crate::http::error::HttpError;
use crate::http::fetch::{Http, Limits as HttpLimits};
use crate::origin::Origin;
use crate::places::AddError;
use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use teem_metainfo::{Info, Limits, Link, Magnet, Metainfo, TorrentKey, Warning};

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
                write!(f, "{} does not exist, and it is no magnet link, URL or info-hash either", path.display())
            }
            Self::File(path, e) => write!(f, "{} cannot be read: {e}", path.display()),
            Self::Fetch(url, e) => write!(f, "{url} cannot be fetched: {e}"),
            Self::Status(url, status) => write!(f, "{url} answers with status {status}, not with a .torrent file"),
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
    /// The magnet link, where it was one.
    pub magnet: Option<Arc<Magnet>>,
    /// What to call it before the metadata is there.
    pub name: Option<String>,
    /// A stranger made it, unless it is a file of the user's. It decides where its trackers may be.
    pub origin: Origin,
    /// Trackers by tier.
    pub trackers: Vec<Vec<String>>,
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

impl Source {
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
            trackers: metainfo.trackers.clone(),
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
            trackers: magnet.trackers.iter().map(|t| vec![t.clone()]).collect(),
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

/// Reads a .torrent from bytes; `what` names them in the error.
pub fn from_bytes(what: &str, bytes: &[u8]) -> Result<Source, LinkError> {
    let metainfo = Metainfo::parse(bytes, &Limits::FILE).map_err(|e| LinkError::Torrent(what.to_owned(), e))?;
    Ok(metainfo.into())
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
    match Link::parse(text, &Limits::FILE).map_err(LinkError::Link)? {
        Link::Magnet { magnet, lost_trackers, warnings } => {
            let hint = lost_trackers
                .then(|| "this link has no trackers: a shell cuts a link at `&` unless it stands in quotes".to_owned());
            let mut source = Source::from(magnet);
            source.left_out = bad_urls(&warnings);
            source.hints.extend(warnings.iter().map(ToString::to_string).chain(hint));
            Ok(source)
        }
        Link::Url(url) => {
            let answer = http.get(&url, HttpLimits::TORRENT).await.map_err(|e| LinkError::Fetch(url.clone(), e))?;
            if answer.status != 200 {
                return Err(LinkError::Status(url, answer.status));
            }
            Ok(Source { origin: Origin::Stranger, ..from_bytes(&url, &answer.body)? })
        }
        Link::Path(path) => {
            let path = PathBuf::from(path);
            let bytes = read_limited(&path)?;
            from_bytes(&path.display().to_string(), &bytes)
        }
    }
}
