//! The peer protocol's decoder: never panics, and what it makes of a stream does not depend on where reads cut it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teem_wire::peer::decode::{Decoder, Frame};
use teem_wire::peer::encode::encode;
use teem_wire::peer::handshake::Features;
use teem_wire::peer::limits::Limits;
use teem_wire::peer::message::Message;

/// What both sides of a stream without handshake have agreed on.
const FEATURES: Features = Features { fast: true, extended: true, dht: true, v2: false };

/// What came out: everything but payload by its name, payload joined.
#[derive(PartialEq, Debug)]
struct Seen {
    frames: Vec<String>,
    payload: Vec<u8>,
    error: bool,
}

fuzz_target!(|input: (bool, u8, &[u8])| {
    let (greeted, cut, stream) = input;
    let whole = decode(greeted, stream, stream.len().max(1));
    let in_parts = decode(greeted, stream, usize::from(cut) + 1);
    assert_eq!(whole, in_parts);
});

/// What is written for a message reads as that message; nothing is written for what we do not speak.
fn round_trip(message: &Message) {
    let mut bytes = Vec::new();
    encode(message, &mut bytes);
    let mut decoder = Decoder::after_handshake(Limits::PEER, FEATURES);
    match decoder.step(&bytes) {
        Ok((used, Some(Frame::Message(again)))) => assert!(used == bytes.len() && again == *message),
        other => assert!(matches!(message, Message::Unknown { .. }) && bytes.is_empty(), "{message:?}: {other:?}"),
    }
}

/// `greeted`: the handshake is behind us.
fn decode(greeted: bool, stream: &[u8], read: usize) -> Seen {
    let mut decoder =
        if greeted { Decoder::after_handshake(Limits::PEER, FEATURES) } else { Decoder::new(Limits::PEER) };
    let mut seen = Seen { frames: Vec::new(), payload: Vec::new(), error: false };
    for part in stream.chunks(read) {
        let mut rest = part;
        loop {
            let Ok((used, frame)) = decoder.step(rest) else {
                seen.error = true;
                return seen;
            };
            rest = &rest[used..];
            match frame {
                None => break,
                Some(Frame::Payload { bytes, .. }) => seen.payload.extend_from_slice(bytes),
                Some(Frame::Message(message)) => {
                    round_trip(&message);
                    seen.frames.push(format!("{message:?}"));
                }
                Some(other) => seen.frames.push(format!("{other:?}")),
            }
        }
    }
    seen
}
