//! The harness itself, shown on other clients alone: what the tests of Teem rest on works without Teem.

mod common;

use std::path::Path;
use std::time::Duration;

use common::aria2::Aria2;
use common::content::{self, Shape};
use common::libtorrent::Libtorrent;
use common::namespace::isolated;
use common::opentracker::Opentracker;
use common::torrent::Torrent;
use common::transmission::Transmission;
use common::{OTHER_IP, THIRD_IP, aria2, libtorrent, opentracker, transmission};

const LIMIT: Duration = Duration::from_secs(120);

fn tree(folder: &Path, tracker: &str) -> Torrent {
    content::write(folder, "tree of things", Shape::Tree, 1 << 20);
    Torrent::create(folder, "tree of things", 1 << 16, &[tracker])
}

#[test]
fn transmission_to_libtorrent_by_magnet() {
    let needs = [transmission::NEEDS, libtorrent::NEEDS, opentracker::NEEDS];
    isolated("transmission_to_libtorrent_by_magnet", &needs, |folder| {
        let torrent = tree(folder, &Opentracker::http());
        let _tracker = Opentracker::start(&folder.join("tracker"), &torrent);
        let mut seed = Transmission::start(&folder.join("transmission"), OTHER_IP);
        seed.seed(&torrent.path, folder);
        let out = folder.join("out");
        Libtorrent::get(&torrent.magnet(), &out, THIRD_IP, &[]).wait_complete(LIMIT);
        content::assert_same(&folder.join(&torrent.name), &out.join(&torrent.name));
    });
}

#[test]
fn libtorrent_to_transmission_and_aria2() {
    let needs = [transmission::NEEDS, libtorrent::NEEDS, opentracker::NEEDS, aria2::NEEDS];
    isolated("libtorrent_to_transmission_and_aria2", &needs, |folder| {
        let torrent = tree(folder, &Opentracker::http());
        let _tracker = Opentracker::start(&folder.join("tracker"), &torrent);
        let _seed = Libtorrent::seed(&torrent.path, folder, OTHER_IP);
        let mut other = Transmission::start(&folder.join("transmission"), THIRD_IP);
        let (first, second) = (folder.join("first"), folder.join("second"));
        other.get(&torrent.path.to_string_lossy(), &first);
        Aria2::get(&torrent.path.to_string_lossy(), &second, "198.18.0.9").wait_complete(LIMIT);
        other.wait_complete(LIMIT);
        content::assert_same_but_empty(&folder.join(&torrent.name), &first.join(&torrent.name));
        content::assert_same(&folder.join(&torrent.name), &second.join(&torrent.name));
    });
}
