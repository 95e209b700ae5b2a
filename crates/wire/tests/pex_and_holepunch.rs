//! Peer exchange and holepunch messages: those of others, those that make no sense, and their bounds (BEP 11, 55; bad-input row 42).
mod common;

use common::{Whole, bytes_of, decode, vectors};
use std::net::SocketAddr;
use teem_wire::peer::decode::Decoder;
use teem_wire::peer::encode::encode;
use teem_wire::peer::error::DecodeError;
use teem_wire::peer::handshake::Features;
use teem_wire::peer::ids::{UT_HOLEPUNCH, UT_PEX};
use teem_wire::peer::limits::Limits;
use teem_wire::peer::message::{Holepunch, HolepunchError, HolepunchMessage, Message, PexFlags, PexMessage};
use teem_wire::peer::{holepunch, pex};

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

#[test]
fn messages_of_others() {
    for case in vectors("pex") {
        let got = pex::decode(&bytes_of(&case["payload"])).unwrap();
        let of = |entry: &serde_json::Value| {
            let ip = entry[0].as_str().unwrap().parse().unwrap();
            SocketAddr::new(ip, u16::try_from(entry[1].as_u64().unwrap()).unwrap())
        };
        let added: Vec<_> = got.added.iter().map(|contact| (contact.addr, u64::from(contact.flags.0))).collect();
        let want: Vec<_> = case["added"].as_array().unwrap().iter().map(|e| (of(e), e[2].as_u64().unwrap())).collect();
        assert_eq!(added, want, "{}", case["id"]);
        let want: Vec<_> = case["dropped"].as_array().unwrap().iter().map(of).collect();
        assert_eq!(got.dropped, want, "{}", case["id"]);
    }
}

#[test]
fn row_42_of_a_message_fifty_are_taken_and_no_port_0() {
    let mut entries = vec![8, 8, 8, 8, 0, 0];
    entries.extend((0..5_000_u32).flat_map(|n| [&(0x0909_0000 + n).to_be_bytes()[..], &[0x1a, 0xe1]].concat()));
    let mut body = format!("d5:added{}:", entries.len()).into_bytes();
    body.extend_from_slice(&entries);
    body.extend_from_slice(b"7:added.f3:\x01\x02\x03e");
    let got = pex::decode(&body).unwrap();
    assert_eq!((got.added.len(), got.added[0].addr), (50, addr("9.9.0.0:6881")));
    assert!(got.added.iter().all(|contact| contact.flags == PexFlags::default()), "flags of another length are none");
    let dropped = String::from_utf8(b"d7:dropped12:".to_vec()).unwrap().into_bytes();
    let mut dropped = dropped;
    dropped.extend_from_slice(&[9, 9, 9, 9, 0x1a, 0xe1, 9, 9, 9, 9, 0, 0]);
    dropped.push(b'e');
    assert_eq!(pex::decode(&dropped).unwrap(), PexMessage { added: Vec::new(), dropped: vec![addr("9.9.9.9:6881")] });
    assert_eq!(pex::decode(b"de"), Some(PexMessage::default()));
    for bad in [&b""[..], b"le", b"i1e", b"d5:added", b"garbage"] {
        assert_eq!(pex::decode(bad), None, "{bad:?}");
    }
}

#[test]
fn row_42_a_list_of_a_million_is_refused_at_its_length() {
    let features = Features { extended: true, ..Features::default() };
    let mut decoder = Decoder::after_handshake(Limits::PEER, features);
    let head = [&(2 + (32_u32 << 10) + 1).to_be_bytes()[..], &[20, UT_PEX]].concat();
    let refused = decode(&mut decoder, &head, &[]);
    assert!(matches!(refused, Err(DecodeError::MessageTooLong { id: 20, .. })), "{refused:?}");
}

#[test]
fn what_is_written_says_each_family_apart_and_is_never_empty() {
    let mut out = Vec::new();
    encode(&Message::Pex { id: 9, message: PexMessage::default() }, &mut out);
    assert_eq!(&out[6..], b"d5:added0:e");
}

#[test]
fn holepunch_messages_with_and_without_an_error_code() {
    let v4 = [0, 0, 9, 9, 9, 9, 0x1a, 0xe1];
    let v6 = [&[1, 1][..], &[0x20, 1, 0xd, 0xb8], &[0; 11], &[1], &[0x1a, 0xe1]].concat();
    let want = [(Holepunch::Rendezvous, "9.9.9.9:6881"), (Holepunch::Connect, "[2001:db8::1]:6881")];
    for (bytes, (what, at)) in [v4.to_vec(), v6].into_iter().zip(want) {
        let want = HolepunchMessage { what, at: addr(at) };
        assert_eq!(holepunch::decode(&bytes), Some(want), "{} bytes", bytes.len());
        let with_code = [&bytes[..], &[0; 4]].concat();
        assert_eq!(holepunch::decode(&with_code), Some(want), "{} bytes", with_code.len());
        for cut in (0..with_code.len()).filter(|cut| *cut != bytes.len()) {
            assert_eq!(holepunch::decode(&with_code[..cut]), None, "{cut} bytes");
        }
        let mut out = Vec::new();
        encode(&Message::Holepunch { id: 9, message: want }, &mut out);
        assert_eq!(&out[6..], with_code, "a code is written always");
    }
    let error = [&[2][..], &v4[1..], &[0, 0, 0, 3]].concat();
    let what = Holepunch::Error(HolepunchError::NoSupport);
    assert_eq!(holepunch::decode(&error), Some(HolepunchMessage { what, at: addr("9.9.9.9:6881") }));
    assert_eq!(holepunch::decode(&error[..8]), None, "an error without a code says nothing");
    assert_eq!(holepunch::decode(&[3, 0, 9, 9, 9, 9, 0x1a, 0xe1]), None);
    assert_eq!(holepunch::decode(&[0, 2, 9, 9, 9, 9, 0x1a, 0xe1]), None);
}

#[test]
fn a_holepunch_message_that_is_too_long_is_let_pass_as_unknown() {
    let features = Features { extended: true, ..Features::default() };
    let mut stream = 27_u32.to_be_bytes().to_vec();
    stream.extend_from_slice(&[20, UT_HOLEPUNCH]);
    stream.extend_from_slice(&[0; 25]);
    let got = decode(&mut Decoder::after_handshake(Limits::PEER, features), &stream, &[]).unwrap();
    let unknown = Message::Unknown { id: 20, extended: Some(UT_HOLEPUNCH), len: 25 };
    assert_eq!(got, [Whole::Message(unknown)]);
}
