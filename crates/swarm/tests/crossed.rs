//! Two that dial each other at one moment, and the connection too many that comes of it (interop rule 2). libtorrent has another
//! peer id on each connection, and closes one of the two by a rule of its own.
mod common;

use common::{BLOCK, World, info};
use std::net::SocketAddr;
use std::time::Duration;
use teem_swarm::ids::ConnId;
use teem_swarm::output::CloseReason;
use teem_swarm::remote::How;
use teem_swarm::torrent::address::{DialError, PeerSource};
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::message::{ExtendedHandshake, Message, MetadataMessage};

const ME: usize = 0;

/// How our dial ends.
type End = fn(&mut World, SocketAddr, ConnId);

/// A downloader that has begun to dial `them`, who dials as well.
fn crossed() -> (World, SocketAddr) {
    let mut world = World::new(info(1 << 20, 2 * BLOCK));
    world.add(Vec::new(), 0);
    world.wait(1);
    let them = SocketAddr::from(([198, 19, 2, 1], 7000));
    let now = world.now;
    world.act(ME, |t, cx| t.add_peers(cx.now, PeerSource::LocalTracker, &[them]));
    assert_eq!(world.nodes[ME].machine.torrent.next_dial(now), Some((them.into(), How::TCP.into())));
    (world, them)
}

fn ready(world: &mut World, conn: ConnId, addr: SocketAddr, outgoing: bool, id: u8) {
    let info_hash = world.nodes[ME].machine.torrent.handshake().info_hash;
    let features = Features { fast: true, extended: true, ..Features::default() };
    let hello = Handshake { info_hash, peer_id: PeerId([id; 20]), features };
    world.act(ME, |t, cx| t.peer_ready(cx, conn, addr, outgoing, hello));
}

/// They have come to us, and tell where they listen.
fn comes(world: &mut World, conn: ConnId, them: SocketAddr, id: u8) {
    ready(world, conn, SocketAddr::new(them.ip(), 50_000), false, id);
    let said = ExtendedHandshake { port: Some(them.port()), ..ExtendedHandshake::default() };
    world.say(ME, conn, Message::ExtendedHandshake(said));
}

/// Whether anybody is dialled within an hour.
fn dials(world: &World) -> bool {
    world.nodes[ME].machine.torrent.dial_deadline().is_some_and(|at| at <= world.now + Duration::from_secs(3600))
}

#[test]
fn whoever_is_connected_is_not_dialled_whatever_came_of_the_other_connection() {
    let (theirs, ours) = (ConnId(100), ConnId(101));
    let ends: [(&str, End); 4] = [
        ("refused", |world, them, _| {
            world.act(ME, |t, cx| t.dial_failed(cx.now, them, How::TCP, DialError::Refused, true));
        }),
        ("closed", |world, them, _| world.act(ME, |t, cx| t.dial_closed(cx.now, them, CloseReason::Remote))),
        ("closed after its handshake", |world, them, conn| {
            ready(world, conn, them, true, 9);
            world.act(ME, |t, cx| t.closed(cx, conn, CloseReason::Remote));
        }),
        ("a duplicate", |world, them, conn| {
            ready(world, conn, them, true, 200);
            assert_eq!(world.why_closed(ME, conn), Some(CloseReason::Duplicate));
        }),
    ];
    for (how, end) in ends {
        let (mut world, them) = crossed();
        comes(&mut world, theirs, them, 200);
        end(&mut world, them, ours);
        assert_eq!(world.snapshot(ME).peers.len(), 1);
        assert!(!dials(&world), "{how}");
        world.act(ME, |t, cx| t.closed(cx, theirs, CloseReason::Remote));
        assert!(dials(&world), "{how}: and when they are gone");
    }
}

/// Over uTP a client comes from the port that it listens on: a tracker that names that port a moment later names a peer that is here.
#[test]
fn an_address_that_somebody_has_come_from_is_not_dialled() {
    let mut world = World::new(info(1 << 20, 2 * BLOCK));
    world.add(Vec::new(), 0);
    world.wait(1);
    let (them, conn) = (SocketAddr::from(([198, 19, 2, 1], 7000)), ConnId(100));
    ready(&mut world, conn, them, false, 200);
    world.act(ME, |t, cx| t.add_peers(cx.now, PeerSource::LocalTracker, &[them]));
    let now = world.now;
    assert_eq!(world.nodes[ME].machine.torrent.next_dial(now), None);
    assert!(!dials(&world), "while it is here");
    world.act(ME, |t, cx| t.closed(cx, conn, CloseReason::Remote));
    assert!(dials(&world), "and when it is gone");
}

/// aria2 with a magnet link closes once it has the metadata and listens all the while; others come back by themselves.
#[test]
fn an_aria2_that_leaves_with_the_metadata_is_dialled_again_at_once() {
    for (prefix, content, at_once) in
        [("A2-1-36-0-", false, true), ("A2-1-36-0-", true, false), ("-qB4520-", false, false)]
    {
        let mut world = World::new(info(1 << 20, 2 * BLOCK));
        world.add((0..world.info.piece_count()).collect(), 0);
        world.wait(1);
        let (conn, them, now) = (ConnId(100), SocketAddr::from(([198, 19, 2, 1], 7000)), world.now);
        world.act(ME, |t, cx| t.add_peers(cx.now, PeerSource::LocalTracker, &[them]));
        assert!(world.nodes[ME].machine.torrent.next_dial(now).is_some());
        let info_hash = world.nodes[ME].machine.torrent.handshake().info_hash;
        let features = Features { fast: true, extended: true, ..Features::default() };
        let id = PeerId(core::array::from_fn(|at| prefix.as_bytes().get(at).copied().unwrap_or(b'x')));
        world.act(ME, |t, cx| t.peer_ready(cx, conn, them, true, Handshake { info_hash, peer_id: id, features }));
        let said = ExtendedHandshake { ut_metadata: Some(8), ..ExtendedHandshake::default() };
        world.say(ME, conn, Message::ExtendedHandshake(said));
        let request = MetadataMessage::Request { piece: 0 };
        world.say(ME, conn, Message::Metadata { id: 1, message: request });
        if content {
            world.say(ME, conn, Message::Have(0));
        }
        world.act(ME, |t, cx| t.closed(cx, conn, CloseReason::Remote));
        assert_eq!(world.nodes[ME].machine.torrent.next_dial(now).is_some(), at_once, "{prefix}, {content}");
    }
}

/// Each side closes the connection that the other keeps: aria2 keeps the one whose handshake came first, qBittorrent none.
#[test]
fn when_both_connections_end_one_is_dialled_again_within_seconds_and_not_for_ever() {
    let (theirs, ours) = (ConnId(100), ConnId(101));
    // Ids above and below our own, the handshakes in either order; they say where they listen, or have no time to.
    for (id, first_ours, says) in
        [0, 200].into_iter().flat_map(|id| [(id, true, false), (id, true, true), (id, false, false), (id, false, true)])
    {
        let (mut world, them) = crossed();
        for round in 0..6 {
            let come = |world: &mut World| {
                if says {
                    comes(world, theirs, them, id);
                } else {
                    ready(world, theirs, SocketAddr::new(them.ip(), 50_000), false, id);
                }
            };
            if first_ours {
                ready(&mut world, ours, them, true, id);
                come(&mut world);
            } else {
                come(&mut world);
                ready(&mut world, ours, them, true, id);
            }
            assert_eq!(world.snapshot(ME).peers.len(), 1);
            assert!(!dials(&world), "it is connected");
            let stays = world.snapshot(ME).peers[0].conn;
            world.act(ME, |t, cx| t.closed(cx, stays, CloseReason::Remote));
            let next = world.nodes[ME].machine.torrent.dial_deadline().unwrap();
            let soon = next <= world.now + Duration::from_secs(2);
            assert_eq!(soon, round < 3, "{id} {first_ours} {says}: round {round}");
            if !soon {
                break;
            }
            world.wait(2);
            let now = world.now;
            assert!(world.nodes[ME].machine.torrent.next_dial(now).is_some());
        }
    }
}

/// They have another id on each connection, and close both.
#[test]
fn a_qbittorrent_that_closes_both_is_dialled_again_within_seconds() {
    let (theirs, ours) = (ConnId(100), ConnId(101));
    let (mut world, them) = crossed();
    comes(&mut world, theirs, them, 200);
    ready(&mut world, ours, them, true, 201);
    assert_eq!(world.snapshot(ME).peers.len(), 2);
    for conn in [theirs, ours] {
        world.act(ME, |t, cx| t.closed(cx, conn, CloseReason::Remote));
    }
    let next = world.nodes[ME].machine.torrent.dial_deadline().unwrap();
    assert!(next <= world.now + Duration::from_secs(2));
}
