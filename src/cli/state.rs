//! The grammar of `teem state`.
use super::daemon::Reached;
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
    /// Write all that the daemon keeps of its torrents into a folder, for another daemon
    Export(Export),
    /// Have the daemon take over what `teem get` and `seed`, another daemon, qBittorrent or Transmission has kept; what was verified is not hashed again where its
    /// files are as they were left
    Import(Import),
}

#[derive(Args, Debug)]
pub(crate) struct Export {
    /// The folder: a new or empty one. It holds .torrent files with their passkeys, and is readable for you alone
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) to: PathBuf,
    #[command(flatten)]
    pub(crate) reached: Reached,
    /// JSON lines on standard output
    #[arg(from_global)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Import {
    /// A folder of `teem state export`, one of Teem's saved state, BT_backup of qBittorrent (or the folder above), or the folder of Transmission that has
    /// `resume` and `torrents`; that program has ended [default: your own saved state, which `teem state path` prints]
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) from: Option<PathBuf>,
    /// A .torrent file or magnet link of what is imported, for its trackers, which saved state does not know. May be given several times
    #[arg(long = "with", value_name = "LINK", value_hint = ValueHint::AnyPath)]
    pub(crate) with: Vec<String>,
    /// Say what would be imported, and change nothing
    #[arg(long, env = "TEEM_DRY_RUN", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) reached: Reached,
    /// JSON lines on standard output
    #[arg(from_global)]
    pub(crate) json: bool,
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
