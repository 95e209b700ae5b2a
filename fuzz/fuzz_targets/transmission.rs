//! Requests of Transmission's dialects: never a panic, and each answer is JSON, of the dialect that was spoken.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let answer = teem_daemon::hostile::transmission(body);
    assert!(answer.is_none_or(|answer| answer.starts_with('{') || answer.starts_with('[')));
});
