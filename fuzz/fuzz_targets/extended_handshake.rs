//! The extension handshake and metadata messages on their own, where a fuzzer gets deeper than through a stream: never a
//! panic, everything within its bounds, and what is written reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teem_wire::peer::decode::{Decoder, Frame};
use teem_wire::peer::encode::encode;
use teem_wire::peer::extended::{self, CLIENT_BYTES_MAX, REQQ_MAX};
use teem_wire::peer::handshake::Features;
use teem_wire::peer::ids::UT_METADATA;
use teem_wire::peer::limits::Limits;
use teem_wire::peer::message::Message;
use teem_wire::peer::metadata;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(handshake) = extended::decode(bytes) {
        assert!(handshake.client.as_ref().is_none_or(|name| name.len() <= CLIENT_BYTES_MAX));
        assert!(handshake.reqq.is_none_or(|reqq| (1..=REQQ_MAX).contains(&reqq)));
        round_trip(&Message::ExtendedHandshake(handshake));
    }
    if let Some(message) = metadata::decode(bytes) {
        round_trip(&Message::Metadata { id: UT_METADATA, message });
    }
});

fn round_trip(message: &Message) {
    let mut stream = Vec::new();
    encode(message, &mut stream);
    let mut decoder = Decoder::after_handshake(Limits::PEER, Features::default());
    let step = decoder.step(&stream).expect("own messages are within the limits");
    assert_eq!(step, (stream.len(), Some(Frame::Message(message.clone()))));
}
