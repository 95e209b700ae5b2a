//! Ports: TCP and UDP of one number must both be had; who names one is told when it cannot be had, who does not gets
//! another.

use std::fs;
use std::net::{Ipv6Addr, TcpListener, UdpSocket};
use std::path::Path;
use std::time::Duration;

use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::process::Process;
use crate::common::run::{command, teem};
use crate::common::torrent::Torrent;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);
/// The port that is taken unless another is named.
const DEFAULT_PORT: u16 = 21_473;

fn content(folder: &Path) -> Torrent {
    content::write(folder, "content", Shape::Single, 50_000);
    Torrent::create(folder, "content", 16 << 10, &[])
}

fn event(process: &mut Process, name: &str) -> Value {
    process.wait_line(name, LIMIT, |line| {
        let value: Value = serde_json::from_str(line).ok()?;
        (value["event"] == name).then_some(value)
    })
}

#[test]
fn a_named_port_that_is_taken_ends_with_the_name_of_the_option() {
    isolated("a_named_port_that_is_taken_ends_with_the_name_of_the_option", &[], |folder| {
        content(folder);
        let tcp = TcpListener::bind("198.18.0.2:4001").expect("the namespace is our own");
        let udp = UdpSocket::bind("198.18.0.2:4002").expect("the namespace is our own");
        for listen in ["198.18.0.2:4001", "198.18.0.2:4002", ":4001", "4002"] {
            for args in [&["get", "content.torrent"][..], &["seed", "content.torrent"], &["share", "content"]] {
                let ran = teem(folder, &[args, &["--listen", listen]].concat()).ended(3);
                let port = &listen[listen.len() - 4..];
                assert!(ran.err.contains("--listen") && ran.err.contains(port), "{args:?}: {}", ran.err);
            }
        }
        let (http, udp_addr) = (["track", "--http", "198.18.0.2:4001"], ["track", "--udp", "198.18.0.2:4002"]);
        assert!(teem(folder, &http).ended(3).err.contains("--http"));
        assert!(teem(folder, &udp_addr).ended(3).err.contains("--udp"));
        drop((tcp, udp));
    });
}

#[test]
fn the_default_port_gives_way() {
    isolated("the_default_port_gives_way", &[], |folder| {
        content(folder);
        for taken in ["tcp", "udp"] {
            let any = (Ipv6Addr::UNSPECIFIED, DEFAULT_PORT);
            let tcp = (taken == "tcp").then(|| TcpListener::bind(any).expect("the namespace is our own"));
            let udp = (taken == "udp").then(|| UdpSocket::bind(any).expect("the namespace is our own"));
            for args in [&["get", "content.torrent", "--json"][..], &["seed", "content.torrent", "--json"]] {
                let mut process = Process::start(&mut command(folder, args));
                let port = event(&mut process, "listening")["port"].as_u64().expect("a port");
                assert!(port != u64::from(DEFAULT_PORT) && port > 1023, "{taken} is taken: {args:?} took {port}");
            }
            drop((tcp, udp));
        }
        let mut free = Process::start(&mut command(folder, &["seed", "content.torrent", "--json"]));
        assert_eq!(event(&mut free, "listening")["port"], DEFAULT_PORT);
    });
}

#[test]
fn a_share_that_cannot_keep_its_port_says_so_and_goes_on() {
    isolated("a_share_that_cannot_keep_its_port_says_so_and_goes_on", &[], |folder| {
        content(folder);
        let mut first = Process::start(&mut command(folder, &["share", "content", "--json"]));
        let ready = event(&mut first, "ready");
        drop(first);
        let port = u16::try_from(ready["port"].as_u64().expect("a port")).expect("a port");
        let taken = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).expect("it is free again");
        let mut second = Process::start(&mut command(folder, &["share", "content"]));
        let (warning, kept) = ("warning", port.to_string());
        crate::common::process::wait_until("a link and a warning that names the port", LIMIT, || {
            let log = second.log();
            let warned = log.lines().any(|line| line.contains(warning) && line.contains(&kept));
            (log.contains("magnet:?") && warned).then_some(())
        });
        second.assert_runs();
        drop(taken);
    });
}

/// What `--data` may point to, and content under another name.
#[test]
fn content_is_found_where_it_is_pointed_to() {
    isolated("content_is_found_where_it_is_pointed_to", &[], |folder| {
        fs::create_dir(folder.join("made here")).expect("the folder is writable");
        content::write(&folder.join("made here"), "tree", Shape::Tree, 200_000);
        Torrent::create(&folder.join("made here"), "tree", 16 << 10, &[]);
        fs::rename(folder.join("made here/tree"), folder.join("renamed")).expect("own folder");
        let link = "made here/tree.torrent";
        let mut seed =
            Process::start(&mut command(folder, &["seed", link, "--data", "renamed", "--json", "--listen", ":4000"]));
        let complete = event(&mut seed, "complete");
        assert_eq!(complete["at_start"], true);
        teem(folder, &["get", link, "-o", "out", "--peer", "198.18.0.1:4000", "--listen", ":0"]).ended(0);
        content::assert_same(&folder.join("renamed"), &folder.join("out/tree"));
        drop(seed);
        let absent = teem(folder, &["verify", link]).ended(1);
        assert!(absent.out.contains("missing"), "{}", absent.out);
    });
}
