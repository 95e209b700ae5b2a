//! The grammar of `teem state`.
use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct State {
    #[command(subcommand)]
    pub(crate) what: Option<What>,
    /// JSON lines on standard output
    #[arg(long, global = true, env = "TEEM_JSON", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum What {
    /// List what is saved, where, and how much of it is done; `teem state` alone does the same
    List,
    /// Print the folder that saved state lies in
    Path,
    /// Remove what is saved of torrents; content is never touched
    Forget(Forget),
}

#[derive(Args, Debug)]
pub(crate) struct Forget {
    /// Magnet link, .torrent file, http(s) URL of one, or info-hash
    #[arg(required = true, value_name = "LINK", value_hint = ValueHint::AnyPath)]
    pub(crate) links: Vec<String>,
    /// Forget only what is saved for this folder of content
    #[arg(long, value_name = "DIR", env = "TEEM_FOLDER", hide_env_values = true, value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<PathBuf>,
}
