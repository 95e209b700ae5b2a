//! The file that a daemon is set up by (own design): TOML, written by its owner alone, read at the start and at each reload.
//!
//! Invariants: a key that is not known is refused, with its line, because one that is misspelt would be left out without a word. What is read is checked
//! whole before any of it is used.
mod feeds;
mod file;
mod followed;
mod settings;
mod told;
mod typed;

pub use file::{EncryptionWord, File, HookTable, TransportWord};
pub use settings::{Origin, Setting};
pub use typed::{Place, Typed};

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes of a file that are read.
const FILE_MAX: u64 = 1 << 20;

/// The file with every key at its default, commented out, and what each is for.
pub const COMMENTED: &str = include_str!("daemon.toml");

/// Why a file cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// It cannot be read.
    Read(PathBuf, io::Error),
    /// What stands in it is not understood: a text that names line and column.
    Text(PathBuf, String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, e) => write!(f, "{} cannot be read: {e}", path.display()),
            Self::Text(path, why) => write!(f, "{}: {why}", path.display()),
        }
    }
}

impl std::error::Error for ConfigError {}

impl File {
    /// Understands what stands in a file. The error names line and column.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|e| placed(text, &e))
    }

    /// Whether nothing stands in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads a file and understands it, of 1 MiB at most.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = read(path).map_err(|e| ConfigError::Read(path.to_owned(), e))?;
        Self::parse(&text).map_err(|why| ConfigError::Text(path.to_owned(), why))
    }
}

/// What is wrong, with its place. The line itself is not shown: there may be a password in it.
fn placed(text: &str, e: &toml::de::Error) -> String {
    let before = e.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let (line, column) =
        (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
    format!("line {line}, column {column}: {}", e.message().trim_end())
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(FILE_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_MAX { Err(io::Error::other("it is larger than 1 MiB")) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commented file with every key in force.
    fn uncommented() -> String {
        let keys = COMMENTED.lines().map(|line| match line.strip_prefix('#') {
            // Comments have a space there, keys and tables none.
            Some(key) if !key.starts_with(' ') => key,
            _ => line,
        });
        keys.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_commented_file_says_nothing_and_with_its_keys_in_force_it_is_one() {
        assert_eq!(File::parse(COMMENTED), Ok(File::default()));
        let file = File::parse(&uncommented()).unwrap();
        assert_ne!(file, File::default());
    }

    #[test]
    fn the_commented_file_names_every_key() {
        // A key that is not known is refused with those that are.
        for (table, unknown) in file::tables() {
            let why = File::parse(&unknown).unwrap_err();
            let known = why.split("expected").nth(1).unwrap_or_else(|| panic!("{table}: {why}"));
            let keys: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
            assert!(!keys.is_empty(), "{why}");
            for key in keys {
                let is_named = COMMENTED.lines().any(|line| {
                    line.starts_with(&format!("#{key} = "))
                        || line.contains(&format!("[{key}"))
                        || line.contains(&format!(".{key}]]"))
                });
                assert!(is_named, "`{key}` of {table:?} is not in the commented file");
            }
        }
    }

    /// Two feeds of one name.
    const TWICE: &str = "[[feed]]\nname = 'a'\nurl = 'http://x/'\n[[feed.rule]]\n[[feed]]\nname = 'a'\nurl = 'http://y/'\n[[feed.rule]]\n";

    #[test]
    fn row_69_what_is_misspelt_or_out_of_range_is_refused_with_its_line() {
        for (text, line, word) in [
            ("up = '2M'\nupp = '3M'\n", "line 2", "upp"),
            ("\n\nencryption = 'perhaps'\n", "line 3", "perhaps"),
            ("up = 'fast'\n", "line 1", "fast"),
            ("roots = ['here']\n", "line 1", "here"),
            ("connections = 0\n", "line 1", "connections"),
            ("up = -1\n", "line 1", "-1"),
            ("api = 'x'\n", "line 1", "sequence"),
            ("dht = true\ndht = false\n", "line 2", "duplicate"),
            ("[goal]\nuntil = 'often'\n", "line 2", "often"),
            ("[[alternative.hours]]\nfrom = '25:00'\nto = '1:00'\n", "line 2", "25:00"),
            ("[queue]\ndownloads = -1\n", "line 2", "u32"),
            ("[[hook]]\nrun = []\n", "line 2", "program"),
            ("[[hook]]\nrun = 'rm -rf'\n", "line 2", "sequence"),
            ("[[watch]]\nfolder = 'here'\n", "line 2", "here"),
            ("[[feed]]\nname = 'a b'\n", "line 2", "letters"),
            ("[[feed]]\nname = 'a'\nurl = 'http://x/'\nevery = '1s'\n[[feed.rule]]\n", "line 1", "60 seconds"),
            ("[[feed]]\nname = 'a'\nurl = 'file:///x'\n[[feed.rule]]\n", "line 1", "http"),
            ("[[feed]]\nname = 'a'\nurl = 'http://x/'\n", "line 1", "rule"),
            ("[[feed]]\nname = 'a'\n[[feed.rule]]\nmin-size = 'big'\n", "line 4", "big"),
            (TWICE, "line", "two feeds"),
        ] {
            let why = File::parse(text).unwrap_err();
            assert!(why.contains(line) && why.contains(word), "{text}: {why}");
        }
    }
}
