//! Why the daemon does not do with a feed what it is asked (own design): each failure with its sentence.
use super::definition::FEEDS_MAX;
use std::fmt;
use std::io;

/// Why something is not done with a feed.
#[derive(Debug)]
pub(crate) enum FeedFailed {
    /// There is none of that name.
    Unknown(String),
    /// There is one of that name.
    Taken(String),
    /// The file has it, and it alone changes it.
    OfFile(String),
    /// It is being asked.
    Busy(String),
    /// There are as many as are followed.
    Many,
    /// A wish that cannot be granted: a sentence.
    Wish(String),
    /// It gives no items: a sentence.
    Refused(String),
    /// It cannot be kept.
    Store(io::Error),
}

impl fmt::Display for FeedFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "there is no feed {name}: `teem feed list` names those that there are"),
            Self::Taken(name) => write!(f, "there is a feed {name} already: remove it first, or choose another name"),
            Self::OfFile(name) => write!(
                f,
                "the feed {name} stands in the daemon's configuration file: take it out there, and reload the daemon (`systemctl reload teem`, or SIGHUP)"
            ),
            Self::Busy(name) => write!(f, "the feed {name} is being asked just now"),
            Self::Many => write!(f, "there are {FEEDS_MAX} feeds: remove some first"),
            Self::Wish(why) | Self::Refused(why) => f.write_str(why),
            Self::Store(e) => write!(f, "it cannot be kept: {e}"),
        }
    }
}

impl std::error::Error for FeedFailed {}
