//! What `create` and `share` let one say about the torrent that they make.
use crate::units::ByteSize;
use clap::builder::FalseyValueParser;
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// What goes into the .torrent file.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct MetainfoOptions {
    /// Take the options that are not given from this preset of the configuration file
    #[arg(long, value_name = "NAME", env = "TEEM_PRESET", hide_env_values = true)]
    pub(crate) preset: Option<String>,
    /// The configuration file [default: teem/config.toml in the user's configuration folder]
    #[arg(long, value_name = "FILE", env = "TEEM_CONFIG", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Announce URL of a tracker; may be given several times, each a tier of its own
    #[arg(long = "tracker", value_name = "URL", env = "TEEM_TRACKER", hide_env_values = true, value_delimiter = ' ')]
    pub(crate) trackers: Vec<String>,
    /// URL of a web server that has the content, or the folder it lies in; may be given several times (BEP 19)
    #[arg(long = "web-seed", value_name = "URL", env = "TEEM_WEB_SEED", hide_env_values = true, value_delimiter = ' ')]
    pub(crate) web_seeds: Vec<String>,
    /// Size of the pieces, a power of two from 16Ki to 16Mi [default: aims at 1,000 to 4,000 pieces]
    #[arg(long, value_name = "SIZE", env = "TEEM_PIECE_SIZE", hide_env_values = true)]
    pub(crate) piece_size: Option<ByteSize>,
    /// Mark as private, so that peers come from the torrent's trackers only (BEP 27); `--private=no` where a preset says so
    #[arg(long, num_args = 0..=1, require_equals = true, hide_possible_values = true, default_missing_value = "true", value_name = "NO", env = "TEEM_PRIVATE", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) private: Option<bool>,
    /// A comment for readers of the .torrent file
    #[arg(long, value_name = "TEXT", env = "TEEM_COMMENT", hide_env_values = true)]
    pub(crate) comment: Option<String>,
    /// A tag inside the hashed part, so that the same content gets another info-hash
    #[arg(long, value_name = "TAG", env = "TEEM_SOURCE", hide_env_values = true)]
    pub(crate) source: Option<String>,
    /// Leave out files whose path below PATH matches; may be given several times (one a line in the variable)
    #[arg(long, value_name = "GLOB", env = "TEEM_EXCLUDE", hide_env_values = true, value_delimiter = '\n')]
    pub(crate) exclude: Vec<String>,
    /// Include hidden files: names that begin with a dot, Thumbs.db, desktop.ini
    #[arg(long, num_args = 0..=1, require_equals = true, hide_possible_values = true, default_missing_value = "true", value_name = "NO", env = "TEEM_HIDDEN", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) hidden: Option<bool>,
    /// Leave out what the patterns in this file match, written as in .gitignore; may be given several times (one a line in the variable)
    #[arg(long = "ignore-file", value_name = "FILE", env = "TEEM_IGNORE_FILE", hide_env_values = true, value_delimiter = '\n', value_hint = ValueHint::FilePath)]
    pub(crate) ignore_files: Vec<PathBuf>,
    /// Leave out what the .gitignore files in PATH and below it name
    #[arg(long, num_args = 0..=1, require_equals = true, hide_possible_values = true, default_missing_value = "true", value_name = "NO", env = "TEEM_GITIGNORE", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) gitignore: Option<bool>,
}
