//! How many queries a node answers over a socket, in a second of one core (own design): `cargo xtask bench dht` runs it.
//!
//! A node with a full table and 200 torrents reads its socket on loopback in one thread; another asks as fast as it answers: two `find_node`, one `get_peers`
//! and one `ping` of each four, of random targets, with 64 under way. What counts is the processor time of the node's thread, system calls included.
#![allow(clippy::print_stdout)] // the figure is what it is run for
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use teem_basis::rng::Rng;
use teem_basis::time::Time;
use teem_dht::id::Id;
use teem_dht::krpc::decode::{Limits, decode};
use teem_dht::krpc::message::{Body, Contact, Message, Method, Query, Response};
use teem_dht::{Act, Node, Settings};
use teem_wire::compact::Family;

/// Queries under way.
const UNDER_WAY: usize = 64;
/// Nodes that the table hears of.
const NODES: u32 = 3_000;
/// Torrents with peers.
const TORRENTS: u64 = 200;
/// A packet that is lost is not waited for longer.
const PATIENCE: Duration = Duration::from_millis(200);

fn main() -> std::io::Result<()> {
    let seconds = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(5);
    let (server, client) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    client.connect(server.local_addr()?)?;
    client.set_read_timeout(Some(PATIENCE))?;
    server.set_read_timeout(Some(PATIENCE))?;
    let (ends, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let serving = {
        let (ends, answered) = (Arc::clone(&ends), Arc::clone(&answered));
        thread::spawn(move || serve(&server, &ends, &answered))
    };
    let begun = Instant::now();
    ask(&client, begun + Duration::from_secs(seconds));
    let wall = begun.elapsed();
    ends.store(true, Ordering::Relaxed);
    let cpu = serving.join().unwrap_or_else(|_| std::process::exit(70))?;
    let answered = answered.load(Ordering::Relaxed);
    let a_second = |time: Duration| (answered as f64 / time.as_secs_f64()) as u64;
    match cpu {
        Some(cpu) => println!(
            "{answered} queries answered: {} a second of one core, {} a second of time",
            a_second(cpu),
            a_second(wall)
        ),
        None => println!("{answered} queries answered: {} a second of time", a_second(wall)),
    }
    Ok(())
}

/// A node that knows many.
fn node() -> Node {
    let mut rng = Rng::new(1);
    let settings = Settings { is_open: true, ..Settings::default() };
    let mut node = Node::new(Time::ZERO, Family::V4, settings, None, [1, 2], rng.fork());
    let mut now = Time::ZERO;
    for n in 0..NODES {
        let addr = SocketAddr::from(((0x1400_0001 + n * 256).to_be_bytes(), 6881));
        let contact = Contact { id: Id::random(&mut rng), addr };
        node.ping(now, addr);
        now = now + Duration::from_millis(1);
        while let Some(act) = node.poll() {
            let Act::Send { to, bytes } = act else { continue };
            let Ok(message) = decode(&bytes, &Limits::NODE) else { continue };
            if to == addr {
                let body = Body::Response(Response::new(contact.id));
                let reply = Message { transaction: message.transaction, version: None, ip: None, body }.encode();
                node.packet(now, addr, &reply);
            }
        }
    }
    node
}

fn serve(socket: &UdpSocket, ends: &AtomicBool, answered: &AtomicU64) -> std::io::Result<Option<Duration>> {
    let (mut node, begun, mut buffer) = (node(), Instant::now(), [0; 2_048]);
    let before = on_core();
    while !ends.load(Ordering::Relaxed) {
        let Ok((len, from)) = socket.recv_from(&mut buffer) else { continue };
        let now = Time::from_nanos(begun.elapsed().as_nanos() as u64) + Duration::from_secs(60);
        node.packet(now, from, &buffer[..len]);
        while let Some(act) = node.poll() {
            if let Act::Send { to, bytes } = act
                && to == from
            {
                socket.send_to(&bytes, to)?;
                answered.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    Ok(on_core().zip(before).map(|(after, before)| after.saturating_sub(before)))
}

fn ask(socket: &UdpSocket, until: Instant) {
    let (mut rng, mut under_way, mut buffer, mut n) = (Rng::new(2), 0, [0; 2_048], 0u64);
    let torrents: Vec<Id> = (0..TORRENTS).map(|_| Id::random(&mut rng)).collect();
    while Instant::now() < until {
        while under_way < UNDER_WAY {
            n += 1;
            let method = match n % 4 {
                0 => Method::Ping,
                1 => {
                    let info_hash = torrents[rng.below(TORRENTS) as usize];
                    Method::GetPeers { info_hash, no_seeds: false, scrape: false }
                }
                _ => Method::FindNode { target: Id::random(&mut rng) },
            };
            let query = Query { id: Id([9; 20]), read_only: true, want: None, method };
            let transaction = (n as u32).to_be_bytes();
            let body = Body::Query(query);
            let packet = Message { transaction: &transaction, version: None, ip: None, body }.encode();
            if socket.send(&packet).is_err() {
                break;
            }
            under_way += 1;
        }
        under_way = if socket.recv(&mut buffer).is_ok() { under_way - 1 } else { 0 };
    }
}

/// How long this thread has been on a core, where the system tells.
fn on_core() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
