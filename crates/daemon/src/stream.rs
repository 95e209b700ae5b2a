//! Windows and events as they change (own design; the event streams of the HTML standard carry them, readable with `curl -N`).
//!
//! A stream begins with the window, or with what happened; then, once a second at most, it says what is otherwise: of rows that are shown the keys that
//! changed, and the order where that did. A reader that does not take what comes loses its stream, and nobody else anything.
use crate::daemon::{Daemon, Inner};
use crate::listing::{Query, Window};
use serde_json::{Map, Value, json};
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
    rows: HashMap<String, Map<String, Value>>,
    total: usize,
}

impl Shown {
    /// Takes a window over: what has to be said of it, if anything is otherwise. A row that was not changed after `resumed` is taken for seen.
    fn take(&mut self, window: &Window, resumed: Option<u64>) -> Option<Value> {
        let mut rows = HashMap::with_capacity(window.torrents.len());
        let (mut order, mut changed) = (Vec::with_capacity(window.torrents.len()), Vec::new());
        for (row, revision) in window.torrents.iter().zip(&window.revisions) {
            let Some(row) = row.as_object() else { continue };
            let hash = row.get("infohash").and_then(Value::as_str).unwrap_or_default().to_owned();
            match self.rows.get(&hash) {
                Some(before) => changed.extend(difference(before, row)),
                None if resumed.is_some_and(|resumed| *revision <= resumed) => {}
                None => changed.push(Value::Object(row.clone())),
            }
            order.push(hash.clone());
            rows.insert(hash, row.clone());
        }
        let mut said = json!({"revision": window.revision, "total": window.total, "torrents": changed});
        let moved = self.order != order;
        if moved {
            said["order"] = json!(order);
        }
        let is_news = moved || self.total != window.total || said["torrents"].as_array().is_some_and(|t| !t.is_empty());
        (self.order, self.rows, self.total) = (order, rows, window.total);
        is_news.then_some(said)
    }
}

/// The keys of a row that are otherwise, with its info-hash; `None` where none is.
fn difference(before: &Map<String, Value>, now: &Map<String, Value>) -> Option<Value> {
    let other = |key: &String, value: &Value| before.get(key) != Some(value);
    now.iter().any(|(key, value)| !ALWAYS.contains(&key.as_str()) && other(key, value)).then(|| {
        let keys = now.iter().filter(|(key, value)| *key == "infohash" || other(key, value));
        Value::Object(keys.map(|(key, value)| (key.clone(), value.clone())).collect())
    })
}

/// One event of a stream.
fn event(id: u64, name: &str, data: &Value) -> String {
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
    let said = match resumed {
        None => {
            shown.take(&first, None);
            let data = serde_json::to_value(&first).unwrap_or_default();
            Some(event(first.revision, "window", &data))
        }
        Some(_) => shown.take(&first, resumed).map(|data| event(first.revision, "changes", &data)),
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
        let window = Daemon(inner).window(query.clone()).await.unwrap_or_else(|_| Window::nothing(first.revision));
        let said = match shown.take(&window, None) {
            Some(data) => silence.say(&feed, event(window.revision, "changes", &data)),
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
        Window {
            total: rows.len(),
            revision,
            offset: 0,
            torrents: rows
                .iter()
                .map(|(hash, n, _)| json!({"infohash": hash, "n": n, "active_time": revision}))
                .collect(),
            revisions: rows.iter().map(|(.., revision)| *revision).collect(),
        }
    }

    #[test]
    fn only_what_is_otherwise_is_said() {
        let mut shown = Shown::default();
        let first = shown.take(&window(5, &[("a", 1, 1), ("b", 2, 2)]), None).unwrap();
        assert_eq!((&first["order"], first["torrents"].as_array().unwrap().len()), (&json!(["a", "b"]), 2));
        assert_eq!(shown.take(&window(6, &[("a", 1, 1), ("b", 2, 2)]), None), None, "times alone are no news");
        let changed = shown.take(&window(7, &[("a", 1, 1), ("b", 3, 7)]), None).unwrap();
        let said = json!([{"infohash": "b", "n": 3, "active_time": 7}]);
        assert_eq!((&changed["torrents"], changed.get("order")), (&said, None));
        let moved = shown.take(&window(8, &[("b", 3, 7), ("a", 1, 1)]), None).unwrap();
        assert_eq!((&moved["order"], &moved["torrents"]), (&json!(["b", "a"]), &json!([])));
        let gone = shown.take(&window(9, &[("a", 1, 1), ("c", 1, 9)]), None).unwrap();
        assert_eq!((&gone["order"], gone["torrents"][0]["infohash"].as_str()), (&json!(["a", "c"]), Some("c")));
    }

    #[test]
    fn a_reader_that_comes_back_hears_what_it_missed() {
        let mut shown = Shown::default();
        let missed = shown.take(&window(9, &[("a", 1, 3), ("b", 2, 8)]), Some(7)).unwrap();
        assert_eq!((&missed["order"], missed["torrents"].as_array().unwrap().len()), (&json!(["a", "b"]), 1));
        assert_eq!(missed["torrents"][0]["infohash"], "b");
    }

    #[test]
    fn an_event_is_readable_by_line() {
        assert_eq!(event(7, "window", &json!({"a": "b\nc"})), "id: 7\nevent: window\ndata: {\"a\":\"b\\nc\"}\n\n");
    }
}
