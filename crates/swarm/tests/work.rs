//! What messages cost us (audit, rows 5, 10 and 20): the work that a peer causes is in proportion to the bytes that it sends, but for what
//! each connection has free. Counted in steps, so that no clock decides.
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod common;

use common::{BLOCK, World, info};
use teem_swarm::ids::ConnId;
use teem_swarm::output::CloseReason;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::encode::encode;
use teem_wire::peer::handshake::PeerId;
use teem_wire::peer::message::{ExtendedHandshake, Message, MetadataMessage};

/// Steps for each byte that is received.
const STEPS_PER_BYTE: u64 = 16;
/// Steps that a holder has free: four looks at each piece of the largest torrent, and 50 statements.
const FREE: u64 = 9 << 20;
/// Messages in a flood.
const MANY: u32 = 6_000;
const PIECES: u32 = 20_000;

/// A state, and how a torrent comes into it.
type State<'a> = (&'a str, &'a dyn Fn(&mut World) -> usize);

/// A kind of message, and the nth of a flood of it.
type Flood = (&'static str, fn(u32) -> Message);

fn bits(odd: bool) -> Message {
    Message::Bitfield(vec![if odd { 0x55 } else { 0xAA }; PIECES.div_ceil(8) as usize])
}

fn block(n: u32) -> BlockRef {
    BlockRef { piece: n % PIECES, begin: 0, len: BLOCK }
}

fn extended(n: u32) -> Message {
    let said =
        ExtendedHandshake { ut_metadata: Some(3), metadata_size: Some(16 << 20), ..ExtendedHandshake::default() };
    Message::ExtendedHandshake(ExtendedHandshake { reqq: Some(n % 7 + 1), ..said })
}

fn metadata(message: MetadataMessage) -> Message {
    Message::Metadata { id: 2, message }
}

const FLOODS: [Flood; 24] = [
    ("keepalive", |_| Message::KeepAlive),
    ("CHOKE", |_| Message::Choke),
    ("CHOKE and UNCHOKE", |n| if n % 2 == 0 { Message::Unchoke } else { Message::Choke }),
    ("interest that comes and goes", |n| if n % 2 == 0 { Message::Interested } else { Message::NotInterested }),
    ("HAVE", |n| Message::Have(n % PIECES)),
    ("the same HAVE", |_| Message::Have(3)),
    ("HAVE and DONTHAVE", |n| if n % 2 == 0 { Message::Have(3) } else { Message::DontHave { id: 7, piece: 3 } }),
    ("BITFIELDs that differ in all", |n| bits(n % 2 == 0)),
    ("the same BITFIELD", |_| bits(true)),
    ("HAVE_ALL and HAVE_NONE", |n| if n % 2 == 0 { Message::HaveAll } else { Message::HaveNone }),
    ("HAVE_ALL and DONTHAVE", |n| if n % 2 == 0 { Message::HaveAll } else { Message::DontHave { id: 7, piece: 3 } }),
    ("BITFIELD and HAVE_NONE", |n| if n % 2 == 0 { bits(true) } else { Message::HaveNone }),
    ("REQUEST", |n| Message::Request(block(n))),
    ("REQUEST and CANCEL", |n| if n % 2 == 0 { Message::Request(block(n / 2)) } else { Message::Cancel(block(n / 2)) }),
    (
        "CANCEL after many REQUESTs",
        |n| {
            if n < 2_000 { Message::Request(block(n % 12)) } else { Message::Cancel(block(n)) }
        },
    ),
    ("REJECT", |n| Message::Reject(block(n))),
    ("SUGGEST", |n| Message::Suggest(n)),
    ("ALLOWED_FAST", |n| Message::AllowedFast(n)),
    ("PORT", |_| Message::Port(1)),
    ("an extension handshake", extended),
    ("metadata requests", |n| metadata(MetadataMessage::Request { piece: n % 4 })),
    ("metadata rejects", |n| metadata(MetadataMessage::Reject { piece: n % 1_024 })),
    ("metadata never asked for", |n| {
        metadata(MetadataMessage::Data { piece: 1_023 - n % 2, total_size: 16 << 20, data: vec![0; 16 << 10] })
    }),
    ("metadata of the wrong size", |n| {
        metadata(MetadataMessage::Data { piece: n % 9, total_size: n + 1, data: vec![0; 8] })
    }),
];

/// Steps and bytes of a flood, and why it ended.
fn flood(world: &mut World, node: usize, conn: ConnId, nth: fn(u32) -> Message) -> (u64, u64, Option<CloseReason>) {
    let (before, mut bytes) = (world.nodes[node].machine.torrent.work(), 0);
    for n in 0..MANY {
        let mut wire = Vec::new();
        encode(&nth(n), &mut wire);
        bytes += wire.len() as u64;
        world.say(node, conn, nth(n));
        if world.why_closed(node, conn).is_some() {
            break;
        }
    }
    (world.nodes[node].machine.torrent.work() - before, bytes, world.why_closed(node, conn))
}

#[test]
fn no_message_costs_more_than_its_bytes_and_what_a_connection_has_free() {
    let states: [State<'_>; 3] = [
        ("seeding", &|w| w.add((0..PIECES).collect(), 1 << 20)),
        ("downloading", &|w| w.add((0..12).collect(), 1 << 20)),
        ("metadata", &|w| w.add_with(Vec::new(), 1 << 20, None, |add| add.info = None)),
    ];
    for (state, add) in states {
        for (kind, nth) in FLOODS {
            let mut world = World::new(info(u64::from(PIECES) * u64::from(BLOCK), BLOCK));
            let node = add(&mut world);
            world.wait(1);
            // Others that know the metadata, so that what one says has something to be looked through.
            for _ in 0..20 {
                let other = world.puppet(node, true);
                world.say(node, other, extended(1));
            }
            let conn = world.puppet(node, true);
            world.say(node, conn, extended(0));
            let (steps, bytes, why) = flood(&mut world, node, conn, nth);
            eprintln!(
                "figure: {state}, {kind}: {steps} steps for {bytes} bytes, {:?} a KiB; {why:?}",
                steps * 1024 / bytes
            );
            assert!(steps <= FREE + STEPS_PER_BYTE * bytes, "{state}, {kind}: {steps} steps for {bytes} bytes");
        }
    }
}

#[test]
fn what_is_looked_at_for_a_request_is_counted_and_does_not_grow_with_the_torrent() {
    const LARGE: u32 = 200_000;
    /// As many pieces are begun, each of a peer of its own, and nothing of them comes.
    const BEGUN: u32 = 16;
    let mut world = World::new(info(u64::from(LARGE) * u64::from(BLOCK), BLOCK));
    let node = world.add((0..12).collect(), 1 << 20);
    world.wait(1);
    for piece in 100..100 + BEGUN {
        let giver = world.puppet(node, true);
        world.say(node, giver, Message::Have(piece));
        world.say(node, giver, Message::Unchoke);
    }
    // The other shows them one after the other: each is of interest, and none can be asked for.
    let conn = world.puppet(node, true);
    world.say(node, conn, Message::Have(100));
    world.say(node, conn, Message::Unchoke);
    let (before, mut messages) = (world.nodes[node].machine.torrent.work(), 0);
    for round in 0..100 {
        for piece in 101..100 + BEGUN {
            let message = if round % 2 == 0 { Message::Have(piece) } else { Message::DontHave { id: 7, piece } };
            world.say(node, conn, message);
            messages += 1;
        }
    }
    assert_eq!(world.why_closed(node, conn), None);
    let steps = world.nodes[node].machine.torrent.work() - before;
    eprintln!("figure: {steps} steps for {messages} messages about pieces that others are asked for");
    assert!(steps / messages > 0 && steps / messages < 1_000, "{steps} steps for {messages} messages");
}

#[test]
fn a_holder_that_comes_again_has_no_more_free_than_one_that_stays() {
    const LARGE: u32 = 200_000;
    const VISITS: u32 = 60;
    let dear = ["HAVE_ALL and DONTHAVE", "HAVE_ALL and HAVE_NONE", "CANCEL after many REQUESTs"];
    for (kind, nth) in FLOODS.into_iter().filter(|(kind, _)| dear.contains(kind)) {
        let mut world = World::new(info(u64::from(LARGE) * u64::from(BLOCK), BLOCK));
        let node = world.add((0..12).collect(), 1 << 20);
        world.wait(1);
        let (mut steps, mut bytes) = (0, 0);
        for visit in 0..VISITS {
            let conn = world.puppet_named(node, true, 9, PeerId([visit as u8; 20]));
            world.say(node, conn, Message::Interested);
            world.wait(1);
            let (more, heard, _) = flood(&mut world, node, conn, nth);
            (steps, bytes) = (steps + more, bytes + heard);
            world.act(node, |t, cx| t.closed(cx, conn, CloseReason::Remote));
        }
        eprintln!("figure: {VISITS} visits, {kind}: {steps} steps for {bytes} bytes");
        assert!(steps <= FREE + STEPS_PER_BYTE * bytes, "{kind}: {steps} steps for {bytes} bytes");
    }
}

#[test]
fn row_5_of_the_audit_metadata_that_was_not_asked_for_looks_at_nothing() {
    let mut world = World::new(info(u64::from(PIECES) * u64::from(BLOCK), BLOCK));
    let node = world.add_with(Vec::new(), 1 << 20, None, |add| add.info = None);
    world.wait(1);
    let conns: Vec<ConnId> = (0..40).map(|_| world.puppet(node, true)).collect();
    for conn in &conns {
        world.say(node, *conn, extended(1));
    }
    let conn = world.puppet(node, true);
    let (steps, bytes, _) = flood(&mut world, node, conn, |n| metadata(MetadataMessage::Reject { piece: n % 1_024 }));
    assert!(steps <= u64::from(MANY) && bytes > 100_000, "{steps} steps for {bytes} bytes");
}

#[test]
fn row_10_of_the_audit_bitfields_of_a_large_torrent_are_paid_for_by_the_piece() {
    const LARGE: u32 = 400_000;
    let mut world = World::new(info(u64::from(LARGE) * u64::from(BLOCK), BLOCK));
    let node = world.add(Vec::new(), 1 << 20);
    world.wait(1);
    let conn = world.puppet(node, true);
    let bitfield = |odd: bool| Message::Bitfield(vec![if odd { 0x55 } else { 0xAA }; LARGE as usize / 8]);
    let mut said = 0;
    while world.why_closed(node, conn).is_none() {
        world.say(node, conn, bitfield(said % 2 == 0));
        said += 1;
        assert!(said < 40, "each is counted by its pieces");
    }
    assert_eq!(world.why_closed(node, conn), Some(CloseReason::Flood("bitfields again and again")));
}

#[test]
fn row_20_of_the_audit_pieces_shown_and_lost_before_the_metadata_are_counted() {
    let mut world = World::new(info(1 << 20, BLOCK));
    let node = world.add_with(Vec::new(), 1 << 20, None, |add| add.info = None);
    world.wait(1);
    let conn = world.puppet(node, true);
    let mut said = 0;
    while world.why_closed(node, conn).is_none() {
        world.say(node, conn, if said % 2 == 0 { Message::Have(1) } else { Message::DontHave { id: 7, piece: 1 } });
        said += 1;
        assert!(said < 20_000);
    }
    assert_eq!(world.why_closed(node, conn), Some(CloseReason::Flood("pieces shown and lost in turn")));
}
