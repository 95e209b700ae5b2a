//! Links as people paste them, magnet links among them: never a panic, and a magnet link that is understood is understood
//! the same when it is pasted with space around it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teem_metainfo::{Limits, Link};

fuzz_target!(|text: &str| {
    let Ok(Link::Magnet { magnet, .. }) = Link::parse(text, &Limits::FILE) else { return };
    let again = Link::parse(&format!(" {text}\n"), &Limits::FILE);
    assert!(matches!(again, Ok(Link::Magnet { magnet: other, .. }) if other == magnet));
});
