//! Nodes that are sent what nobody should send: answers changed at random, answers of others, queries without end, addresses that lead nowhere (rows 48, 49 and
//! 50 of bad input). All parts agree after each step, and what is kept stays bounded.
use std::net::SocketAddr;
use std::time::Duration;
use teem_basis::rng::Rng;
use teem_basis::time::Time;
use teem_dht::id::Id;
use teem_dht::krpc::decode::{Limits, decode};
use teem_dht::krpc::message::{Body, Contact, Message, Method, Query, Response};
use teem_dht::{Act, Node, Port, Question, Settings};
use teem_wire::compact::Family;

/// An address of many that are drawn again and again, some of them near or of the other family.
fn address(rng: &mut Rng) -> SocketAddr {
    let n = rng.below(300) as u8;
    match rng.below(12) {
        0 => SocketAddr::from(([127, 0, 0, 1], 1_000 + u16::from(n))),
        1 => SocketAddr::from(([10, 0, 0, n], 6881)),
        2 => SocketAddr::from(([224, 0, 0, n], 6881)),
        3 => SocketAddr::from(([0x2001, 0xDB8, 0, 0, 0, 0, 0, u16::from(n)], 6881)),
        4 => SocketAddr::from(([20, 0, 0, n], 0)),
        5 => SocketAddr::from(([20, 0, 0, n], 6881)),
        _ => SocketAddr::from(([20, n, 0, 1], 6881)),
    }
}

fn id(rng: &mut Rng, near: Id) -> Id {
    let mut id = Id::random(rng);
    let kept = rng.below(20) as usize;
    id.0[..kept].copy_from_slice(&near.0[..kept]);
    id
}

fn response(rng: &mut Rng, target: Id, query: &Query<'_>) -> (Vec<Contact>, Vec<SocketAddr>, bool) {
    let nodes = (0..rng.below(20)).map(|_| Contact { id: id(rng, target), addr: address(rng) }).collect();
    let peers = (0..rng.below(120)).map(|_| address(rng)).collect();
    (nodes, peers, matches!(query.method, Method::GetPeers { .. } | Method::Get { .. }) && rng.below(8) > 0)
}

#[test]
fn rows_48_to_50_whatever_comes_all_parts_agree() {
    for seed in 0..12 {
        let mut rng = Rng::new(seed);
        let settings = Settings { is_open: seed % 2 == 0, ..Settings::default() };
        let mut node = Node::new(Time::ZERO, Family::V4, settings, None, [seed, 1], rng.fork());
        let (mut now, target, mut sent) = (Time::ZERO, Id([7; 20]), Vec::new());
        node.listens(now, Some(Port { port: 6881, implied: false }));
        for _ in 0..600 {
            now = now + Duration::from_micros(1 << rng.below(22));
            match rng.below(12) {
                0 => node.hint(now, address(&mut rng)),
                1 => drop(node.look_up(now, Question::Peers { info_hash: target, no_seeds: false, scrape: true })),
                2 => drop(node.announce(now, id(&mut rng, target), rng.below(2) == 0)),
                3 => drop(node.look_up(now, Question::Item { target, salt: Vec::new() })),
                4 => node.packet(now, address(&mut rng), &rng.next_u64().to_le_bytes()),
                5 | 6 => {
                    let info_hash = id(&mut rng, target);
                    let method = Method::GetPeers { info_hash, no_seeds: false, scrape: true };
                    let query = Query { id: id(&mut rng, node.id()), read_only: false, want: None, method };
                    let packet = Message { transaction: b"tt", version: None, ip: None, body: Body::Query(query) };
                    node.packet(now, address(&mut rng), &packet.encode());
                }
                _ if sent.is_empty() => node.tick(now),
                _ => {
                    let at = rng.index(sent.len()).unwrap();
                    let (to, bytes): (SocketAddr, Vec<u8>) = sent.swap_remove(at);
                    let message = decode(&bytes, &Limits::NODE).unwrap();
                    let Body::Query(query) = &message.body else { continue };
                    let (nodes, peers, token) = response(&mut rng, target, query);
                    let reply = Response {
                        nodes: Some(nodes),
                        values: Some(peers),
                        token: token.then_some(b"token"),
                        ..Response::new(id(&mut rng, target))
                    };
                    let ip = (rng.below(2) == 0).then(|| address(&mut rng));
                    let body = Body::Response(reply);
                    let mut packet = Message { transaction: message.transaction, version: None, ip, body }.encode();
                    if rng.below(4) == 0 {
                        let at = rng.index(packet.len()).unwrap();
                        packet[at] = rng.next_u64() as u8;
                    }
                    let from = if rng.below(8) == 0 { address(&mut rng) } else { to };
                    node.packet(now, from, &packet);
                }
            }
            while let Some(act) = node.poll() {
                match act {
                    Act::Send { to, bytes } => {
                        assert!(to.port() != 0 && to.is_ipv4() && bytes.len() <= 1_500, "{to}: {}", bytes.len());
                        sent.push((to, bytes));
                    }
                    Act::Peers { peers, .. } => {
                        assert!(peers.iter().all(|peer| peer.port() != 0 && peers.len() <= 100));
                    }
                    _ => {}
                }
            }
            sent.truncate(200);
            node.check();
            if let Some(next) = node.deadline().filter(|next| *next <= now) {
                node.tick(next.max(now));
                assert!(node.deadline().is_none_or(|next| next > now), "a deadline that does not pass");
            }
        }
        let status = node.status();
        assert!(status.nodes <= 400 && status.lookups <= 32, "{status:?}");
    }
}
