//! The grammar of `teem daemon` and of the commands that drive it.
use super::path::PathOptions;
use super::peers::{DhtOptions, PeerOptions};
use crate::units::ByteRate;
use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;
use clap::{Args, Subcommand, ValueHint};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use teem_client::policy::Goal;
use teem_daemon::Scope;
use teem_daemon::config::File;

/// Where the values of a subcommand's options come from, of those that were given: the command line or the environment.
pub(crate) type Given = BTreeMap<String, ValueSource>;

/// What the daemon was told, apart.
#[derive(Debug)]
pub(crate) struct Layers {
    /// Where the file lies, if there is one.
    pub(crate) path: Option<PathBuf>,
    pub(crate) file: File,
    /// As it was typed, and what of it was given.
    pub(crate) typed: Daemon,
    pub(crate) given: Given,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Daemon {
    /// The file that it is set up by, in TOML, printed with comments by `teem config init`. What is given here or in the environment wins over it [default:
    /// teem/daemon.toml in the user's configuration folder, where that is]
    #[arg(long, value_name = "FILE", env = "TEEM_CONFIG", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// A folder that content may go into, with what is below; the first is where it goes unless told otherwise. May be given several times; your folder of
    /// downloads where none is
    #[arg(long = "root", value_name = "DIR", env = "TEEM_ROOT", hide_env_values = true, value_delimiter = '\n', value_hint = ValueHint::DirPath)]
    pub(crate) roots: Vec<PathBuf>,
    /// Address and port to take peers on: `PORT`, `:PORT`, `ADDR:PORT`; `:0` takes a free port
    #[arg(long, value_name = "ADDR", env = "TEEM_LISTEN", hide_env_values = true)]
    pub(crate) listen: Option<String>,
    /// Where it is asked, beside its socket: `ADDR:PORT`, where each request needs a token (`teem token`), or `unix:PATH`, which is then its socket. May be
    /// given several times; `127.0.0.1:21490` where none is given and that is free, `none` for the socket alone
    #[arg(long, value_name = "ADDR|unix:PATH", env = "TEEM_API", hide_env_values = true, value_delimiter = ' ')]
    pub(crate) api: Vec<String>,
    #[command(flatten)]
    pub(crate) with_peers: PeerOptions,
    #[command(flatten)]
    pub(crate) path: PathOptions,
    #[command(flatten)]
    pub(crate) with_dht: DhtOptions,
    /// Upload limit of all torrents together, payload bytes a second
    #[arg(long, value_name = "RATE", env = "TEEM_UP", hide_env_values = true)]
    pub(crate) up: Option<ByteRate>,
    /// Download limit of all torrents together, payload bytes a second
    #[arg(long, value_name = "RATE", env = "TEEM_DOWN", hide_env_values = true)]
    pub(crate) down: Option<ByteRate>,
    /// JSON lines on standard output
    #[arg(long, env = "TEEM_JSON", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
    /// What the file says, and what was typed over it.
    #[arg(skip)]
    pub(crate) layers: Option<Arc<Layers>>,
}

#[derive(Args, Debug)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) what: ConfigVerb,
    #[command(flatten)]
    pub(crate) reached: Reached,
    /// JSON lines on standard output
    #[arg(long, global = true, env = "TEEM_JSON", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum ConfigVerb {
    /// Print the file with every key at its default, and what each is for
    Init,
    /// Say whether all of a file is understood
    Check {
        /// The file [default: teem/daemon.toml in the user's configuration folder]
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
    },
    /// Show what holds, and where each value comes from: of the daemon that runs, else of one that were started now
    Show,
}

/// Where the daemon is found.
#[derive(Args, Debug)]
pub(crate) struct Reached {
    /// The socket of the daemon, as `unix:PATH`; your own daemon's where none is named
    #[arg(long = "daemon", global = true, value_name = "unix:PATH", env = "TEEM_DAEMON", hide_env_values = true)]
    pub(crate) daemon: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Add {
    /// Magnet link, .torrent file, http(s) URL of one, or info-hash
    #[arg(required = true, value_name = "LINK", value_hint = ValueHint::AnyPath)]
    pub(crate) links: Vec<String>,
    /// The folder that the content goes into
    #[arg(long = "to", value_name = "DIR", env = "TEEM_TO", hide_env_values = true, value_hint = ValueHint::DirPath)]
    pub(crate) to: Option<PathBuf>,
    /// The folder that it lies in until it is complete, when it is moved; what the daemon's file says where none is named
    #[arg(long, value_name = "DIR", env = "TEEM_INCOMPLETE", hide_env_values = true, value_hint = ValueHint::DirPath)]
    pub(crate) incomplete: Option<PathBuf>,
    /// A word to find it by; may be given several times
    #[arg(long = "label", value_name = "LABEL", env = "TEEM_LABEL", hide_env_values = true, value_delimiter = ',')]
    pub(crate) labels: Vec<String>,
    /// It rests until it is resumed
    #[arg(long, env = "TEEM_PAUSED", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) paused: bool,
    /// Only the files whose path or name fits; may be given several times
    #[arg(long, value_name = "GLOB", env = "TEEM_ONLY", hide_env_values = true)]
    pub(crate) only: Vec<String>,
    /// First the files whose path or name fits; may be given several times
    #[arg(long, value_name = "GLOB", env = "TEEM_FIRST", hide_env_values = true)]
    pub(crate) first: Vec<String>,
    /// When it has given enough: `forever`, `done`, or `ratio=R`, a time such as `30d`, `idle=TIME` and `seeds=N`, joined by `or` or by `and`; what the daemon's
    /// file says where none is named
    #[arg(long, value_name = "WHEN", env = "TEEM_UNTIL", hide_env_values = true)]
    pub(crate) until: Option<Goal>,
    /// Upload limit, payload bytes a second
    #[arg(long, value_name = "RATE", env = "TEEM_UP", hide_env_values = true)]
    pub(crate) up: Option<ByteRate>,
    /// Download limit, payload bytes a second
    #[arg(long, value_name = "RATE", env = "TEEM_DOWN", hide_env_values = true)]
    pub(crate) down: Option<ByteRate>,
    /// Return when all of it is complete; exit code 4 where it cannot become so
    #[arg(long, env = "TEEM_WAIT", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) reached: Reached,
    /// JSON lines on standard output
    #[arg(long, env = "TEEM_JSON", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct List {
    /// Which torrents: at least 6 digits of an info-hash, a pattern of names, `label:L`, `state:S`, `tracker:HOST`; all where none is given
    #[arg(value_name = "SEL")]
    pub(crate) select: Vec<String>,
    /// In which order: by a key of a torrent's object, `name` or `up_rate` for instance, the least first; with `-` before it the greatest first
    #[arg(long, value_name = "KEY", env = "TEEM_SORT", hide_env_values = true, allow_hyphen_values = true)]
    pub(crate) sort: Option<String>,
    /// Goes on and shows what changes, until Ctrl-C
    #[arg(long, env = "TEEM_WATCH", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) reached: Reached,
    /// JSON lines on standard output
    #[arg(long, env = "TEEM_JSON", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Arrows, PageUp, PageDown, Home and End move; s sorts by the next key, S the other way round; / filters by name;\n\
    Enter says why a torrent moves or not; p pauses it, r resumes, c rechecks, a announces, d removes it (asks first, its\n\
    files stay); ? is help, q quits."
)]
pub(crate) struct Top {
    /// Which torrents: at least 6 digits of an info-hash, a pattern of names, `label:L`, `state:S`, `tracker:HOST`; all where none is given
    #[arg(value_name = "SEL")]
    pub(crate) select: Vec<String>,
    /// In which order it begins: `added`, `name`, `state`, `progress`, `down_rate`, `up_rate`, `ratio`, `peers`, `eta` or `labels`, the least first; with `-` before
    /// it the greatest first
    #[arg(long, value_name = "KEY", env = "TEEM_SORT", hide_env_values = true, allow_hyphen_values = true)]
    pub(crate) sort: Option<String>,
    #[command(flatten)]
    pub(crate) reached: Reached,
}

#[derive(Args, Debug)]
pub(crate) struct Token {
    #[command(subcommand)]
    pub(crate) what: TokenVerb,
    #[command(flatten)]
    pub(crate) reached: Reached,
    /// JSON lines on standard output
    #[arg(long, global = true, env = "TEEM_JSON", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum TokenVerb {
    /// Make a token and print it; it is not shown again
    Create {
        /// What to call it: letters, digits, `-`, `_` and `.`
        #[arg(value_name = "NAME")]
        name: String,
        /// What it allows: to look, also to add torrents, also to change and remove them, also to make tokens
        #[arg(long, value_name = "SCOPE", default_value = "control", env = "TEEM_SCOPE", hide_env_values = true)]
        scope: Scope,
    },
    /// List the tokens, without their words
    List,
    /// Make a token useless at once
    Revoke {
        /// How it is called
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Remove {
    /// Which torrents: as for `teem pause`
    #[arg(required = true, value_name = "SEL")]
    pub(crate) select: Vec<String>,
    /// Remove their files too: those that are the torrent's own, and nothing else in its folder
    #[arg(long, env = "TEEM_WITH_DATA", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) with_data: bool,
    /// Don't ask before the files of several torrents are removed
    #[arg(long, env = "TEEM_YES", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) reached: Reached,
    /// JSON lines on standard output
    #[arg(long, env = "TEEM_JSON", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Move {
    /// Which torrents, as for `teem pause`; and last the folder that their content is moved into
    #[arg(required = true, num_args = 2.., value_names = ["SEL", "DIR"], value_hint = ValueHint::DirPath)]
    pub(crate) select_and_folder: Vec<String>,
    /// Now, also what is moved once it is complete; else that is moved there then
    #[arg(long, env = "TEEM_NOW", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) now: bool,
    #[command(flatten)]
    pub(crate) reached: Reached,
    /// JSON lines on standard output
    #[arg(long, env = "TEEM_JSON", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Verb {
    /// Which torrents: at least 6 digits of an info-hash, a pattern of names, `label:L`, `state:S`, `tracker:HOST`, or `all`
    #[arg(required = true, value_name = "SEL")]
    pub(crate) select: Vec<String>,
    #[command(flatten)]
    pub(crate) reached: Reached,
    /// JSON lines on standard output
    #[arg(long, env = "TEEM_JSON", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Events {
    /// Begin after the event of this number, as far as it is remembered; without it only what comes is told
    #[arg(long, value_name = "N", env = "TEEM_SINCE", hide_env_values = true)]
    pub(crate) since: Option<u64>,
    #[command(flatten)]
    pub(crate) reached: Reached,
    /// JSON lines on standard output
    #[arg(long, env = "TEEM_JSON", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Set {
    /// Which torrents, and what is to be otherwise of them: `labels=A,B`, `labels+=A`, `labels-=B`, `up=RATE`, `down=RATE` (`none`: without limit), `until=WHEN` (as
    /// `teem add --until` says it; `rules`: what the daemon's file says), `queue=top` (or `up`, `down`, `bottom`; `force` has them work whatever others do, `unforce` no longer),
    /// `only=GLOB,GLOB` (nothing: all files), `first=GLOB`, `files:0-3,7=skip` (or `normal`, or `first`), `trackers=URL,URL` (in this order), `trackers+=URL`, `trackers-=URL`
    #[arg(required = true, value_name = "SEL|KEY=VALUE")]
    pub(crate) what: Vec<String>,
    #[command(flatten)]
    pub(crate) reached: Reached,
    /// JSON lines on standard output
    #[arg(long, env = "TEEM_JSON", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Limits {
    /// What is to be otherwise: `up=RATE`, `down=RATE` of all torrents together (`none`: without limit), the same of the other limits as `alternative-up=RATE`,
    /// `alternative-down=RATE`; and whether those hold: `on`, `off`, or by the `hours` of the daemon's file. All of it holds over restarts; without anything it is only said what holds
    #[arg(value_name = "WHICH|KEY=RATE")]
    pub(crate) what: Vec<String>,
    #[command(flatten)]
    pub(crate) reached: Reached,
    /// JSON lines on standard output
    #[arg(long, env = "TEEM_JSON", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
}
