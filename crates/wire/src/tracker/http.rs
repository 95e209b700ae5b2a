//! Announces over HTTP: the URL to ask and the answer's body (BEP 3, 7, 21, 23, 24, 31).
use super::announce::{Announce, AnnounceError, AnnounceEvent, AnnounceReply, Form};
use super::limits;
use super::limits::{PEERS_MAX, RETRY_MAX, TRACKER_ID_BYTES_MAX, interval, text};
use crate::compact::{self, Family};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use teem_bencode::{Limits, Value, Writer};
use teem_metainfo::{percent, url};

/// The URL that tells it: the tracker's own, which may have a query, with ours appended; a fragment is dropped.
pub fn announce_url(tracker: &str, announce: &Announce) -> String {
    // One that cannot be mended is asked as it stands, and refused there.
    let tracker = url::tracker(tracker).unwrap_or_else(|_| tracker.split('#').next().unwrap_or_default().to_string());
    let (base, query) = tracker.split_once('?').map_or((&*tracker, ""), |(base, query)| (base, query));
    let mut out = String::from(base);
    // A host alone has the root's path, which a request cannot leave out (RFC 9112 section 3.2.1).
    if base.split_once("://").is_some_and(|(_, rest)| !rest.contains('/')) {
        out.push('/');
    }
    out.push('?');
    out.push_str(query);
    if !query.is_empty() && !query.ends_with('&') {
        out.push('&');
    }
    out.push_str("info_hash=");
    out.push_str(&percent::encode(&announce.info_hash.0));
    out.push_str("&peer_id=");
    out.push_str(&percent::encode(&announce.peer_id.0));
    let Announce { port, uploaded, downloaded, left, num_want, key, .. } = announce;
    // INVARIANT: writing to a String cannot fail.
    let _ = write!(out, "&port={port}&uploaded={uploaded}&downloaded={downloaded}&left={left}");
    if announce.form != Form::Bare {
        out.push_str("&compact=1");
    }
    if announce.form == Form::Full {
        // INVARIANT: as above.
        let _ = write!(out, "&no_peer_id=1&numwant={num_want}&key={key:08x}");
    }
    let event = match announce.event {
        AnnounceEvent::None => None,
        AnnounceEvent::Started => Some("started"),
        AnnounceEvent::Completed => Some("completed"),
        AnnounceEvent::Stopped => Some("stopped"),
        AnnounceEvent::Paused => Some("paused"),
    };
    if let Some(event) = event {
        out.push_str("&event=");
        out.push_str(event);
    }
    if let Some(id) = announce.tracker_id.as_ref().filter(|_| announce.form != Form::Bare) {
        out.push_str("&trackerid=");
        out.push_str(&percent::encode(id));
    }
    out
}

/// Reads the body of an answer with status 200.
pub fn decode_reply(body: &[u8]) -> Result<AnnounceReply, AnnounceError> {
    let malformed = |what: String| AnnounceError::Malformed(what);
    // Some trackers end the body with a newline: what follows the dictionary is ignored.
    let document =
        teem_bencode::parse_prefix(body, &Limits::TRACKER).map_err(|e| malformed(describe(body, &e.to_string())))?.0;
    let root = document.root();
    if let Some(reason) = root.get(b"failure reason").and_then(|v| v.as_bytes()) {
        return Err(AnnounceError::Refused {
            reason: text(reason),
            retry_in: root.get(b"retry in").and_then(|value| {
                if value.as_bytes() == Some(b"never") { Some(None) } else { minutes(value).map(Some) }
            }),
        });
    }
    let known: [&[u8]; 3] = [b"interval", b"peers", b"peers6"];
    if !known.iter().any(|key| root.get(key).is_some()) {
        return Err(malformed(describe(body, "it has neither an interval nor peers")));
    }
    let count = |key: &[u8]| Some(u32::try_from(root.get(key)?.as_uint()?).unwrap_or(u32::MAX));
    let seconds = |key: &[u8]| root.get(key)?.as_int().map(interval);
    Ok(AnnounceReply {
        interval: seconds(b"interval").unwrap_or(limits::INTERVAL_DEFAULT),
        min_interval: seconds(b"min interval"),
        peers: peers(root),
        ids: Vec::new(),
        complete: count(b"complete"),
        incomplete: count(b"incomplete"),
        tracker_id: root
            .get(b"tracker id")
            .and_then(|v| v.as_bytes())
            .filter(|id| (1..=TRACKER_ID_BYTES_MAX).contains(&id.len()))
            .map(<[u8]>::to_vec),
        warning: root.get(b"warning message").and_then(|v| v.as_bytes()).map(text),
        external_ip: root.get(b"external ip").and_then(|v| v.as_bytes()).and_then(address),
    })
}

/// The body of a good answer. Compact: `peers` and `peers6` (BEP 7, 23). Otherwise a list of dictionaries (BEP 3), with the peers' ids where
/// the reply has them.
pub fn encode_reply(reply: &AnnounceReply, compact: bool) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.dict(|root| {
        if let Some(complete) = reply.complete {
            root.key(b"complete").uint(complete.into());
        }
        match reply.external_ip {
            Some(IpAddr::V4(ip)) => root.key(b"external ip").bytes(&ip.octets()),
            Some(IpAddr::V6(ip)) => root.key(b"external ip").bytes(&ip.octets()),
            None => {}
        }
        if let Some(incomplete) = reply.incomplete {
            root.key(b"incomplete").uint(incomplete.into());
        }
        root.key(b"interval").uint(reply.interval.as_secs());
        if let Some(min) = reply.min_interval {
            root.key(b"min interval").uint(min.as_secs());
        }
        let (v4, v6): (Vec<_>, Vec<_>) = reply.peers.iter().partition(|peer| peer.is_ipv4());
        if compact {
            root.key(b"peers").bytes(&packed(&v4));
            if !v6.is_empty() {
                root.key(b"peers6").bytes(&packed(&v6));
            }
        } else {
            root.key(b"peers").list(|list| {
                for (at, peer) in reply.peers.iter().enumerate() {
                    list.dict(|entry| {
                        entry.key(b"ip").str(&peer.ip().to_string());
                        if let Some(id) = reply.ids.get(at).and_then(Option::as_ref) {
                            entry.key(b"peer id").bytes(&id.0);
                        }
                        entry.key(b"port").uint(peer.port().into());
                    });
                }
            });
        }
        if let Some(id) = &reply.tracker_id {
            root.key(b"tracker id").bytes(id);
        }
        if let Some(warning) = &reply.warning {
            root.key(b"warning message").str(warning);
        }
    });
    writer.into_bytes()
}

/// The body of a refusal. `retry_in` says when the same request may be made again (BEP 31): `Some(None)` is never, a time is written in whole
/// minutes, rounded up.
pub fn encode_failure(reason: &str, retry_in: Option<Option<Duration>>) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.dict(|root| {
        root.key(b"failure reason").str(reason);
        match retry_in {
            None => {}
            Some(None) => root.key(b"retry in").str("never"),
            Some(Some(pause)) => {
                let minutes = pause.as_secs().div_ceil(60).max(1);
                root.key(b"retry in").int(i64::try_from(minutes).unwrap_or(i64::MAX));
            }
        }
    });
    writer.into_bytes()
}

fn packed(peers: &[SocketAddr]) -> Vec<u8> {
    let mut out = Vec::new();
    for peer in peers {
        compact::encode(*peer, &mut out);
    }
    out
}

fn peers(root: Value<'_, '_>) -> Vec<SocketAddr> {
    let mut out = Vec::new();
    if let Some(peers) = root.get(b"peers") {
        if let Some(bytes) = peers.as_bytes() {
            out.extend(compact::decode(Family::V4, bytes).take(PEERS_MAX));
        } else if let Some(list) = peers.list() {
            // The limit is on entries looked at: names and junk count too.
            out.extend(list.take(PEERS_MAX).filter_map(listed));
        }
    }
    if let Some(bytes) = root.get(b"peers6").and_then(|v| v.as_bytes()) {
        out.extend(compact::decode(Family::V6, bytes).take(PEERS_MAX - out.len()));
    }
    out
}

/// A peer as a dictionary. Host names are left out: no tracker in use sends them, and each would cost a look-up.
fn listed(entry: Value<'_, '_>) -> Option<SocketAddr> {
    let ip: IpAddr = entry.get(b"ip")?.as_str()?.parse().ok()?;
    let port = u16::try_from(entry.get(b"port")?.as_uint()?).ok().filter(|port| *port != 0)?;
    Some(SocketAddr::new(ip.to_canonical(), port))
}

/// BEP 31: minutes, as a number or as text.
fn minutes(value: Value<'_, '_>) -> Option<Duration> {
    let minutes = value.as_uint().or_else(|| value.as_str()?.trim().parse().ok())?;
    Some(Duration::from_secs(minutes.saturating_mul(60)).min(RETRY_MAX))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(v4).into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|v6| Ipv6Addr::from(v6).to_canonical())
}

/// What came instead of a tracker's answer, in words.
fn describe(body: &[u8], error: &str) -> String {
    let start = body.trim_ascii_start();
    if start.is_empty() {
        return "the tracker's answer is empty".to_string();
    }
    if start.starts_with(b"<") {
        return "a web page came instead of a tracker's answer".to_string();
    }
    format!("not a tracker's answer: {error}")
}
