//! Feeds over HTTP (own design).
//!
//! | request | answer |
//! |---|---|
//! | `GET /teem/v1/feeds` | the feeds |
//! | `POST /teem/v1/feeds` with `{"name", "url", "every", "rules": [{…}]}` | 201 and the feed |
//! | `DELETE /teem/v1/feeds/{name}` | the feed as it was |
//! | `POST /teem/v1/feeds/{name}/refresh` | the feed, once it was asked |
//! | `POST /teem/v1/feeds/test` with `{"name"}` or `{"url", "rules"}` | what each rule takes, and why |
use crate::answer::{Refused, answer, bad, read, refusal};
use crate::config::Origin;
use crate::daemon::Daemon;
use crate::feed::{EVERY, Feed, FeedFailed, FeedTold, Judged, Pattern, Rule};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use teem_metainfo::redact::{redact_file, redact_link};
use teem_web::extract::{Path, State};
use teem_web::http::StatusCode;
use teem_web::routing::{delete, get, post};
use teem_web::{Bytes, Response, Router};
use utoipa::ToSchema;

/// What of a feed is taken, and how; all where nothing is said.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FeedRule)]
struct RuleTold {
    /// Words that the title has, or, with `*` and `?`, patterns of all of it: one is to fit, where there are any.
    #[serde(default)]
    want: Vec<String>,
    /// The same: none may fit.
    #[serde(default)]
    not: Vec<String>,
    /// Bytes of the content at least.
    min_size: Option<u64>,
    /// Bytes of the content at most.
    max_size: Option<u64>,
    /// Words to find the torrents by.
    #[serde(default)]
    labels: BTreeSet<String>,
    /// The folder that content goes into: an absolute path below a root of the daemon's; the label's or the first root where there is none.
    #[schema(value_type = Option<String>)]
    folder: Option<PathBuf>,
    /// Whether the torrents rest until they are resumed.
    #[serde(default)]
    paused: bool,
    /// The goal of each, as `teem add --until` says it.
    until: Option<String>,
}

/// A feed that is to be followed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FeedRequest {
    /// What to call it: 1 to 64 letters, digits, `-`, `_` and `.`.
    name: String,
    /// Where it is asked: http or https.
    url: String,
    /// How often it is asked, in seconds, 60 at least; 1800 where nothing is said. It is asked less often where its `ttl` says so.
    every: Option<u64>,
    /// What is taken: the first that takes an item has it. 1 to 50.
    rules: Vec<RuleTold>,
}

/// Which feed is to be tried: `name` alone, or `url` and `rules`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FeedTestRequest {
    /// A feed that is followed, judged by its own rules; beside `url`, the one whose taken items are known.
    name: Option<String>,
    /// Where it is asked: http or https.
    url: Option<String>,
    /// The rules that are tried.
    rules: Option<Vec<RuleTold>>,
}

/// A feed, and how it stands.
#[derive(Serialize, ToSchema)]
#[schema(as = Feed)]
struct OneFeed<'a> {
    /// What it is called.
    name: &'a str,
    /// Where it is asked, without what may be a secret.
    url: String,
    /// Where it stands: `file` is the daemon's file, which alone changes it, `api` its database.
    origin: Origin,
    /// How often it is asked, in seconds.
    every: u64,
    /// How it stands: `new` (it never answered), `asked` (it is being asked), `ok` or `failing`. Further words may come.
    state: &'static str,
    /// When it answered last, in seconds since 1970.
    answered: Option<u64>,
    /// When it is asked again, in seconds since 1970.
    next: u64,
    /// How long it wants to be left alone, in seconds.
    ttl: u64,
    /// How often it failed since it answered.
    failures: u32,
    /// Why it failed last, in a sentence.
    error: Option<&'a str>,
    /// How many items its last answer had.
    items: u64,
    /// How many torrents were taken of it, in all.
    taken: u64,
    /// Items that a rule takes and that could not be taken.
    failed: Vec<FailedItem<'a>>,
    /// What is taken: the first that takes an item has it.
    rules: Vec<RuleTold>,
}

/// An item that could not be taken.
#[derive(Serialize, ToSchema)]
#[schema(as = FailedFeedItem)]
struct FailedItem<'a> {
    /// Its title, on one line.
    title: &'a str,
    /// Why it could not be taken, in a sentence.
    error: &'a str,
    /// Whether it is not tried again before the daemon's next start.
    given_up: bool,
}

/// What would be taken of a feed.
#[derive(Serialize, ToSchema)]
struct FeedTest {
    /// What the feed calls itself.
    title: String,
    /// Its items, in its order.
    items: Vec<TestedItem>,
}

/// An item of a feed, judged.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedItem)]
struct TestedItem {
    /// Its title, on one line.
    title: String,
    /// What it is known by, without what may be a secret.
    id: String,
    /// Its magnet link, or the URL of its .torrent, without what may be a secret.
    link: Option<String>,
    /// Bytes of its content, where the feed tells them.
    size: Option<u64>,
    /// Whether it was taken before; then it is not taken again.
    known: bool,
    /// The number of the rule that takes it, from 1.
    rule: Option<usize>,
    /// What each rule says of it, in their order.
    rules: Vec<Said>,
}

/// What a rule says of an item.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedVerdict)]
struct Said {
    /// Whether it takes it.
    takes: bool,
    /// Why, or why not, in a sentence.
    why: String,
}

pub(super) fn routes() -> Router<Daemon> {
    Router::new()
        .route("/teem/v1/feeds", get(list_feeds).post(add_feed))
        .route("/teem/v1/feeds/test", post(test_feed))
        .route("/teem/v1/feeds/{name}", delete(remove_feed))
        .route("/teem/v1/feeds/{name}/refresh", post(refresh_feed))
}

/// The feeds from which torrents are taken.
#[utoipa::path(get, path = "/teem/v1/feeds", responses((status = 200, body = Vec<OneFeed<'static>>, description = "the feeds, by name")))]
pub(super) async fn list_feeds(State(daemon): State<Daemon>) -> Response {
    answer(StatusCode::OK, &daemon.feeds_told().iter().map(told).collect::<Vec<_>>())
}

/// Follows a feed from now on.
///
/// What it has already is taken too, as far as its rules take it. One that is added with a token leads to public addresses alone.
#[utoipa::path(post, path = "/teem/v1/feeds", request_body = FeedRequest, responses((status = 201, body = OneFeed<'static>, description = "the feed")))]
pub(super) async fn add_feed(State(daemon): State<Daemon>, body: Bytes) -> Response {
    let added = async {
        let request: FeedRequest = read(&body)?;
        let feed = feed(&request.name, request.url, request.every, request.rules)?;
        daemon.add_feed(feed).await.map_err(|e| of(&e))
    };
    tell(StatusCode::CREATED, added.await)
}

/// Follows a feed no more.
///
/// Its torrents stay, and what was taken of it is not taken again.
#[utoipa::path(delete, path = "/teem/v1/feeds/{name}", params(("name" = String, Path, description = "what it is called")),
    responses((status = 200, body = OneFeed<'static>, description = "the feed as it was")))]
pub(super) async fn remove_feed(State(daemon): State<Daemon>, Path(name): Path<String>) -> Response {
    tell(StatusCode::OK, daemon.remove_feed(&name).await.map_err(|e| of(&e)))
}

/// Asks a feed now.
#[utoipa::path(post, path = "/teem/v1/feeds/{name}/refresh", params(("name" = String, Path, description = "what it is called")),
    responses((status = 200, body = OneFeed<'static>, description = "the feed, once it was asked")))]
pub(super) async fn refresh_feed(State(daemon): State<Daemon>, Path(name): Path<String>) -> Response {
    tell(StatusCode::OK, daemon.refresh_feed(&name).await.map_err(|e| of(&e)))
}

/// Says what of a feed is taken, and why; nothing is added.
#[utoipa::path(post, path = "/teem/v1/feeds/test", request_body = FeedTestRequest, responses((status = 200, body = FeedTest, description = "its items, judged")))]
pub(super) async fn test_feed(State(daemon): State<Daemon>, body: Bytes) -> Response {
    let tested = async {
        let FeedTestRequest { name, url, rules } = read(&body)?;
        let (name, feed) = match (name, url, rules) {
            (Some(name), None, None) => (name, None),
            (name, Some(url), Some(rules)) => {
                let name = name.unwrap_or_else(|| "test".to_owned());
                let feed = feed(&name, url, None, rules)?;
                (name, Some(feed))
            }
            _ => return Err(bad("either `name` is to be given, or `url` and `rules`".to_owned())),
        };
        daemon.test_feed(&name, feed).await.map_err(|e| of(&e))
    };
    match tested.await {
        Ok((title, items)) => {
            answer(StatusCode::OK, &FeedTest { title, items: items.into_iter().map(judged).collect() })
        }
        Err(refused) => refusal(&refused),
    }
}

fn tell(status: StatusCode, feed: Result<FeedTold, Refused>) -> Response {
    feed.map_or_else(|refused| refusal(&refused), |feed| answer(status, &told(&feed)))
}

fn feed(name: &str, url: String, every: Option<u64>, rules: Vec<RuleTold>) -> Result<Feed, Refused> {
    let wish = |why: String| Refused(StatusCode::BAD_REQUEST, "wish", why);
    let every = every.map_or(EVERY, Duration::from_secs);
    let rules = rules.into_iter().map(|rule| wanted(rule).map_err(wish)).collect::<Result<_, _>>()?;
    Ok(Feed { name: name.parse().map_err(wish)?, url, every, rules })
}

fn wanted(rule: RuleTold) -> Result<Rule, String> {
    let patterns = |texts: Vec<String>| texts.iter().map(|text| text.parse()).collect::<Result<Vec<Pattern>, _>>();
    Ok(Rule {
        want: patterns(rule.want)?,
        not: patterns(rule.not)?,
        min_size: rule.min_size,
        max_size: rule.max_size,
        labels: rule.labels,
        folder: rule.folder,
        paused: rule.paused,
        until: rule.until.as_deref().map(str::parse).transpose()?,
    })
}

fn of(e: &FeedFailed) -> Refused {
    let (status, class) = match e {
        FeedFailed::Unknown(_) => (StatusCode::NOT_FOUND, "select"),
        FeedFailed::Taken(_) | FeedFailed::Many => (StatusCode::CONFLICT, "already"),
        FeedFailed::Busy(_) => (StatusCode::CONFLICT, "busy"),
        FeedFailed::OfFile(_) | FeedFailed::Wish(_) => (StatusCode::BAD_REQUEST, "wish"),
        FeedFailed::Refused(_) => (StatusCode::BAD_REQUEST, "fetch"),
        FeedFailed::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "store"),
    };
    Refused(status, class, e.to_string())
}

fn told(told: &FeedTold) -> OneFeed<'_> {
    let (feed, standing) = (&told.kept.feed, &told.standing);
    let state = match (told.is_asked, &standing.error, standing.answered) {
        (true, ..) => "asked",
        (_, Some(_), _) => "failing",
        (_, None, Some(_)) => "ok",
        (_, None, None) => "new",
    };
    let failed = told.failed.iter();
    let failed = failed.map(|(title, error, given_up)| FailedItem { title, error, given_up: *given_up });
    OneFeed {
        name: feed.name.as_str(),
        url: redact_file(&feed.url),
        origin: told.kept.origin,
        every: feed.every.as_secs(),
        state,
        answered: standing.answered,
        next: standing.next,
        ttl: standing.ttl.as_secs(),
        failures: standing.failures,
        error: standing.error.as_deref(),
        items: standing.items,
        taken: standing.taken,
        failed: failed.collect(),
        rules: feed.rules.iter().map(rule_told).collect(),
    }
}

fn rule_told(rule: &Rule) -> RuleTold {
    let texts = |patterns: &[Pattern]| patterns.iter().map(|pattern| pattern.text().to_owned()).collect();
    RuleTold {
        want: texts(&rule.want),
        not: texts(&rule.not),
        min_size: rule.min_size,
        max_size: rule.max_size,
        labels: rule.labels.clone(),
        folder: rule.folder.clone(),
        paused: rule.paused,
        until: rule.until.map(|goal| goal.to_string()),
    }
}

fn judged(Judged { item, is_known, rules }: Judged) -> TestedItem {
    let rule = rules.iter().position(Result::is_ok).map(|n| n + 1);
    let said = |said: Result<String, String>| match said {
        Ok(why) => Said { takes: true, why },
        Err(why) => Said { takes: false, why },
    };
    TestedItem {
        title: item.title,
        id: redact_link(&item.id),
        link: item.link.as_deref().map(redact_link),
        size: item.size,
        known: is_known,
        rule,
        rules: rules.into_iter().map(said).collect(),
    }
}
