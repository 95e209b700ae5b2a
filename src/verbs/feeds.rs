//! `teem feed`: feeds from which the daemon takes torrents.
use super::shown::{say, shown};
use crate::cli::feed::{Feed, FeedVerb, RuleOptions};
use crate::exit::{Exit, Outcome, Stop};
use crate::foreign::plain;
use crate::remote::Remote;
use crate::units::{Bytes, Count, Time};
use crate::{json, stdout};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where feeds are driven.
const FEEDS: &str = "/teem/v1/feeds";

pub(crate) async fn feed(options: &Feed) -> Outcome {
    let remote = Remote::new(options.reached.daemon.as_deref())?;
    match &options.what {
        FeedVerb::Add { name, url, every, rule } => {
            let request = json!({
                "name": name, "url": url, "every": every.map(|every| every.0.as_secs()), "rules": [asked(rule)?],
            });
            let feed = remote.post(FEEDS, &request).await?;
            tell(&feed, "torrents are taken from", options.json);
        }
        FeedVerb::List => list(&remote.get(FEEDS).await?, options.json),
        FeedVerb::Test { feed, rule } => {
            let is_url = feed.contains("://");
            if !is_url && *rule != RuleOptions::default() {
                return Err(Stop::usage(format!(
                    "{}: a feed of the daemon's is judged by its own rules; give its URL to try others",
                    plain(feed)
                )));
            }
            let request = if is_url { json!({"url": feed, "rules": [asked(rule)?]}) } else { json!({"name": feed}) };
            let told = remote.post(&format!("{FEEDS}/test"), &request).await?;
            return Ok(test(&told, options.json));
        }
        FeedVerb::Refresh { name } => {
            let feed = remote.post(&format!("{FEEDS}/{}/refresh", part(name)), &json!({})).await?;
            list(&json!([feed]), options.json);
            if feed["state"] == "failing" {
                return Ok(Exit::No);
            }
        }
        FeedVerb::Remove { name } => {
            let feed = remote.delete(&format!("{FEEDS}/{}", part(name))).await?;
            tell(&feed, "nothing is taken any more from", options.json);
        }
    }
    Ok(Exit::Done)
}

/// A name as a part of a path.
fn part(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The rule that options say, as the interface has it.
fn asked(rule: &RuleOptions) -> Result<Value, Stop> {
    let folder =
        rule.to.as_ref().map(std::path::absolute).transpose().map_err(|e| Stop::local(format!("--to: {e}")))?;
    Ok(json!({
        "want": rule.want, "not": rule.not, "min_size": rule.min_size.map(|size| size.0), "max_size": rule.max_size.map(|size| size.0),
        "labels": rule.labels, "folder": folder, "paused": rule.paused, "until": rule.until.map(|goal| goal.to_string()),
    }))
}

fn tell(feed: &Value, done: &str, is_json: bool) {
    if is_json {
        json::line(feed);
    } else {
        say(&format!("{done} {}", shown(&feed["name"])));
    }
}

fn list(feeds: &Value, is_json: bool) {
    let feeds = feeds.as_array().map(Vec::as_slice).unwrap_or_default();
    if is_json {
        feeds.iter().for_each(json::line);
        return;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut out = String::new();
    for feed in feeds {
        let number = |key: &str| feed[key].as_u64().unwrap_or(0);
        let next = Time(Duration::from_secs(number("next").saturating_sub(now)));
        let (state, name, url) = (shown(&feed["state"]), shown(&feed["name"]), shown(&feed["url"]));
        let origin = if feed["origin"] == "file" { "  (of the file)" } else { "" };
        let (items, taken) = (Count(number("items") as usize, "item"), number("taken"));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{state:<8} {name}  {url}{origin}  {items}, {taken} taken, asked again in {next}");
        if let Some(why) = feed["error"].as_str() {
            let _ = writeln!(out, "  {} in a row failed: {}", number("failures"), plain(why));
        }
        for failed in feed["failed"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let end = if failed["given_up"] == true { "given up" } else { "is tried again" };
            let _ = writeln!(out, "  {} ({end}): {}", shown(&failed["title"]), shown(&failed["error"]));
        }
    }
    stdout::text(&out);
}

/// Says what is taken, item by item; whether anything is.
fn test(told: &Value, is_json: bool) -> Exit {
    let items = told["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut out = String::new();
    for item in items {
        if is_json {
            json::line(item);
            continue;
        }
        let size = item["size"].as_u64().map_or_else(String::new, |size| format!(" ({})", Bytes(size)));
        let is_taken = item["rule"].is_u64();
        let verdict = match (is_taken, item["known"] == true, item["link"].is_string()) {
            (false, ..) => "no",
            (true, true, _) => "known",
            (true, false, false) => "no link",
            (true, false, true) => "take",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{verdict:<8} {}{size}", shown(&item["title"]));
        for (n, rule) in item["rules"].as_array().into_iter().flatten().enumerate() {
            let takes = if rule["takes"] == true { "takes it" } else { "does not" };
            let _ = writeln!(out, "  rule {} {takes}: {}", n + 1, shown(&rule["why"]));
        }
    }
    stdout::text(&out);
    if !is_json {
        let taken = items.iter().filter(|item| item["rule"].is_u64()).count();
        say(&format!("{}: {}, {taken} taken by a rule", shown(&told["title"]), Count(items.len(), "item")));
    }
    Exit::Done
}
