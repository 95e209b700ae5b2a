//! Killed at twenty random moments, a download goes on each time from the pieces it had: none of them is fetched again.

use std::time::{Duration, Instant, SystemTime};

use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::scripted::{Manner, Scripted};
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);
const KILLS: u32 = 20;
/// Slow enough that the download outlasts all kills.
const RATE: u64 = 512 << 10;
const PIECE: usize = 32 << 10;

#[test]
fn killed_at_twenty_moments() {
    isolated("killed_at_twenty_moments", &[], |folder| {
        content::write(folder, "content", Shape::Tree, 32 << 20);
        let torrent = Torrent::create(folder, "content", PIECE, &[]);
        let slow = Manner { rate: RATE, ..Manner::default() };
        let seed = Scripted::start("198.18.2.1", "-HO0001-", &torrent, folder, slow);
        let (home, out) = (folder.join("home"), folder.join("out"));
        let peer = seed.address.to_string();
        let link = torrent.path.to_string_lossy();
        let start = || Teem::get(&home, &link, &out, &["--peer", &peer]);
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut random = since_epoch.as_nanos() as u64 | 1;
        eprintln!("figure: seed of the moments: {random}");
        let mut had = 0;
        for kill in 1..=KILLS {
            let mut get = start();
            let resumed = get.wait_line("a download that goes on", LIMIT, downloading);
            assert!(resumed >= had, "kill {kill}: had {had} bytes, has {resumed}");
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let moment = Instant::now() + Duration::from_millis(100 + random % 900);
            had = resumed;
            while let Some(have) = get.poll_line(moment, downloading) {
                had = had.max(have);
            }
        } // dropping it is kill -9
        seed.hurry();
        start().wait_complete(LIMIT);
        content::assert_same(&folder.join("content"), &out.join("content"));
        // What was under way at a kill is lost, what was whole is not.
        let again: u32 = seed.begun().iter().map(|times| times.saturating_sub(1)).sum();
        eprintln!("figure: {again} of {} pieces were begun again after {KILLS} kills", seed.begun().len());
    });
}

/// The verified bytes that a status line tells, once checking is over.
fn downloading(line: &str) -> Option<u64> {
    let value: Value = serde_json::from_str(line).ok()?;
    let told = value["event"] == "status" && value["state"] == "downloading";
    told.then(|| value["have"].as_u64()).flatten()
}
