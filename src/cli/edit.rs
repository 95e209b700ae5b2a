//! The options of `teem edit`.
use clap::builder::FalseyValueParser;
use clap::{Args, ValueHint};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct Edit {
    /// The .torrent files
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// Add a tracker as a tier of its own; may be given several times
    #[arg(
        long = "add-tracker",
        value_name = "URL",
        env = "TEEM_ADD_TRACKER",
        hide_env_values = true,
        value_delimiter = ' '
    )]
    pub(crate) add_trackers: Vec<String>,
    /// Add the trackers to this tier, counted from 1; a number beyond the last makes one new tier for all of them
    #[arg(long, value_name = "N", env = "TEEM_TIER", hide_env_values = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) tier: Option<u16>,
    /// Remove a tracker; may be given several times
    #[arg(
        long = "remove-tracker",
        value_name = "URL",
        env = "TEEM_REMOVE_TRACKER",
        hide_env_values = true,
        value_delimiter = ' '
    )]
    pub(crate) remove_trackers: Vec<String>,
    /// Replace a text by another in the URLs of all trackers, such as a passkey or a host
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], env = "TEEM_REPLACE", hide_env_values = true, value_delimiter = ' ')]
    pub(crate) replace: Vec<String>,
    /// Add a web seed; may be given several times
    #[arg(
        long = "add-web-seed",
        value_name = "URL",
        env = "TEEM_ADD_WEB_SEED",
        hide_env_values = true,
        value_delimiter = ' '
    )]
    pub(crate) add_web_seeds: Vec<String>,
    /// Remove a web seed; may be given several times
    #[arg(
        long = "remove-web-seed",
        value_name = "URL",
        env = "TEEM_REMOVE_WEB_SEED",
        hide_env_values = true,
        value_delimiter = ' '
    )]
    pub(crate) remove_web_seeds: Vec<String>,
    /// Set the comment; an empty one removes it
    #[arg(long, value_name = "TEXT", env = "TEEM_COMMENT", hide_env_values = true)]
    pub(crate) comment: Option<String>,
    /// Say what would change and write nothing
    #[arg(long, env = "TEEM_DRY_RUN", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) dry_run: bool,
    /// JSON lines on standard output
    #[arg(long, env = "TEEM_JSON", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
}
