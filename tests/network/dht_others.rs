//! Teem and other clients find each other by the DHT alone (BEP 5): both get what the other seeds, by nothing but an info-hash. A few nodes of ours stand
//! between them; no tracker, no list of peers, no local discovery.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::common::clients::aria2::Aria2;
use crate::common::clients::libtorrent::Libtorrent;
use crate::common::clients::qbittorrent::{NAMES, Qbittorrent};
use crate::common::clients::rqbit::Rqbit;
use crate::common::clients::teem::Teem as TeemClient;
use crate::common::clients::transmission::Transmission;
use crate::common::content::{self, Shape};
use crate::common::dht::{NODE_PORT, bare, wait_announced};
use crate::common::namespace::{isolated, name};
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use crate::common::{Client, Job, Seat};

/// Transmission takes half a minute to announce, and as much to look up.
const LIMIT: Duration = Duration::from_secs(120);
/// The seats of the four that find each other; nodes have those before.
const FIRST: u16 = 40;
const SIZE: u64 = (1 << 20) + 1;

/// That many nodes of Teem, each with something to share, since a node without is silent. The first is known to all others.
fn nodes(folder: &Path, count: u16) -> (Vec<Teem>, Vec<SocketAddr>) {
    let seat = |n| Seat::apart(n, &folder.join(format!("node-{n}")));
    let addrs: Vec<_> = (1..=count).map(|n| SocketAddr::new(seat(n).ip, NODE_PORT)).collect();
    let start = |n: u16| {
        let (seat, own) = (seat(n), format!("shared-{n}"));
        content::write(folder, &own, Shape::Single, 20_000 + u64::from(n));
        let (path, at) = (folder.join(own), addrs[usize::from(n) - 1].to_string());
        let (path, first) = (path.to_string_lossy(), addrs[0].to_string());
        let args = ["share", &path, "--hidden", "--no-tracker", "--listen", &at, "--dht-bootstrap", &first];
        Teem::start_in_dht(&seat.home, &args)
    };
    ((1..=count).map(start).collect(), addrs)
}

/// What one of them seeds.
fn torrent(folder: &Path, name: &str) -> Torrent {
    content::write(folder, name, Shape::Single, SIZE);
    Torrent::create(folder, name, 64 << 10, &[])
}

/// The other seeds and Teem gets, and the other way round, in a network of that many nodes besides. One that does not tell the DHT what it has can find who
/// wants that, so it begins to seed afterwards.
fn each_finds_the_other(test: &str, other: &dyn Client, tells: bool, count: u16) {
    isolated(test, &[other.needs()], |folder| {
        let teem = TeemClient { binary: env!("CARGO_BIN_EXE_teem").into(), plain: false };
        let (_nodes, nodes) = nodes(folder, count);
        name(folder, &NAMES, nodes[0].ip());
        let (ours, theirs) = (torrent(folder, "ours"), torrent(folder, "theirs"));
        let seat = |n: u16| Seat::apart(FIRST + n, &folder.join(format!("seat-{n}")));
        let seed = |client: &dyn Client, n, torrent: &Torrent| {
            client.start(&seat(n), &Job { dht: &nodes, ..Job::seed(&torrent.path.to_string_lossy(), folder) })
        };
        let get = |client: &dyn Client, n, torrent: &Torrent| {
            let (link, out) = (bare(torrent), folder.join(format!("out-{n}")));
            client.start(&seat(n), &Job { dht: &nodes, ..Job::get(&link, &out) })
        };
        let _ours = seed(&teem, 0, &ours);
        let early = (!tells).then(|| get(&teem, 3, &theirs));
        if early.is_some() {
            wait_announced(&nodes, &theirs, LIMIT);
        }
        let _theirs = seed(other, 1, &theirs);
        wait_announced(&nodes, &ours, LIMIT);
        let mut by_other = get(other, 2, &ours);
        let mut by_us = early.unwrap_or_else(|| {
            wait_announced(&nodes, &theirs, LIMIT);
            get(&teem, 3, &theirs)
        });
        by_us.wait_whole(LIMIT);
        content::assert_same(&folder.join("theirs"), &folder.join("out-3/theirs"));
        by_other.wait_whole(LIMIT);
        content::assert_same(&folder.join("ours"), &folder.join("out-2/ours"));
    });
}

#[test]
fn libtorrent() {
    each_finds_the_other("libtorrent", &Libtorrent { super_seeds: false }, true, 1);
}

#[test]
fn aria2() {
    each_finds_the_other("aria2", &Aria2, true, 1);
}

#[test]
fn qbittorrent() {
    each_finds_the_other("qbittorrent", &Qbittorrent, true, 1);
}

/// It never asks again where the nodes that it begins with name no others, so there are some; and it announces nothing (9.1, seen among 20 nodes).
#[test]
fn rqbit() {
    each_finds_the_other("rqbit", &Rqbit, false, 3);
}

/// It announces once it knows nine.
#[test]
fn transmission() {
    each_finds_the_other("transmission", &Transmission, true, 11);
}
