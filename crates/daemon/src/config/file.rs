//! What may stand in the file: the keys of its tables.
use super::feeds::FeedTables;
use super::typed::{Connections, Place, Program, Typed};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;
use teem_client::path::{Bind, Proxy};
use teem_client::policy::{Clock, Goal, Then};
use teem_client::typed::{ByteRate, ByteSize, Span};

/// How long a hook may take, unless the file says otherwise.
const HOOK_TIME: Duration = Duration::from_secs(600);

/// The whole file. A key that is absent says nothing.
#[derive(Clone, PartialEq, Eq, Default, Deserialize, Debug)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct File {
    /// Folders that content may go into.
    pub roots: Option<Vec<Typed<Place>>>,
    /// Where content lies until it is complete.
    pub(crate) incomplete: Option<Typed<Place>>,
    /// Address and port to take peers on.
    pub listen: Option<String>,
    /// Where it is asked.
    pub api: Option<Vec<String>>,
    /// Encryption of connections to peers.
    pub encryption: Option<EncryptionWord>,
    /// What connections to peers travel over.
    pub transport: Option<TransportWord>,
    /// Whether the router is asked to lead peers here.
    pub map: Option<bool>,
    /// Whether addresses of peers are exchanged with peers.
    pub pex: Option<bool>,
    /// Whether peers are looked for in the local network.
    pub lsd: Option<bool>,
    /// Whether peers are looked for in the DHT.
    pub dht: Option<bool>,
    /// Nodes of the DHT to begin with.
    pub dht_bootstrap: Option<Vec<String>>,
    /// By what alone it speaks and listens.
    pub bind: Option<Vec<Typed<Bind>>>,
    /// Lists of addresses that nobody is to be met at.
    pub filter: Option<Vec<Typed<Place>>>,
    /// The proxy that everything goes through.
    pub proxy: Option<Typed<Proxy>>,
    /// Whether nothing is said that tells this client.
    pub anonymous: Option<bool>,
    /// Upload limit of all torrents together.
    pub up: Option<Typed<ByteRate>>,
    /// Download limit of all torrents together.
    pub down: Option<Typed<ByteRate>>,
    /// Connections to peers of all torrents together.
    pub connections: Option<Typed<Connections>>,
    /// Whether standard output has JSON lines.
    pub json: Option<bool>,
    /// Whether it works in its sandbox.
    pub sandbox: Option<bool>,
    /// How many torrents may work at once.
    #[serde(default)]
    pub(crate) queue: QueueTable,
    /// When a torrent has given enough.
    #[serde(default)]
    pub(crate) goal: GoalTable,
    /// Other limits at some hours.
    #[serde(default)]
    pub(crate) alternative: AlternativeTable,
    /// How much may be sent in a month.
    #[serde(default)]
    pub(crate) month: MonthTable,
    /// What holds for the torrents of a label.
    #[serde(default)]
    pub(crate) label: BTreeMap<String, LabelTable>,
    /// What holds for the torrents of a tracker.
    #[serde(default)]
    pub(crate) tracker: BTreeMap<String, GoalTable>,
    /// What is run when a torrent is done.
    #[serde(default)]
    pub hook: Vec<HookTable>,
    /// Folders from which torrents are taken.
    #[serde(default)]
    pub(crate) watch: Vec<WatchTable>,
    /// Feeds from which torrents are taken.
    #[serde(default)]
    pub(crate) feed: FeedTables,
}

/// A program that is run when a torrent is done.
#[derive(Clone, PartialEq, Eq, Deserialize, Debug)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct HookTable {
    /// The program and its arguments; no shell reads them.
    pub run: Program,
    /// Only for torrents of this label.
    pub label: Option<String>,
    /// How long it may take.
    pub(crate) timeout: Option<Typed<Span>>,
}

impl HookTable {
    /// How long it may take until it is ended.
    pub fn time(&self) -> Duration {
        self.timeout.as_ref().map_or(HOOK_TIME, |time| time.value.0)
    }
}

/// A folder from which .torrent and .magnet files are taken.
#[derive(Clone, PartialEq, Eq, Deserialize, Debug)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WatchTable {
    /// Where they are put.
    pub(crate) folder: Typed<Place>,
    /// Where content goes.
    pub(crate) to: Option<Typed<Place>>,
    /// Words to find the torrents by.
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    /// Whether they rest until they are resumed.
    #[serde(default)]
    pub(crate) paused: bool,
    /// When each has given enough.
    pub(crate) until: Option<Typed<Goal>>,
}

/// How many torrents may work at once; 0 is any number.
#[derive(Clone, PartialEq, Eq, Default, Deserialize, Debug)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct QueueTable {
    /// Of those that are not complete.
    pub(crate) downloads: Option<u32>,
    /// Of those that are.
    pub(crate) seeds: Option<u32>,
    /// Of those whose files are looked through.
    pub(crate) checks: Option<u32>,
    /// How long nothing has to move until a torrent holds no place.
    pub(crate) stalled_after: Option<Typed<Span>>,
}

/// When a torrent has given enough, and what becomes of it then.
#[derive(Clone, PartialEq, Eq, Default, Deserialize, Debug)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct GoalTable {
    /// The goal of each that has no nearer one.
    pub(crate) until: Option<Typed<Goal>>,
    /// What becomes of a torrent that has reached it.
    pub(crate) then: Option<ThenWord>,
}

/// What becomes of a torrent that has given enough.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // the words of `Then`
pub(crate) enum ThenWord {
    Rest,
    Pause,
    Remove,
    Delete,
}

impl ThenWord {
    /// As it is written.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Pause => "pause",
            Self::Remove => "remove",
            Self::Delete => "delete",
        }
    }
}

impl From<ThenWord> for Then {
    fn from(word: ThenWord) -> Self {
        match word {
            ThenWord::Rest => Self::Rest,
            ThenWord::Pause => Self::Pause,
            ThenWord::Remove => Self::Remove,
            ThenWord::Delete => Self::Delete,
        }
    }
}

/// Other limits, and when they hold.
#[derive(Clone, PartialEq, Eq, Default, Deserialize, Debug)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AlternativeTable {
    /// Upload limit of all torrents together.
    pub(crate) up: Option<Typed<ByteRate>>,
    /// Download limit of all torrents together.
    pub(crate) down: Option<Typed<ByteRate>>,
    /// The hours at which they hold; any of them.
    #[serde(default)]
    pub(crate) hours: Vec<HoursTable>,
}

/// A time of some days.
#[derive(Clone, PartialEq, Eq, Deserialize, Debug)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct HoursTable {
    /// The days on which it begins; all where none is named.
    #[serde(default)]
    pub(crate) days: Vec<Day>,
    /// The minute that they begin at.
    pub(crate) from: Typed<Clock>,
    /// Until when; the next day where that is not later.
    pub(crate) to: Typed<Clock>,
}

/// A day of the week.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // their names
pub(crate) enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// How much may be sent in a calendar month.
#[derive(Clone, PartialEq, Eq, Default, Deserialize, Debug)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct MonthTable {
    /// The budget, payload bytes in local calendar months.
    pub(crate) up: Option<Typed<ByteSize>>,
    /// Upload limit of all torrents together from then on.
    pub(crate) then_up: Option<Typed<ByteRate>>,
}

/// What holds for the torrents of a label.
#[derive(Clone, PartialEq, Eq, Default, Deserialize, Debug)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct LabelTable {
    /// When each has given enough.
    pub(crate) until: Option<Typed<Goal>>,
    /// What becomes of a torrent that has reached it.
    pub(crate) then: Option<ThenWord>,
    /// Upload limit of all of them together.
    pub(crate) up: Option<Typed<ByteRate>>,
    /// Download limit of all of them together.
    pub(crate) down: Option<Typed<ByteRate>>,
    /// Where content goes that is added with this label and no folder.
    pub(crate) folder: Option<Typed<Place>>,
    /// Where it lies until it is complete.
    pub(crate) incomplete: Option<Typed<Place>>,
}

/// What is wanted of encryption.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // the words of `--encryption`
pub enum EncryptionWord {
    Allow,
    Prefer,
    Require,
    Off,
}

/// What connections travel over.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // the words of `--transport`
pub enum TransportWord {
    Auto,
    Tcp,
    Utp,
}

impl EncryptionWord {
    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::Off => "off",
        }
    }
}

impl TransportWord {
    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Tcp => "tcp",
            Self::Utp => "utp",
        }
    }
}

/// Each kind of table, with a text that has an unknown key in it.
#[cfg(test)]
pub(super) fn tables() -> Vec<(&'static str, String)> {
    let hours = "[[alternative.hours]]\nfrom = '1:00'\nto = '2:00'\n";
    [("", ""), ("queue", "[queue]\n"), ("goal", "[goal]\n"), ("alternative", "[alternative]\n"), ("hours", hours)]
        .into_iter()
        .chain([("month", "[month]\n"), ("label", "[label.x]\n"), ("tracker", "[tracker.x]\n")])
        .chain([
            ("hook", "[[hook]]\n"),
            ("watch", "[[watch]]\n"),
            ("feed", "[[feed]]\n"),
            ("rule", "[[feed]]\n[[feed.rule]]\n"),
        ])
        .map(|(name, table)| (name, format!("{table}zzz = 1\n")))
        .collect()
}
