//! The gate of cost: looks for messages that cost the engine much for few bytes (`docs/limits.md`). The more steps a byte costs, the more code the
//! fuzzer sees reached, so that it goes where it is dear.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::hint::black_box;
use teem_sim::lab::{World, alone::Alone, info};
use teem_wire::peer::block::BLOCK_LEN;
use teem_wire::peer::decode::{Decoder, Frame};
use teem_wire::peer::handshake::Features;
use teem_wire::peer::limits::Limits;
use teem_wire::peer::message::{ExtendedHandshake, Message};

/// What both sides of a stream without handshake have agreed on.
const FEATURES: Features = Features { fast: true, extended: true, dht: true, v2: false };
const PIECES: u32 = 512;
/// Steps for each byte received, and those that a connection to so few pieces has free: 50 statements of all pieces, twice looked at,
/// and what is forgiven of the rest.
const STEPS_PER_BYTE: u64 = 128;
const FREE: u64 = 128 * PIECES as u64 + 16_384;

fuzz_target!(|input: (u8, &[u8])| {
    let (state, stream) = input;
    let mut world: World<Alone> = World::new(info(u64::from(PIECES) * u64::from(BLOCK_LEN), BLOCK_LEN, false));
    let node = match state % 3 {
        0 => world.add((0..PIECES).collect(), 1 << 20),
        1 => world.add((0..12).collect(), 1 << 20),
        _ => world.add_with(Vec::new(), 1 << 20, None, |add| add.info = None),
    };
    world.wait(1);
    // Others, so that what one says has something to be looked through.
    let known =
        ExtendedHandshake { ut_metadata: Some(3), metadata_size: Some(16 << 20), ..ExtendedHandshake::default() };
    for _ in 0..4 {
        let other = world.puppet(node, true);
        world.say(node, other, Message::ExtendedHandshake(known.clone()));
    }
    let conn = world.puppet(node, true);
    let before = world.nodes[node].machine.torrent.work();
    let mut decoder = Decoder::after_handshake(Limits::PEER, FEATURES);
    let (mut rest, mut bytes) = (stream, 0);
    while let Ok((used, frame)) = decoder.step(rest) {
        rest = &rest[used..];
        bytes += used as u64;
        match frame {
            None => break,
            Some(Frame::Message(message)) => world.say(node, conn, message),
            // Blocks have a way of their own, which a stream of a fuzzer does not get far on.
            Some(_) => {}
        }
        if world.why_closed(node, conn).is_some() {
            break;
        }
    }
    let steps = world.nodes[node].machine.torrent.work() - before;
    assert!(steps <= FREE + STEPS_PER_BYTE * bytes, "{steps} steps for {bytes} bytes");
    dear(steps / bytes.max(1));
});

/// A place of its own for each doubling of the price.
fn dear(price: u64) {
    match price.max(1).ilog2() {
        0 => black_box(0),
        1 => black_box(1),
        2 => black_box(2),
        3 => black_box(3),
        4 => black_box(4),
        5 => black_box(5),
        6 => black_box(6),
        7 => black_box(7),
        8 => black_box(8),
        9 => black_box(9),
        10 => black_box(10),
        11 => black_box(11),
        12 => black_box(12),
        more => black_box(more),
    };
}
