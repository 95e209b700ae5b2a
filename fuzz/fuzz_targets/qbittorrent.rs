//! Bodies of qBittorrent's interface in parts and in pairs: never a panic, and no more comes out than went in.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (content_type, body) = input;
    for content_type in [content_type, "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"] {
        // What is no text takes three bytes for each that it had.
        assert!(teem_daemon::hostile::qbittorrent(content_type, body) <= body.len() * 3);
    }
});
