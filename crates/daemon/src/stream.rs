//! Windows and events as they change (own design; the event streams of the HTML standard carry them, readable with `curl -N`).
//!
//! A stream begins with the window, or with what happened; then, once a second at most, it says what is otherwise: of rows that are shown the keys that
//! changed, and the order where that did. A reader that does not take what comes loses its stream, and nobody else anything.
use crate::daemon::{Daemon, Inner};
use crate::listing::{Query, Rows, Window};
use crate::told::{Keys, Told};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Weak;
use std::time::Duration;
use teem_web::{Feed, FeedEnd};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Between two looks at what has changed.
const LOOK: Duration = Duration::from_secs(1);

/// A stream that has nothing to say says so, that both ends notice when the other has gone.
const ALIVE: Duration = Duration::from_secs(5);

/// Keys that always change, of which nothing is said but with others.
const ALWAYS: [&str; 2] = ["active_time", "seeding_time"];

/// The rows that a reader has seen.
#[derive(Default)]
struct Shown {
    order: Vec<String>,
    rows: HashMap<String, Told>,
    total: usize,
}

impl Shown {
    /// Takes a window over: what has to be said of it, if anything is otherwise. A row that was not changed after `resumed` is taken for seen.
    fn take(&mut self, window: Window, resumed: Option<u64>) -> Option<Value> {
        let Window { total, revision, torrents: Rows { rows: now, keys }, revisions, .. } = window;
        let mut rows = HashMap::with_capacity(now.len());
        let (mut order, mut changed) = (Vec::with_capacity(now.len()), Vec::new());
        for (row, at) in now.into_iter().zip(revisions) {
            match self.rows.get(&row.infohash) {
                Some(before) => changed.extend(difference(before, &row, &keys)),
                None if resumed.is_some_and(|resumed| at <= resumed) => {}
                None => changed.push(json!(row.with(&keys))),
            }
            order.push(row.infohash.clone());
            rows.insert(row.infohash.clone(), row);
        }
        let mut said = json!({"revision": revision, "total": total, "torrents": changed});
        let moved = self.order != order;
        if moved {
            said["order"] = json!(order);
        }
        let is_news = moved || self.total != total || said["torrents"].as_array().is_some_and(|t| !t.is_empty());
        (self.order, self.rows, self.total) = (order, rows, total);
        is_news.then_some(said)
    }
}

/// The keys of a row that are otherwise, with its info-hash; `None` where none is.
fn difference(before: &Told, now: &Told, keys: &Keys) -> Option<Value> {
    let other: Vec<_> = now.other(before).filter(|(key, _)| keys.has(key)).collect();
    other.iter().any(|(key, _)| !ALWAYS.contains(key)).then(|| {
        let told = other.into_iter().map(|(key, cell)| (key.to_owned(), json!(cell)));
        Value::Object(told.chain([("infohash".to_owned(), json!(now.infohash))]).collect())
    })
}

/// One event of a stream.
fn event(id: u64, name: &str, data: &impl std::fmt::Display) -> String {
    format!("id: {id}\nevent: {name}\ndata: {data}\n\n")
}

/// Says when a stream has been silent for long.
struct Silence(Instant);

impl Silence {
    fn keep(&mut self, feed: &Feed) -> Result<(), FeedEnd> {
        if self.0.elapsed() >= ALIVE {
            self.0 = Instant::now();
            feed.send(":\n\n")?;
        }
        Ok(())
    }

    fn say(&mut self, feed: &Feed, text: String) -> Result<(), FeedEnd> {
        self.0 = Instant::now();
        feed.send(text)
    }
}

/// Shows a window and what becomes of it, until its reader or the daemon has gone. `first` was cut for its beginning; a reader that has seen what there was
/// at a revision of this run gets what has changed since.
pub(crate) async fn show(
    daemon: Weak<Inner>,
    query: Query,
    first: Window,
    resumed: Option<u64>,
    feed: Feed,
    _place: OwnedSemaphorePermit,
) {
    let (mut shown, mut silence) = (Shown::default(), Silence(Instant::now()));
    let revision = first.revision;
    let said = match resumed {
        None => {
            let data = serde_json::to_string(&first).unwrap_or_default();
            shown.take(first, None);
            Some(event(revision, "window", &data))
        }
        Some(_) => shown.take(first, resumed).map(|data| event(revision, "changes", &data)),
    };
    if said.is_some_and(|said| silence.say(&feed, said).is_err()) {
        return;
    }
    let Some(mut ending) = daemon.upgrade().map(|inner| inner.ending.subscribe()) else { return };
    let mut look = ticks();
    loop {
        tokio::select! {
            _ = look.tick() => {}
            () = feed.gone() => return,
            _ = ending.wait_for(|ending| *ending) => return,
        }
        let Some(inner) = daemon.upgrade() else { return };
        // What fits nothing any more is nothing.
        let window = Daemon(inner).window(query.clone()).await.unwrap_or_else(|_| Window::nothing(revision));
        let revision = window.revision;
        let said = match shown.take(window, None) {
            Some(data) => silence.say(&feed, event(revision, "changes", &data)),
            None => silence.keep(&feed),
        };
        if said.is_err() {
            return;
        }
    }
}

/// Tells what happened after an event, and goes on so.
pub(crate) async fn tell(daemon: Weak<Inner>, mut since: u64, feed: Feed, _place: OwnedSemaphorePermit) {
    let Some(mut ending) = daemon.upgrade().map(|inner| inner.ending.subscribe()) else { return };
    let (mut look, mut silence) = (ticks(), Silence(Instant::now()));
    loop {
        let Some(inner) = daemon.upgrade() else { return };
        let daemon = Daemon(inner);
        daemon.refresh();
        let events = daemon.events().since(since);
        drop(daemon);
        let mut said = String::new();
        for told in &events {
            let data = serde_json::to_value(told).unwrap_or_default();
            said += &event(told.id, told.event, &data);
            since = told.id;
        }
        let sent = if said.is_empty() { silence.keep(&feed) } else { silence.say(&feed, said) };
        if sent.is_err() {
            return;
        }
        tokio::select! {
            _ = look.tick() => {}
            () = feed.gone() => return,
            _ = ending.wait_for(|ending| *ending) => return,
        }
    }
}

fn ticks() -> tokio::time::Interval {
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    look.reset();
    look
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(revision: u64, rows: &[(&str, u64, u64)]) -> Window {
        let told = |(hash, n, _): &(&str, u64, u64)| Told {
            infohash: (*hash).to_owned(),
            down_rate: *n,
            active_time: revision,
            ..Told::default()
        };
        Window {
            total: rows.len(),
            revision,
            offset: 0,
            torrents: Rows { rows: rows.iter().map(told).collect(), keys: Keys::Filled },
            revisions: rows.iter().map(|(.., revision)| *revision).collect(),
        }
    }

    #[test]
    fn only_what_is_otherwise_is_said() {
        let mut shown = Shown::default();
        let first = shown.take(window(5, &[("a", 1, 1), ("b", 2, 2)]), None).unwrap();
        assert_eq!((&first["order"], first["torrents"].as_array().unwrap().len()), (&json!(["a", "b"]), 2));
        assert_eq!(shown.take(window(6, &[("a", 1, 1), ("b", 2, 2)]), None), None, "times alone are no news");
        let changed = shown.take(window(7, &[("a", 1, 1), ("b", 3, 7)]), None).unwrap();
        let said = json!([{"infohash": "b", "down_rate": 3, "active_time": 7}]);
        assert_eq!((&changed["torrents"], changed.get("order")), (&said, None));
        let moved = shown.take(window(8, &[("b", 3, 7), ("a", 1, 1)]), None).unwrap();
        assert_eq!((&moved["order"], &moved["torrents"]), (&json!(["b", "a"]), &json!([])));
        let gone = shown.take(window(9, &[("a", 1, 1), ("c", 1, 9)]), None).unwrap();
        assert_eq!((&gone["order"], gone["torrents"][0]["infohash"].as_str()), (&json!(["a", "c"]), Some("c")));
    }

    #[test]
    fn a_reader_that_comes_back_hears_what_it_missed() {
        let mut shown = Shown::default();
        let missed = shown.take(window(9, &[("a", 1, 3), ("b", 2, 8)]), Some(7)).unwrap();
        assert_eq!((&missed["order"], missed["torrents"].as_array().unwrap().len()), (&json!(["a", "b"]), 1));
        assert_eq!(missed["torrents"][0]["infohash"], "b");
    }

    #[test]
    fn an_event_is_readable_by_line() {
        assert_eq!(event(7, "window", &json!({"a": "b\nc"})), "id: 7\nevent: window\ndata: {\"a\":\"b\\nc\"}\n\n");
    }
}
