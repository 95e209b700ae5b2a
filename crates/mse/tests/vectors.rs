//! Handshakes and key streams of other implementations, where `TEEM_TEST_DATA` names them (MSE).
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test may panic, and says why it is skipped
use serde_json::Value;
use teem_mse::{Entropy, Method, Methods, Responder, req2};

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len() / 2).map(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).unwrap()).collect()
}

#[test]
fn a_recorded_handshake_is_understood() {
    let Some(folder) = std::env::var_os("TEEM_TEST_DATA") else {
        println!("skipped: TEEM_TEST_DATA is not set");
        return;
    };
    let text = std::fs::read_to_string(std::path::Path::new(&folder).join("vectors/mse.json")).unwrap();
    let vectors: Value = serde_json::from_str(&text).unwrap();
    let mut played = 0;
    for vector in vectors.as_array().unwrap().iter().filter(|vector| vector["we_are"] == "receiver") {
        let key: [u8; 20] = hex(&vector["infohash"]).try_into().unwrap();
        let private: [u8; 20] = hex(&vector["our_private_key"]).try_into().unwrap();
        let sent: Vec<Vec<u8>> = vector["peer_sends"].as_array().unwrap().iter().map(hex).collect();
        let mut responder = Responder::new(Methods::Both);
        let mut out = Vec::new();
        let mut agreed = None;
        for bytes in &sent {
            let entropy = || Some(Entropy { private, pad: b"          " });
            let find = |name: &[u8; 20]| (*name == req2(&key)).then_some(key);
            agreed = responder.advance(bytes, entropy, find, &mut out).unwrap();
        }
        assert_eq!(out[..96], hex(&vector["our_public_key"]), "{vector}");
        assert_eq!(&out[96..106], b"          ");
        let agreed = agreed.expect("all was sent");
        assert_eq!(&agreed.early[..20], b"\x13BitTorrent protocol");
        assert_eq!(agreed.early[28..48], key);
        assert_eq!(&agreed.early[48..68], vector["peer_id_in_handshake"].as_str().unwrap().as_bytes());
        // What we have answered: the check, the choice, no padding.
        assert_eq!(out.len(), 106 + 14);
        assert!(matches!(agreed.method, Method::Clear | Method::Rc4));
        played += 1;
    }
    assert!(played > 0, "no recorded handshake was found");
}
