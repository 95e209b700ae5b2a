//! Places of all torrents together (audit, row 9; bad input, row 45): when all are taken, the most crowded network makes room, and after it
//! the torrent with most peers, so that nobody is kept out by others and no torrent by another.
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use teem_engine::input::Input;
use teem_engine::{Engine, EngineConfig};
use teem_metainfo::{Info, InfoHash};
use teem_sim::block::SimBlock;
use teem_sim::lab::engines::torrent;
use teem_swarm::command::Command;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::output::{CloseReason, Output};
use teem_swarm::remote::Via;
use teem_swarm::time::Time;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};

/// An engine alone, and the connections that it has.
struct Scene {
    engine: Engine<SimBlock>,
    now: Time,
    torrents: Vec<InfoHash>,
    live: BTreeSet<ConnId>,
    closed: Vec<(ConnId, CloseReason)>,
    serial: u64,
}

impl Scene {
    fn new(torrents: u32) -> Self {
        let engine = Engine::new(EngineConfig::new(5000, 1));
        let now = Time::ZERO + Duration::from_secs(100);
        let mut scene =
            Self { engine, now, torrents: Vec::new(), live: BTreeSet::new(), closed: Vec::new(), serial: 0 };
        for n in 0..torrents {
            let info: Arc<Info> = teem_sim::lab::info(u64::from(n + 1) << 20, 4 << 14, false);
            scene.torrents.push(info.key().wire());
            let Command::Add(mut add) = torrent(&info, true, &[], &[]) else { unreachable!("that is what it makes") };
            add.torrent = TorrentId(n);
            scene.give(Input::Command(Command::Add(add)));
        }
        scene
    }

    fn give(&mut self, input: Input<SimBlock>) {
        self.engine.handle(self.now, input);
        while let Some(output) = self.engine.poll_output() {
            if let Output::Close { conn, why } = output {
                self.live.remove(&conn);
                self.closed.push((conn, why));
            }
        }
    }

    /// Somebody dials us for a torrent; the name of the connection.
    fn come(&mut self, torrent: usize, ip: impl Into<IpAddr>) -> ConnId {
        let id = self.serial;
        self.come_as(torrent, ip, id)
    }

    /// The same with the peer id of that number.
    fn come_as(&mut self, torrent: usize, ip: impl Into<IpAddr>, number: u64) -> ConnId {
        self.serial += 1;
        let conn = ConnId(self.serial);
        let remote = SocketAddr::new(ip.into(), 50_000).into();
        self.live.insert(conn);
        self.give(Input::Accepted { conn, remote, local: None });
        let mut id = [7; 20];
        id[..8].copy_from_slice(&number.to_be_bytes());
        let features = Features { fast: true, extended: true, ..Features::default() };
        let handshake = Handshake { info_hash: self.torrents[torrent], peer_id: PeerId(id), features };
        self.give(Input::Hello { conn, handshake, via: Via::TCP });
        conn
    }

    fn is_live(&self, conn: ConnId) -> bool {
        self.live.contains(&conn)
    }
}

#[test]
fn a_crowd_at_all_torrents_keeps_nobody_out_of_another() {
    let mut scene = Scene::new(6);
    for n in 0..1_200u64 {
        scene.come(n as usize % 5, [203, 0, (n % 8) as u8, (n / 8 % 250) as u8]);
    }
    let places = scene.live.len();
    assert!((300..=400).contains(&places), "{places}");
    let late: Vec<ConnId> = (0..20).map(|n| scene.come(5, [192, 0, n, 1])).collect();
    assert!(late.iter().all(|conn| scene.is_live(*conn)));
    let to_the_others: Vec<ConnId> = (0..5).map(|n| scene.come(n, [192, 1, n as u8, 1])).collect();
    for n in 0..300 {
        scene.come(n % 6, [203, 0, (n % 8) as u8, 251]);
    }
    assert!(late.iter().chain(&to_the_others).all(|conn| scene.is_live(*conn)));
    assert_eq!(scene.live.len(), places, "no more than there are places");
}

#[test]
fn a_torrent_with_many_peers_makes_room_for_the_first_of_another() {
    let mut scene = Scene::new(6);
    for n in 0..400u64 {
        scene.come(n as usize % 5, [203, (n / 250) as u8, (n % 250) as u8, 1]);
    }
    let places = scene.live.len();
    let late: Vec<ConnId> = (0..100).map(|n| scene.come(5, [192, 0, n, 1])).collect();
    let stay = late.iter().filter(|conn| scene.is_live(**conn)).count();
    assert!((50..80).contains(&stay), "as many as each of the six has: {stay}");
    assert_eq!(scene.live.len(), places);
}

#[test]
fn who_is_refused_all_the_same_costs_nobody_a_place() {
    let mut scene = Scene::new(6);
    for n in 0..400u64 {
        scene.come(n as usize % 5, [203, 0, 113, (n % 250) as u8]);
    }
    scene.come_as(5, [192, 0, 2, 1], 10_000);
    let places = scene.live.len();
    for _ in 0..20 {
        scene.come_as(5, [192, 0, 2, 1], 10_000);
    }
    assert_eq!(scene.live.len(), places);
}
