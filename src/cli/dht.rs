//! The grammar of `teem dht`.
use crate::units::Span;
use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;
use teem_client::path::Bind;

#[derive(Args, Debug)]
pub(crate) struct Dht {
    #[command(subcommand)]
    pub(crate) what: What,
    /// A node to begin with, instead of those of the last run and the public ones; may be given several times
    #[arg(
        long = "dht-bootstrap",
        global = true,
        value_name = "HOST:PORT",
        env = "TEEM_DHT_BOOTSTRAP",
        hide_env_values = true,
        value_delimiter = ' '
    )]
    pub(crate) bootstrap: Vec<String>,
    /// Ask only by this interface, or from this address; may be given several times, and the first that can be used is taken
    #[arg(
        long,
        global = true,
        value_name = "IFACE|ADDR",
        env = "TEEM_BIND",
        hide_env_values = true,
        value_delimiter = ' '
    )]
    pub(crate) bind: Vec<Bind>,
    /// A list of nodes' addresses that are neither asked nor heard: CIDR, ipfilter.dat or P2P lines, packed by gzip or not; may be given several times (one a
    /// line in the variable)
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "TEEM_FILTER",
        hide_env_values = true,
        value_delimiter = '\n',
        value_hint = ValueHint::FilePath
    )]
    pub(crate) filter: Vec<PathBuf>,
    /// Ask nothing past a proxy, which means ask nothing: the DHT speaks UDP, and this command has no way through a proxy for that
    #[arg(long, global = true, value_name = "URL", env = "TEEM_PROXY", hide_env_values = true)]
    pub(crate) proxy: Option<String>,
    /// Give up after this time
    #[arg(
        long,
        global = true,
        value_name = "TIME",
        default_value = "30s",
        env = "TEEM_TIMEOUT",
        hide_env_values = true
    )]
    pub(crate) timeout: Span,
    /// JSON lines on standard output
    #[arg(long, global = true, env = "TEEM_JSON", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum What {
    /// Ask an address whether a node is there
    Ping {
        /// Name or address of the node, with its port
        #[arg(value_name = "HOST:PORT")]
        node: String,
    },
    /// Find peers of a torrent, and estimate how many there are
    Lookup {
        /// Info-hash: 40 hexadecimal digits, or a magnet link
        #[arg(value_name = "HASH")]
        hash: String,
    },
    /// Say that a peer at this machine has a torrent
    Announce {
        /// Info-hash: 40 hexadecimal digits, or a magnet link
        #[arg(value_name = "HASH")]
        hash: String,
        /// The port that the peer listens on
        #[arg(long, value_name = "PORT", env = "TEEM_PORT", hide_env_values = true, default_value_t = teem_client::config::DEFAULT_PORT)]
        port: u16,
    },
    /// Print a stored value, of a target (40 hexadecimal digits) or the newest of a public key (64)
    Get {
        /// Target or public key
        #[arg(value_name = "TARGET|KEY")]
        of: String,
        /// What the value was stored with beside the key
        #[arg(long, value_name = "TEXT", env = "TEEM_SALT", hide_env_values = true)]
        salt: Option<String>,
    },
    /// Store a value of up to 1000 bytes, and print where; nodes forget it after two hours
    Put {
        /// The value, or `-` for standard input
        #[arg(value_name = "TEXT|-")]
        value: String,
        /// File with the 32 secret bytes that the value is signed with, so that it may be changed later
        #[arg(long, value_name = "FILE", env = "TEEM_KEY", hide_env_values = true, value_hint = ValueHint::FilePath)]
        key: Option<PathBuf>,
        /// Tells values of one key apart
        #[arg(long, value_name = "TEXT", requires = "key", env = "TEEM_SALT", hide_env_values = true)]
        salt: Option<String>,
        /// Sequence number; without it one more than what is stored
        #[arg(long, value_name = "N", requires = "key", env = "TEEM_SEQ", hide_env_values = true)]
        seq: Option<i64>,
    },
    /// Show how many nodes are known, and about how many there are
    Stats,
}
