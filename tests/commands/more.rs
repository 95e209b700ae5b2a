//! Downloads that meet something in the way, and ends that were asked for.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::process::wait_until;
use crate::common::run::{Ran, command, teem};
use crate::common::scripted::{Manner, Scripted, Vice};
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use crate::common::tracker::{Answer, Tracker};
use crate::common::{PEER_PORT, TEEM_IP};

const LIMIT: Duration = Duration::from_secs(60);

/// `name` with other bytes for each `size`, and a seed of it at 198.18.2.`number`.
fn seeded(folder: &Path, number: u32, name: &str, size: u64) -> (Torrent, Scripted) {
    fs::create_dir_all(folder).expect("the folder is writable");
    content::write(folder, name, Shape::Single, size);
    let torrent = Torrent::create(folder, name, 32 << 10, &[]);
    let seed = Scripted::start(&format!("198.18.2.{number}"), "-HO0001-", &torrent, folder, Manner::default());
    (torrent, seed)
}

/// `teem get … --json` to its end.
fn get(folder: &Path, links: &[&Torrent], more: &[&str]) -> Ran {
    let paths: Vec<_> = links.iter().map(|torrent| torrent.path.to_string_lossy().into_owned()).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let listen = format!("{TEEM_IP}:{PEER_PORT}");
    teem(folder, &[&["get", "--json", "--listen", &listen, "-o", "out"], &paths[..], more].concat())
}

#[test]
fn two_torrents_of_one_name_do_not_mix() {
    isolated("two_torrents_of_one_name_do_not_mix", &[], |folder| {
        let (one, first) = seeded(&folder.join("a"), 1, "content", 300_000);
        let (two, second) = seeded(&folder.join("b"), 2, "content", 300_001);
        let peers = [first.address.to_string(), second.address.to_string()];
        let peers = ["--peer", &peers[0], "--peer", &peers[1]];
        let together = get(folder, &[&one, &two], &peers);
        assert_ne!(together.code, 0);
        assert!(together.err.contains("-o"), "{}", together.err);
        get(folder, &[&one], &peers).ended(0);
        let refused = get(folder, &[&two], &peers).ended(3);
        assert_eq!(refused.class(), "occupied");
        assert!(refused.err.contains("--overwrite"), "{}", refused.err);
        content::assert_same(&folder.join("a/content"), &folder.join("out/content"));
        get(folder, &[&two], &[&peers[..], &["--overwrite"]].concat()).ended(0);
        content::assert_same(&folder.join("b/content"), &folder.join("out/content"));
    });
}

#[test]
fn what_is_not_ours_is_left_alone() {
    isolated("what_is_not_ours_is_left_alone", &[], |folder| {
        let (torrent, seed) = seeded(&folder.join("a"), 1, "content", 200_000);
        let peer = seed.address.to_string();
        fs::create_dir(folder.join("out")).expect("the folder is writable");
        fs::write(folder.join("out/content"), "my diary").expect("the folder is writable");
        let refused = get(folder, &[&torrent], &["--peer", &peer]).ended(3);
        assert_eq!(refused.class(), "occupied");
        assert!(refused.err.contains("content"), "{}", refused.err);
        assert_eq!(fs::read(folder.join("out/content")).expect("still there"), b"my diary");
        get(folder, &[&torrent], &["--peer", &peer, "--overwrite"]).ended(0);
        content::assert_same(&folder.join("a/content"), &folder.join("out/content"));
    });
}

#[test]
fn part_of_it_by_other_means_is_gone_on_with() {
    isolated("part_of_it_by_other_means_is_gone_on_with", &[], |folder| {
        let (torrent, seed) = seeded(&folder.join("a"), 1, "content", 320 << 10);
        let half = &fs::read(folder.join("a/content")).expect("own content")[..160 << 10];
        fs::create_dir(folder.join("out")).expect("the folder is writable");
        fs::write(folder.join("out/content"), half).expect("the folder is writable");
        let ran = get(folder, &[&torrent], &["--peer", &seed.address.to_string()]).ended(0);
        let done = ran.lines().into_iter().find(|line| line["event"] == "done").expect("it says so");
        assert_eq!(done["downloaded"], 160 << 10, "{done}");
        content::assert_same(&folder.join("a/content"), &folder.join("out/content"));
    });
}

#[test]
fn a_second_process_is_told_who_holds_it() {
    isolated("a_second_process_is_told_who_holds_it", &[], |folder| {
        let (torrent, seed) = seeded(&folder.join("a"), 1, "content", 200_000);
        let (link, peer) = (torrent.path.to_string_lossy(), seed.address.to_string());
        let args = ["get", &link, "-o", "out", "--json", "--listen", ":0", "--seed", "--peer", &peer];
        let mut first = crate::common::process::Process::start(&mut command(folder, &args));
        first.wait_line("completion", LIMIT, |line| line.contains("\"done\"").then_some(()));
        let refused = get(folder, &[&torrent], &[]).ended(3);
        assert_eq!(refused.class(), "locked");
        assert!(refused.err.contains(&first.id().to_string()), "{} is not named: {}", first.id(), refused.err);
        drop(first); // killed, not ended: the lock goes with it
        get(folder, &[&torrent], &[]).ended(0);
    });
}

#[test]
fn several_links_together() {
    isolated("several_links_together", &[], |folder| {
        let all: Vec<_> =
            (1u32..=3).map(|i| seeded(&folder.join("a"), i, &format!("content {i}"), 150_000 + u64::from(i))).collect();
        let torrents: Vec<&Torrent> = all.iter().map(|(torrent, _)| torrent).collect();
        let peers: Vec<String> = all.iter().flat_map(|(_, seed)| ["--peer".into(), seed.address.to_string()]).collect();
        let peers: Vec<&str> = peers.iter().map(String::as_str).collect();
        let ran = get(folder, &torrents, &peers).ended(0);
        assert_eq!(ran.lines().iter().filter(|line| line["event"] == "done").count(), 3);
        for torrent in torrents {
            content::assert_same(&folder.join("a").join(&torrent.name), &folder.join("out").join(&torrent.name));
        }
    });
}

#[test]
fn what_does_not_move_is_explained() {
    isolated("what_does_not_move_is_explained", &[], |folder| {
        let tracker = Tracker::start(Answer::Body("d14:failure reason20:torrent is not knowne"));
        fs::create_dir(folder.join("a")).expect("the folder is writable");
        content::write(&folder.join("a"), "content", Shape::Single, 100_000);
        let torrent = Torrent::create(&folder.join("a"), "content", 32 << 10, &[&tracker.url]);
        let begun = Instant::now();
        let link = torrent.path.to_string_lossy();
        let mut teem = Teem::get(&folder.join("home"), &link, &folder.join("out"), &["--peer", "198.18.9.9:9"]);
        let why = teem.wait_event("stalled", LIMIT)["why"].as_str().expect("a sentence").to_string();
        assert!(begun.elapsed() < Duration::from_secs(12), "only after {:?}", begun.elapsed());
        assert!(why.contains("torrent is not known"), "{why}");
        assert!(why.contains("refused"), "{why}");
        drop(teem);
        let gave_up = get(folder, &[&torrent], &["--timeout", "1s", "--peer", "198.18.9.9:9"]).ended(4);
        assert_eq!(gave_up.class(), "timeout");
        let told = command(folder, &["get", &link, "-o", "other", "--timeout", "1s", "--listen", ":0"]).output();
        let told = String::from_utf8_lossy(&told.expect("it runs").stderr).into_owned();
        assert!(told.contains("torrent is not known"), "{told}");
    });
}

#[test]
fn seeding_ends_by_ratio_and_by_time() {
    isolated("seeding_ends_by_ratio_and_by_time", &[], |folder| {
        let (torrent, seed) = seeded(&folder.join("a"), 1, "content", 400_000);
        let (link, peer) = (torrent.path.to_string_lossy(), seed.address.to_string());
        let out = folder.join("out");
        let mut giver = Teem::get(&folder.join("home"), &link, &out, &["--peer", &peer, "--until", "ratio=1"]);
        giver.wait_event("done", LIMIT);
        let from = format!("{TEEM_IP}:{PEER_PORT}");
        let listen = format!("198.18.0.6:{PEER_PORT}");
        let more = ["get", &link, "-o", "taken", "--listen", &listen, "--peer", &from, "--until", "1s"];
        let taker = teem(folder, &more).ended(0);
        assert!(taker.err.contains("complete"), "{}", taker.err);
        content::assert_same(&folder.join("a/content"), &folder.join("taken/content"));
        giver.wait_complete(LIMIT);
    });
}

#[test]
fn when_all_lie_nothing_is_taken_and_nothing_spins() {
    isolated("when_all_lie_nothing_is_taken_and_nothing_spins", &[], |folder| {
        content::write(folder, "content", Shape::Single, 600_000);
        let torrent = Torrent::create(folder, "content", 32 << 10, &[]);
        let lies = Manner { vice: Vice::Lies, ..Manner::default() };
        let liars: Vec<_> =
            (1u32..=2).map(|i| Scripted::start(&format!("198.18.2.{i}"), "-qB4520-", &torrent, folder, lies)).collect();
        let peers: Vec<String> = liars.iter().flat_map(|liar| ["--peer".into(), liar.address.to_string()]).collect();
        let peers: Vec<&str> = peers.iter().map(String::as_str).collect();
        let mut get = Teem::get(&folder.join("home"), &torrent.path.to_string_lossy(), &folder.join("out"), &peers);
        wait_until("ban of both", LIMIT, || (get.events("banned").len() >= 2).then_some(()));
        let before = cpu_ticks(get.id());
        get.wait_event("stalled", LIMIT);
        let spent = cpu_ticks(get.id()) - before;
        assert!(spent < 200, "{spent} hundredths of a second of processor time while nothing happened");
        assert!(get.events("complete").is_empty());
        get.assert_runs();
    });
}

/// Processor time of a process so far, in hundredths of a second (proc(5), fields 14 and 15).
fn cpu_ticks(id: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("it runs");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    fields[11].parse::<u64>().expect("a number") + fields[12].parse::<u64>().expect("a number")
}
