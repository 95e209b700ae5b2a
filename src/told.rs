//! Events and figures of a torrent in words, and as JSON lines (`docs/json.md`).
use crate::foreign::plain;
use crate::units::{Bytes, Copies};
use serde_json::{Value, json};
use teem_client::Datagrams;
use teem_client::event::{Event, Outcomes, PeerStats, Punched, Snapshot, Transport};
use teem_client::path::Path;

/// What has been given of content of `size` bytes: how far the first copy is out, then how many copies.
pub(crate) fn given(s: &Snapshot, size: u64) -> String {
    match s.first_copy {
        Some(out) => format!("first copy {} % out", u128::from(out) * 100 / u128::from(size.max(1))),
        None => format!("copies sent {}", Copies(s.uploaded, size)),
    }
}

/// What a person should read at once, of content of `size` bytes; most events only change the live line.
pub(crate) fn text(event: &Event, size: u64) -> Option<String> {
    Some(match event {
        Event::AllOut { sent, elsewhere, .. } if *elsewhere > 0 => {
            let (copies, rest) = (Copies(*sent, size), Bytes(*elsewhere));
            format!(
                "{copies} copies have left this machine, and {rest} that it did not send are with others, as they say"
            )
        }
        Event::AllOut { sent, .. } => {
            let copies = Copies(*sent, size);
            format!(
                "every block has left this machine once, after {copies} copies sent: the swarm can go on without it"
            )
        }
        Event::Metadata { info, .. } => format!("got the metadata: {}", plain(info.name())),
        Event::Banned { addr, client, why, .. } => {
            format!("banned {addr} ({}): {}", plain(client), plain(why))
        }
        Event::Disk { error, .. } => format!("disk: {error}; downloading pauses until that is mended"),
        Event::DiskRecovered { .. } => "the disk works again: going on".to_owned(),
        Event::Notice { text, .. } => plain(text),
        Event::Tracker { url, result: Err(e), .. } => format!("tracker {}: {}", plain(&url.shown()), plain(e)),
        _ => return None,
    })
}

/// The event as a JSON line; `None` for those that scripts have no use for.
pub(crate) fn value(hash: &str, event: &Event) -> Option<Value> {
    let mut value = match event {
        Event::Metadata { info, .. } => json!({"event": "metadata", "name": info.name(), "size": info.content_size()}),
        Event::State { state: s, .. } => json!({"event": "state", "state": s.word()}),
        Event::PieceFailed { piece, .. } => json!({"event": "piece_failed", "piece": piece}),
        Event::Banned { addr, client, why, .. } => {
            json!({"event": "banned", "addr": addr.to_string(), "client": client, "why": why})
        }
        Event::Complete { at_start, .. } => json!({"event": "complete", "at_start": at_start}),
        Event::Durable { complete, .. } => json!({"event": "durable", "complete": complete}),
        Event::AllOut { sent, elsewhere, .. } => json!({"event": "all_out", "sent": sent, "elsewhere": elsewhere}),
        Event::Tracker { url, result, .. } => match result {
            Ok(peers) => json!({"event": "tracker", "url": url.shown(), "peers": peers}),
            Err(e) => json!({"event": "tracker", "url": url.shown(), "error": e}),
        },
        Event::External { ip, .. } => json!({"event": "external", "ip": ip.to_string()}),
        Event::Disk { error, .. } => json!({"event": "disk", "error": error.message}),
        Event::DiskRecovered { .. } => json!({"event": "disk_recovered"}),
        Event::Fault { why, .. } => json!({"event": "fault", "error": why}),
        Event::Failed { why, .. } => json!({"event": "failed", "error": why}),
        Event::Notice { text, .. } => json!({"event": "notice", "text": text}),
        Event::Rechecked { lost, .. } => json!({"event": "rechecked", "lost_pieces": lost}),
        _ => return None,
    };
    value["infohash_v1"] = json!(hash);
    Some(value)
}

fn outcomes(of: Outcomes) -> Value {
    json!({"refused": of.refused, "timed_out": of.timed_out, "failed": of.failed})
}

fn punched(of: Punched) -> Value {
    json!({"tried": of.tried, "reached": of.reached, "in_vain": of.in_vain})
}

fn peer(peer: &PeerStats) -> Value {
    json!({
        "addr": peer.addr.to_string(), "client": peer.client, "transport": peer.transport.map(Transport::word),
        "encryption": peer.encrypted.word(), "punched": peer.punched, "pieces": peer.pieces, "down_rate": peer.down_rate, "up_rate": peer.up_rate,
    })
}

/// The figures as a JSON line.
pub(crate) fn status(hash: &str, s: &Snapshot, udp: Datagrams, path: &Path, reachable: Value) -> Value {
    let barred = path.barred();
    let (dials, all) = (s.dials, s.dials.all());
    json!({
        "event": "status", "infohash_v1": hash, "state": s.state.word(), "have": s.have, "wanted": s.wanted, "pieces": s.pieces,
        "checked": s.checked.0, "to_check": s.checked.1, "down_rate": s.down_rate, "up_rate": s.up_rate, "downloaded": s.downloaded,
        "uploaded": s.uploaded, "wasted": s.wasted, "swarm_shown": s.swarm_shown, "first_copy": s.first_copy, "seeds": s.seeds, "downloaders": s.downloaders,
        "peers_known": dials.known, "dials": dials.tried, "dials_refused": all.refused, "dials_timed_out": all.timed_out,
        "dials_tcp": outcomes(dials.tcp), "dials_utp": outcomes(dials.utp), "punched": punched(dials.punched), "peers": s.peers.iter().map(peer).collect::<Vec<_>>(),
        "filtered": {"ranges": path.ranges(), "dials": barred.dials, "accepts": barred.accepts, "packets": barred.packets},
        "external": s.external.iter().map(|ip| ip.to_string()).collect::<Vec<_>>(), "udp_dropped": udp.dropped, "udp_refused": udp.refused,
        "reachable": reachable,
    })
}
