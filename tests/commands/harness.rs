//! The harness itself, shown on other clients alone: what the tests of Teem rest on works without Teem.

use std::path::Path;
use std::time::Duration;

use crate::common::clients::{aria2::Aria2, libtorrent::Libtorrent, transmission::Transmission};
use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::torrent::Torrent;
use crate::common::trackers::opentracker::Opentracker;
use crate::common::{Client, Family, Job, Protocol, Seat, Swarm};
use teem_rig::process::Process;
use teem_rig::tracker::Tracker;

const LIBTORRENT: Libtorrent = Libtorrent { super_seeds: false };
const LIMIT: Duration = Duration::from_secs(120);

/// A tree, and a stock tracker that knows it.
fn tree(folder: &Path) -> (Torrent, Process) {
    content::write(folder, "tree of things", Shape::Tree, 1 << 20);
    let (protocol, at) = (Protocol::Http, Swarm::place(Family::V4));
    let torrent = Torrent::create(folder, "tree of things", 1 << 16, &[&Swarm::url(protocol, at)]);
    let swarm = Swarm { protocol, at, info_hash: torrent.info_hash.clone() };
    let tracker = Opentracker.start(&swarm, &folder.join("tracker"));
    (torrent, tracker)
}

#[test]
fn transmission_to_libtorrent_by_magnet() {
    let needs = [Transmission.needs(), LIBTORRENT.needs(), Opentracker.needs(Protocol::Http)];
    isolated("transmission_to_libtorrent_by_magnet", &needs, |folder| {
        let (torrent, _tracker) = tree(folder);
        let (first, second) = (folder.join("transmission"), folder.join("libtorrent"));
        let file = torrent.path.to_string_lossy();
        let _seed = Transmission.start(&Seat::new(1, Family::V4, &first), &Job::seed(&file, folder));
        let (out, link) = (folder.join("out"), torrent.magnet());
        LIBTORRENT.start(&Seat::new(2, Family::V4, &second), &Job::get(&link, &out)).wait_whole(LIMIT);
        content::assert_same(&folder.join(&torrent.name), &out.join(&torrent.name));
    });
}

#[test]
fn libtorrent_to_transmission_and_aria2() {
    let needs = [Transmission.needs(), LIBTORRENT.needs(), Opentracker.needs(Protocol::Http), Aria2.needs()];
    isolated("libtorrent_to_transmission_and_aria2", &needs, |folder| {
        let (torrent, _tracker) = tree(folder);
        let file = torrent.path.to_string_lossy();
        let homes = ["libtorrent", "transmission", "aria2"].map(|name| folder.join(name));
        let _seed = LIBTORRENT.start(&Seat::new(1, Family::V4, &homes[0]), &Job::seed(&file, folder));
        let (first, second) = (folder.join("first"), folder.join("second"));
        let mut slow = Transmission.start(&Seat::new(2, Family::V4, &homes[1]), &Job::get(&file, &first));
        Aria2.start(&Seat::new(3, Family::V4, &homes[2]), &Job::get(&file, &second)).wait_whole(LIMIT);
        slow.wait_whole(LIMIT);
        content::assert_same_but_empty(&folder.join(&torrent.name), &first.join(&torrent.name));
        content::assert_same(&folder.join(&torrent.name), &second.join(&torrent.name));
    });
}
