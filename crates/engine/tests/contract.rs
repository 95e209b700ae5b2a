//! The contract of the engine as properties: draining does not change the state, every deadline leads on, the same seed gives
//! the same outputs, whatever the inputs.
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod common;
use common::*;
use core::net::SocketAddr;
use core::time::Duration;
use proptest::prelude::*;
use std::collections::BTreeSet;
use teem_engine::input::{DialError, Input, PeerSource};
use teem_engine::{Engine, EngineConfig};
use teem_metainfo::InfoHash;
use teem_swarm::ask::{Answer, AskId};
use teem_swarm::command::Command;
use teem_swarm::ids::ConnId;
use teem_swarm::job::{Done, Facts, Reader};
use teem_swarm::output::CloseReason;
use teem_swarm::output::Output;
use teem_swarm::remote::{How, Via};
use teem_swarm::rng::Rng;
use teem_swarm::selection::Selection;
use teem_swarm::time::Time;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::message::{ExtendedHandshake, Message, MetadataMessage};
use teem_wire::tracker::announce::{AnnounceError, AnnounceReply};

const PIECES: u64 = 6;

fn addr(rng: &mut Rng) -> SocketAddr {
    ([8, 8, 8, rng.below(12) as u8], 4000 + rng.below(3) as u16).into()
}

fn at(rng: &mut Rng) -> BlockRef {
    let len = if rng.below(10) == 0 { rng.below(20_000) as u32 } else { 16_384 };
    BlockRef { piece: rng.below(PIECES + 1) as u32, begin: rng.below(5) as u32 * 16_384, len }
}

fn message(rng: &mut Rng) -> Message {
    let piece = rng.below(PIECES + 1) as u32;
    match rng.below(18) {
        0 => Message::Choke,
        1 | 2 => Message::Unchoke,
        3 | 4 => Message::Interested,
        5 => Message::NotInterested,
        6 => Message::Have(piece),
        7 => Message::Bitfield(vec![rng.next_u64() as u8 & 0xFC; 1]),
        8 | 9 => Message::Request(at(rng)),
        10 => Message::Cancel(at(rng)),
        11 => Message::HaveAll,
        12 => Message::HaveNone,
        13 => Message::Reject(at(rng)),
        14 => Message::AllowedFast(piece),
        15 => Message::ExtendedHandshake(ExtendedHandshake {
            ut_metadata: Some(rng.below(4) as u8),
            metadata_size: Some(rng.below(400) as u32),
            port: Some(rng.next_u64() as u16),
            ..ExtendedHandshake::default()
        }),
        16 => {
            let data = MetadataMessage::Data { piece: 0, total_size: rng.below(400) as u32, data: vec![0; 300] };
            let message = if rng.below(2) == 0 { data } else { MetadataMessage::Request { piece } };
            Message::Metadata { id: 1, message }
        }
        _ => Message::KeepAlive,
    }
}

/// Inputs as hosts, disks, trackers and hostile peers might give them; the same for the same seed.
fn script(seed: u64, steps: usize) -> Vec<(Time, Input<Block>)> {
    let mut rng = Rng::new(seed);
    let info = info(PIECES, rng.below(4) == 0);
    let mut now = secs(1000);
    let known = rng.below(3) > 0;
    let peers = [addr(&mut rng), addr(&mut rng)];
    let mut script = vec![(now, Input::Command(torrent(&info, known, &peers, &["http://t/a", "udp://9.9.9.9:9/a"])))];
    let have = (0..PIECES as u32).filter(|_| rng.below(2) == 0).collect();
    script.push((
        now,
        Input::Disk(Done::Opened {
            torrent: ME,
            have,
            check: Vec::new(),
            facts: Facts::default(),
            selection: Selection::all(),
        }),
    ));
    let mut next_conn = 0;
    for _ in 0..steps {
        if rng.below(3) == 0 {
            let longest_ms = if rng.below(50) == 0 { 100_000 } else { 900 };
            now = now + Duration::from_millis(rng.below(longest_ms));
        }
        let conn = ConnId(rng.below(next_conn + 1));
        let input = match rng.below(26) {
            0 | 1 => {
                next_conn += 1;
                let (remote, local) = (addr(&mut rng).into(), Some(([1, 1, 1, 1], 5000).into()));
                if rng.below(3) == 0 {
                    Input::Connected { conn: ConnId(next_conn), torrent: ME, remote, how: How::TCP, local }
                } else {
                    Input::Accepted { conn: ConnId(next_conn), remote, local }
                }
            }
            2 | 3 => {
                let info_hash = if rng.below(20) == 0 { InfoHash([3; 20]) } else { hash(&info) };
                let features = Features { fast: rng.below(4) > 0, extended: true, dht: false, v2: false };
                let peer_id = PeerId([rng.below(9) as u8; 20]);
                Input::Hello {
                    conn: ConnId(next_conn),
                    handshake: Handshake { info_hash, peer_id, features },
                    via: Via::TCP,
                }
            }
            4..=12 => Input::Message { conn, message: message(&mut rng) },
            13 | 14 => {
                let at = at(&mut rng);
                Input::Block { conn, at, data: Block::right(at) }
            }
            15 => Input::Closed { conn, why: CloseReason::Remote },
            16 => Input::DialFailed {
                torrent: ME,
                to: addr(&mut rng).into(),
                how: How::TCP,
                why: DialError::TimedOut,
                over: true,
            },
            17 if rng.below(2) == 0 => Input::MetadataSent { conn },
            17 => Input::Sent { conn, bytes: rng.below(40_000) },
            18 => {
                let list = vec![addr(&mut rng)];
                Input::Command(Command::Peers { torrent: ME, source: PeerSource::PublicTracker, list })
            }
            19 => {
                let reply = AnnounceReply { peers: vec![addr(&mut rng)], ..AnnounceReply::default() };
                let reply = if rng.below(2) == 0 { Ok(reply) } else { Err(AnnounceError::Status(500)) };
                let answer = match rng.below(8) {
                    0 => Answer::Busy,
                    1 => Answer::Placed(Ok(None)),
                    2 => Answer::Resolved(Ok(vec![addr(&mut rng)])),
                    _ => Answer::Announced { source: PeerSource::PublicTracker, reply },
                };
                Input::Answer { id: AskId(1 + rng.below(4)), answer }
            }
            20 => Input::Datagram { from: ([9, 9, 9, 9], 9).into(), bytes: vec![0; rng.below(30) as usize] },
            21 => Input::Disk(Done::Block {
                torrent: ME,
                reader: Reader::Peer(conn),
                at: at(&mut rng),
                data: Block::right(at(&mut rng)),
            }),
            22 => {
                let limit = |rng: &mut Rng| (rng.below(2) == 0).then(|| 1000 + rng.below(1 << 20));
                Input::Command(Command::Limits { up: limit(&mut rng), down: limit(&mut rng) })
            }
            23 => match rng.below(30) {
                0 => Input::Command(Command::Remove(ME)),
                1..10 => Input::Command(Command::Sync(ME)),
                10 => Input::Command(Command::Availability(ME)),
                _ => Input::Command(Command::Snapshot(ME)),
            },
            24 => Input::Disk(Done::Synced { torrent: ME }),
            _ => Input::Tick,
        };
        script.push((now, input));
    }
    script
}

/// Runs a script, draining as `drain` says after each input; gives everything that came out.
fn run(seed: u64, steps: usize, mut drain: impl FnMut(usize) -> usize) -> Vec<String> {
    let mut engine: Engine<Block> = Engine::new(EngineConfig::new(5000, seed));
    let mut out = Vec::new();
    for (n, (now, input)) in script(seed, steps).into_iter().enumerate() {
        engine.handle(now, input);
        let next = core::iter::from_fn(|| engine.poll_output());
        out.extend(next.take(drain(n)).map(|output| format!("{output:?}")));
    }
    out.extend(core::iter::from_fn(|| engine.poll_output()).map(|output| format!("{output:?}")));
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn the_order_of_draining_does_not_change_the_state(seed in any::<u64>(), odd in 1usize..7) {
        let at_once = run(seed, 400, |_| usize::MAX);
        prop_assert_eq!(&at_once, &run(seed, 400, |_| 0));
        prop_assert_eq!(&at_once, &run(seed, 400, |n| if n % odd == 0 { n % 5 } else { 0 }));
    }

    #[test]
    fn every_deadline_leads_on_and_no_output_names_a_closed_connection(seed in any::<u64>()) {
        let mut engine: Engine<Block> = Engine::new(EngineConfig::new(5000, seed));
        let mut closed = BTreeSet::new();
        let mut now = Time::ZERO;
        for (at, input) in script(seed, 300) {
            let mut spins = 0;
            while let Some(due) = engine.deadline().filter(|due| *due <= at) {
                now = now.max(due);
                engine.handle(now, Input::Tick);
                let mut came = 0;
                while let Some(output) = engine.poll_output() {
                    came += 1;
                    check(&output, &mut closed);
                }
                let next = engine.deadline();
                prop_assert!(came > 0 || next.is_none_or(|next| next > due), "stands still at {due:?}");
                spins += 1;
                prop_assert!(spins < 2_000, "a storm before {at:?}");
            }
            now = now.max(at);
            engine.handle(now, input);
            while let Some(output) = engine.poll_output() {
                check(&output, &mut closed);
            }
        }
    }
}

fn check(output: &Output<Block>, closed: &mut BTreeSet<ConnId>) {
    let conn = match output {
        Output::Hello { conn, .. } | Output::Send { conn, .. } | Output::SendBlock { conn, .. } => *conn,
        Output::Close { conn, .. } => {
            assert!(closed.insert(*conn), "closed twice");
            return;
        }
        _ => return,
    };
    assert!(!closed.contains(&conn), "{output:?} after its end");
}
