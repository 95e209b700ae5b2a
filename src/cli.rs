//! The grammar: every subcommand and option, the one table for parser, help, environment and completions.
use crate::units::{ByteRate, Enough, Span};
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint};
use std::net::SocketAddr;
use std::path::PathBuf;
use teem_client::Spreading;

pub(crate) mod daemon;
pub(crate) mod dht;
pub(crate) mod edit;
pub(crate) mod feed;
mod keep;
pub(crate) mod metainfo;
pub(crate) mod path;
pub(crate) mod peers;
pub(crate) mod state;

/// Publish, download, seed and track with BitTorrent.
#[derive(Parser, Debug)]
#[command(name = "teem", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "A LINK alone downloads it: `teem LINK` is `teem get LINK`.\n\
    Sizes and rates: bytes, or with k M G (powers of 1000), Ki Mi Gi (powers of 1024), `/s` optional; 0 is unlimited.\n\
    Exit codes: 0 done, 1 no or refused, 2 usage, 3 local file or space trouble, 4 gave up,\n\
    70 a fault of the program, which says what to report, 130 and 143 by signal.")]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Work without the sandbox, which on Linux keeps the program from writing outside its folders and from running others
    #[arg(long, global = true, env = "TEEM_NO_SANDBOX", hide_env_values = true, value_parser = falsey())]
    pub(crate) no_sandbox: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Make PATH available: hash it, track it, seed it, and print the link for everybody else
    Share(Share),
    /// Download one or more links
    Get(Get),
    /// Seed content that is already there
    Seed(Seed),
    /// Make a .torrent file
    Create(Create),
    /// Change trackers, web seeds or comment of .torrent files; the info-hash stays
    Edit(edit::Edit),
    /// Show what a .torrent file or a link contains
    Show(Show),
    /// Compare content with its .torrent file, byte range by byte range
    Verify(Verify),
    /// Run a tracker, over HTTP and UDP
    Track(Track),
    /// Ask the DHT, which finds peers without trackers
    Dht(dht::Dht),
    /// Run for years: many torrents that outlive the process, driven by the commands below and by other programs
    Daemon(daemon::Daemon),
    /// Print, check or show the file that the daemon is set up by
    Config(daemon::Config),
    /// Have the daemon download links
    Add(daemon::Add),
    /// List the daemon's torrents
    List(daemon::List),
    /// Show the daemon's torrents as a live table in the terminal, and drive them by keys
    Top(daemon::Top),
    /// Say why torrents of the daemon do not move, and what would help
    Why(daemon::Verb),
    /// Have torrents of the daemon rest
    Pause(daemon::Verb),
    /// Have torrents of the daemon work again
    Resume(daemon::Verb),
    /// Remove torrents from the daemon; their files stay unless told otherwise
    Remove(daemon::Remove),
    /// Move the content of torrents of the daemon into another folder
    Move(daemon::Move),
    /// Have the daemon hash the content of torrents again
    Recheck(daemon::Verb),
    /// Change labels, limits, goals, places in the queue and wanted files of torrents of the daemon
    Set(daemon::Set),
    /// Say which limits of all torrents of the daemon together hold, or have its other ones hold
    Limits(daemon::Limits),
    /// Have the trackers of torrents of the daemon asked now, as far as they let themselves be asked
    Announce(daemon::Verb),
    /// Tell what happens to the daemon's torrents, until Ctrl-C
    Events(daemon::Events),
    /// Have the daemon take torrents from feeds (RSS, Atom)
    Feed(feed::Feed),
    /// Make, list and revoke the tokens by which other programs may ask the daemon
    Token(daemon::Token),
    /// Show what is saved of earlier runs, or forget it
    State(state::State),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the man page, or write one for each command
    Man(Man),
}

#[derive(Args, Debug)]
pub(crate) struct Share {
    /// Files or folders to share; each becomes a torrent of its own, unless --together is given
    #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,
    /// Make one torrent, called NAME, of all paths; they must lie in one folder
    #[arg(long, value_name = "NAME", env = "TEEM_TOGETHER", hide_env_values = true)]
    pub(crate) together: Option<String>,
    /// Address and port to take peers on: `PORT`, `:PORT`, `ADDR:PORT`; `:0` takes a free port
    #[arg(long, value_name = "ADDR", env = "TEEM_LISTEN", hide_env_values = true)]
    pub(crate) listen: Option<String>,
    /// Have the daemon share it, and return once the links are there: it is hashed here and served from where it lies
    #[arg(long, env = "TEEM_KEEP", hide_env_values = true, value_parser = falsey())]
    pub(crate) keep: bool,
    #[command(flatten)]
    pub(crate) with_peers: peers::PeerOptions,
    #[command(flatten)]
    pub(crate) path: path::PathOptions,
    #[command(flatten)]
    pub(crate) with_dht: peers::DhtOptions,
    /// A name or address that others reach this machine by; may be given several times
    #[arg(long = "host", value_name = "NAME", env = "TEEM_HOST", hide_env_values = true, value_delimiter = ' ')]
    pub(crate) hosts: Vec<String>,
    #[command(flatten)]
    pub(crate) metainfo: metainfo::MetainfoOptions,
    /// Don't run a tracker of our own, nor the page and the .torrent beside it
    #[arg(long, env = "TEEM_NO_TRACKER", hide_env_values = true, value_parser = falsey())]
    pub(crate) no_tracker: bool,
    /// Upload limit, payload bytes a second
    #[arg(long, value_name = "RATE", env = "TEEM_UP", hide_env_values = true)]
    pub(crate) up: Option<ByteRate>,
    #[command(flatten)]
    pub(crate) spread: SpreadOptions,
    #[command(flatten)]
    pub(crate) with_why: peers::WhyOptions,
    /// Write the .torrent file here too
    #[arg(short, long, value_name = "FILE", env = "TEEM_OUTPUT", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Overwrite an existing .torrent file
    #[arg(long, env = "TEEM_FORCE", hide_env_values = true, value_parser = falsey())]
    pub(crate) force: bool,
    /// JSON lines on standard output
    #[arg(long, env = "TEEM_JSON", hide_env_values = true, value_parser = falsey())]
    pub(crate) json: bool,
}

/// How content leaves its source.
#[derive(Args, Debug, Clone, Copy, Default)]
pub(crate) struct SpreadOptions {
    /// Send about one copy in all: once every block has left, send only what the others cannot give each other
    #[arg(long, conflicts_with = "no_granting", env = "TEEM_FRUGAL", hide_env_values = true, value_parser = falsey())]
    pub(crate) frugal: bool,
    /// Offer everything to everybody at once, as other clients do; some blocks are then sent twice before all have left once
    #[arg(long, env = "TEEM_NO_GRANTING", hide_env_values = true, value_parser = falsey())]
    pub(crate) no_granting: bool,
    /// All peers belong to one owner, as in a cluster: no peer has to upload before it may download
    #[arg(long, env = "TEEM_COOPERATIVE", hide_env_values = true, value_parser = falsey())]
    pub(crate) cooperative: bool,
}

impl SpreadOptions {
    pub(crate) fn spreading(self) -> Spreading {
        match (self.frugal, self.no_granting) {
            (true, _) => Spreading::Frugal,
            (_, true) => Spreading::Ordinary,
            _ => Spreading::Granting,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct Get {
    /// Magnet link, .torrent file, http(s) URL of one, or info-hash; `-` reads a .torrent file or links from standard input
    #[arg(required = true, value_name = "LINK", value_hint = ValueHint::AnyPath)]
    pub(crate) links: Vec<String>,
    /// Folder to download into
    #[arg(short, long, value_name = "DIR", default_value = ".", env = "TEEM_OUTPUT", hide_env_values = true, value_hint = ValueHint::DirPath)]
    pub(crate) output: PathBuf,
    /// Address and port to take peers on: `PORT`, `:PORT`, `ADDR:PORT`; `:0` takes a free port
    #[arg(long, value_name = "ADDR", env = "TEEM_LISTEN", hide_env_values = true)]
    pub(crate) listen: Option<String>,
    /// Have the daemon download it, and follow until it is done; Ctrl-C leaves it to the daemon
    #[arg(long, env = "TEEM_KEEP", hide_env_values = true, value_parser = falsey())]
    pub(crate) keep: bool,
    #[command(flatten)]
    pub(crate) with_peers: peers::PeerOptions,
    #[command(flatten)]
    pub(crate) path: path::PathOptions,
    #[command(flatten)]
    pub(crate) with_dht: peers::DhtOptions,
    /// A peer to connect to; may be given several times
    #[arg(long = "peer", value_name = "ADDR", env = "TEEM_PEER", hide_env_values = true, value_delimiter = ' ')]
    pub(crate) peers: Vec<String>,
    /// Go on seeding when done, until stopped
    #[arg(long, conflicts_with = "until", env = "TEEM_SEED", hide_env_values = true, value_parser = falsey())]
    pub(crate) seed: bool,
    /// Go on seeding until `done` (at once), `ratio=R` (uploaded over size) or for a time such as `30m` after completion
    #[arg(long, value_name = "WHEN", env = "TEEM_UNTIL", hide_env_values = true)]
    pub(crate) until: Option<Enough>,
    /// All peers belong to one owner, as in a cluster: no peer has to upload before it may download
    #[arg(long, env = "TEEM_COOPERATIVE", hide_env_values = true, value_parser = falsey())]
    pub(crate) cooperative: bool,
    /// Give up, with exit code 4, when not done after this time
    #[arg(long, value_name = "TIME", env = "TEEM_TIMEOUT", hide_env_values = true)]
    pub(crate) timeout: Option<Span>,
    #[command(flatten)]
    pub(crate) with_why: peers::WhyOptions,
    /// Download only files whose path in the torrent, or any name in it, is or matches this; may be given several times (one a line in the variable).
    /// Later runs go on with that until another choice is made; '*' is everything
    #[arg(long, value_name = "GLOB", env = "TEEM_ONLY", hide_env_values = true, value_delimiter = '\n')]
    pub(crate) only: Vec<String>,
    /// Download these files before the others; may be given several times (one a line in the variable)
    #[arg(long, value_name = "GLOB", env = "TEEM_FIRST", hide_env_values = true, value_delimiter = '\n')]
    pub(crate) first: Vec<String>,
    /// List the files and ask which to download
    #[arg(long, conflicts_with_all = ["only", "first", "json"], env = "TEEM_FILES", hide_env_values = true, value_parser = falsey())]
    pub(crate) files: bool,
    /// Write into existing files even if nothing in them belongs to this torrent
    #[arg(long, env = "TEEM_OVERWRITE", hide_env_values = true, value_parser = falsey())]
    pub(crate) overwrite: bool,
    /// Run this when a download is done, without a shell; TEEM_NAME, TEEM_PATH, TEEM_INFOHASH and TEEM_SIZE say which
    #[arg(long, value_name = "COMMAND", env = "TEEM_ON_DONE", hide_env_values = true, value_hint = ValueHint::CommandString)]
    pub(crate) on_done: Option<String>,
    /// Download limit, payload bytes a second
    #[arg(long, value_name = "RATE", env = "TEEM_DOWN", hide_env_values = true)]
    pub(crate) down: Option<ByteRate>,
    /// Upload limit, payload bytes a second
    #[arg(long, value_name = "RATE", env = "TEEM_UP", hide_env_values = true)]
    pub(crate) up: Option<ByteRate>,
    /// JSON lines on standard output
    #[arg(long, env = "TEEM_JSON", hide_env_values = true, value_parser = falsey())]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Seed {
    /// The .torrent file; `-` is standard input
    #[arg(value_name = "FILE.torrent", value_hint = ValueHint::FilePath)]
    pub(crate) torrent: String,
    /// Folder that holds the torrent's content (the content's own path is understood too) [default: the .torrent's folder]
    #[arg(long, value_name = "DIR", env = "TEEM_DATA", hide_env_values = true, value_hint = ValueHint::AnyPath)]
    pub(crate) data: Option<PathBuf>,
    /// Address and port to take peers on: `PORT`, `:PORT`, `ADDR:PORT`; `:0` takes a free port
    #[arg(long, value_name = "ADDR", env = "TEEM_LISTEN", hide_env_values = true)]
    pub(crate) listen: Option<String>,
    #[command(flatten)]
    pub(crate) with_peers: peers::PeerOptions,
    #[command(flatten)]
    pub(crate) path: path::PathOptions,
    #[command(flatten)]
    pub(crate) with_dht: peers::DhtOptions,
    /// Upload limit, payload bytes a second
    #[arg(long, value_name = "RATE", env = "TEEM_UP", hide_env_values = true)]
    pub(crate) up: Option<ByteRate>,
    #[command(flatten)]
    pub(crate) spread: SpreadOptions,
    #[command(flatten)]
    pub(crate) with_why: peers::WhyOptions,
    /// JSON lines on standard output
    #[arg(long, env = "TEEM_JSON", hide_env_values = true, value_parser = falsey())]
    pub(crate) json: bool,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// What every client reads (BEP 3)
    V1,
}

#[derive(Args, Debug)]
pub(crate) struct Create {
    /// The file or folder
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(crate) path: PathBuf,
    /// Where to write the .torrent file; `-` is standard output [default: NAME.torrent here]
    #[arg(short, long, value_name = "FILE", env = "TEEM_OUTPUT", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long, env = "TEEM_FORCE", hide_env_values = true, value_parser = falsey())]
    pub(crate) force: bool,
    /// Format of the torrent
    #[arg(long, default_value = "v1", env = "TEEM_KIND", hide_env_values = true)]
    pub(crate) kind: Kind,
    #[command(flatten)]
    pub(crate) metainfo: metainfo::MetainfoOptions,
    /// The result as a JSON line on standard output
    #[arg(long, env = "TEEM_JSON", hide_env_values = true, value_parser = falsey())]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Show {
    /// .torrent file, magnet link, http(s) URL of a .torrent file, or info-hash; `-` is standard input
    #[arg(value_name = "FILE|LINK", value_hint = ValueHint::AnyPath)]
    pub(crate) link: String,
    /// Ask its trackers, and the DHT, how many seeds and downloaders there are; exit code 1 when none answers
    #[arg(long, env = "TEEM_SCRAPE", hide_env_values = true, value_parser = falsey())]
    pub(crate) scrape: bool,
    #[command(flatten)]
    pub(crate) path: path::PathOptions,
    #[command(flatten)]
    pub(crate) with_dht: peers::DhtOptions,
    /// List the files
    #[arg(long, env = "TEEM_FILES", hide_env_values = true, value_parser = falsey())]
    pub(crate) files: bool,
    /// One JSON document on standard output
    #[arg(long, env = "TEEM_JSON", hide_env_values = true, value_parser = falsey())]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// The .torrent file; `-` is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) torrent: String,
    /// Folder that holds the torrent's content (the content's own path is understood too) [default: the .torrent's folder]
    #[arg(long, value_name = "DIR", env = "TEEM_DATA", hide_env_values = true, value_hint = ValueHint::AnyPath)]
    pub(crate) data: Option<PathBuf>,
    /// JSON lines on standard output
    #[arg(long, env = "TEEM_JSON", hide_env_values = true, value_parser = falsey())]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Track {
    /// Address and port for HTTP announces
    #[arg(long, value_name = "ADDR", default_value = "[::]:6969", env = "TEEM_HTTP", hide_env_values = true)]
    pub(crate) http: SocketAddr,
    /// Address and port for UDP announces
    #[arg(long, value_name = "ADDR", default_value = "[::]:6969", env = "TEEM_UDP", hide_env_values = true)]
    pub(crate) udp: SocketAddr,
    /// Track this info-hash only; may be given several times
    #[arg(long = "allow", value_name = "HASH", env = "TEEM_ALLOW", hide_env_values = true, value_delimiter = ' ')]
    pub(crate) allow: Vec<String>,
    /// JSON lines on standard output
    #[arg(long, env = "TEEM_JSON", hide_env_values = true, value_parser = falsey())]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// The shell to complete for
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Args, Debug)]
pub(crate) struct Man {
    /// The command that the page is about [default: teem itself]
    #[arg(value_name = "COMMAND", conflicts_with = "to")]
    pub(crate) command: Vec<String>,
    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "DIR", env = "TEEM_TO", hide_env_values = true, value_hint = ValueHint::DirPath)]
    pub(crate) to: Option<PathBuf>,
}

/// A switch by its variable: 0, no, off, false and nothing at all leave it off, everything else turns it on.
fn falsey() -> clap::builder::FalseyValueParser {
    clap::builder::FalseyValueParser::new()
}

/// Understands a command line, and tells what of it was given.
pub(crate) fn parse(args: Vec<std::ffi::OsString>) -> Result<(Cli, daemon::Given), clap::Error> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(args)?;
    keep::refuse(&mut command, &matches)?;
    let cli = Cli::from_arg_matches(&matches).map_err(|e| e.format(&mut command))?;
    let mut given = daemon::Given::new();
    if let Some((_, matches)) = matches.subcommand() {
        for id in matches.ids() {
            // Groups have no source.
            if let Ok(Some(source)) = matches.try_get_raw(id.as_str()).map(|_| matches.value_source(id.as_str()))
                && source != ValueSource::DefaultValue
            {
                given.insert(id.as_str().to_owned(), source);
            }
        }
    }
    Ok((cli, given))
}

/// `teem LINK` is `teem get LINK`: puts the word in when the first argument is a link and no subcommand.
pub(crate) fn with_default_command(mut args: Vec<std::ffi::OsString>) -> Vec<std::ffi::OsString> {
    // The one option that may stand before the subcommand.
    let at = if args.get(1).is_some_and(|word| word == "--no-sandbox") { 2 } else { 1 };
    let first = args.get(at).map(|a| a.to_string_lossy().into_owned());
    if let Some(first) = first {
        let known = Cli::command().get_subcommands().any(|c| c.get_name() == first) || first == "help";
        if !known && !first.starts_with('-') && looks_like_link(&first) {
            args.insert(at, "get".into());
        }
    }
    args
}

fn looks_like_link(word: &str) -> bool {
    let word = word.trim();
    let lower = word.to_ascii_lowercase();
    let is_hash = (word.len() == 40 && word.bytes().all(|b| b.is_ascii_hexdigit()))
        || (word.len() == 32 && word.bytes().all(|b| b.is_ascii_alphanumeric()));
    is_hash
        || ["magnet:", "magnet%3a", "http://", "https://"].iter().any(|p| lower.starts_with(p))
        || lower.ends_with(".torrent")
        || word.contains(['/', '\\'])
        || std::path::Path::new(word).is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_link_alone_is_get() {
        let run = |words: &[&str]| {
            with_default_command(words.iter().map(Into::into).collect())
                .into_iter()
                .map(|w| w.into_string().unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(run(&["teem", "magnet:?xt=x", "-o", "d"])[1], "get");
        assert_eq!(run(&["teem", "a.torrent"])[1], "get");
        assert_eq!(run(&["teem", "--no-sandbox", "a.torrent"])[2], "get");
        assert_eq!(run(&["teem", &"a".repeat(40)])[1], "get");
        assert_eq!(run(&["teem", "show", "a.torrent"])[1], "show");
        assert_eq!(run(&["teem", "--version"])[1], "--version");
        assert_eq!(run(&["teem", "sahre", "x"])[1], "sahre");
    }
}
