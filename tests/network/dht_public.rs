//! Which nodes a beginner asks (BEP 5): the public ones where nothing else is said, and none where tests say so. The names of the public nodes mean a socket of
//! the test's own, in a namespace that leads nowhere else.
#![cfg(target_os = "linux")]

use std::fs;
use std::net::UdpSocket;
use std::time::Duration;

use crate::common::clients::qbittorrent::NAMES;
use crate::common::content::{self, Shape};
use crate::common::dht::NODE_PORT;
use crate::common::namespace::{isolated, name};
use crate::common::process::Process;
use crate::common::teem::Teem;

const LIMIT: Duration = Duration::from_secs(60);
const PUBLIC_IP: &str = "198.18.200.1";

/// What comes to a public node from a `share` that has gone on for so many lines of its state: the queries, or none.
fn asked_of_public_nodes(test: &str, in_dht: bool) {
    isolated(test, &[], |folder| {
        name(folder, &NAMES, PUBLIC_IP.parse().expect("an address"));
        let public = UdpSocket::bind((PUBLIC_IP, NODE_PORT)).expect("an address of this namespace");
        public.set_read_timeout(Some(if in_dht { LIMIT } else { Duration::from_millis(1) })).expect("above zero");
        content::write(folder, "content", Shape::Single, 20_000);
        let (path, home) = (folder.join("content"), folder.join("home"));
        let path = path.to_string_lossy();
        let args = ["share", &path, "--hidden", "--no-tracker", "--json", "--listen", "198.18.7.1:0"];
        let mut command = Teem::command(&home, &args);
        if in_dht {
            command.env_remove("TEEM_NO_DHT");
        }
        let mut teem = Process::start(&mut command);
        let mut packet = [0; 2048];
        if in_dht {
            let (len, from) = public.recv_from(&mut packet).expect("a public node is asked");
            assert_eq!(from.ip().to_string(), "198.18.7.1");
            assert!(packet[..len].starts_with(b"d1:ad2:id20:"), "{:?}", String::from_utf8_lossy(&packet[..len]));
        } else {
            // The state is told once a second: the names would have been asked for at once.
            for _ in 0..3 {
                teem.wait_line("state", LIMIT, |line| line.contains(r#""event":"status""#).then_some(()));
            }
            assert!(public.recv_from(&mut packet).is_err(), "a public node was asked");
            assert!(!home.join("state/teem/dht.nodes").exists(), "and none is kept");
        }
        drop(teem);
        let _ = fs::remove_dir_all(&home);
    });
}

#[test]
fn with_nothing_said_the_public_nodes_are_asked() {
    asked_of_public_nodes("with_nothing_said_the_public_nodes_are_asked", true);
}

#[test]
fn with_what_tests_say_no_packet_goes_to_a_public_node() {
    asked_of_public_nodes("with_what_tests_say_no_packet_goes_to_a_public_node", false);
}
