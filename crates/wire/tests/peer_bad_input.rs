//! What peers must not do: frames over the limits, unknown messages, other protocols, overfull extension handshakes.
mod common;

use common::{Whole, decode};
use teem_wire::peer::decode::Decoder;
use teem_wire::peer::encode::encode_handshake;
use teem_wire::peer::error::DecodeError;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::ids::{LT_DONTHAVE, UT_METADATA};
use teem_wire::peer::limits::Limits;
use teem_wire::peer::message::{ExtendedHandshake, Message, MetadataMessage};

const EXTENDED: Features = Features { fast: true, extended: true, dht: false, v2: false };
const PLAIN: Features = Features { fast: false, extended: false, dht: false, v2: false };

fn run(features: Features, stream: &[u8]) -> Result<Vec<Whole>, DecodeError> {
    decode(&mut Decoder::after_handshake(Limits::PEER, features), stream, &[])
}

fn frame(id: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = (1 + payload.len() as u32).to_be_bytes().to_vec();
    out.push(id);
    out.extend_from_slice(payload);
    out
}

fn extended(id: u8, payload: &[u8]) -> Vec<u8> {
    frame(20, &[&[id], payload].concat())
}

fn extension_handshake(payload: &[u8]) -> Result<ExtendedHandshake, DecodeError> {
    match run(EXTENDED, &extended(0, payload))?.as_slice() {
        [Whole::Message(Message::ExtendedHandshake(handshake))] => Ok(handshake.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_frame_too_long_is_refused_at_its_length() {
    for len in [u32::MAX, 2 << 20, (1 << 20) + 1] {
        let refused = Err(DecodeError::FrameTooLong { len, limit: 1 << 20 });
        assert_eq!(run(EXTENDED, &len.to_be_bytes()), refused);
    }
    // Kinds with limits of their own are refused at their id, before their payload.
    for (id, len) in [(5, 262_146), (7, 16_384 + 10), (21, (256 << 10) + 2)] {
        let head = [&u32::to_be_bytes(len)[..], &[id]].concat();
        assert!(matches!(run(EXTENDED, &head), Err(DecodeError::MessageTooLong { .. })), "{id}");
    }
    for (extended, len) in [(0, (256 << 10) + 3), (UT_METADATA, (17 << 10) + 3), (99, (256 << 10) + 3)] {
        let head = [&u32::to_be_bytes(len)[..], &[20, extended]].concat();
        assert!(matches!(run(EXTENDED, &head), Err(DecodeError::MessageTooLong { id: 20, .. })), "{extended}");
    }
}

#[test]
fn a_message_of_fixed_size_has_no_other() {
    let sizes = [
        (0, 0),
        (1, 0),
        (2, 0),
        (3, 0),
        (4, 4),
        (6, 12),
        (8, 12),
        (9, 2),
        (13, 4),
        (14, 0),
        (15, 0),
        (16, 12),
        (17, 4),
    ];
    for (id, size) in sizes {
        assert!(run(PLAIN, &frame(id, &vec![0; size])).is_ok(), "{id}");
        let wrong = Err(DecodeError::WrongLength { id, len: size as u32 + 2 });
        assert_eq!(run(PLAIN, &frame(id, &vec![0; size + 1])), wrong);
        if size > 0 {
            assert_eq!(
                run(PLAIN, &frame(id, &vec![0; size - 1])),
                Err(DecodeError::WrongLength { id, len: size as u32 })
            );
        }
    }
    assert!(matches!(run(PLAIN, &frame(7, &[0; 8])), Err(DecodeError::WrongLength { id: 7, len: 9 })));
    assert!(matches!(run(EXTENDED, &frame(20, &[])), Err(DecodeError::WrongLength { id: 20, len: 1 })));
}

#[test]
fn keepalives_are_messages_that_hold_nothing() {
    let out = run(PLAIN, &[0; 4 * 1000]).unwrap();
    assert_eq!(out, vec![Whole::Message(Message::KeepAlive); 1000]);
}

#[test]
fn unknown_messages_are_skipped_only_for_peers_with_extensions() {
    for id in [10, 21, 23, 255] {
        let stream = [frame(id, &[1; 300]), frame(0, &[])].concat();
        let skipped = Message::Unknown { id, extended: None, len: 300 };
        let expected = vec![Whole::Message(skipped), Whole::Message(Message::Choke)];
        assert_eq!(run(EXTENDED, &stream), Ok(expected.clone()));
        let mut decoder = Decoder::after_handshake(Limits::PEER, EXTENDED);
        assert_eq!(decode(&mut decoder, &stream, &[3, 1, 1, 7, 100, 1]), Ok(expected));
        assert_eq!(run(PLAIN, &stream), Err(DecodeError::UnknownId { id }));
    }
    let expected = Message::Unknown { id: 20, extended: Some(77), len: 3 };
    assert_eq!(run(EXTENDED, &extended(77, b"abc")), Ok(vec![Whole::Message(expected)]));
    let expected = Message::Unknown { id: 20, extended: Some(77), len: 0 };
    assert_eq!(run(EXTENDED, &extended(77, b"")), Ok(vec![Whole::Message(expected)]));
    let lost = Message::DontHave { id: LT_DONTHAVE, piece: 0x0102_0304 };
    assert_eq!(run(EXTENDED, &extended(LT_DONTHAVE, &[1, 2, 3, 4])), Ok(vec![Whole::Message(lost)]));
    for wrong in [&[][..], &[1, 2, 3], &[1, 2, 3, 4, 5]] {
        let told = run(EXTENDED, &extended(LT_DONTHAVE, wrong));
        let skipped = Message::Unknown { id: 20, extended: Some(LT_DONTHAVE), len: wrong.len() as u32 };
        assert_eq!(told, Ok(vec![Whole::Message(skipped)]));
    }
}

#[test]
fn another_protocol_is_refused_at_the_first_byte_that_differs() {
    let mut decoder = Decoder::new(Limits::PEER);
    assert_eq!(decoder.step(b"GET / HTTP/1.1"), Err(DecodeError::NotBitTorrent { at: 0 }));
    let mut decoder = Decoder::new(Limits::PEER);
    assert_eq!(decoder.step(b"\x13Bit"), Ok((4, None)));
    assert_eq!(decoder.step(b"T"), Ok((1, None)));
    let error = decoder.step(b"X").unwrap_err();
    assert_eq!(error, DecodeError::NotBitTorrent { at: 5 });
    assert_eq!(error.words(), "not a BitTorrent handshake");
    let mut decoder = Decoder::new(Limits::PEER);
    assert_eq!(decoder.step(b"\x13BitTorrent protocoL"), Err(DecodeError::NotBitTorrent { at: 19 }));
}

#[test]
fn the_features_of_a_handshake_count_for_what_follows() {
    let handshake = |features| {
        encode_handshake(&Handshake { info_hash: teem_metainfo::InfoHash([1; 20]), peer_id: PeerId([2; 20]), features })
    };
    let stream = |features| [&handshake(features)[..], &frame(99, b"x")].concat();
    assert_eq!(decode(&mut Decoder::new(Limits::PEER), &stream(EXTENDED), &[]).unwrap().len(), 2);
    let refused = decode(&mut Decoder::new(Limits::PEER), &stream(PLAIN), &[]);
    assert_eq!(refused, Err(DecodeError::UnknownId { id: 99 }));
}

#[test]
fn an_overfull_extension_handshake_is_cut() {
    let of = |entries: u32| {
        let m = (0..entries).fold(String::new(), |m, i| m + &format!("9:ext{i:06}i7e"));
        let dict = [b"d1:md6:ut_pexi9e", m.as_bytes(), b"11:ut_metadatai3ee4:reqqi2147483648ee"].concat();
        let said = extension_handshake(&dict).unwrap();
        (said.ut_pex, said.ut_metadata, said.reqq)
    };
    assert_eq!(of(900), (Some(9), None, Some(4096)));
    assert_eq!(of(10_000), (None, None, None), "row 12 of the audit: nobody needs so many, and each costs");

    for (reqq, taken) in [("-5", 1), ("0", 1), ("250", 250), ("4096", 4096), ("4097", 4096)] {
        assert_eq!(extension_handshake(format!("d4:reqqi{reqq}ee").as_bytes()).unwrap().reqq, Some(taken));
    }
    let long = "µ".repeat(1000);
    let handshake = extension_handshake(format!("d1:v{}:{long}e", long.len()).as_bytes()).unwrap();
    assert_eq!(handshake.client.unwrap(), "µ".repeat(32));
    let handshake = extension_handshake(format!("d1:v{}:x{long}e", long.len() + 1).as_bytes()).unwrap();
    assert_eq!(handshake.client.unwrap().len(), 63);
    let handshake = extension_handshake(b"d1:v3:a\xFFbe").unwrap();
    assert_eq!(handshake.client.unwrap(), "a\u{FFFD}b");

    for odd in [&b""[..], b"abc", b"abcde", b"0123456789abcde"] {
        let dict = [format!("d6:yourip{}:", odd.len()).as_bytes(), odd, b"e"].concat();
        assert_eq!(extension_handshake(&dict).unwrap().your_ip, None);
    }
    let none = ExtendedHandshake::default();
    for odd in ["d1:mli1eee", "d1:pi70000ee", "d1:pi0ee", "d13:metadata_sizei-1ee", "d13:metadata_sizei4294967296ee"] {
        assert_eq!(extension_handshake(odd.as_bytes()).unwrap(), none, "{odd}");
    }
    assert_eq!(extension_handshake(b"d1:md11:ut_metadatai300e6:ut_pexi-1eee").unwrap(), none);
    for malformed in [&b"le"[..], b"i1e", b"x", b"d", b"d1:v99999999999:e"] {
        assert!(matches!(extension_handshake(malformed), Err(DecodeError::ExtendedHandshake(_))));
    }
    let deep = "l".repeat(200_000);
    assert!(extension_handshake(format!("d1:m{deep}").as_bytes()).is_err());
}

#[test]
fn metadata_messages_without_sense_are_ignored() {
    let message = |payload: &[u8]| match run(EXTENDED, &extended(UT_METADATA, payload)).unwrap().as_slice() {
        [Whole::Message(Message::Metadata { id: UT_METADATA, message })] => Some(message.clone()),
        [Whole::Message(Message::Unknown { id: 20, extended: Some(UT_METADATA), .. })] => None,
        other => panic!("{other:?}"),
    };
    assert_eq!(message(b"d8:msg_typei0e5:piecei3ee"), Some(MetadataMessage::Request { piece: 3 }));
    let data = MetadataMessage::Data { piece: 0, total_size: 5, data: b"d1:ae".to_vec() };
    assert_eq!(message(b"d8:msg_typei1e5:piecei0e10:total_sizei5eed1:ae"), Some(data));
    for odd in [
        &b"d8:msg_typei0e5:piecei-1ee"[..],
        b"d8:msg_typei0e5:piecei4294967296ee",
        b"d8:msg_typei7e5:piecei0ee",
        b"d8:msg_typei1e5:piecei0ee",
        b"d5:piecei0ee",
        b"",
        b"junk",
    ] {
        assert_eq!(message(odd), None);
    }
    let long = [&b"d8:msg_typei1e5:piecei0e10:total_sizei5ee"[..], &vec![0; 16385]].concat();
    assert_eq!(message(&long), None);
}
