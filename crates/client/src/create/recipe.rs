//! From a path to the bytes of a .torrent (BEP 3): list, plan, hash, write down.
use super::rules::LeaveOut;
use super::walk::{Listing, Underway, WalkError, walk, walk_together};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use teem_metainfo::create::{CreateError, Options, Plan, Source as PlanFile, torrent};
use teem_metainfo::{Error, Info, Limits};
use teem_wire::tracker::url::{has_secret, has_token};

/// What a user may say about a torrent to be made.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Wishes {
    /// Bytes of a piece, a power of two from 16 KiB to 16 MiB; `None` aims at 1,000 to 4,000 pieces.
    pub piece_length: Option<u32>,
    /// Peers come from its trackers alone (BEP 27).
    pub private: bool,
    /// Text for people, outside the info dictionary.
    pub comment: Option<String>,
    /// A tag inside the info dictionary.
    pub source: Option<String>,
    /// Trackers in tiers.
    pub trackers: Vec<Vec<String>>,
    /// Web seeds (BEP 19): URLs of the content, or of the folder that holds a torrent of several files.
    pub web_seeds: Vec<String>,
    /// What is left out.
    pub leave_out: LeaveOut,
    /// Nothing says which program made it.
    pub unsigned: bool,
    /// Where the .torrent will be written: it is never part of its own content.
    pub output: Option<PathBuf>,
}

/// Why no torrent can be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum MakeError {
    /// The path cannot be listed.
    Walk(WalkError),
    /// What was asked for is impossible.
    Create(CreateError),
    /// A file cannot be read, or changed while it was hashed.
    Hash(String),
    /// Listing or hashing was stopped from outside; what is hashed is remembered where a checkpoint was asked for.
    Stopped,
    /// What was made does not pass our own validation (names that no reader would take).
    Invalid(Error),
    /// State cannot be written.
    Io(io::Error),
}

impl fmt::Display for MakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Walk(e) => write!(f, "{e}"),
            Self::Create(e) => write!(f, "{e}"),
            Self::Hash(e) => f.write_str(e),
            Self::Stopped => f.write_str("hashing was stopped"),
            Self::Invalid(e) => write!(f, "these files cannot become a torrent that others accept: {e}"),
            Self::Io(e) => write!(f, "{e}"),
        }
    }
}

impl std::error::Error for MakeError {}

impl From<WalkError> for MakeError {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Stopped => Self::Stopped,
            error => Self::Walk(error),
        }
    }
}

/// A listing with its plan: everything but the digests.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// What the path holds.
    pub listing: Listing,
    plan: Plan,
    options: Options,
}

impl Recipe {
    /// Lists a path and lays out the pieces.
    pub fn new(path: &Path, wishes: &Wishes) -> Result<Self, MakeError> {
        Self::watched(path, wishes, &Underway::default())
    }

    /// The same, to be looked at and ended early by others.
    pub fn watched(path: &Path, wishes: &Wishes, underway: &Underway) -> Result<Self, MakeError> {
        Self::of(walk(path, &wishes.leave_out, underway)?, wishes)
    }

    /// The same for several paths in one folder, as one torrent of this name.
    pub fn together(paths: &[PathBuf], name: &str, wishes: &Wishes, underway: &Underway) -> Result<Self, MakeError> {
        Self::of(walk_together(paths, name, &wishes.leave_out, underway)?, wishes)
    }

    fn of(mut listing: Listing, wishes: &Wishes) -> Result<Self, MakeError> {
        if let Some(output) = &wishes.output {
            listing.leave_out(output)?;
        }
        let files = listing.files.iter().map(|file| PlanFile {
            path: file.names().into_iter().map(<[u8]>::to_vec).collect(),
            length: file.length(),
            executable: file.executable(),
        });
        let options = Options {
            name: listing.name.clone().into_bytes(),
            piece_length: wishes.piece_length,
            private: wishes.private,
            source: wishes.source.clone(),
            comment: wishes.comment.clone(),
            created_by: (!wishes.unsigned).then(|| crate::config::AGENT.to_owned()),
            trackers: wishes.trackers.clone(),
            web_seeds: wishes.web_seeds.clone(),
            ..Options::default()
        };
        let plan = Plan::new(files, &options, &Limits::FILE).map_err(MakeError::Create)?;
        // The same order: names in byte order, folder by folder.
        listing.files.share_paths(plan.paths());
        Ok(Self { listing, plan, options })
    }

    /// Bytes of one piece.
    pub fn piece_length(&self) -> u32 {
        self.plan.layout().piece_length()
    }

    /// How many pieces there are to be hashed.
    pub fn piece_count(&self) -> u32 {
        self.plan.layout().piece_count()
    }

    /// What the content's folder or file is called here, where that is not the torrent's name.
    pub(crate) fn own_name(&self) -> Option<&str> {
        let own = self.listing.root.file_name().and_then(|name| name.to_str());
        own.filter(|own| *own != self.listing.name)
    }

    /// What shapes the info dictionary besides the content, as bytes to be compared.
    pub fn shape(&self) -> Vec<u8> {
        let source = self.options.source.as_deref().unwrap_or("");
        let mut shape = format!("{}|{}|{source}", self.piece_length(), self.options.private);
        if self.own_name().is_some() {
            shape += &format!("|{}", self.listing.name);
        }
        shape.into_bytes()
    }

    /// Puts the digests in: the validated info dictionary and the bytes of the .torrent with these trackers. `made_at` is in
    /// seconds since 1970.
    pub fn finish(
        &self,
        pieces: &[[u8; 20]],
        trackers: &[Vec<String>],
        made_at: i64,
    ) -> Result<(Info, Vec<u8>), MakeError> {
        let raw = self.plan.info(pieces, &self.options).map_err(MakeError::Create)?;
        let info = Info::of_bytes(raw, &Limits::FILE).map_err(MakeError::Invalid)?;
        let options = self.with(trackers, made_at);
        let torrent = torrent(info.raw(), &options);
        Ok((info, torrent))
    }

    /// The .torrent for strangers: what would let them act as its owner is left out.
    pub(crate) fn published(&self, info: &Info, trackers: &[Vec<String>], made_at: i64) -> Vec<u8> {
        let Options { trackers, web_seeds, .. } = self.with(trackers, made_at);
        let options = Options {
            trackers: without_secrets(&trackers),
            web_seeds: web_seeds.into_iter().filter(|url| !has_token(url)).collect(),
            ..self.with(&[], made_at)
        };
        torrent(info.raw(), &options)
    }

    fn with(&self, trackers: &[Vec<String>], made_at: i64) -> Options {
        Options {
            trackers: trackers.iter().chain(&self.options.trackers).cloned().collect(),
            creation_date: Some(made_at),
            ..self.options.clone()
        }
    }

    /// Whether URLs in what [`Self::finish`] makes hold something like a passkey, so that the file is for its owner alone.
    pub fn has_secrets(&self) -> bool {
        let Options { trackers, web_seeds, .. } = &self.options;
        trackers.iter().flatten().any(|url| has_secret(url)) || web_seeds.iter().any(|url| has_token(url))
    }
}

/// The trackers that strangers may be told of.
pub(crate) fn without_secrets(trackers: &[Vec<String>]) -> Vec<Vec<String>> {
    let open = |tier: &Vec<String>| -> Vec<String> { tier.iter().filter(|url| !has_secret(url)).cloned().collect() };
    trackers.iter().map(open).filter(|tier| !tier.is_empty()).collect()
}
