//! Which torrents a command is for (own design): the grammar of `SEL`.
use crate::told::Told;
use std::fmt;

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
        } else if (HASH_MIN..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Self::Hash(text.to_ascii_lowercase())
        } else {
            Self::Name(text.to_owned())
        }
    }

    /// Those of these torrents that it selects, by index.
    pub(crate) fn of(&self, torrents: &[Told]) -> Result<Vec<usize>, SelectError> {
        let all = |fits: &dyn Fn(&Told) -> bool| {
            torrents.iter().enumerate().filter(|(_, t)| fits(t)).map(|(i, _)| i).collect::<Vec<_>>()
        };
        let (found, text) = match self {
            // Nothing is all there is where there is nothing.
            Self::All => return Ok((0..torrents.len()).collect()),
            Self::Hash(digits) => {
                let begins = all(&|t| t.infohash.starts_with(digits.as_str()));
                if begins.len() > 1 {
                    return Err(SelectError::Ambiguous(digits.clone(), begins.len()));
                }
                let named = || all(&|t| t.name.eq_ignore_ascii_case(digits));
                (if begins.is_empty() { named() } else { begins }, digits.clone())
            }
            Self::Name(pattern) => (all(&|t| fits(pattern, &t.name)), pattern.clone()),
            Self::Label(label) => (all(&|t| t.labels.contains(label)), format!("label:{label}")),
            Self::State(state) => (all(&|t| t.state == *state), format!("state:{state}")),
        };
        if found.is_empty() { Err(SelectError::Nothing(text)) } else { Ok(found) }
    }
}

/// Whether a text fits a pattern with `*` and `?`. It takes time in proportion to both lengths' product at most.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last `*` stands, and how much of the text it takes.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn torrents() -> Vec<Told> {
        let told = |infohash: &str, name: &str, labels: &[&str], state: &str| Told {
            infohash: infohash.repeat(4)[..40].to_owned(),
            name: name.to_owned(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            state: state.to_owned(),
            ..Told::default()
        };
        vec![
            told("abcdef0123456", "debian-13.iso", &["linux"], "seeding"),
            told("abcdef9999999", "A Film (2026)", &["films", "new"], "paused"),
            told("0123456789abc", "abcdef", &[], "downloading"),
        ]
    }

    fn of(text: &str) -> Result<Vec<usize>, SelectError> {
        Selector::parse(text).of(&torrents())
    }

    #[test]
    fn hashes_names_labels_and_states_select() {
        assert_eq!(of("all"), Ok(vec![0, 1, 2]));
        assert_eq!(of("abcdef0"), Ok(vec![0]));
        assert_eq!(of("ABCDEF9"), Ok(vec![1]));
        assert_eq!(of("abcdef"), Err(SelectError::Ambiguous("abcdef".into(), 2)));
        assert_eq!(of("debian*"), Ok(vec![0]));
        assert_eq!(of("*20??*"), Ok(vec![1]));
        assert_eq!(of("label:films"), Ok(vec![1]));
        assert_eq!(of("state:Downloading"), Ok(vec![2]));
        assert_eq!(of("nothing"), Err(SelectError::Nothing("nothing".into())));
        assert_eq!(of("012345"), Ok(vec![2]));
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
