//! Why the daemon does not do what it is asked (own design): each failure with its sentence.
use crate::select::SelectError;
use crate::token;
use std::fmt;
use std::io;
use std::path::PathBuf;
use teem_client::source::LinkError;
use teem_client::{AddError, Ended, JobError};
use teem_disk::OpenError;

/// Why there is no daemon.
#[derive(Debug)]
pub enum StartError {
    /// What is kept cannot be had.
    Store(PathBuf, OpenError),
    /// What is kept cannot be read.
    Rows(io::Error),
    /// There is no client.
    Client(teem_client::StartError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(path, e) => write!(f, "{}: {e}", path.display()),
            Self::Rows(e) => write!(f, "what is kept of torrents cannot be read: {e}"),
            Self::Client(e) => write!(f, "{e}"),
        }
    }
}

impl std::error::Error for StartError {}

/// Why a torrent is not added.
#[derive(Debug)]
pub(crate) enum AddFailed {
    /// The link leads nowhere.
    Link(LinkError),
    /// A wish that cannot be granted: a sentence.
    Wish(String),
    /// The client does not take it.
    Client(AddError),
    /// It cannot be kept.
    Store(io::Error),
}

impl fmt::Display for AddFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(e) => write!(f, "{e}"),
            Self::Wish(why) => f.write_str(why),
            Self::Client(e) => write!(f, "{e}"),
            Self::Store(e) => write!(f, "it cannot be kept: {e}"),
        }
    }
}

impl std::error::Error for AddFailed {}

/// Why a command is not carried out.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It selects nothing.
    Select(SelectError),
    /// It cannot be kept.
    Store(io::Error),
    /// The client has ended.
    Ended(Ended),
    /// A folder that cannot be used: a sentence.
    Wish(String),
    /// What is to be done with its files cannot be done.
    Job(JobError),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Select(e) => write!(f, "{e}"),
            Self::Store(e) => write!(f, "it cannot be kept: {e}"),
            Self::Ended(e) => write!(f, "{e}"),
            Self::Wish(why) => f.write_str(why),
            Self::Job(e) => write!(f, "{e}"),
        }
    }
}

impl std::error::Error for Failed {}

/// Why a token is not made or revoked.
#[derive(Debug)]
pub(crate) enum TokenFailed {
    /// It cannot be called so.
    Name(String),
    /// There is one of that name.
    Taken(String),
    /// There is none of that name.
    Unknown(String),
    /// There are as many as are kept.
    Many,
    /// It cannot be kept.
    Store(io::Error),
}

impl fmt::Display for TokenFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => {
                write!(
                    f,
                    "`{name}` is no name of a token: letters, digits, `-`, `_` and `.`, at most {}",
                    token::NAME_BYTES
                )
            }
            Self::Taken(name) => write!(f, "there is a token {name} already: revoke it first"),
            Self::Unknown(name) => write!(f, "there is no token {name}"),
            Self::Many => write!(f, "there are {} tokens: revoke some first", token::TOKENS_MAX),
            Self::Store(e) => write!(f, "it cannot be kept: {e}"),
        }
    }
}
