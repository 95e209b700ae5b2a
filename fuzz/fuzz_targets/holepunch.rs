//! Holepunch messages (BEP 55): never a panic, and what is written reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teem_wire::peer::decode::{Decoder, Frame};
use teem_wire::peer::encode::encode;
use teem_wire::peer::handshake::Features;
use teem_wire::peer::holepunch;
use teem_wire::peer::ids::UT_HOLEPUNCH;
use teem_wire::peer::limits::Limits;
use teem_wire::peer::message::Message;

fuzz_target!(|bytes: &[u8]| {
    if let Some(message) = holepunch::decode(bytes) {
        let mut stream = Vec::new();
        encode(&Message::Holepunch { id: UT_HOLEPUNCH, message }, &mut stream);
        let mut decoder = Decoder::after_handshake(Limits::PEER, Features::default());
        let step = decoder.step(&stream).expect("own messages are within the limits");
        assert_eq!(step, (stream.len(), Some(Frame::Message(Message::Holepunch { id: UT_HOLEPUNCH, message }))));
    }
});
