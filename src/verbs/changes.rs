//! What `teem set` is told (own design): selectors, and after or between them `KEY=VALUE`, `KEY+=VALUE`, `KEY-=VALUE`, as keys of the interface.
use crate::units::ByteRate;
use serde_json::{Value, json};

/// The keys that are understood: an argument that begins with none of them is a selector, whatever else stands in it.
const KEYS: [&str; 8] = ["labels", "up", "down", "until", "queue", "only", "first", "trackers"];

/// Where in the queue a torrent may go, and whether it works whatever others do.
const QUEUE: [&str; 6] = ["top", "up", "down", "bottom", "force", "unforce"];

/// How files are named by index.
const FILES: &str = "files:";

/// The most files that one range may name.
const RANGE_MAX: u32 = 1 << 20;

/// What is to be otherwise, as keys of the request.
type Keys = Vec<(&'static str, Value)>;

/// What arguments say.
pub(super) struct Told<'a> {
    pub(super) select: Vec<&'a str>,
    pub(super) changes: Keys,
    /// Where in the queue they go, which is a request of its own.
    pub(super) queue: Option<&'a str>,
}

/// Splits arguments into selectors and keys of the request.
pub(super) fn read(arguments: &[String]) -> Result<Told<'_>, String> {
    let (mut select, mut changes, mut files, mut queue) = (Vec::new(), Vec::new(), Vec::new(), None);
    for argument in arguments {
        let Some((key, sign, value)) = split(argument) else {
            select.push(argument.as_str());
            continue;
        };
        if let Some(indices) = key.strip_prefix(FILES) {
            if !["skip", "normal", "first"].contains(&value) {
                return Err(format!("{argument}: files are wanted as skip, normal or first"));
            }
            files.push(json!({"indices": numbers(indices)?, "priority": value}));
            continue;
        }
        if key == "queue" && sign == '=' {
            let to = QUEUE.into_iter().find(|to| *to == value);
            queue = Some(to.ok_or_else(|| format!("{argument}: the queue has {}", QUEUE.join(", ")))?);
            continue;
        }
        changes.push(match (key, sign) {
            ("labels", '+') => ("add_labels", list(value)),
            ("labels", '-') => ("remove_labels", list(value)),
            ("trackers", '+') => ("add_trackers", json!(urls(value))),
            ("trackers", '-') => ("remove_trackers", json!(urls(value))),
            (_, '+' | '-') => return Err(format!("{argument}: only labels and trackers are added and taken away")),
            ("labels", _) => ("labels", list(value)),
            ("trackers", _) => ("trackers", urls(value).into_iter().map(|url| json!([url])).collect()),
            ("up", _) => ("up_limit", rate(value)?),
            ("down", _) => ("down_limit", rate(value)?),
            ("until", _) => ("until", json!(value)),
            ("only", _) => ("only", list(value)),
            _ => ("first", list(value)),
        });
    }
    if !files.is_empty() {
        changes.push(("files", Value::Array(files)));
    }
    match (select.is_empty(), changes.is_empty() && queue.is_none()) {
        (true, _) => Err("it has to be said which torrents: SEL, or all".to_owned()),
        (_, true) => Err(format!("it has to be said what is to be otherwise: {}= or {FILES}INDEX=", KEYS.join("=, "))),
        _ => Ok(Told { select, changes, queue }),
    }
}

/// Key, sign and value of a change.
fn split(argument: &str) -> Option<(&str, char, &str)> {
    let (key, value) = argument.split_once('=')?;
    let (key, sign) = match key.strip_suffix(['+', '-']) {
        Some(plain) => (plain, key.chars().last()?),
        None => (key, '='),
    };
    (KEYS.contains(&key) || key.starts_with(FILES)).then_some((key, sign, value))
}

fn list(value: &str) -> Value {
    json!(value.split(',').filter(|item| !item.is_empty()).collect::<Vec<_>>())
}

/// URLs behind each other: a comma that no scheme follows is part of one.
fn urls(value: &str) -> Vec<String> {
    let mut urls: Vec<String> = Vec::new();
    for part in value.split(',') {
        match urls.last_mut() {
            Some(url) if !part.contains("://") => url.extend([",", part]),
            _ => urls.push(part.to_owned()),
        }
    }
    urls.retain(|url| !url.is_empty());
    urls
}

pub(super) fn rate(value: &str) -> Result<Value, String> {
    if value == "none" {
        return Ok(Value::Null);
    }
    value.parse::<ByteRate>().map(|rate| json!(rate.0)).map_err(|e| format!("{value}: {e}"))
}

/// Numbers and ranges of them: `0-3,7`.
fn numbers(text: &str) -> Result<Vec<u32>, String> {
    let bad = || format!("`{text}` is no list of files: write 0-3,7");
    let mut all = Vec::new();
    for part in text.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to): (u32, u32) = (from.parse().map_err(|_| bad())?, to.parse().map_err(|_| bad())?);
        if from > to || to - from > RANGE_MAX {
            return Err(bad());
        }
        all.extend(from..=to);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arguments: &[&str]) -> Result<(Vec<String>, Value), String> {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let Told { select, changes, queue } = read(&arguments)?;
        let changes = changes.into_iter().chain(queue.map(|to| ("queue", json!(to))));
        let changes = changes.map(|(key, value)| (key.to_owned(), value)).collect();
        Ok((select.into_iter().map(str::to_owned).collect(), Value::Object(changes)))
    }

    #[test]
    fn keys_are_changes_and_all_else_selects() {
        let told = of(&["a=b", "labels+=x,y", "labels-=z", "up=1M", "down=none", "only=", "files:0-2,7=skip"]).unwrap();
        let changes = json!({
            "add_labels": ["x", "y"], "remove_labels": ["z"], "up_limit": 1_000_000, "down_limit": null, "only": [],
            "files": [{"indices": [0, 1, 2, 7], "priority": "skip"}],
        });
        assert_eq!(told, (vec!["a=b".to_owned()], changes));
        let told =
            of(&["all", "trackers=udp://a:1,http://b/x,y", "trackers+=udp://c:1", "trackers-=udp://d:1"]).unwrap();
        let changes = json!({
            "trackers": [["udp://a:1"], ["http://b/x,y"]], "add_trackers": ["udp://c:1"], "remove_trackers": ["udp://d:1"],
        });
        assert_eq!(told, (vec!["all".to_owned()], changes));
        assert_eq!(of(&["all", "trackers="]).unwrap().1, json!({"trackers": []}));
        let told = of(&["label:x", "until=ratio=2 or 30d", "queue=top"]).unwrap();
        assert_eq!(told, (vec!["label:x".to_owned()], json!({"until": "ratio=2 or 30d", "queue": "top"})));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (arguments, why) in [
            (&["up=1M"][..], "which torrents"),
            (&["all"], "otherwise"),
            (&["all", "up+=1M"], "only labels"),
            (&["trackers+=udp://a:1"], "which torrents"),
            (&["all", "up=fast"], "fast"),
            (&["all", "files:x=skip"], "0-3,7"),
            (&["all", "files:3-1=skip"], "0-3,7"),
            (&["all", "files:0-4294967295=skip"], "0-3,7"),
            (&["all", "files:1=high"], "normal"),
            (&["all", "queue=first"], "unforce"),
            (&["all", "queue+=top"], "only labels"),
        ] {
            assert!(of(arguments).unwrap_err().contains(why), "{arguments:?}");
        }
    }
}
