//! What may be asked of a daemon about its feeds (own design): to list, add and remove them, to ask one now, and to try rules without anything being added.
use super::definition::{FEEDS_MAX, Feed, FeedName};
use super::failed::FeedFailed;
use super::look::Answer;
use super::read::{Item, Read};
use super::seen::Key;
use super::standing::Standing;
use super::table::{Kept, TRIES_MAX};
use crate::asker::is_token;
use crate::config::Origin;
use crate::daemon::Daemon;
use std::sync::Arc;
use teem_client::http::fetch::Validators;
use teem_disk::Kind;

/// Items that could not be taken, of one feed, that are told.
const FAILED_TOLD: usize = 100;

/// A feed as it is told.
pub(crate) struct FeedTold {
    pub(crate) kept: Kept,
    pub(crate) standing: Standing,
    pub(crate) is_asked: bool,
    /// Items that a rule takes and that could not be taken: title, why, and whether that is given up.
    pub(crate) failed: Vec<(String, String, bool)>,
}

/// What each rule says of an item: that it takes it, or not, and why.
pub(crate) struct Judged {
    pub(crate) item: Item,
    /// Whether it was taken before.
    pub(crate) is_known: bool,
    pub(crate) rules: Vec<Result<String, String>>,
}

impl Daemon {
    /// All feeds, by name.
    pub(crate) fn feeds_told(&self) -> Vec<FeedTold> {
        let names = self.0.feeds.table().names();
        names.iter().filter_map(|name| self.feed_told(name)).collect()
    }

    fn feed_told(&self, name: &FeedName) -> Option<FeedTold> {
        let table = self.0.feeds.table();
        let kept = table.get(name)?;
        let course = table.courses.get(name);
        let failed = course.into_iter().flat_map(|course| course.tried.values());
        let failed = failed
            .take(FAILED_TOLD)
            .map(|tried| (tried.title.clone(), tried.why.clone(), tried.times >= TRIES_MAX))
            .collect();
        let is_asked = course.is_some_and(|course| course.is_asked);
        Some(FeedTold { kept, standing: table.standings.get(name).cloned().unwrap_or_default(), is_asked, failed })
    }

    /// Follows a feed from now on. What it has now is taken too, as far as its rules take it.
    pub(crate) async fn add_feed(&self, feed: Feed) -> Result<FeedTold, FeedFailed> {
        let feed = Arc::new(feed.checked().map_err(FeedFailed::Wish)?);
        let (daemon, folders) = (self.clone(), feed.clone());
        let looking = tokio::task::spawn_blocking(move || {
            let mut folders = folders.rules.iter().filter_map(|rule| rule.folder.as_deref());
            folders.try_for_each(|folder| daemon.below_roots(folder).map(drop))
        });
        looking.await.unwrap_or_else(|e| Err(e.to_string())).map_err(FeedFailed::Wish)?;
        let _turn = self.0.turn.lock().await;
        let name = feed.name.as_str().to_owned();
        let (is_there, count) = {
            let table = self.0.feeds.table();
            (table.get(&feed.name).is_some(), table.len())
        };
        if is_there {
            return Err(FeedFailed::Taken(name));
        }
        if count >= FEEDS_MAX {
            return Err(FeedFailed::Many);
        }
        let strange = is_token();
        self.keep(Kind::Feed, vec![(name.clone(), Some(feed.encode(strange)))]).await.map_err(FeedFailed::Store)?;
        self.0.feeds.table().tell(feed.clone(), strange);
        self.0.feeds.changed.notify_one();
        self.feed_told(&feed.name).ok_or(FeedFailed::Unknown(name))
    }

    /// Follows a feed no more; the feed as it was. Its torrents stay, and what was taken stays known.
    pub(crate) async fn remove_feed(&self, name: &str) -> Result<FeedTold, FeedFailed> {
        let _turn = self.0.turn.lock().await;
        let unknown = || FeedFailed::Unknown(name.to_owned());
        let parsed: FeedName = name.parse().map_err(|_| unknown())?;
        let told = self.feed_told(&parsed).ok_or_else(unknown)?;
        if told.kept.origin == Origin::File {
            return Err(FeedFailed::OfFile(name.to_owned()));
        }
        self.keep(Kind::Feed, vec![(name.to_owned(), None)]).await.map_err(FeedFailed::Store)?;
        self.keep(Kind::FeedStanding, vec![(name.to_owned(), None)]).await.map_err(FeedFailed::Store)?;
        self.0.feeds.table().drop_told(&parsed);
        Ok(told)
    }

    /// Asks a feed at once, and tells it as it stands then.
    pub(crate) async fn refresh_feed(&self, name: &str) -> Result<FeedTold, FeedFailed> {
        let unknown = || FeedFailed::Unknown(name.to_owned());
        let parsed: FeedName = name.parse().map_err(|_| unknown())?;
        let look = loop {
            let over = std::pin::pin!(self.0.feeds.looked.notified());
            match self.look_at_feed(&parsed) {
                Ok(look) => break look,
                Err(FeedFailed::Busy(_)) => over.await,
                Err(e) => return Err(e),
            }
        };
        // It goes on although the one that asks has left.
        let look = tokio::spawn(look);
        look.await.map_err(|e| FeedFailed::Refused(format!("a fault of this program, please report it: {e}")))?;
        self.feed_told(&parsed).ok_or_else(unknown)
    }

    /// What is taken of a feed that is followed, by its rules or by others.
    pub(crate) async fn test_feed(&self, name: &str, feed: Option<Feed>) -> Result<(String, Vec<Judged>), FeedFailed> {
        let followed = name.parse::<FeedName>().ok().and_then(|name| self.0.feeds.table().get(&name));
        let (feed, strange) = match (feed, followed) {
            (Some(feed), _) => (Arc::new(feed.checked().map_err(FeedFailed::Wish)?), is_token()),
            // Where the owner may have it lead is no matter of those who only try it.
            (None, Some(kept)) => (kept.feed, kept.strange),
            (None, None) => return Err(FeedFailed::Unknown(name.to_owned())),
        };
        let answer = self.ask_feed(&feed.url, strange, &Validators::default()).await;
        let read = match answer {
            Ok(Answer::Items { read, .. }) => read,
            Ok(Answer::Same) => Read { title: String::new(), ttl: None, items: Vec::new() },
            Err(refusal) => return Err(FeedFailed::Refused(refusal.why)),
        };
        let daemon = self.clone();
        // Many items and many rules are work for a while.
        let judging = tokio::task::spawn_blocking(move || {
            let judge = |item: Item| {
                let is_known = daemon.0.feeds.table().seen.has(Key::of_item(&feed.name, &item.id));
                let rules = feed.rules.iter().map(|rule| rule.judge(&item)).collect();
                Judged { item, is_known, rules }
            };
            (read.title, read.items.into_iter().map(judge).collect())
        });
        judging.await.map_err(|e| FeedFailed::Refused(format!("a fault of this program, please report it: {e}")))
    }
}
