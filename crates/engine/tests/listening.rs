//! The port that is told to whom, and how soon, when a router forwards another one (BEP 3 `port`, BEP 10 `p`, BEP 15).
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod common;
use common::one::*;
use common::*;
use core::net::SocketAddr;
use core::time::Duration;
use teem_engine::input::{Input, PeerSource};
use teem_swarm::ask::{Answer, Question};
use teem_swarm::command::Command;
use teem_swarm::listening::Door;
use teem_swarm::output::Output;
use teem_wire::compact::Family;
use teem_wire::peer::message::Message;
use teem_wire::tracker::announce::AnnounceReply;
use teem_wire::tracker::udp::{Reply, Request, decode_request, encode_reply};

const OUTSIDE: u16 = 9000;

fn mapped(outside: Option<u16>) -> Input<Block> {
    Input::Command(Command::Door(Family::V4, Door { here: 5000, outside, reachable: false }))
}

/// The ports that peers are told, by connection.
fn told(outputs: &[Output<Block>]) -> Vec<(u64, u16)> {
    let port = |o: &Output<Block>| match o {
        Output::Send { conn, message: Message::ExtendedHandshake(said) } => Some((conn.0, said.port?)),
        _ => None,
    };
    outputs.iter().filter_map(port).collect()
}

/// The ports that trackers are told over HTTP.
fn announced(outputs: &[Output<Block>]) -> Vec<u16> {
    let port = |o: &Output<Block>| match o {
        Output::Ask { question: Question::Announce { announce, .. }, .. } => Some(announce.port),
        _ => None,
    };
    outputs.iter().filter_map(port).collect()
}

#[test]
fn a_mapped_port_is_told_to_trackers_and_to_peers_from_outside_at_once() {
    let mut one = One::new(&["http://t/announce"], &[]);
    let mut first = one.outputs();
    first.extend(one.pass(secs(100)));
    assert_eq!(announced(&first), [5000]);
    let reply = Ok(AnnounceReply { interval: Duration::from_secs(1800), ..AnnounceReply::default() });
    one.give(Input::Answer {
        id: asks(&first)[0],
        answer: Answer::Announced { source: PeerSource::PublicTracker, reply },
    });
    for (n, addr) in ["8.8.8.8:4000", "10.1.1.1:4000", "[2a00::1]:4000"].into_iter().enumerate() {
        let conn = n as u64 + 1;
        one.accept(conn, addr);
        assert_eq!(told(&one.hello(conn, one.hash, id(n as u32))), [(conn, 5000)]);
    }
    let mut outputs = one.give(mapped(Some(OUTSIDE)));
    outputs.extend(one.pass(one.now));
    assert_eq!(told(&outputs), [(1, OUTSIDE), (2, 5000), (3, 5000)], "those within the network come to the port here");
    assert_eq!(announced(&outputs), [OUTSIDE]);
    let reply = Ok(AnnounceReply { interval: Duration::from_secs(1800), ..AnnounceReply::default() });
    one.give(Input::Answer {
        id: asks(&outputs)[0],
        answer: Answer::Announced { source: PeerSource::PublicTracker, reply },
    });
    assert!(one.give(mapped(Some(OUTSIDE))).is_empty(), "that is no news");
    one.accept(4, "9.9.9.9:4000");
    assert_eq!(told(&one.hello(4, one.hash, id(9))), [(4, OUTSIDE)], "also those who come later");
    let mut outputs = one.give(mapped(None));
    outputs.extend(one.pass(one.now));
    assert_eq!((told(&outputs)[0], &announced(&outputs)[..]), ((1, 5000), &[5000][..]), "the router forwards no more");
}

#[test]
fn a_udp_tracker_is_told_the_port_of_the_family_that_it_is_asked_by() {
    let trackers = ["udp://9.9.9.9:6969/announce", "udp://[2a00::9]:6969/announce", "udp://10.0.0.9:6969/announce"];
    let mut one = One::new(&trackers, &[]);
    let mut outputs = one.give(mapped(Some(OUTSIDE)));
    outputs.extend(one.pass(secs(100)));
    let mut ports = Vec::new();
    let asked = outputs
        .into_iter()
        .filter_map(|o| if let Output::Datagram { to, bytes } = o { Some((to, bytes)) } else { None });
    let mut waiting: Vec<(SocketAddr, Vec<u8>)> = asked.collect();
    while let Some((to, bytes)) = waiting.pop() {
        match decode_request(&bytes).unwrap() {
            Request::Connect { transaction } => {
                let reply = encode_reply(&Reply::Connect { transaction, connection: 7 << 40 }, Family::of(to.ip()));
                let outputs = one.give(Input::Datagram { from: to, bytes: reply });
                waiting.extend(outputs.into_iter().filter_map(|o| match o {
                    Output::Datagram { to, bytes } => Some((to, bytes)),
                    _ => None,
                }));
            }
            Request::Announce { announce, .. } => ports.push((to.ip().to_string(), announce.port)),
            Request::Scrape { .. } => panic!("nobody asked for that"),
        }
    }
    ports.sort();
    let want = [("10.0.0.9", 5000), ("2a00::9", 5000), ("9.9.9.9", OUTSIDE)].map(|(ip, port)| (ip.to_owned(), port));
    assert_eq!(ports, want);
}
