//! Heads of uTP packets: what is read is written as it was, and everything but a reset is refused, by a reset.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teem_utp::packet::{HEAD_LEN, Head, Kind};

fuzz_target!(|packet: &[u8]| {
    let Some(head) = Head::decode(packet) else { return };
    let mut same = head.encode();
    same[1] = packet[1]; // a head that is written has no extensions
    assert_eq!(same, packet[..HEAD_LEN]);
    let refusal = head.refusal();
    assert_eq!(refusal.is_some(), head.kind != Kind::Reset);
    assert!(refusal.is_none_or(|refusal| refusal.kind == Kind::Reset && refusal.refusal().is_none()));
});
