//! Why a feed is not read (own design), and texts of strangers on one line.
use std::fmt;
use teem_metainfo::deceives;

/// Characters of a parser's own words that are told.
const WORDS_CHARS: usize = 200;

/// Why it is no feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ReadError {
    /// It does not begin as one.
    NoFeed,
    /// It has something that is not taken in, in words.
    Bound(String),
    /// It cannot be understood: the parser's words.
    Broken(String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFeed => f.write_str("what came is no RSS or Atom feed"),
            Self::Bound(what) => write!(f, "the feed is not taken in: it has {what}"),
            Self::Broken(why) => write!(f, "the feed is broken: {why}"),
        }
    }
}

impl std::error::Error for ReadError {}

/// An error of the parser's, in its own words.
pub(super) fn broken(e: &dyn fmt::Display) -> ReadError {
    ReadError::Broken(one_line(&e.to_string(), WORDS_CHARS))
}

/// A text on one line, without what deceives, and at most so long.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let plain: String =
        text.chars().take(most * 2).map(|c| if c.is_whitespace() || deceives(c) { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(most).collect()
}
