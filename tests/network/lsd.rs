//! Local service discovery (BEP 14) on two hosts of one network: each finds the other by nothing else, with itself and with other clients, both ways.

#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no

use std::path::Path;
use std::time::Duration;

use crate::common::clients::aria2::Aria2;
use crate::common::clients::libtorrent::Libtorrent;
use crate::common::clients::transmission::Transmission;
use crate::common::content::{self, Shape};
use crate::common::lan::{FAR_IP, Lan, NEAR_IP, PUBLIC};
use crate::common::namespace::isolated;
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use crate::common::{Client, Job, Seat};

/// Some call a while after their start, and again after five minutes.
const LIMIT: Duration = Duration::from_secs(200);
const SIZE: u64 = 4 << 20;

/// Teem on the far host. It seeds what lies in the folder, or fetches into it.
fn far(lan: &Lan, link: &str, folder: &Path, more: &[&str]) -> Teem {
    let home = folder.join("far-home");
    std::fs::create_dir_all(&home).unwrap();
    let listen = format!("{FAR_IP}:42001");
    let into = folder.to_string_lossy();
    let wrapper = lan.far();
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).chain(["env", "TEEM_NO_LSD=0"]).collect();
    let args = ["get", link, "-o", &into, "--seed", "--listen", &listen];
    Teem::start_under(&wrapper, &home, &[&args[..], more].concat())
}

fn near(folder: &Path) -> Seat {
    Seat::at(0, NEAR_IP, &folder.join("seat"))
}

/// Another client gets from Teem.
fn takes(test: &str, client: &dyn Client) {
    isolated(test, &[client.needs()], |folder| {
        let lan = Lan::join();
        content::write(folder, "content", Shape::Single, SIZE);
        let torrent = Torrent::create(folder, "content", 64 << 10, &[]);
        let link = torrent.path.to_string_lossy();
        let out = folder.join("out");
        let mut get = client.start(&near(folder), &Job { lsd: true, ..Job::get(&link, &out) });
        let mut seed = far(&lan, &link, folder, &[]);
        get.wait_whole(LIMIT);
        seed.assert_runs();
        content::assert_same(&folder.join("content"), &out.join("content"));
    });
}

/// Teem gets from another client.
fn gives(test: &str, client: &dyn Client) {
    isolated(test, &[client.needs()], |folder| {
        let lan = Lan::join();
        content::write(folder, "content", Shape::Single, SIZE);
        let torrent = Torrent::create(folder, "content", 64 << 10, &[]);
        let link = torrent.path.to_string_lossy();
        let out = folder.join("out");
        std::fs::create_dir_all(&out).unwrap();
        // It is there when the seed calls.
        let mut get = far(&lan, &link, &out, &[]);
        let _seed = client.start(&near(folder), &Job { lsd: true, ..Job::seed(&link, folder) });
        get.wait_event("complete", LIMIT);
        content::assert_same(&folder.join("content"), &out.join("content"));
    });
}

#[test]
fn libtorrent_finds_us() {
    takes("libtorrent_finds_us", &Libtorrent { super_seeds: false });
}

#[test]
fn libtorrent_is_found() {
    gives("libtorrent_is_found", &Libtorrent { super_seeds: false });
}

#[test]
fn transmission_finds_us() {
    takes("transmission_finds_us", &Transmission);
}

#[test]
fn aria2_finds_us() {
    takes("aria2_finds_us", &Aria2);
}

/// Two of ours; by the hash alone, so that the metadata comes from the one that is found.
#[test]
fn two_of_ours_find_each_other_by_the_hash_alone() {
    isolated("two_of_ours_find_each_other_by_the_hash_alone", &[], |folder| {
        let lan = Lan::join();
        content::write(folder, "content", Shape::Single, SIZE);
        let torrent = Torrent::create(folder, "content", 64 << 10, &[]);
        let (listen, out) = (format!("{NEAR_IP}:42000"), folder.join("out"));
        let home = folder.join("near-home");
        std::fs::create_dir_all(&home).unwrap();
        let into = out.to_string_lossy();
        let args = ["get", &torrent.info_hash, "-o", &into, "--listen", &listen];
        let mut get = Teem::start_under(&["env", "TEEM_NO_LSD=0"], &home, &args);
        let _seed = far(&lan, &torrent.path.to_string_lossy(), folder, &[]);
        get.wait_complete(LIMIT);
        content::assert_same(&folder.join("content"), &out.join("content"));
    });
}

/// Addresses that the world could reach are taken at their word within the network that they are of.
#[test]
fn two_of_ours_find_each_other_by_public_addresses_of_one_network() {
    isolated("two_of_ours_find_each_other_by_public_addresses_of_one_network", &[], |folder| {
        let lan = Lan::in_public();
        content::write(folder, "content", Shape::Single, SIZE);
        let torrent = Torrent::create(folder, "content", 64 << 10, &[]);
        let (out, from) = (folder.join("out"), folder.to_string_lossy());
        let home = |name: &str| {
            let home = folder.join(name);
            std::fs::create_dir_all(&home).unwrap();
            home
        };
        let (into, link) = (out.to_string_lossy(), torrent.path.to_string_lossy());
        let [near, far] = ["1:42000", "2:42001"].map(|host| format!("{PUBLIC}.{host}"));
        let args = ["get", &torrent.info_hash, "-o", &into, "--listen", &near];
        let mut get = Teem::start_under(&["env", "TEEM_NO_LSD=0"], &home("near-home"), &args);
        let wrapper = lan.far();
        let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).chain(["env", "TEEM_NO_LSD=0"]).collect();
        let args = ["get", &link, "-o", &from, "--seed", "--listen", &far];
        let _seed = Teem::start_under(&wrapper, &home("far-home"), &args);
        get.wait_complete(LIMIT);
        content::assert_same(&folder.join("content"), &out.join("content"));
    });
}

/// The far one hears every call, so what it does not hear of was not called for.
#[test]
fn a_private_torrent_and_one_that_is_told_not_to_call_for_nothing() {
    isolated("a_private_torrent_and_one_that_is_told_not_to_call_for_nothing", &[], |folder| {
        let lan = Lan::join();
        content::write(folder, "content", Shape::Single, SIZE);
        let torrent = Torrent::create(folder, "content", 64 << 10, &[]);
        let private = folder.join("private.torrent");
        let bytes = std::fs::read(&torrent.path).unwrap();
        // The last key of the info dictionary is `pieces`: `private` stands behind it in order.
        let end = bytes.len() - 2;
        std::fs::write(&private, [&bytes[..end], b"7:privatei1e", &bytes[end..]].concat()).unwrap();
        let heard = listen();
        let mut seeds = [
            far(&lan, &private.to_string_lossy(), folder, &[]),
            near_seed(folder, "quiet", 42_010, &["--no-lsd"], &torrent.path.to_string_lossy()),
        ];
        for seed in &mut seeds {
            seed.wait_event("complete", LIMIT);
        }
        // Each calls within a second or two of its start, so what is heard by the third's call is all that the others have said.
        let other = Torrent::create(folder, "content", 32 << 10, &[]);
        let _caller = near_seed(folder, "calls", 42_020, &[], &other.path.to_string_lossy());
        let first = heard.recv_timeout(LIMIT).unwrap();
        assert!(first.contains(&other.info_hash) && first.contains("\r\nPort: 42020\r\n"), "{first}");
        let named = first.lines().filter(|line| line.starts_with("Infohash")).count();
        assert_eq!(named, 1, "{first}");
    });
}

/// Teem on the near host, with the content.
fn near_seed(folder: &Path, name: &str, port: u16, more: &[&str], link: &str) -> Teem {
    let home = folder.join(name);
    std::fs::create_dir_all(&home).unwrap();
    let (listen, into) = (format!("{NEAR_IP}:{port}"), folder.to_string_lossy());
    let args = ["get", link, "-o", &into, "--seed", "--listen", &listen];
    Teem::start_under(&["env", "TEEM_NO_LSD=0"], &home, &[&args[..], more].concat())
}

/// What is called on the near host's network from now on.
fn listen() -> std::sync::mpsc::Receiver<String> {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_reuse_port(true).unwrap();
    let at: std::net::SocketAddr = "0.0.0.0:6771".parse().unwrap();
    socket.bind(&at.into()).unwrap();
    let socket = std::net::UdpSocket::from(socket);
    let std::net::IpAddr::V4(near) = NEAR_IP else { unreachable!("it is one of IPv4") };
    socket.join_multicast_v4(&"239.192.152.143".parse().unwrap(), &near).unwrap();
    let (sender, calls) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut room = [0; 2_000];
        while let Ok((len, _)) = socket.recv_from(&mut room) {
            if sender.send(String::from_utf8_lossy(&room[..len]).into_owned()).is_err() {
                return;
            }
        }
    });
    calls
}
