//! A publisher behind a router: miniupnpd leads others to it by each of its protocols, and a router with odd answers does too (RFC 6886, 6887, UPnP).
//! Its port outside is what a tracker is told, and nothing is left at the router at the end.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::common::TEEM_IP;
use crate::common::content::{self, Shape};
use crate::common::namespace::{Needs, isolated};
use crate::common::process::{Process, wait_until};
use crate::common::teem::Teem;
use crate::common::tracker::{Answer, Tracker};
use teem_rig::router::{HOME_V6, OUTSIDE_IP, Router, Speaks, WORLD_V6};

const LIMIT: Duration = Duration::from_secs(60);
const SIZE: u64 = 300_000;
const PYTHON: Needs = Needs::Command("python3", "--version");

/// `share` at home, announced to a tracker in the world; the first line of the content's own is waited for.
fn share(router: &Router, folder: &Path, tracker: &Tracker) -> Teem {
    content::write(folder, "content", Shape::Single, SIZE);
    let home = router.home();
    let home: Vec<&str> = home.iter().map(String::as_str).collect();
    let (path, file) = (folder.join("content"), folder.join("content.torrent"));
    let (path, file) = (path.to_string_lossy(), file.to_string_lossy());
    let args = ["share", &path, "--tracker", &tracker.url, "-o", &file];
    let mut share = Teem::start_under(&home, &folder.join("home"), &args);
    share.wait_event("ready", LIMIT);
    share
}

/// Waits for the line that says that ports were mapped.
fn mapped(share: &mut Teem) -> (String, u64) {
    let said = share.wait_event("mapped", LIMIT);
    assert_eq!((&said["address"], &said["tcp"]), (&OUTSIDE_IP.into(), &said["udp"]), "{said}");
    (said["by"].as_str().unwrap().to_owned(), said["tcp"].as_u64().unwrap())
}

fn announced(tracker: &Tracker, port: u64) {
    let wanted = format!("port={port}");
    let said = || tracker.queries().iter().any(|query| query.split('&').any(|part| part == wanted));
    wait_until(&wanted, LIMIT, || said().then_some(()));
}

/// Somebody in the world gets the content through the router.
fn got(folder: &Path, port: u64) {
    got_from(folder, &format!("{OUTSIDE_IP}:{port}"), &format!("{TEEM_IP}:42000"));
}

fn got_from(folder: &Path, peer: &str, listen: &str) {
    let out = folder.join("out");
    let torrent = folder.join("content.torrent");
    let (link, into) = (torrent.to_string_lossy(), out.to_string_lossy());
    let args = ["get", &link, "-o", &into, "--listen", listen, "--peer", peer];
    let mut get = Teem::start(&folder.join("world"), &args);
    get.wait_complete(LIMIT);
    assert_eq!(std::fs::read(out.join("content")).unwrap(), std::fs::read(folder.join("content")).unwrap());
}

fn by_miniupnpd(test: &str, speaks: Speaks, by: &str) {
    isolated(test, &[Router::NEEDS, Router::MINIUPNPD], |folder| {
        let (router, tracker) = (Router::stand(), Tracker::start(Answer::Nobody));
        let _daemon = router.miniupnpd(folder, speaks);
        let mut share = share(&router, folder, &tracker);
        let (way, port) = mapped(&mut share);
        assert_eq!(way, by);
        assert_eq!(router.rules().matches("dnat ip to 10.0.0.7").count(), 2, "TCP and UDP: {}", router.rules());
        announced(&tracker, port);
        got(folder, port);
        let said = share.wait_event("reachable", LIMIT);
        assert_eq!(said["v4"], "mapped", "a stranger has come: {said}");
        share.terminate();
        share.wait_exit(LIMIT);
        assert_eq!(router.rules().matches("dnat").count(), 0, "nothing is left: {}", router.rules());
    });
}

#[test]
fn miniupnpd_leads_peers_here_by_pcp() {
    by_miniupnpd("miniupnpd_leads_peers_here_by_pcp", Speaks::Pcp, "PCP");
}

#[test]
fn miniupnpd_leads_peers_here_by_nat_pmp() {
    by_miniupnpd("miniupnpd_leads_peers_here_by_nat_pmp", Speaks::NatPmp, "NAT-PMP");
}

#[test]
fn miniupnpd_leads_peers_here_by_upnp() {
    by_miniupnpd("miniupnpd_leads_peers_here_by_upnp", Speaks::Upnp, "UPnP");
}

/// The router's firewall before IPv6 is opened, and closed at the end: a peer of the world comes through it.
#[test]
fn miniupnpd_opens_its_firewall_by_pcp() {
    isolated("miniupnpd_opens_its_firewall_by_pcp", &[Router::NEEDS, Router::MINIUPNPD], |folder| {
        let (router, tracker) = (Router::with_v6(), Tracker::start(Answer::Nobody));
        let _daemon = router.miniupnpd(folder, Speaks::Pcp);
        let mut share = share(&router, folder, &tracker);
        let said = loop {
            let said = share.wait_event("mapped", LIMIT);
            if said["family"] == "v6" {
                break said;
            }
        };
        let port = said["tcp"].as_u64().unwrap();
        assert_eq!((&said["by"], &said["address"], port), (&"PCP".into(), &HOME_V6.into(), 21_473), "{said}");
        // The rules of miniupnpd have the address as bytes.
        let gaps = || router.rules().matches("0x20010db8000700000000000000000007").count();
        assert_eq!(gaps(), 2, "TCP and UDP: {}", router.rules());
        got_from(folder, &format!("[{HOME_V6}]:{port}"), &format!("[{WORLD_V6}]:42000"));
        share.terminate();
        share.wait_exit(LIMIT);
        assert_eq!(gaps(), 0, "nothing is left: {}", router.rules());
    });
}

fn odd(router: &Router, words: &[&str]) -> Process {
    let [nsenter, net, end] = router.router();
    let script = include_str!("../common/odd_router.py");
    let mut odd = Process::start(Command::new(nsenter).args([&net, &end, "python3", "-c", script]).args(words));
    odd.wait_line("odd router", LIMIT, |line| (line == "ready").then_some(()));
    odd
}

#[test]
fn a_port_outside_that_changes_reaches_the_tracker() {
    isolated("a_port_outside_that_changes_reaches_the_tracker", &[Router::NEEDS, PYTHON], |folder| {
        let (router, tracker) = (Router::stand(), Tracker::start(Answer::Nobody));
        let mut odd = odd(&router, &["natpmp", "10", "40000", "40001"]);
        let mut share = share(&router, folder, &tracker);
        assert_eq!(mapped(&mut share), ("NAT-PMP".into(), 40_000));
        announced(&tracker, 40_000);
        assert_eq!(mapped(&mut share).1, 40_001, "at half the life that was given");
        announced(&tracker, 40_001);
        share.terminate();
        share.wait_exit(LIMIT);
        for op in ["1", "2"] {
            let end = format!("map {op} 21473 0 0");
            odd.wait_line("the end", LIMIT, |line| (line == end).then_some(()));
        }
    });
}

/// The provider's router has the address that others see us at, and ours has one of its customers': a port of it leads nobody here.
#[test]
fn an_address_that_a_provider_shares_is_said() {
    isolated("an_address_that_a_provider_shares_is_said", &[Router::NEEDS, PYTHON], |folder| {
        let seen = Answer::Body("d11:external ip4:\u{b}\u{0}\u{0}\u{1}8:intervali1800e5:peers0:e");
        let (router, tracker) = (Router::stand(), Tracker::start(seen));
        let _odd = odd(&router, &["natpmp", "at=100.64.7.9", "3600", "40000"]);
        let mut share = share(&router, folder, &tracker);
        let said = share.wait_event("mapped", LIMIT);
        assert_eq!(said["address"], "100.64.7.9", "{said}");
        let said = share.wait_event("reachable", LIMIT);
        assert_eq!(said["v4"], "shared", "{said}");
        let words = said["text"].as_str().unwrap();
        assert!(words.contains("your provider shares one v4 address among customers"), "{said}");
        assert!(words.contains("the router has 100.64.7.9, others see 11.0.0.1"), "{said}");
        share.terminate();
        share.wait_exit(LIMIT);
    });
}

#[test]
fn a_router_that_takes_leases_for_ever_alone_and_has_the_port_taken_leads_peers_here_too() {
    let test = "a_router_that_takes_leases_for_ever_alone_and_has_the_port_taken_leads_peers_here_too";
    isolated(test, &[Router::NEEDS, PYTHON], |folder| {
        let (router, tracker) = (Router::stand(), Tracker::start(Answer::Nobody));
        let mut odd = odd(&router, &["upnp"]);
        let mut share = share(&router, folder, &tracker);
        let (way, port) = mapped(&mut share);
        assert!(way == "UPnP" && port != 21_473, "{way} {port}");
        announced(&tracker, port);
        share.terminate();
        share.wait_exit(LIMIT);
        for end in [format!("DeletePortMapping TCP {port}"), format!("DeletePortMapping UDP {port}")] {
            odd.wait_line("the end", LIMIT, |line| (line == end).then_some(()));
        }
    });
}

#[test]
fn a_router_that_names_another_host_and_one_that_is_not_to_be_asked_are_left_alone() {
    let test = "a_router_that_names_another_host_and_one_that_is_not_to_be_asked_are_left_alone";
    isolated(test, &[Router::NEEDS, PYTHON], |folder| {
        let (router, tracker) = (Router::stand(), Tracker::start(Answer::Nobody));
        let mut odd = odd(&router, &["elsewhere"]);
        // A server at the address that is named would hear of a request.
        let [nsenter, net, end] = router.home();
        let listen = "import socket; s = socket.socket(); s.bind(('10.0.0.7', 5000)); s.listen(); print('up', flush=True); s.accept(); print('asked')";
        let mut other = Process::start(Command::new(nsenter).args([&net, &end, "python3", "-c", listen]));
        other.wait_line("the other host", LIMIT, |line| (line == "up").then_some(()));
        let mut share = share(&router, folder, &tracker);
        odd.wait_line("search", LIMIT, |line| (line == "search").then_some(()));
        let said = share.wait_event("not_mapped", LIMIT);
        assert!(said["why"].as_str().unwrap().contains("UPnP: it names another machine, 10.0.0.7"), "{said}");
        other.assert_runs();
        let said = share.wait_event("reachable", LIMIT);
        assert_eq!((&said["v4"], &said["v6"]), (&"unknown".into(), &"none".into()), "{said}");
        assert!(said["text"].as_str().unwrap().contains("Forward TCP and UDP port 21473"), "{said}");
        share.terminate();
        share.wait_exit(LIMIT);
        announced(&tracker, 21_473);
    });
}
