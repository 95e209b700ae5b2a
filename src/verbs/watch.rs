//! What the daemon tells as it happens: `teem list --watch`, `teem events`, `teem add --wait`.
use super::shown::{hash, line, query, say, shown};
use crate::cli::daemon::{Events, List};
use crate::exit::{Exit, Outcome, Stop};
use crate::foreign::plain;
use crate::progress::Progress;
use crate::remote::Remote;
use crate::signals::Signals;
use crate::units::Bytes;
use crate::{json, stdout};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::io::{self, IsTerminal};

/// What a terminal obeys: everything is taken off it, and writing begins at its top.
const CLEAR: &[u8] = b"\x1b[H\x1b[2J";

/// The rows of a window as they were told last.
#[derive(Default)]
pub(super) struct Rows {
    order: Vec<String>,
    /// What is in the order, so that a row is looked for there at no cost.
    listed: HashSet<String>,
    by_hash: HashMap<String, Map<String, Value>>,
}

impl Rows {
    /// Takes over what was told; the info-hashes of the rows that it told something of.
    pub(super) fn take(&mut self, told: &Value) -> Vec<String> {
        let mut changed = Vec::new();
        for row in told["torrents"].as_array().into_iter().flatten().filter_map(Value::as_object) {
            let hash = row.get("infohash").and_then(Value::as_str).unwrap_or_default().to_owned();
            self.by_hash.entry(hash.clone()).or_default().extend(row.clone());
            changed.push(hash);
        }
        let order = match told["order"].as_array() {
            Some(order) => Some(order.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
            None => self.order.is_empty().then(|| changed.clone()),
        };
        if let Some(order) = order {
            self.order = order;
            self.listed = self.order.iter().cloned().collect();
            self.by_hash.retain(|hash, _| self.listed.contains(hash));
        }
        changed.retain(|hash| {
            let is_listed = self.listed.contains(hash);
            if !is_listed {
                self.by_hash.remove(hash);
            }
            is_listed
        });
        changed
    }

    pub(super) fn row(&self, hash: &str) -> Option<Value> {
        self.by_hash.get(hash).cloned().map(Value::Object)
    }
}

/// Shows a window until somebody has seen enough: anew after each change on a terminal, elsewhere what changed.
pub(super) async fn list(options: &List) -> Outcome {
    let mut signals = Signals::listen().map_err(Stop::local)?;
    let remote = Remote::new(options.reached.daemon.as_deref())?;
    let mut stream = remote.stream(&format!("/teem/v1/torrents?{}", query(options))).await?;
    let terminal = io::stdout().is_terminal() && !options.json;
    let mut rows = Rows::default();
    loop {
        let told = tokio::select! {
            told = stream.next() => told?,
            exit = signals.first() => return Ok(exit),
        };
        let changed = rows.take(&told);
        let shown = if terminal { &rows.order } else { &changed };
        let mut out = String::new();
        for row in shown.iter().filter_map(|hash| rows.row(hash)) {
            if options.json { json::line(&row) } else { line(&mut out, &row) }
        }
        if terminal {
            stdout::bytes(CLEAR);
        }
        if !options.json {
            stdout::text(&out);
        }
        stdout::check()?;
    }
}

/// Tells what happens until somebody has heard enough.
pub(crate) async fn events(options: &Events) -> Outcome {
    let mut signals = Signals::listen().map_err(Stop::local)?;
    let remote = Remote::new(options.reached.daemon.as_deref())?;
    let since = options.since.map_or_else(String::new, |since| format!("?since={since}"));
    let mut stream = remote.stream(&format!("/teem/v1/events{since}")).await?;
    loop {
        let told = tokio::select! {
            told = stream.next() => told?,
            exit = signals.first() => return Ok(exit),
        };
        if options.json {
            json::line(&told);
        } else {
            stdout::text(&format!("{}\n", sentence(&told)));
        }
        stdout::check()?;
    }
}

/// An event for a person: its number, so that `--since` can go on from there, and what happened.
fn sentence(event: &Value) -> String {
    let what = match event["event"].as_str().unwrap_or_default() {
        "state" => format!("is {}", shown(&event["state"])),
        "complete" => "is complete".to_owned(),
        "error" => format!("is in trouble: {}", shown(&event["error"])),
        "feed_failed" => return of_feed(event, &format!("fails: {}", shown(&event["error"]))),
        "feed_answers" => return of_feed(event, "answers again"),
        "store_failed" => return format!("{} the daemon cannot keep changes: {}", event["id"], shown(&event["error"])),
        "store_works" => return format!("{} the daemon keeps changes again", event["id"]),
        "feed_item" => return of_feed(event, &format!("names what cannot be had: {}", shown(&event["error"]))),
        other => format!("was {}", plain(other)),
    };
    format!("{} {} ({}) {what}", event["id"], shown(&event["name"]), hash(event))
}

fn of_feed(event: &Value, what: &str) -> String {
    format!("{} the feed {} {what}", event["id"], shown(&event["name"]))
}

/// Follows these torrents until each is complete, and gives up on those that cannot become so.
pub(super) async fn wait(remote: &Remote, hashes: &[String], quiet: bool) -> Outcome {
    let mut signals = Signals::listen().map_err(Stop::local)?;
    let mut select = form_urlencoded::Serializer::new(String::new());
    select.extend_pairs(hashes.iter().map(|hash| ("select", hash)));
    let mut stream = remote.stream(&format!("/teem/v1/torrents?{}", select.finish())).await?;
    let (mut rows, mut progress) = (Rows::default(), Progress::new(quiet));
    loop {
        let told = tokio::select! {
            told = stream.next() => told?,
            exit = signals.first() => return Ok(exit),
        };
        rows.take(&told);
        let all: Vec<Value> = hashes.iter().filter_map(|hash| rows.row(hash)).collect();
        if let Some(gone) = hashes.iter().find(|hash| !rows.by_hash.contains_key(*hash)) {
            return Err(given_up(format!("{gone} was removed before it was complete")));
        }
        let number = |key: &str| all.iter().filter_map(|row| row[key].as_u64()).sum();
        let (have, wanted, rate) = (Bytes(number("have")), Bytes(number("wanted")), Bytes(number("down_rate")));
        progress.show(&format!("{have} of {wanted}, down {rate}/s"));
        if all.iter().all(|row| row["complete"] == true) {
            progress.clear();
            for row in &all {
                if quiet { json::line(row) } else { say(&format!("{} is complete", shown(&row["name"]))) }
            }
            return Ok(Exit::Done);
        }
        let stuck =
            all.iter().find(|row| row["complete"] != true && (row["state"] == "failed" || row["state"] == "paused"));
        if let Some(row) = stuck {
            let why = row["error"].as_str().unwrap_or("it rests");
            return Err(given_up(format!("{} is not complete: {why}", shown(&row["name"]))));
        }
    }
}

fn given_up(message: String) -> Stop {
    Stop { exit: Exit::GaveUp, class: "gave_up", message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_follow_what_is_told_of_them() {
        let mut rows = Rows::default();
        let first = json!({"torrents": [{"infohash": "a", "n": 1, "m": 1}, {"infohash": "b", "n": 2}]});
        assert_eq!(rows.take(&first), ["a", "b"]);
        assert_eq!(rows.take(&json!({"torrents": [{"infohash": "a", "n": 5}]})), ["a"]);
        assert_eq!(rows.row("a"), Some(json!({"infohash": "a", "n": 5, "m": 1})));
        assert!(rows.take(&json!({"torrents": [], "order": ["b"]})).is_empty());
        assert_eq!((rows.row("a"), &rows.order[..]), (None, &["b".to_owned()][..]));
        let other = json!({"torrents": [{"infohash": "c", "n": 7}, {"infohash": "b", "n": 3}]});
        assert_eq!((rows.take(&other), rows.row("c")), (vec!["b".to_owned()], None), "what is not in the order");
    }

    #[test]
    fn an_event_is_a_sentence() {
        let event = json!({"id": 7, "event": "state", "state": "seeding", "name": "x", "infohash": "0123456789"});
        assert_eq!(sentence(&event), "7 x (01234567) is seeding");
    }
}
