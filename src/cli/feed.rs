//! The grammar of `teem feed`.
use super::daemon::Reached;
use crate::units::{ByteSize, Span};
use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;
use teem_client::policy::Goal;

#[derive(Args, Debug)]
pub(crate) struct Feed {
    #[command(subcommand)]
    pub(crate) what: FeedVerb,
    #[command(flatten)]
    pub(crate) reached: Reached,
    /// JSON lines on standard output
    #[arg(long, global = true, env = "TEEM_JSON", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum FeedVerb {
    /// Take torrents from a feed from now on, and at once what it has already
    Add {
        /// What to call it: letters, digits, `-`, `_` and `.`
        #[arg(value_name = "NAME")]
        name: String,
        /// Where it is asked
        #[arg(value_name = "URL", value_hint = ValueHint::Url)]
        url: String,
        /// How often it is asked, where it does not want to be asked less often; 30m where nothing is said
        #[arg(long, value_name = "TIME", env = "TEEM_EVERY", hide_env_values = true)]
        every: Option<Span>,
        #[command(flatten)]
        rule: RuleOptions,
    },
    /// List the feeds, and how each stands
    List,
    /// Say of each item of a feed what is taken, and why, and add nothing
    Test {
        /// The name of a feed of the daemon's, which is judged by its own rules, or the URL of any, which is judged by these options
        #[arg(value_name = "NAME|URL", value_hint = ValueHint::Url)]
        feed: String,
        #[command(flatten)]
        rule: RuleOptions,
    },
    /// Ask a feed now
    Refresh {
        /// How it is called
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Take nothing from a feed any more; its torrents stay
    Remove {
        /// How it is called
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// What is taken of a feed, and how. Everything is where nothing is said.
#[derive(Args, Clone, Default, PartialEq, Debug)]
pub(crate) struct RuleOptions {
    /// Only items whose title has these words, or, with `*` and `?`, fits this pattern. May be given several times: one of them is to fit
    #[arg(long, value_name = "WORDS", env = "TEEM_WANT", hide_env_values = true, value_delimiter = '\n')]
    pub(crate) want: Vec<String>,
    /// No items whose title has these words or fits this pattern. May be given several times
    #[arg(long, value_name = "WORDS", env = "TEEM_NOT", hide_env_values = true, value_delimiter = '\n')]
    pub(crate) not: Vec<String>,
    /// Only content of at least so many bytes
    #[arg(long, value_name = "SIZE", env = "TEEM_MIN_SIZE", hide_env_values = true)]
    pub(crate) min_size: Option<ByteSize>,
    /// Only content of at most so many bytes
    #[arg(long, value_name = "SIZE", env = "TEEM_MAX_SIZE", hide_env_values = true)]
    pub(crate) max_size: Option<ByteSize>,
    /// The folder that content goes into, below one of the daemon's; its first where none is named
    #[arg(long, value_name = "DIR", env = "TEEM_TO", hide_env_values = true, value_hint = ValueHint::DirPath)]
    pub(crate) to: Option<PathBuf>,
    /// A word to find the torrents by; may be given several times
    #[arg(long = "label", value_name = "L", env = "TEEM_LABEL", hide_env_values = true, value_delimiter = ',')]
    pub(crate) labels: Vec<String>,
    /// Have the torrents rest until they are resumed
    #[arg(long, env = "TEEM_PAUSED", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) paused: bool,
    /// When each has given enough, as for `teem add`
    #[arg(long, value_name = "WHEN", env = "TEEM_UNTIL", hide_env_values = true)]
    pub(crate) until: Option<Goal>,
}
