//! Which torrents a command is for (own design): the grammar of `SEL`.
use crate::line::Line;
use crate::pattern::fits;
use crate::row::Row;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use teem_client::metainfo::InfoHash;

/// Digits of an info-hash that name a torrent at least: fewer are taken for a name.
const HASH_MIN: usize = 6;

/// Which of all torrents are meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Selector {
    /// All there are.
    All,
    /// The one whose info-hash begins with these hexadecimal digits, else those of that name.
    Hash(String),
    /// By a pattern against the name: `*` is any text, `?` any character.
    Name(String),
    /// Those that have a label.
    Label(String),
    /// Those that are in a state, by its word.
    State(String),
    /// Those that have a tracker at this host.
    Tracker(String),
}

/// What of a torrent is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    hash: InfoHash,
    name: Option<&'a str>,
    labels: &'a BTreeSet<String>,
    state: &'a str,
    trackers: &'a [Arc<str>],
}

impl<'a> Seen<'a> {
    pub(crate) fn of(hash: InfoHash, row: &'a Row, line: &'a Line) -> Self {
        Self { hash, name: line.name.as_deref(), labels: &row.labels, state: line.word(), trackers: &line.trackers }
    }

    /// Whether its name, or the info-hash of one that has none, fits.
    fn is_called(&self, fits: impl Fn(&str) -> bool) -> bool {
        self.name.map_or_else(|| fits(&self.hash.to_string()), &fits)
    }
}

/// Why a selector selects nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum SelectError {
    /// No torrent fits it.
    Nothing(String),
    /// Several info-hashes begin so.
    Ambiguous(String, usize),
}

impl fmt::Display for SelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing(text) => write!(f, "no torrent fits {text}"),
            Self::Ambiguous(text, n) => write!(f, "{text} is the beginning of {n} info-hashes: give more digits"),
        }
    }
}

impl std::error::Error for SelectError {}

impl Selector {
    /// Understands one; every text is one.
    pub(crate) fn parse(text: &str) -> Self {
        if text == "all" {
            Self::All
        } else if let Some(label) = text.strip_prefix("label:") {
            Self::Label(label.to_owned())
        } else if let Some(state) = text.strip_prefix("state:") {
            Self::State(state.to_ascii_lowercase())
        } else if let Some(host) = text.strip_prefix("tracker:") {
            Self::Tracker(host.to_ascii_lowercase())
        } else if (HASH_MIN..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Self::Hash(text.to_ascii_lowercase())
        } else {
            Self::Name(text.to_owned())
        }
    }

    /// Whether it can be said of each torrent by itself if it is selected: an info-hash is so only among all.
    pub(crate) fn is_of_each(&self) -> bool {
        !matches!(self, Self::Hash(_))
    }

    /// Whether this torrent is selected, by one that can say so.
    pub(crate) fn fits(&self, seen: &Seen<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Hash(_) => false,
            Self::Name(pattern) => seen.is_called(|name| fits(pattern, name)),
            Self::Label(label) => seen.labels.contains(label),
            Self::State(state) => seen.state == *state,
            Self::Tracker(host) => seen.trackers.iter().any(|tracker| **tracker == **host),
        }
    }

    /// Those of these torrents that it selects, by index. They stand in the order of their info-hashes.
    pub(crate) fn of(&self, torrents: &[Seen<'_>]) -> Result<Vec<usize>, SelectError> {
        let all = |fits: &dyn Fn(&Seen<'_>) -> bool| {
            torrents.iter().enumerate().filter(|(_, t)| fits(t)).map(|(i, _)| i).collect::<Vec<_>>()
        };
        let (found, text) = match self {
            // Nothing is all there is where there is nothing.
            Self::All => return Ok((0..torrents.len()).collect()),
            Self::Hash(digits) => {
                // Thousands are named so at once: each is found without a look at all.
                let from = torrents.partition_point(|t| t.hash.to_string().as_str() < digits.as_str());
                let begins = torrents[from..].iter().take_while(|t| t.hash.to_string().starts_with(digits.as_str()));
                let begins = begins.count();
                if begins > 1 {
                    return Err(SelectError::Ambiguous(digits.clone(), begins));
                }
                let named = || all(&|t| t.name.is_some_and(|name| name.eq_ignore_ascii_case(digits)));
                (if begins == 0 { named() } else { vec![from] }, digits.clone())
            }
            Self::Name(pattern) => (all(&|t| self.fits(t)), pattern.clone()),
            Self::Label(label) => (all(&|t| self.fits(t)), format!("label:{label}")),
            Self::State(state) => (all(&|t| self.fits(t)), format!("state:{state}")),
            Self::Tracker(host) => (all(&|t| self.fits(t)), format!("tracker:{host}")),
        };
        if found.is_empty() { Err(SelectError::Nothing(text)) } else { Ok(found) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Vec<usize>, SelectError> {
        let labels: [BTreeSet<String>; 3] = [&[][..], &["linux"], &["films", "new"]]
            .map(|labels| labels.iter().map(|label| (*label).to_owned()).collect());
        let trackers: [Arc<str>; 1] = ["t.example".into()];
        let seen = |digits: &str, name, labels, state, trackers| {
            let hash = digits.repeat(4)[..40].parse().unwrap();
            Seen { hash, name: Some(name), labels, state, trackers }
        };
        let torrents = [
            seen("0123456789abc", "abcdef", &labels[0], "downloading", &trackers[..]),
            seen("abcdef0123456", "debian-13.iso", &labels[1], "seeding", &[]),
            seen("abcdef9999999", "A Film (2026)", &labels[2], "paused", &[]),
        ];
        Selector::parse(text).of(&torrents)
    }

    #[test]
    fn hashes_names_labels_and_states_select() {
        assert_eq!(of("all"), Ok(vec![0, 1, 2]));
        assert_eq!(of("abcdef0"), Ok(vec![1]));
        assert_eq!(of("ABCDEF9"), Ok(vec![2]));
        assert_eq!(of("abcdef"), Err(SelectError::Ambiguous("abcdef".into(), 2)));
        assert_eq!(of("debian*"), Ok(vec![1]));
        assert_eq!(of("*20??*"), Ok(vec![2]));
        assert_eq!(of("label:films"), Ok(vec![2]));
        assert_eq!(of("state:Downloading"), Ok(vec![0]));
        assert_eq!(of("tracker:T.example"), Ok(vec![0]));
        assert_eq!(of("tracker:example"), Err(SelectError::Nothing("tracker:example".into())));
        assert_eq!(of("nothing"), Err(SelectError::Nothing("nothing".into())));
        assert_eq!(of("012345"), Ok(vec![0]));
    }

    #[test]
    fn patterns_fit_whole_names() {
        for (pattern, text, yes) in [
            ("*", "", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("??", "ab", true),
            ("??", "abc", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, text), yes, "{pattern} {text}");
        }
        // Many stars over a text that almost fits don't take exponential time.
        assert!(!fits(&"a*".repeat(50), &format!("{}b", "a".repeat(20))));
    }
}
