//! How torrents are shown to a person, and asked for.
use crate::cli::daemon::List;
use crate::foreign::plain;
use crate::progress::Progress;
use crate::units::Bytes;
use serde_json::Value;
use std::fmt::Write as _;

/// Digits of an info-hash that are shown: enough to tell torrents apart and to be typed.
const HASH_SHOWN: usize = 8;

/// What is to be listed, and in which order.
pub(super) fn query(options: &List) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(options.select.iter().map(|select| ("select", select)));
    if let Some(sort) = &options.sort {
        let (key, order) = sort.strip_prefix('-').map_or((sort.as_str(), "asc"), |key| (key, "desc"));
        query.extend_pairs([("sort", key), ("order", order)]);
    }
    query.finish()
}

/// One torrent for a person: hash, how far it is, its state, rates, name.
pub(super) fn line(out: &mut String, torrent: &Value) {
    let number = |key: &str| torrent[key].as_u64().unwrap_or(0);
    let (have, wanted) = (number("have"), number("wanted"));
    let percent = match torrent["size"].as_u64() {
        None => "?".to_owned(),
        Some(_) if wanted == 0 || torrent["complete"] == true => "100 %".to_owned(),
        Some(_) => format!("{} %", u128::from(have) * 100 / u128::from(wanted)),
    };
    let size = torrent["size"].as_u64().map_or_else(|| "?".to_owned(), |size| Bytes(size).to_string());
    let rate = |key: &str| if number(key) == 0 { "-".to_owned() } else { format!("{}/s", Bytes(number(key))) };
    let state = torrent["state"].as_str().unwrap_or_default();
    let (down, up) = (rate("down_rate"), rate("up_rate"));
    let (hash, name) = (hash(torrent), shown(&torrent["name"]));
    let error = torrent["error"].as_str().map_or_else(String::new, |why| format!("  ({})", plain(why)));
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{hash}  {percent:>5}  {size:>9}  {state:<11}  {down:>11}  {up:>11}  {name}{error}");
}

pub(super) fn hash(torrent: &Value) -> String {
    torrent["infohash"].as_str().unwrap_or_default().chars().take(HASH_SHOWN).collect()
}

pub(super) fn shown(text: &Value) -> String {
    plain(text.as_str().unwrap_or_default())
}

pub(super) fn say(text: &str) {
    Progress::new(false).say(text);
}
