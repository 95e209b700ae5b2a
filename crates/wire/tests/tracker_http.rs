//! Tracker answers over HTTP: what others publish, and what trackers must not do.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]
mod common;

use common::{bytes_of, test_data, vectors};
use std::net::SocketAddr;
use std::time::Duration;
use teem_metainfo::InfoHash;
use teem_wire::peer::handshake::PeerId;
use teem_wire::tracker::announce::{Announce, AnnounceError, AnnounceEvent, AnnounceReply, Form};
use teem_wire::tracker::http::{announce_url, decode_reply, encode_failure, encode_reply};
use teem_wire::tracker::scrape::{self, ScrapeEntry, scrape_url};

fn announce() -> Announce {
    Announce {
        info_hash: InfoHash(*b"\x00\x01 &=aaaaaaaaaaaaaaa"),
        peer_id: PeerId(*b"-TM0100-\xFFbbbbbbbbbbb"),
        port: 6881,
        uploaded: 1,
        downloaded: 2,
        left: u64::MAX,
        event: AnnounceEvent::Started,
        num_want: 200,
        key: 0xAB,
        tracker_id: Some(b"a b".to_vec()),
        form: Form::Full,
    }
}

#[test]
fn the_query_is_appended_to_what_the_url_has() {
    let ours = "info_hash=%00%01%20%26%3Daaaaaaaaaaaaaaa&peer_id=-TM0100-%FFbbbbbbbbbbb&port=6881&uploaded=1&downloaded=2\
                &left=18446744073709551615&compact=1&no_peer_id=1&numwant=200&key=000000ab&event=started&trackerid=a%20b";
    for (tracker, joined) in [
        ("http://t/announce", "http://t/announce?"),
        ("http://t/announce?", "http://t/announce?"),
        ("http://t/announce?passkey=1", "http://t/announce?passkey=1&"),
        ("http://t/announce?passkey=1&", "http://t/announce?passkey=1&"),
        ("http://t/announce#here", "http://t/announce?"),
        ("http://t:1", "http://t:1/?"),
        ("http://t:1?key=x", "http://t:1/?key=x&"),
        ("http://t:1/?key=x", "http://t:1/?key=x&"),
        ("HTTP://T.Example:1?Key=X#f", "http://t.example:1/?Key=X&"),
        ("http:\\\\t\\a b\\announce", "http://t/a%20b/announce?"),
        (" http://[2001:DB8::1]/a\n", "http://[2001:db8::1]/a?"),
        ("http://u:p@t/announce", "http://u:p@t/announce?"),
    ] {
        assert_eq!(announce_url(tracker, &announce()), format!("{joined}{ours}"));
    }
    let regular = Announce { event: AnnounceEvent::None, tracker_id: None, ..announce() };
    assert!(announce_url("http://t/", &regular).ends_with("&key=000000ab"));
    let said = |form| {
        let url = announce_url("http://t/?own=1", &Announce { form, ..announce() });
        let names: Vec<&str> = url.split(['?', '&']).skip(1).filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
        names.join(" ")
    };
    let least = "own info_hash peer_id port uploaded downloaded left";
    assert_eq!(said(Form::Full), format!("{least} compact no_peer_id numwant key event trackerid"));
    assert_eq!(said(Form::Lean), format!("{least} compact event trackerid"));
    assert_eq!(said(Form::Bare), format!("{least} event"));
}

#[test]
fn answers_of_others() {
    for case in vectors("http-tracker") {
        let Some(body) = case.get("body").map(bytes_of) else { continue };
        let id = &case["id"];
        if case["scrape"].as_bool() == Some(true) {
            let entries = scrape::decode(&body).unwrap();
            let number = |row: &serde_json::Value, key: &str| row[key].as_u64().unwrap() as u32;
            for (hash, entry) in &entries {
                let row = case.get("rows").map_or(&case, |rows| &rows[std::str::from_utf8(&hash.0).unwrap()]);
                assert_eq!(entry.complete, number(row, "complete"), "{id}");
                assert_eq!(entry.incomplete, number(row, "incomplete"), "{id}");
                assert_eq!(entry.downloaded, number(row, "downloaded"), "{id}");
            }
            assert_eq!(entries.len(), case.get("rows").map_or(1, |rows| rows.as_object().unwrap().len()));
            continue;
        }
        let reply = match decode_reply(&body) {
            Ok(reply) => reply,
            Err(AnnounceError::Refused { reason, .. }) => {
                assert_eq!(Some(reason.as_str()), case["failure_reason"].as_str(), "{id}");
                continue;
            }
            Err(other) => panic!("{id}: {other}"),
        };
        let clamped = |key: &str| case[key].as_u64().map(|s| Duration::from_secs(s.max(60)));
        assert_eq!(Some(reply.interval), clamped("interval").or(Some(Duration::from_secs(1800))), "{id}");
        assert_eq!(reply.min_interval, clamped("min_interval"), "{id}");
        let ip = case["external_ip"].as_str().map(|ip| ip.parse().unwrap());
        assert_eq!(reply.external_ip, ip, "{id}");
        // Names of hosts are left out.
        let peers = case["peers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|peer| Some(SocketAddr::new(peer[0].as_str()?.parse().ok()?, peer[1].as_u64()? as u16)));
        assert_eq!(reply.peers, peers.collect::<Vec<_>>(), "{id}");
    }
}

#[test]
fn a_recorded_answer() {
    let Some(body) = test_data("files/http-tracker/announce-compacted-peers.bin") else { return };
    let reply = decode_reply(&body).unwrap();
    assert_eq!((reply.complete, reply.incomplete, reply.peers.len()), (Some(4), Some(3), 7));
    assert_eq!(reply.peers[0], "46.189.27.100:6687".parse().unwrap());
}

fn decoded(body: &[u8]) -> AnnounceReply {
    decode_reply(body).unwrap()
}

#[test]
fn peers_are_bounded_and_odd_ones_left_out() {
    let many = [1_u8, 2, 3, 4, 5, 6].repeat(100_000);
    let body = [format!("d5:peers{}:", many.len()).as_bytes(), &many, b"e"].concat();
    assert_eq!(decoded(&body).peers.len(), 500);
    let body = [b"d5:peersl", "d2:ip7:1.2.3.44:porti5ee".repeat(600).as_bytes(), b"ee"].concat();
    assert_eq!(decoded(&body).peers.len(), 500);
    let v6 = [9_u8; 18].repeat(400);
    let v4 = [1_u8, 2, 3, 4, 5, 6].repeat(400);
    let body = [b"d5:peers2400:", &v4[..], b"6:peers67200:", &v6, b"e"].concat();
    assert_eq!(decoded(&body).peers.len(), 500);

    assert_eq!(decoded(b"d5:peers7:\x01\x02\x03\x04\x05\x06\x07e").peers.len(), 1);
    assert_eq!(decoded(b"d5:peers6:\x01\x02\x03\x04\x00\x00e").peers, []);
    assert_eq!(decoded(b"d6:peers617:0123456789abcdefge").peers, []);
    let list = b"d5:peersld2:ip9:localhost4:porti1eed2:ip3:::14:porti0eed2:ip3:::14:porti70000eed4:porti1eei7e\
                 d2:ip16:::ffff:127.0.0.14:porti9eeee";
    assert_eq!(decoded(list).peers, ["127.0.0.1:9".parse().unwrap()]);
    assert_eq!(decoded(b"d5:peersi7ee").peers, []);
}

#[test]
fn intervals_and_texts_are_bounded() {
    for (said, taken) in [(0, 60), (-1, 60), (59, 60), (1800, 1800), (21601, 21600), (1_i64 << 40, 21600)] {
        let reply = decoded(format!("d8:intervali{said}e12:min intervali{said}ee").as_bytes());
        assert_eq!(reply.interval, Duration::from_secs(taken));
        assert_eq!(reply.min_interval, Some(Duration::from_secs(taken)));
    }
    assert_eq!(decoded(b"d5:peers0:e").interval, Duration::from_secs(1800));
    let huge = "µ".repeat(400_000);
    let body = format!("d14:failure reason{}:{huge}e", huge.len());
    let Err(AnnounceError::Refused { reason, retry_in: None }) = decode_reply(body.as_bytes()) else { panic!() };
    assert_eq!(reason.len(), 512);
    let body = format!("d5:peers0:15:warning message{}:x{huge}e", huge.len() + 1);
    assert_eq!(decoded(body.as_bytes()).warning.unwrap().len(), 511);
    for bogus in ["3:abc", "0:", "17:0123456789abcdefg", "i7e"] {
        assert_eq!(decoded(format!("d11:external ip{bogus}5:peers0:e").as_bytes()).external_ip, None);
    }
    let long = format!("d5:peers0:10:tracker id513:{}e", "x".repeat(513));
    assert_eq!(decoded(long.as_bytes()).tracker_id, None);
    assert_eq!(decoded(b"d8:completei-1e10:incompletei99999999999e5:peers0:e").incomplete, Some(u32::MAX));
}

#[test]
fn refusals_say_when_to_come_back() {
    let pause = |body: &str| match decode_reply(body.as_bytes()) {
        Err(AnnounceError::Refused { retry_in, .. }) => retry_in,
        other => panic!("{other:?}"),
    };
    assert_eq!(pause("d14:failure reason1:x8:retry in1:5e"), Some(Some(Duration::from_secs(300))));
    assert_eq!(pause("d14:failure reason1:x8:retry ini5ee"), Some(Some(Duration::from_secs(300))));
    assert_eq!(pause("d14:failure reason1:x8:retry in5:nevere"), Some(None));
    assert_eq!(pause("d14:failure reason1:x8:retry in4:soone"), None);
    assert_eq!(pause("d14:failure reason1:x8:retry ini9223372036854775807ee"), Some(Some(Duration::from_secs(86400))));
    let minutes = |n: u64| Some(Some(Duration::from_secs(60 * n)));
    for (said, heard) in
        [(None, None), (Some(None), Some(None)), (minutes(30), minutes(30)), (Some(Some(Duration::ZERO)), minutes(1))]
    {
        let error = AnnounceError::Refused { reason: "no".into(), retry_in: heard };
        assert_eq!(decode_reply(&encode_failure("no", said)), Err(error));
    }
}

#[test]
fn what_is_no_answer_is_named() {
    let words = |body: &[u8]| match decode_reply(body) {
        Err(AnnounceError::Malformed(what)) => what,
        other => panic!("{other:?}"),
    };
    assert!(words(b"").contains("empty"));
    assert!(words(b"<!DOCTYPE html><html>").contains("web page"));
    assert!(words(b"d8:intervali1").contains("cut off"));
    assert!(words(b"de").contains("neither"));
    assert!(words(b"le").contains("neither"));
    assert!(words("d1:a".repeat(100).as_bytes()).contains("levels of nesting"));
    assert!(words(&vec![b'l'; 2 << 20]).contains("at most"));
    assert_eq!(decoded(b"d5:peers0:e\r\n").peers, []);
}

#[test]
fn answers_of_our_own_come_back() {
    let reply = AnnounceReply {
        interval: Duration::from_secs(1234),
        min_interval: Some(Duration::from_secs(99)),
        peers: vec!["1.2.3.4:5".parse().unwrap(), "[2001:db8::1]:6".parse().unwrap()],
        ids: Vec::new(),
        complete: Some(3),
        incomplete: Some(4),
        tracker_id: Some(b"id".to_vec()),
        warning: Some("careful".into()),
        external_ip: Some([5, 6, 7, 8].into()),
    };
    assert_eq!(decoded(&encode_reply(&reply, true)), reply);
    assert_eq!(decoded(&encode_reply(&reply, false)), reply);
    let with_ids = AnnounceReply { ids: vec![Some(PeerId([b'x'; 20])), None], ..reply.clone() };
    let full = encode_reply(&with_ids, false);
    let peers = b"5:peersld2:ip7:1.2.3.47:peer id20:xxxxxxxxxxxxxxxxxxxx4:porti5eed2:ip11:2001:db8::14:porti6eee";
    assert!(full.windows(peers.len()).any(|part| part == peers), "{}", String::from_utf8_lossy(&full));
    assert_eq!(decoded(&full), reply, "ids are not read");
    assert_eq!(encode_reply(&with_ids, true), encode_reply(&reply, true), "the compact form has no room for ids");
    let entry = |n| ScrapeEntry { complete: n, downloaded: n + 1, incomplete: n + 2 };
    let entries = [(InfoHash([1; 20]), entry(1)), (InfoHash([2; 20]), entry(5))];
    assert_eq!(scrape::decode(&scrape::encode(&[entries[1], entries[0], entries[1]])).unwrap(), entries);
}

#[test]
fn scrape_urls() {
    let hash = [InfoHash([b'a'; 20])];
    let url = |text| scrape_url(text, &hash);
    assert_eq!(url("http://t/announce").unwrap(), "http://t/scrape?info_hash=aaaaaaaaaaaaaaaaaaaa");
    assert_eq!(url("http://t/x/announce.php?a=b").unwrap(), "http://t/x/scrape.php?a=b&info_hash=aaaaaaaaaaaaaaaaaaaa");
    assert_eq!(url("HTTP://T/announce#x").unwrap(), "http://t/scrape?info_hash=aaaaaaaaaaaaaaaaaaaa");
    assert_eq!(url("http://announce.example"), None);
    assert_eq!(url("http://announce.example:80?x=/announce"), None);
    assert_eq!(url("http://t/a"), None);
    assert_eq!(url("http://t/announce/x"), None);
}
