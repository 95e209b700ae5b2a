//! One look at a feed (own design): it is asked, its items are judged, and what a rule takes is added.
//!
//! What cannot be had now stays as it is: an item is known only once its torrent is kept, and the feed is asked as if it was never seen while something of it
//! is left to be done.
use super::definition::{EVERY_MIN, Feed, FeedName};
use super::failed::FeedFailed;
use super::read::{Item, Read, read};
use super::rule::{Rule, first};
use super::seen::Key;
use super::standing::Standing;
use super::table::{Kept, TRIES_MAX, Table, Tried};
use crate::adding::Wishes;
use crate::daemon::{Daemon, now};
use crate::events::Happened;
use crate::failed::AddFailed;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use teem_client::http::fetch::{Limits, Validators};
use teem_client::{AddError, Origin, Source, source};
use teem_disk::Kind;
use teem_metainfo::redact::redact_of;
use tokio::time::Instant;

/// Items of one feed whose torrents are fetched in one look, and how long that may take; the others are fetched in the next.
const FETCHED_MAX: usize = 100;
const LOOK_MAX: Duration = Duration::from_secs(600);
/// Items of one look that are told of as events because they are given up.
const TOLD_MAX: usize = 20;

/// The status of what is as it was.
const NOT_MODIFIED: u16 = 304;

/// What a feed answered.
pub(super) enum Answer {
    /// It is as it was.
    Same,
    /// Items, and what they are known by; `from` is who named them.
    Items { read: Read, validators: Validators, from: SocketAddr },
}

/// Why a feed gave no items.
pub(super) struct Refusal {
    /// In a sentence.
    pub(super) why: String,
    /// How long its server wants to be left alone.
    retry_after: Option<Duration>,
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self { why, retry_after: None }
    }
}

/// What became of the items of a look.
#[derive(Default)]
struct Outcome {
    taken: u64,
    fetched: usize,
    given_up: usize,
    /// Whether something that a rule takes is still to be taken.
    is_left: bool,
}

/// What becomes of one item.
enum Taken {
    /// A torrent was added.
    Added,
    /// It is known from before, or no rule takes it after all.
    Not,
    /// It cannot be had: why.
    Failed(String),
    /// Nothing can be taken now, which is no fault of the item's.
    Later,
}

impl Daemon {
    /// Begins to ask a feed; the future does it, and whatever ends it, the feed may be asked again.
    pub(super) fn look_at_feed(&self, name: &FeedName) -> Result<impl Future<Output = ()> + use<>, FeedFailed> {
        let mut table = self.0.feeds.table();
        let Some(kept) = table.get(name) else {
            table.courses.remove(name);
            return Err(FeedFailed::Unknown(name.as_str().to_owned()));
        };
        let standing = table.standings.get(name).cloned().unwrap_or_default();
        let course = table.courses.get_mut(name).ok_or_else(|| FeedFailed::Unknown(name.as_str().to_owned()))?;
        if course.is_asked {
            return Err(FeedFailed::Busy(name.as_str().to_owned()));
        }
        course.is_asked = true;
        let is_left = course.tried.values().any(|tried| tried.times < TRIES_MAX);
        let asked = Asked { daemon: self.clone(), kept, is_over: false };
        Ok(async move { asked.look(standing, is_left).await })
    }

    /// Asks a feed at a URL.
    pub(super) async fn ask_feed(&self, url: &str, strange: bool, seen: &Validators) -> Result<Answer, Refusal> {
        let origin = if strange { Origin::Stranger } else { Origin::User };
        let fetched = self.0.client.http().get_changed(url, Limits::FEED, origin, seen).await;
        let fetched = fetched.map_err(|e| redact_of(&e.to_string(), url))?;
        let is_known = *seen != Validators::default();
        match fetched.status {
            NOT_MODIFIED if is_known => return Ok(Answer::Same),
            200 => {}
            status => {
                let why = format!("the feed's server answers with status {status}");
                return Err(Refusal { why, retry_after: fetched.retry_after });
            }
        }
        let (body, url) = (fetched.body, url.to_owned());
        let reading = tokio::task::spawn_blocking(move || read(&body, &url));
        let read = reading.await.map_err(|e| format!("a fault of this program, please report it: {e}"))?;
        let read = read.map_err(|e| e.to_string())?;
        Ok(Answer::Items { read, validators: fetched.validators, from: fetched.from })
    }
}

/// A feed that is being asked.
struct Asked {
    daemon: Daemon,
    kept: Kept,
    /// Whether it was noted what came of it.
    is_over: bool,
}

impl Drop for Asked {
    fn drop(&mut self) {
        let feeds = &self.daemon.0.feeds;
        let mut table = feeds.table();
        if !self.is_over
            && self.is_followed(&table)
            && let Some(course) = table.courses.get_mut(&self.kept.feed.name)
        {
            course.is_asked = false;
            // Whatever ended the look, the next does not follow at once.
            course.due = course.due.max(Instant::now() + EVERY_MIN);
        }
        drop(table);
        feeds.changed.notify_one();
        feeds.looked.notify_waiters();
    }
}

impl Asked {
    async fn look(mut self, mut standing: Standing, is_left: bool) {
        let feed = &*self.kept.feed.clone();
        let digest = Sha256::digest(feed.encode(false))[..8].to_vec();
        // Other rules may take what is known already, and so may another try.
        let seen = Some(&standing.validators).filter(|_| standing.rules == digest && !is_left);
        let seen = seen.cloned().unwrap_or_default();
        let answer = self.daemon.ask_feed(&feed.url, self.kept.strange, &seen).await;
        let failed_before = standing.failures > 0;
        let mut server = None;
        match answer {
            Ok(answer) => {
                (standing.failures, standing.error, standing.answered) = (0, None, Some(now()));
                if let Answer::Items { read, validators, from } = answer {
                    standing.ttl = read.ttl.unwrap_or_default();
                    standing.items = read.items.len() as u64;
                    let outcome = self.take(read.items, from).await;
                    standing.taken += outcome.taken;
                    standing.validators = if outcome.is_left { Validators::default() } else { validators };
                    standing.rules = digest;
                }
                if failed_before {
                    self.happened(Happened::FeedAnswers);
                }
            }
            Err(Refusal { why, retry_after }) => {
                standing.fails(&why);
                server = retry_after;
                if !failed_before {
                    self.happened(Happened::FeedFails(why));
                }
            }
        }
        let wait = standing.wait(feed.every, server);
        standing.next = now().saturating_add(wait.as_secs());
        self.keep(standing, wait);
    }

    /// Takes over how the feed stands, if it is still followed as it was.
    fn keep(&mut self, standing: Standing, wait: Duration) {
        let (feeds, name) = (&self.daemon.0.feeds, &self.kept.feed.name);
        let mut table = feeds.table();
        if !self.is_followed(&table) {
            return;
        }
        if let Some(course) = table.courses.get_mut(name) {
            (course.due, course.is_asked) = (Instant::now() + wait, false);
        }
        // It is committed with the next that are; one that is lost has the feed asked once more.
        let _ = self.daemon.put(Kind::FeedStanding, name.as_str(), standing.encode());
        table.standings.insert(name.clone(), standing);
        drop(table);
        self.is_over = true;
    }

    /// Whether the feed is still what it was when it was asked.
    fn is_followed(&self, table: &Table) -> bool {
        table.get(&self.kept.feed.name).is_some_and(|kept| Arc::ptr_eq(&kept.feed, &self.kept.feed))
    }

    fn happened(&self, happened: Happened) {
        let name = self.kept.feed.name.as_str().to_owned();
        self.daemon.events().push(now(), String::new(), name, happened);
    }

    /// Takes what rules take of these items, in their order.
    async fn take(&self, items: Vec<Item>, from: SocketAddr) -> Outcome {
        let (daemon, feed) = (self.daemon.clone(), self.kept.feed.clone());
        // Many items and many rules are work for a while.
        let judging = tokio::task::spawn_blocking(move || wanted(&daemon, &feed, items));
        let Ok(wanted) = judging.await else { return Outcome { is_left: true, ..Outcome::default() } };
        let (began, mut outcome) = (Instant::now(), Outcome::default());
        for (item, key, rule) in wanted {
            let Some(link) = &item.link else {
                self.failed(&item, key, "it names no torrent: neither a magnet link nor a .torrent", &mut outcome);
                continue;
            };
            if outcome.fetched >= FETCHED_MAX || began.elapsed() >= LOOK_MAX {
                outcome.is_left = true;
                break;
            }
            outcome.fetched += 1;
            match self.take_one((&item, key), link, rule, from).await {
                Taken::Added => outcome.taken += 1,
                Taken::Not => {}
                Taken::Failed(why) => {
                    self.failed(&item, key, &why, &mut outcome);
                    continue;
                }
                Taken::Later => {
                    outcome.is_left = true;
                    break;
                }
            }
            if let Some(course) = self.daemon.0.feeds.table().courses.get_mut(&self.kept.feed.name) {
                course.tried.remove(&key);
            }
        }
        outcome
    }

    /// Takes an item, of which a rule said that it takes it.
    async fn take_one(&self, (item, key): (&Item, Key), link: &str, rule: usize, from: SocketAddr) -> Taken {
        let daemon = &self.daemon;
        let source = match source::load_named_by(link, daemon.client().http(), from).await {
            Ok(source) => source,
            Err(e) => return Taken::Failed(e.to_string()),
        };
        let torrent = Key::of_torrent(source.key.wire());
        if daemon.0.feeds.table().seen.has(torrent) {
            return self.note(&[key]).await.map_or(Taken::Later, |()| Taken::Not);
        }
        let rule = &self.kept.feed.rules[rule];
        let Some(rule) = self.rule_by_size(item, key, &source, rule) else { return Taken::Not };
        let wishes = Wishes {
            folder: rule.folder.clone(),
            labels: rule.labels.clone(),
            paused: rule.paused,
            until: rule.until,
            ..Wishes::default()
        };
        let added = daemon.add(link, source, wishes).await;
        let taken = match added {
            Ok(_) => Taken::Added,
            Err(AddFailed::Client(AddError::Already(_))) => Taken::Not,
            Err(AddFailed::Store(_) | AddFailed::Client(AddError::Stopped)) => return Taken::Later,
            Err(e) => return Taken::Failed(e.to_string()),
        };
        // One that cannot be kept is there already the next time.
        self.note(&[key, torrent]).await.map_or(Taken::Later, |()| taken)
    }

    /// The rule that takes an item whose size is known, if one does.
    fn rule_by_size<'a>(&'a self, item: &Item, key: Key, source: &Source, rule: &'a Rule) -> Option<&'a Rule> {
        let Some(size) = source.info.as_ref().map(|info| info.total()) else { return Some(rule) };
        let known = Item { size: Some(size), ..item.clone() };
        let found = first(&self.kept.feed.rules, &known).map(|(_, rule, _)| rule);
        if found.is_none()
            && let Some(course) = self.daemon.0.feeds.table().courses.get_mut(&self.kept.feed.name)
        {
            course.sizes.insert(key, size);
        }
        found
    }

    /// Keeps for good that these were taken.
    async fn note(&self, keys: &[Key]) -> std::io::Result<()> {
        let records = self.daemon.0.feeds.table().seen.note(keys, now());
        let kept = self.daemon.keep(Kind::FeedSeen, records).await;
        if kept.is_err() {
            self.daemon.0.feeds.table().seen.forget(keys);
        }
        kept
    }

    /// Notes that an item could not be had.
    fn failed(&self, item: &Item, key: Key, why: &str, outcome: &mut Outcome) {
        let mut table = self.daemon.0.feeds.table();
        let Some(course) = table.courses.get_mut(&self.kept.feed.name) else { return };
        let tried = course.tried.entry(key);
        let tried = tried.or_insert_with(|| Tried { title: item.title.clone(), why: String::new(), times: 0 });
        // Without a link another try is no use.
        tried.times = if item.link.is_some() { tried.times + 1 } else { TRIES_MAX };
        why.clone_into(&mut tried.why);
        let is_given_up = tried.times >= TRIES_MAX;
        drop(table);
        outcome.is_left |= !is_given_up;
        outcome.given_up += usize::from(is_given_up);
        if is_given_up && outcome.given_up <= TOLD_MAX {
            self.happened(Happened::FeedItem(format!("{}: {why}", item.title)));
        }
    }
}

/// Those of these items that a rule takes, with its index, and that are neither known nor given up.
fn wanted(daemon: &Daemon, feed: &Feed, items: Vec<Item>) -> Vec<(Item, Key, usize)> {
    let feeds = &daemon.0.feeds;
    let keys: Vec<Key> = items.iter().map(|item| Key::of_item(&feed.name, &item.id)).collect();
    let named: BTreeSet<Key> = keys.iter().copied().collect();
    // What the feed names no more is not tried any more.
    if let Some(course) = feeds.table().courses.get_mut(&feed.name) {
        course.tried.retain(|key, _| named.contains(key));
        course.sizes.retain(|key, _| named.contains(key));
    }
    let wanted = |(mut item, key): (Item, Key)| {
        let (is_seen, times, size) = {
            let table = feeds.table();
            let course = table.courses.get(&feed.name);
            let times = course.and_then(|course| course.tried.get(&key)).map_or(0, |tried| tried.times);
            (table.seen.has(key), times, course.and_then(|course| course.sizes.get(&key)).copied())
        };
        item.size = size.or(item.size);
        if is_seen || times >= TRIES_MAX {
            return None;
        }
        first(&feed.rules, &item).map(|(n, ..)| n).map(|n| (item, key, n))
    };
    items.into_iter().zip(keys).filter_map(wanted).collect()
}
