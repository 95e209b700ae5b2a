//! Local service discovery (BEP 14): never a panic, no more than its bounds, and what is written reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teem_wire::compact::Family;
use teem_wire::lsd::{self, HASHES_MAX, PACKET_MAX};

fuzz_target!(|bytes: &[u8]| {
    if let Some(call) = lsd::decode(bytes) {
        assert!(call.port != 0 && !call.hashes.is_empty() && call.hashes.len() <= HASHES_MAX);
        for family in [Family::V4, Family::V6] {
            let packet = lsd::encode(family, &call);
            // A cookie of the longest kind leaves room for fewer hashes.
            if packet.len() <= PACKET_MAX {
                assert_eq!(lsd::decode(&packet).as_ref(), Some(&call));
            }
        }
    }
});
