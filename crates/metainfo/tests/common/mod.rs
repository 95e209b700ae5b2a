//! Access to the test data of other implementations, and made-up torrents.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)] // a test fails by panicking; no test uses all of it

use std::path::PathBuf;

use teem_bencode::Writer;

/// The folder of test data; says so when there is none.
pub fn data() -> Option<PathBuf> {
    let root = std::env::var_os("TEEM_TEST_DATA");
    if root.is_none() {
        eprintln!("skipped: TEEM_TEST_DATA is not set");
    }
    root.map(PathBuf::from)
}

pub fn vectors(name: &str) -> Option<Vec<serde_json::Value>> {
    let text = std::fs::read_to_string(data()?.join("vectors").join(name)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// Bytes as vectors write them: text, or `{"hex": …}`.
pub fn bytes(value: &serde_json::Value) -> Vec<u8> {
    if let Some(text) = value.as_str() {
        return text.as_bytes().to_vec();
    }
    let hex = value["hex"].as_str().unwrap();
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// An info dictionary of encoded values; sorts the keys.
pub fn info(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.dict_from(entries.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())));
    writer.into_bytes()
}

/// A multi-file torrent of one-byte files with these paths, in one piece.
pub fn of_paths(paths: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.dict(|d| {
        d.key(b"files").list(|w| {
            for path in paths {
                w.dict(|d| {
                    d.key(b"length").int(1);
                    d.key(b"path").list(|w| path.iter().for_each(|part| w.bytes(part)));
                });
            }
        });
        d.key(b"name").bytes(b"n");
        d.key(b"piece length").int(1 << 20);
        d.key(b"pieces").bytes(&vec![0; 20 * paths.len().div_ceil(1 << 20)]);
    });
    writer.into_bytes()
}
