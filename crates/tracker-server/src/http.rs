//! Announce and scrape over HTTP (BEP 3, 7, 21, 23, 24, 31, 48): from a request's target to status and body.
//!
//! An address in the query (`ip`, `ipv4`, `ipv6`) is not looked at: anybody could send strangers there. What is malformed gets status 400,
//! what is refused 200; both with a `failure reason` that clients show.
use crate::query::Query;
use crate::request::Request;
use crate::tracker::Tracker;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use teem_metainfo::InfoHash;
use teem_wire::peer::handshake::PeerId;
use teem_wire::tracker::announce::AnnounceEvent;
use teem_wire::tracker::http::{encode_failure, encode_reply};
use teem_wire::tracker::{percent, scrape};

/// The tracker's answer to a request over HTTP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// HTTP's: 200, or 400 for what is malformed.
    pub status: u16,
    /// A bencoded dictionary, `text/plain`.
    pub body: Vec<u8>,
}

/// Answers a GET of `target` (path and query) from `from`, which came to our address `local`. `None` when the path is neither
/// `/announce` nor `/scrape`.
pub fn handle(
    tracker: &mut Tracker,
    now: Duration,
    from: SocketAddr,
    local: SocketAddr,
    target: &str,
) -> Option<Answer> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path != "/announce" && path != "/scrape" {
        return None;
    }
    if target.len() > tracker.limits().target {
        return Some(malformed("the request is too long"));
    }
    let answer = if path == "/announce" {
        announce(tracker, now, from, local, Query(query))
    } else {
        scrape_answer(tracker, Query(query))
    };
    Some(answer.unwrap_or_else(malformed))
}

fn announce(
    tracker: &mut Tracker,
    now: Duration,
    from: SocketAddr,
    local: SocketAddr,
    query: Query<'_>,
) -> Result<Answer, &'static str> {
    let limits = *tracker.limits();
    let info_hash = query.hash("info_hash").ok_or("info_hash must be 20 bytes, percent-coded")?;
    let peer_id = query.hash("peer_id").ok_or("peer_id must be 20 bytes, percent-coded")?;
    let key = match query.first("key") {
        None => Vec::new(),
        Some(_) => query.bytes("key", limits.key).ok_or("key is too long or malformed")?,
    };
    let event = match query.first("event") {
        Some("started") => AnnounceEvent::Started,
        Some("completed") => AnnounceEvent::Completed,
        Some("stopped") => AnnounceEvent::Stopped,
        Some("paused") => AnnounceEvent::Paused,
        _ => AnnounceEvent::None,
    };
    let num_want = query.number::<i64>("numwant").filter(|n| *n >= 0);
    let request = Request {
        info_hash: InfoHash(info_hash),
        peer_id: PeerId(peer_id),
        key: tracker.key(&key),
        from: from.ip(),
        local,
        port: query.number("port").ok_or("port must be a number from 1 to 65535")?,
        // Without a word about it, it is a downloader.
        left: query.number("left").unwrap_or(u64::MAX),
        event,
        num_want: num_want.map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
        peers_max: limits.http_peers,
        family: None,
    };
    Ok(match tracker.announce(now, &request) {
        Ok(mut reply) => {
            if query.first("no_peer_id") == Some("1") {
                reply.ids.clear();
            }
            Answer { status: 200, body: encode_reply(&reply, query.first("compact") == Some("1")) }
        }
        Err(refusal) => Answer { status: 200, body: encode_failure(&refusal.to_string(), refusal.retry_in()) },
    })
}

fn scrape_answer(tracker: &Tracker, query: Query<'_>) -> Result<Answer, &'static str> {
    let mut entries = Vec::new();
    for text in query.all("info_hash").take(tracker.limits().http_scrape) {
        let hash = percent::decode(text, 20).and_then(|hash| hash.try_into().ok());
        let hash = InfoHash(hash.ok_or("info_hash must be 20 bytes, percent-coded")?);
        entries.extend(tracker.scrape(&hash).map(|entry| (hash, entry)));
    }
    if query.first("info_hash").is_none() {
        return Err("a scrape must name torrents by info_hash");
    }
    Ok(Answer { status: 200, body: scrape::encode(&entries) })
}

fn malformed(why: &str) -> Answer {
    Answer { status: 400, body: encode_failure(why, None) }
}
