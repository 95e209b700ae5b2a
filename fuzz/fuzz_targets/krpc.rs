//! Packets of the DHT: what is read as a message is written canonically and read as the same message again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teem_dht::krpc::decode::{Limits, decode};

/// Keys that others leave out are written, so a packet may grow a little.
const WIDER: Limits = Limits { bencode: teem_bencode::Limits { bytes: 1_600, ..Limits::NODE.bencode }, ..Limits::NODE };

fuzz_target!(|packet: &[u8]| {
    let Ok(message) = decode(packet, &Limits::NODE) else { return };
    let written = message.encode();
    assert_eq!(decode(&written, &WIDER).as_ref(), Ok(&message));
});
