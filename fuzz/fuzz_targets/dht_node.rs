//! A whole conversation with a node of the DHT: each byte of the input says what comes next (a packet of the bytes that follow, an answer to what the node asked,
//! from the one that it asked or from another, a command, a pause). All parts of the node agree after each step, and what it sends stays bounded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;
use std::time::Duration;
use teem_basis::rng::Rng;
use teem_basis::time::Time;
use teem_dht::id::Id;
use teem_dht::krpc::decode::{Limits, decode};
use teem_dht::krpc::message::{Body, Contact, Message, Response};
use teem_dht::{Act, Node, Port, Question, Settings};
use teem_wire::compact::Family;

fn address(byte: u8) -> SocketAddr {
    match byte & 7 {
        0 => SocketAddr::from(([127, 0, 0, 1], 1 + u16::from(byte))),
        1 => SocketAddr::from(([10, 0, 0, byte], 6881)),
        2 => SocketAddr::from(([20, 0, 0, byte], u16::from(byte & 16))),
        _ => SocketAddr::from(([20, byte, 0, 1], 6881)),
    }
}

fn id(a: u8, b: u8) -> Id {
    let mut id = Id([7; 20]);
    id.0[usize::from(a) % 20] ^= b;
    id
}

fuzz_target!(|input: &[u8]| {
    let (mut now, mut sent, mut rest) = (Time::ZERO, Vec::new(), input);
    let mut node = Node::new(now, Family::V4, Settings::default(), None, [1, 2], Rng::new(3));
    node.listens(now, Some(Port { port: 6881, implied: true }));
    while let [step, a, b, more @ ..] = rest {
        rest = more;
        now = now + Duration::from_micros(1 << (a & 23));
        match step & 7 {
            0 => {
                let (packet, more) = rest.split_at(rest.len().min(usize::from(*b) * 2));
                rest = more;
                node.packet(now, address(*a), packet);
            }
            1 => node.hint(now, address(*b)),
            2 => drop(node.look_up(now, Question::Peers { info_hash: id(*a, *b), no_seeds: false, scrape: true })),
            3 => drop(node.announce(now, id(*a, *b), step & 8 == 0)),
            4 => drop(node.look_up(now, Question::Item { target: id(*a, *b), salt: Vec::new() })),
            5 => node.withdraw(now, id(*a, *b)),
            _ if sent.is_empty() => node.tick(now),
            _ => {
                let (to, bytes): (SocketAddr, Vec<u8>) = sent.remove(usize::from(*b) % sent.len());
                let Ok(message) = decode(&bytes, &Limits::NODE) else { continue };
                let count = rest.len().min(usize::from(step >> 3));
                let nodes =
                    rest[..count].iter().map(|byte| Contact { id: id(*byte, *a), addr: address(*byte) }).collect();
                let peers = rest[..count].iter().map(|byte| address(*byte)).collect();
                let response = Response {
                    nodes: Some(nodes),
                    values: Some(peers),
                    token: Some(b"t"),
                    ..Response::new(id(*b, *a))
                };
                let (ip, body) = (Some(address(*a)), Body::Response(response));
                let packet = Message { transaction: message.transaction, version: None, ip, body }.encode();
                node.packet(now, if a & 7 == 7 { address(*a) } else { to }, &packet);
            }
        }
        while let Some(act) = node.poll() {
            if let Act::Send { to, bytes } = act {
                assert!(to.port() != 0 && bytes.len() <= 1_500);
                sent.push((to, bytes));
            }
        }
        sent.truncate(64);
        node.check();
    }
});
