//! Peers that cheat a swarm (faults, rows 19 to 21): some of ten seeds corrupt what they send, some claim everything and send
//! nothing, some take and give nothing. The honest get everything, lose little, and are never banned.

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::content::{self, Shape};
use common::namespace::isolated;
use common::scripted::{Manner, Scripted};
use common::teem::Teem;
use common::torrent::Torrent;
use common::tracker_url;
use common::{PEER_PORT, TEEM_IP};

const LIMIT: Duration = Duration::from_secs(120);
const PIECE: usize = 64 << 10;
/// Pieces that a corrupter may cost on average (faults, row 20), and how many more in all: one is usual, but what the first one is
/// trusted with when it first lies is chance.
const WASTED_MAX: (usize, usize) = (2, 2);

#[test]
fn row_20_one_of_ten_corrupts() {
    isolated("row_20_one_of_ten_corrupts", &[], |folder| corrupters(folder, 1));
}

#[test]
fn row_20_five_of_ten_corrupt() {
    isolated("row_20_five_of_ten_corrupt", &[], |folder| corrupters(folder, 5));
}

#[test]
fn row_20_nine_of_ten_corrupt() {
    isolated("row_20_nine_of_ten_corrupt", &[], |folder| corrupters(folder, 9));
}

fn corrupters(folder: &Path, evil: usize) {
    content::write(folder, "content", Shape::Single, 8 << 20);
    let torrent = Torrent::create(folder, "content", PIECE, &[]);
    let seeds: Vec<_> = (0..10)
        .map(|i| {
            let manner = Manner { rate: 1 << 20, lies: i < evil, ..Manner::default() };
            Scripted::start(&format!("198.18.2.{}", i + 1), "-HO0001-", &torrent, folder, manner)
        })
        .collect();
    let peers: Vec<String> = seeds.iter().flat_map(|seed| ["--peer".into(), seed.address.to_string()]).collect();
    let peers: Vec<&str> = peers.iter().map(String::as_str).collect();
    let out = folder.join("out");
    let mut get = Teem::get(&folder.join("home"), &torrent.path.to_string_lossy(), &out, &peers);
    let done = get.wait_event("done", LIMIT);
    content::assert_same(&folder.join("content"), &out.join("content"));
    let banned = get.events("banned");
    for ban in &banned {
        let addr = ban["addr"].as_str().expect("an address");
        assert!(seeds[..evil].iter().any(|seed| seed.address.to_string() == addr), "an honest peer: {ban}");
    }
    let wasted = done["wasted"].as_u64().expect("bytes");
    eprintln!("figure: {evil} of ten corrupt, {} banned, {} pieces wasted", banned.len(), wasted / PIECE as u64);
    assert!(wasted <= ((WASTED_MAX.0 * evil + WASTED_MAX.1) * PIECE) as u64, "{wasted} bytes wasted");
}

#[test]
fn rows_19_and_21_those_who_only_claim_and_those_who_only_take() {
    isolated("rows_19_and_21_those_who_only_claim_and_those_who_only_take", &[], |folder| {
        content::write(folder, "content", Shape::Single, 16 << 20);
        let torrent = Torrent::create(folder, "content", PIECE, &[&tracker_url()]);
        let _tracker = Teem::track(&folder.join("track"));
        let keeps = Manner { keeps: true, ..Manner::default() };
        let claim: Vec<_> =
            (1..=8).map(|i| Scripted::start(&format!("198.18.2.{i}"), "-HO0001-", &torrent, folder, keeps)).collect();
        let peers: Vec<String> = claim.iter().flat_map(|peer| ["--peer".into(), peer.address.to_string()]).collect();
        let peers: Vec<&str> = peers.iter().map(String::as_str).collect();
        let link = torrent.path.to_string_lossy();
        let listen = format!("{TEEM_IP}:{PEER_PORT}");
        let data = folder.to_string_lossy();
        let args = ["seed", &link, "--data", &data, "--listen", &listen, "--up", "2Mi"];
        let mut source = Teem::start(&folder.join("source"), &args);
        source.wait_event("tracker", LIMIT);
        let begun = Instant::now();
        let get = |i: u64, up: &str| {
            let home = folder.join(format!("peer{i}"));
            let (out, listen) = (home.join("out"), format!("198.18.1.{i}:{PEER_PORT}"));
            let args = ["get", &link, "-o", &out.to_string_lossy(), "--listen", &listen, "--seed", "--up", up];
            (Teem::start(&home, &[&args[..], &peers].concat()), out)
        };
        let takers: Vec<_> = (1..=2).map(|i| get(i, "1")).collect();
        let mut honest: Vec<_> = (3..=6).map(|i| get(i, "2Mi")).collect();
        for (get, out) in &mut honest {
            get.wait_event("done", LIMIT);
            content::assert_same(&folder.join("content"), &out.join("content"));
            assert!(get.events("banned").is_empty(), "{:?}", get.events("banned"));
        }
        let took = begun.elapsed().as_secs_f64();
        let all_out = source.wait_event("all_out", LIMIT)["sent"].as_u64().expect("bytes");
        let copies = all_out as f64 / f64::from(16 << 20);
        eprintln!(
            "figure: all honest ones done after {took:.1} s (the bound is 9.6 s); {copies:.3} copies until all was out"
        );
        assert!(copies <= 1.3, "{copies} copies");
        drop(takers);
    });
}
