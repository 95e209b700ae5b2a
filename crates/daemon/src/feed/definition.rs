//! What a feed is to its owner (own design): its name, where it is asked and how often, and its rules; and the record in which that is kept.
//!
//! A record is a bencoded dictionary; keys that are not known are left alone, so that an older version reads what a newer one wrote.
use super::rule::{Pattern, Rule};
use crate::row::{LABEL_BYTES, LABELS_MAX};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use teem_bencode::{Limits, Value, Writer, parse};

/// Bytes, nesting and tokens of a record: as many patterns as rules may have.
const LIMITS: Limits = teem_metainfo::Limits::FILE.bencode;

/// How often a feed is asked, unless its owner says otherwise, and how often it may be.
pub(crate) const EVERY: Duration = Duration::from_secs(30 * 60);
pub(crate) const EVERY_MIN: Duration = Duration::from_secs(60);

/// Feeds of one daemon, rules of a feed, patterns of a rule.
pub(crate) const FEEDS_MAX: usize = 1_000;
const RULES_MAX: usize = 50;
const PATTERNS_MAX: usize = 100;

/// Bytes of a name and of a URL.
const NAME_BYTES: usize = 64;
const URL_BYTES: usize = 4096;

/// What a feed is called.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct FeedName(String);

impl FeedName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FeedName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_name = !text.is_empty() && text.len() <= NAME_BYTES && text.chars().all(is_plain);
        let bad = || {
            let shown: String = text.chars().take(NAME_BYTES).collect();
            format!("`{shown}` is no name of a feed: letters, digits, `-`, `_` and `.`, at most {NAME_BYTES}")
        };
        is_name.then(|| Self(text.to_owned())).ok_or_else(bad)
    }
}

/// A feed and what is taken of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Feed {
    pub(crate) name: FeedName,
    /// http or https.
    pub(crate) url: String,
    /// How often it is asked, unless it wants to be asked less often.
    pub(crate) every: Duration,
    /// The first that takes an item has it; there is one at least.
    pub(crate) rules: Vec<Rule>,
}

impl Feed {
    /// Checks what cannot be seen of its parts alone; why it cannot be one, in a sentence.
    pub(crate) fn checked(self) -> Result<Self, String> {
        let is_web = teem_metainfo::url::http(&self.url).is_ok() && self.url.len() <= URL_BYTES;
        if !is_web {
            return Err(format!("a feed is asked by an http or https URL of at most {URL_BYTES} bytes"));
        }
        if self.every < EVERY_MIN {
            return Err(format!("a feed is asked every {} seconds at most", EVERY_MIN.as_secs()));
        }
        if self.rules.is_empty() || self.rules.len() > RULES_MAX {
            return Err(format!(
                "1 to {RULES_MAX} rules say what of a feed is taken; one in which nothing stands takes all"
            ));
        }
        for rule in &self.rules {
            if rule.want.len().max(rule.not.len()) > PATTERNS_MAX {
                return Err(format!("at most {PATTERNS_MAX} patterns of one kind in a rule"));
            }
            let bad = |label: &String| label.is_empty() || label.len() > LABEL_BYTES;
            if rule.labels.len() > LABELS_MAX || rule.labels.iter().any(bad) {
                return Err(format!("at most {LABELS_MAX} labels, each of 1 to {LABEL_BYTES} bytes"));
            }
        }
        Ok(self)
    }

    /// As it is kept, without its name; `strange` where it came over TCP with a token.
    pub(crate) fn encode(&self, strange: bool) -> Vec<u8> {
        let mut out = Writer::new();
        out.dict(|d| {
            d.key(b"every").uint(self.every.as_secs());
            d.key(b"rules").list(|list| self.rules.iter().for_each(|rule| encode_rule(rule, list)));
            d.key(b"strange").uint(strange.into());
            d.key(b"url").str(&self.url);
        });
        out.into_bytes()
    }

    /// What is kept under a name, and whether it came over TCP with a token.
    pub(crate) fn decode(name: &str, bytes: &[u8]) -> Option<(Self, bool)> {
        let document = parse(bytes, &LIMITS).ok()?;
        let root = document.root();
        let rules = root.get(b"rules")?.list()?.map(decode_rule).collect::<Option<Vec<_>>>()?;
        let feed = Self {
            name: name.parse().ok()?,
            url: root.get(b"url")?.as_str()?.to_owned(),
            every: Duration::from_secs(root.get(b"every")?.as_uint()?),
            rules,
        };
        Some((feed.checked().ok()?, root.get(b"strange")?.as_uint()? != 0))
    }
}

fn encode_rule(rule: &Rule, out: &mut Writer) {
    // Keys in their order.
    out.dict(|d| {
        if let Some(folder) = &rule.folder {
            d.key(b"folder").bytes(folder.as_os_str().as_bytes());
        }
        d.key(b"labels").list(|list| rule.labels.iter().for_each(|label| list.str(label)));
        if let Some(max) = rule.max_size {
            d.key(b"max").uint(max);
        }
        if let Some(min) = rule.min_size {
            d.key(b"min").uint(min);
        }
        d.key(b"not").list(|list| rule.not.iter().for_each(|pattern| list.str(pattern.text())));
        d.key(b"paused").uint(rule.paused.into());
        if let Some(until) = rule.until {
            d.key(b"until").str(&until.to_string());
        }
        d.key(b"want").list(|list| rule.want.iter().for_each(|pattern| list.str(pattern.text())));
    });
}

fn decode_rule(value: Value<'_, '_>) -> Option<Rule> {
    let number = |key: &[u8]| value.get(key).map_or(Some(None), |number| number.as_uint().map(Some));
    let patterns = |key: &[u8]| -> Option<Vec<Pattern>> {
        value.get(key)?.list()?.map(|item| item.as_str()?.parse().ok()).collect()
    };
    let labels = value.get(b"labels")?.list()?.map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>()?;
    let folder = value
        .get(b"folder")
        .map_or(Some(None), |folder| Some(Some(PathBuf::from(OsStr::from_bytes(folder.as_bytes()?)))))?;
    let until = value.get(b"until").map_or(Some(None), |until| until.as_str()?.parse().ok().map(Some))?;
    Some(Rule {
        want: patterns(b"want")?,
        not: patterns(b"not")?,
        min_size: number(b"min")?,
        max_size: number(b"max")?,
        labels,
        folder,
        paused: value.get(b"paused")?.as_uint()? != 0,
        until,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed() -> Feed {
        let rule = Rule {
            want: vec!["a b".parse().unwrap(), "*c*".parse().unwrap()],
            not: vec!["beta".parse().unwrap()],
            min_size: Some(1),
            max_size: Some(1 << 40),
            labels: ["films".to_owned()].into(),
            folder: Some("/srv/films".into()),
            paused: true,
            until: "ratio=2".parse().ok(),
        };
        let rules = vec![rule, Rule::default()];
        Feed { name: "x.y-1".parse().unwrap(), url: "https://feed.example/rss?key=1".into(), every: EVERY, rules }
    }

    #[test]
    fn what_is_kept_comes_back_and_no_cut_is_believed() {
        let bytes = feed().encode(true);
        assert_eq!(Feed::decode("x.y-1", &bytes), Some((feed(), true)));
        assert!((0..bytes.len()).all(|n| Feed::decode("x.y-1", &bytes[..n]).is_none()));
        assert_eq!(Feed::decode("no name", &bytes), None);
    }

    #[test]
    fn what_cannot_be_a_feed_is_said() {
        let of = |change: fn(&mut Feed)| {
            let mut feed = feed();
            change(&mut feed);
            feed.checked().unwrap_err()
        };
        assert!(of(|feed| feed.url = "file:///etc/passwd".into()).contains("http"));
        assert!(of(|feed| feed.every = Duration::from_secs(1)).contains("60"));
        assert!(of(|feed| feed.rules.clear()).contains("takes all"));
        assert!(of(|feed| feed.rules[0].labels = [String::new()].into()).contains("labels"));
        assert!("a/b".parse::<FeedName>().unwrap_err().contains("letters"));
    }
}
