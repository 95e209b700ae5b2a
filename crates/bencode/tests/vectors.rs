//! The outcomes that other implementations' tests expect.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use teem_bencode::{Limits, parse, parse_prefix};

fn bytes(value: &serde_json::Value) -> Vec<u8> {
    if let Some(text) = value.as_str() {
        return text.as_bytes().to_vec();
    }
    let hex = value["hex"].as_str().unwrap();
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

#[test]
fn vectors_of_other_implementations() {
    let Ok(root) = std::env::var("TEEM_TEST_DATA") else {
        eprintln!("skipped: TEEM_TEST_DATA is not set");
        return;
    };
    let text = std::fs::read_to_string(std::path::Path::new(&root).join("vectors/bencode.json")).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert!(cases.len() > 30);
    for case in &cases {
        let input = bytes(&case["input"]);
        let result = parse(&input, &Limits::METAINFO);
        match case["must"].as_str().unwrap() {
            "accept" => assert!(result.unwrap().root().is_canonical() || !case["violations"][0].is_null(), "{case}"),
            "reject" => {
                let class = result.unwrap_err().class();
                let theirs = case["libtorrent"].as_str().unwrap();
                assert!(class == theirs || theirs == "accept", "{class} in {case}");
            }
            _ => {}
        }
        if let Some(end) = case["value_ends_at"].as_u64() {
            assert_eq!(parse_prefix(&input, &Limits::METAINFO).unwrap().1 as u64, end, "{case}");
        }
    }
}
