//! Feeds in the file: their tables, and those as feeds.
use super::typed::{Place, Typed};
use crate::feed::{EVERY, Feed, FeedName, Pattern, Rule};
use serde::Deserialize;
use std::collections::BTreeSet;
use teem_client::policy::Goal;
use teem_client::typed::{ByteSize, Span};

/// All feeds of a file, of which no two have one name.
#[derive(Clone, PartialEq, Eq, Default, Deserialize, Debug)]
#[serde(try_from = "Vec<FeedTable>")]
pub(crate) struct FeedTables(Vec<FeedTable>);

impl TryFrom<Vec<FeedTable>> for FeedTables {
    type Error = String;
    fn try_from(tables: Vec<FeedTable>) -> Result<Self, String> {
        let mut names = BTreeSet::new();
        let twice = tables.iter().find(|table| !names.insert(&table.0.name));
        if let Some(table) = twice {
            return Err(format!("there are two feeds called {}", table.0.name.as_str()));
        }
        Ok(Self(tables))
    }
}

/// A feed that can be followed.
#[derive(Clone, PartialEq, Eq, Deserialize, Debug)]
#[serde(try_from = "FeedWords")]
struct FeedTable(Feed);

/// A feed as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FeedWords {
    /// How it is called.
    name: Typed<FeedName>,
    /// Where it is asked.
    url: String,
    /// How often it is asked; every half an hour where nothing is said.
    every: Option<Typed<Span>>,
    /// What is taken.
    #[serde(default)]
    rule: Vec<RuleTable>,
}

/// What is taken of a feed, and how.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RuleTable {
    /// One of these fits the title.
    #[serde(default)]
    want: Vec<Typed<Pattern>>,
    /// None of these does.
    #[serde(default)]
    not: Vec<Typed<Pattern>>,
    /// Bytes of the content at least.
    min_size: Option<Typed<ByteSize>>,
    /// Bytes of the content at most.
    max_size: Option<Typed<ByteSize>>,
    /// Words to find the torrents by.
    #[serde(default)]
    labels: Vec<String>,
    /// Where content goes.
    to: Option<Typed<Place>>,
    /// Whether they rest until they are resumed.
    #[serde(default)]
    paused: bool,
    /// When each has given enough.
    until: Option<Typed<Goal>>,
}

impl TryFrom<FeedWords> for FeedTable {
    type Error = String;
    fn try_from(words: FeedWords) -> Result<Self, String> {
        let every = words.every.map_or(EVERY, |every| every.value.0);
        let rules = words.rule.into_iter().map(Rule::from).collect();
        Feed { name: words.name.value, url: words.url, every, rules }.checked().map(Self)
    }
}

impl From<RuleTable> for Rule {
    fn from(table: RuleTable) -> Self {
        let patterns = |all: Vec<Typed<Pattern>>| all.into_iter().map(|pattern| pattern.value).collect();
        let size = |size: Option<Typed<ByteSize>>| size.map(|size| size.value.0);
        Self {
            want: patterns(table.want),
            not: patterns(table.not),
            min_size: size(table.min_size),
            max_size: size(table.max_size),
            labels: table.labels.into_iter().collect(),
            folder: table.to.map(|to| to.value.0),
            paused: table.paused,
            until: table.until.map(|until| until.value),
        }
    }
}

impl FeedTables {
    /// The feeds, in their order.
    pub(super) fn all(&self) -> Vec<Feed> {
        self.0.iter().map(|table| table.0.clone()).collect()
    }
}
