//! What the daemon says of torrents that are selected, and what was done with them.
use super::shown::{hash, say, shown};
use crate::exit::Stop;
use crate::foreign::plain;
use crate::json;
use crate::remote::Remote;
use serde_json::Value;

/// What the daemon has to say of the selected torrents.
pub(super) async fn of(select: &[String], what: &str, daemon: Option<&str>) -> Result<Value, Stop> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(select.iter().map(|select| ("select", select)));
    Remote::new(daemon)?.get(&format!("/teem/v1/torrents{what}?{}", query.finish())).await
}

/// Warns where the daemon cannot keep what it is told. That it gives no answer is told by what is asked besides.
pub(super) async fn warn_of_trouble(remote: &Remote) {
    let Ok(about) = remote.get("/teem/v1").await else { return };
    if let Some(why) = about["trouble"].as_str() {
        say(&format!("warning: the daemon cannot keep changes: {}", plain(why)));
    }
}

/// Says what was done with these torrents.
pub(super) fn tell(torrents: &Value, done: &str, json: bool) {
    for torrent in torrents.as_array().map(Vec::as_slice).unwrap_or_default() {
        if json {
            json::line(torrent);
        } else {
            say(&format!("{done} {} ({})", shown(&torrent["name"]), hash(torrent)));
        }
    }
}
