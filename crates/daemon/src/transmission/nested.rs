//! What stands inside a torrent as Transmission tells it (rpc-spec, `torrent-get`): peers, trackers, files. Keys as written inside.
use crate::daemon::now;
use crate::details::FileTold;
use crate::facts::Facts;
use crate::standing::{Parts, Standing};
use serde_json::{Value, json};
use teem_client::event::PeerStats;
use teem_client::{AnnounceUrl, Priority};

pub(super) fn peers(standing: &Standing) -> Value {
    let pieces = standing.about().map_or(0, |about| about.pieces);
    standing.peers().iter().map(|peer| of_peer(peer, pieces)).collect()
}

fn of_peer(peer: &PeerStats, pieces: u32) -> Value {
    let addr = peer.addr.addr();
    let (encrypted, utp) = (peer.encrypted.word() != "nothing", peer.transport.is_some_and(|t| t.word() == "utp"));
    let (from, to) = (peer.down_rate > 0, peer.up_rate > 0);
    let flags = [
        (from, 'D'),
        (!from && peer.interesting && peer.choking_us, 'd'),
        (to, 'U'),
        (!to && peer.interested && peer.choked, 'u'),
        (encrypted, 'E'),
        (peer.incoming, 'I'),
        (utp, 'T'),
    ];
    json!({
        "address": addr.map_or_else(String::new, |addr| addr.ip().to_string()),
        "port": addr.map_or(0, |addr| addr.port()),
        "client_name": peer.client,
        "client_is_choked": peer.choking_us,
        "client_is_interested": peer.interesting,
        "peer_is_choked": peer.choked,
        "peer_is_interested": peer.interested,
        "flag_str": flags.iter().filter(|(is, _)| *is).map(|(_, flag)| *flag).collect::<String>(),
        "is_downloading_from": from,
        "is_uploading_to": to,
        "is_encrypted": encrypted,
        "is_incoming": peer.incoming,
        "is_utp": utp,
        "progress": if pieces == 0 { 0.0 } else { f64::from(peer.pieces) / f64::from(pieces) },
        "rate_to_client": peer.down_rate,
        "rate_to_peer": peer.up_rate,
    })
}

/// How much a file is wanted, as Transmission counts: there is no low priority here.
fn priority(file: &FileTold) -> i8 {
    i8::from(file.priority == Priority::High)
}

pub(super) fn files(standing: &Standing, parts: Option<&Parts>, files: &[FileTold]) -> Value {
    let Some(parts) = parts else { return json!([]) };
    let told = files.iter().map(|file| {
        json!({
            "name": parts.path(standing, file), "length": file.size, "bytes_completed": file.have,
            "begin_piece": file.pieces.0, "end_piece": file.pieces.1,
        })
    });
    told.collect()
}

pub(super) fn file_stats(files: &[FileTold]) -> Value {
    let told = files.iter().map(|file| {
        json!({"bytes_completed": file.have, "priority": priority(file), "wanted": file.priority != Priority::Skip})
    });
    told.collect()
}

pub(super) fn priorities(files: &[FileTold]) -> Value {
    files.iter().map(priority).collect()
}

/// Truths in JSON-RPC; the legacy dialect has numbers.
pub(super) fn wanted(files: &[FileTold], numbers: bool) -> Value {
    let wanted = files.iter().map(|file| file.priority != Priority::Skip);
    wanted.map(|wanted| if numbers { Value::from(u8::from(wanted)) } else { wanted.into() }).collect()
}

/// Where peers came from is not counted.
pub(super) fn peers_from() -> Value {
    json!({
        "from_cache": 0, "from_dht": 0, "from_incoming": 0, "from_lpd": 0, "from_ltep": 0, "from_pex": 0, "from_tracker": 0,
    })
}

/// Each tracker with the tier that it is in.
fn tiers(facts: &Facts) -> impl Iterator<Item = (usize, &str)> {
    let tiers = facts.trackers.iter().enumerate();
    tiers.flat_map(|(tier, urls)| urls.iter().map(move |url| (tier, url.as_str())))
}

/// A tracker's URL as those may see it who may not change torrents: it may hold a passkey.
fn shown(url: &str, secrets: bool) -> String {
    if secrets { url.to_owned() } else { AnnounceUrl::of_user(url).shown() }
}

pub(super) fn trackers(facts: &Facts, secrets: bool) -> Value {
    let each = tiers(facts).enumerate().map(|(id, (tier, url))| {
        json!({"announce": shown(url, secrets), "id": id, "scrape": "", "sitename": sitename(url), "tier": tier})
    });
    each.collect()
}

/// URLs, one a line, with an empty line between tiers.
pub(super) fn tracker_list(facts: &Facts, secrets: bool) -> Value {
    let tier = |urls: &Vec<String>| urls.iter().map(|url| shown(url, secrets)).collect::<Vec<_>>().join("\n");
    facts.trackers.iter().map(tier).collect::<Vec<_>>().join("\n\n").into()
}

pub(super) fn tracker_stats(standing: &Standing, facts: &Facts, secrets: bool) -> Value {
    let told = standing.figures.as_ref().map_or(&[][..], |figures| &figures.trackers);
    let stats = |(id, (tier, url)): (usize, (usize, &str))| {
        let known = told.iter().find(|tracker| tracker.url.reveal() == url);
        let last = known.and_then(|tracker| tracker.last.as_ref());
        let swarm = known.and_then(|tracker| tracker.swarm);
        let answered = known.and_then(|tracker| tracker.answered).map_or(0, |ago| now().saturating_sub(ago.as_secs()));
        let next = known.and_then(|tracker| tracker.next).map_or(0, |after| now().saturating_add(after.as_secs()));
        let said = match last {
            None => String::new(),
            Some(Ok(_)) => "Success".to_owned(),
            Some(Err(why)) => why.clone(),
        };
        json!({
            "announce": shown(url, secrets),
            "announce_state": u8::from(last.is_some()),
            "download_count": -1,
            "has_announced": last.is_some(),
            "has_scraped": swarm.is_some(),
            "host": host(url),
            "id": id,
            "is_backup": known.is_none(),
            "last_announce_peer_count": last.and_then(|last| last.as_ref().ok()).copied().unwrap_or(0),
            "last_announce_result": said,
            "last_announce_start_time": answered,
            "last_announce_succeeded": matches!(last, Some(Ok(_))),
            "last_announce_time": answered,
            "last_announce_timed_out": false,
            "last_scrape_result": "",
            "last_scrape_start_time": 0,
            "last_scrape_succeeded": swarm.is_some(),
            "last_scrape_time": 0,
            "last_scrape_timed_out": false,
            "leecher_count": swarm.map_or(-1, |(_, downloaders)| i64::from(downloaders)),
            "next_announce_time": next,
            "next_scrape_time": 0,
            "scrape": "",
            "scrape_state": 0,
            "seeder_count": swarm.map_or(-1, |(seeds, _)| i64::from(seeds)),
            "sitename": sitename(url),
            "tier": tier,
        })
    };
    tiers(facts).enumerate().map(stats).collect()
}

/// Scheme, host and port, as Transmission calls a tracker.
fn host(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    if scheme.is_empty() { place.to_owned() } else { format!("{scheme}://{place}") }
}

/// The name of a tracker's site without what stands before and behind it: `example` of `tracker.example.org`.
fn sitename(url: &str) -> String {
    let host = host(url);
    let place = host.rsplit_once("://").map_or(host.as_str(), |(_, place)| place);
    let name = place.rsplit_once(':').map_or(place, |(name, port)| if port.contains(']') { place } else { name });
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        return name.to_owned();
    }
    let parts: Vec<&str> = name.split('.').collect();
    parts.get(parts.len().saturating_sub(2)).copied().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trackers_are_called_by_their_hosts_and_sites() {
        for (url, host_, site) in [
            ("http://tracker.example.org:80/announce?key=1", "http://tracker.example.org:80", "example"),
            ("udp://user:word@127.0.0.1:6969/announce", "udp://127.0.0.1:6969", "127.0.0.1"),
            ("http://[::1]:80/", "http://[::1]:80", "[::1]"),
            ("nonsense", "nonsense", "nonsense"),
            ("", "", ""),
        ] {
            assert_eq!((host(url).as_str(), sitename(url).as_str()), (host_, site), "{url}");
        }
    }

    #[test]
    fn passkeys_are_for_those_who_may_change_torrents() {
        let url = "http://tracker.example.org/0123456789abcdef0123456789abcdef/announce".to_owned();
        let facts = Facts {
            trackers: vec![vec![url.clone(), "udp://b:1".to_owned()], vec!["udp://c:2".to_owned()]],
            ..Facts::default()
        };
        assert_eq!(tracker_list(&facts, true), json!(format!("{url}\nudp://b:1\n\nudp://c:2")));
        let hidden = trackers(&facts, false);
        assert!(!hidden.to_string().contains("0123456789abcdef"), "{hidden}");
        assert_eq!((&hidden[2]["tier"], &hidden[2]["id"]), (&json!(1), &json!(2)));
    }
}
