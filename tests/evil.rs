//! Some of ten seeds corrupt what they send (faults, row 20): the download ends whole, each corrupter costs a few pieces, and
//! nobody else is banned.

mod common;

use std::path::Path;
use std::time::Duration;

use common::content::{self, Shape};
use common::namespace::isolated;
use common::scripted::{Manner, Scripted};
use common::teem::Teem;
use common::torrent::Torrent;

const LIMIT: Duration = Duration::from_secs(120);
const PIECE: usize = 64 << 10;
/// Pieces that a corrupter may cost: three that failed and came wholly from it are the proof, and up to three more are under way by then.
const WASTED_MAX: usize = 6;

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
    assert!(wasted <= (WASTED_MAX * evil * PIECE) as u64, "{wasted} bytes wasted");
}
