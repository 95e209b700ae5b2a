//! All that is known of why nothing moves (`--why`): lines for people, one event for scripts (`docs/json.md`).
use crate::foreign::plain;
use crate::json;
use crate::progress::Progress;
use serde_json::{Value, json};
use teem_client::Mapping;
use teem_client::event::{Named, SourceKind, TrackerStats, Vote, Way};
use teem_client::why::{Door, Why};
use teem_wire::compact::Family;

/// Both families, with their names.
const FAMILIES: [(Family, &str); 2] = [(Family::V4, "v4"), (Family::V6, "v6")];

/// Says it, of the torrent of that hash.
pub(crate) fn tell(hash: &str, why: &Why, json: bool, progress: &mut Progress) {
    if json {
        json::line(&value(hash, why));
    }
    for line in why.report() {
        progress.say(&plain(&line));
    }
}

/// The event: every figure that the lines name, and the verdict as a word.
fn value(hash: &str, why: &Why) -> Value {
    let (s, search, us) = (&why.figures, &why.search, &why.us);
    json!({
        "event": "why", "infohash_v1": hash, "state": s.state.word(), "private": search.private,
        "verdict": why.verdict().word(), "why": why.sentence(), "help": why.help(),
        "connected": s.seeds + s.downloaders, "known": s.dials.known, "under_way": s.dials.pending,
        "sources": SourceKind::ALL.map(|kind| source(kind, search.counts.of(kind))),
        "trackers": s.trackers.iter().map(tracker).collect::<Vec<_>>(),
        "dht": search.dht.map(|dht| json!({
            "looks": dht.looks, "nodes": dht.good, "asked": dht.asked, "answers": dht.answers,
            "last": dht.last.map(|(node, peers)| json!({"node": node.to_string(), "peers": peers})),
        })),
        "ways": Way::ALL.iter().flat_map(|way| FAMILIES.map(|(family, name)| {
            let of = search.counts.by(*way, family);
            json!({
                "way": way.word(), "family": name, "tried": of.tried(), "reached": of.reached, "refused": of.refused, "silent": of.silent,
                "unreachable": of.unreachable, "filtered": of.filtered, "closed": of.closed,
            })
        })).collect::<Vec<_>>(),
        "us": {
            "port": us.port, "outside": search.votes.iter().map(vote).collect::<Vec<_>>(), "v4": door(&us.v4), "v6": door(&us.v6),
            "filtered": {"ranges": us.ranges, "dials": us.barred.dials, "accepts": us.barred.accepts, "packets": us.barred.packets},
            "gone": us.gone, "cut_off": us.cut_off, "proxy": us.proxy, "proxy_trouble": us.proxy_trouble,
            "udp_dropped": us.datagrams.dropped, "udp_refused": us.datagrams.refused,
        },
    })
}

fn source(kind: SourceKind, of: Named) -> Value {
    json!({"source": kind.word(), "named": of.named, "tried": of.tried, "reached": of.reached, "last": of.last})
}

fn tracker(of: &TrackerStats) -> Value {
    let (peers, error) = match &of.last {
        Some(Ok(peers)) => (Some(*peers), None),
        Some(Err(error)) => (None, Some(error)),
        None => (None, None),
    };
    json!({"url": of.url.shown(), "peers": peers, "error": error})
}

fn vote(of: &Vote) -> Value {
    json!({"ip": of.ip.to_string(), "believed": of.believed, "trackers": of.trackers, "networks": of.networks})
}

fn door(of: &Door) -> Value {
    let (mapped, not_mapped) = match &of.mapping {
        Mapping::Mapped { way, address, tcp, udp } => {
            (Some(json!({"by": way, "address": address.to_string(), "tcp": tcp, "udp": udp})), None)
        }
        Mapping::Failed(why) => (None, Some(why)),
        _ => (None, None),
    };
    json!({
        "reachable": of.reached.word(), "mapped": mapped, "not_mapped": not_mapped, "tcp_unasked": of.unasked.tcp,
        "udp_unasked": of.unasked.udp,
    })
}
