//! What the tests share: the folder of packets and vectors that others publish.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its own part, and may unwrap")]

/// A file of the test data; `None`, with the reason printed, when there is no such folder.
pub(crate) fn test_data(path: &str) -> Option<Vec<u8>> {
    let Some(root) = std::env::var_os("TEEM_TEST_DATA") else {
        eprintln!("skipped: TEEM_TEST_DATA is not set");
        return None;
    };
    let path = std::path::Path::new(&root).join(path);
    Some(std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

/// The cases of a file of vectors.
pub(crate) fn vectors(name: &str) -> Vec<serde_json::Value> {
    let Some(bytes) = test_data(&format!("vectors/{name}.json")) else { return Vec::new() };
    serde_json::from_slice::<serde_json::Value>(&bytes).unwrap().as_array().unwrap().clone()
}

/// Bytes of a vector: text, or `{"hex": …}`.
pub(crate) fn bytes_of(value: &serde_json::Value) -> Vec<u8> {
    match value.as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => hex(value["hex"].as_str().unwrap()),
    }
}

/// Bytes of hexadecimal digits.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
