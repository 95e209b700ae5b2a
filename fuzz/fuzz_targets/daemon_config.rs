//! The daemon's file of settings: never a panic, and what is wrong is said with its line.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(why) = teem_daemon::config::File::parse(text) {
        assert!(why.starts_with("line "), "{why}");
    }
});
