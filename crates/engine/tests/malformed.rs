//! Every message malformed, in each of three states: seeding, downloading, metadata still missing (bad input, rows 1, 2, 25, 27, 28,
//! 30 to 36, 40). The fault ends the connection that it came on, with a reason that names it, or is ignored; nobody else
//! notices, and the content arrives.
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod common;
use common::secs;
use common::stranger::{PIECES, STATES, Scene, Speaks, State, extended, frame, ints};
use teem_swarm::output::CloseReason;
use teem_wire::peer::block::BLOCK_LEN;
use teem_wire::peer::message::{Message, MetadataMessage};

/// What becomes of the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    /// It goes on.
    Stays,
    /// It is closed, for that reason.
    Ends(&'static str),
}
use Fate::{Ends, Stays};

const LENGTH: Fate = Ends("message of a wrong length");
const TOO_LONG: Fate = Ends("message too long");
const UNKNOWN: Fate = Ends("unknown message");
const NO_SUCH_PIECE: Fate = Ends("it shows a piece that there is not");
const BITFIELD: Fate = Ends("its bitfield has the wrong length or spare bits");
const NOT_FAST: Fate = Ends("a message of the fast extension, which it does not speak");
const UNASKED: Fate = Ends("a block that was never asked for");
const NO_DICTIONARY: Fate = Ends("malformed extension handshake");

/// Sends the bytes in each state; the fate is the same in all.
#[track_caller]
fn everywhere(speaks: Speaks, what: &str, bytes: &[u8], fate: Fate) {
    for state in STATES {
        let mut scene = Scene::new(state);
        let mut stranger = scene.connect(speaks, 1);
        stranger.send(&mut scene.world, bytes);
        let got = match scene.outcome(&stranger) {
            None => Stays,
            Some(CloseReason::Protocol(why)) => Ends(why),
            Some(other) => panic!("{what}, {state:?}: {other:?}"),
        };
        assert_eq!(got, fate, "{what}, {state:?}, {speaks:?}");
    }
}

#[test]
fn messages_of_a_fixed_size_with_another() {
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
        for wrong in [size + 1, size.max(1) - 1, 0, 1000].into_iter().filter(|n| *n != size) {
            everywhere(Speaks::All, &format!("message {id} of {wrong} bytes"), &frame(id, &vec![0; wrong]), LENGTH);
        }
    }
    for (id, payload) in [(7, 0), (7, 8), (20, 0)] {
        everywhere(Speaks::All, &format!("message {id} cut short"), &frame(id, &vec![0; payload]), LENGTH);
    }
}

#[test]
fn frames_that_are_too_long_end_at_their_head() {
    for len in [u32::MAX, 2 << 20, (1 << 20) + 1] {
        everywhere(Speaks::All, "a frame", &len.to_be_bytes(), Ends("frame too long"));
    }
    let heads: [(&[u8], u32); 6] = [
        (&[5], 262_146),
        (&[7], BLOCK_LEN + 10),
        (&[21], (256 << 10) + 2),
        (&[20, 0], (256 << 10) + 3),
        (&[20, 1], (17 << 10) + 3),
        (&[20, 99], (256 << 10) + 3),
    ];
    for (head, len) in heads {
        everywhere(Speaks::All, &format!("{head:?}"), &[&len.to_be_bytes(), head].concat(), TOO_LONG);
    }
}

#[test]
fn row_33_pieces_that_there_are_not() {
    for piece in [PIECES, PIECES + 1, 1 << 31, u32::MAX] {
        everywhere(Speaks::All, "HAVE", &frame(4, &ints(&[piece])), NO_SUCH_PIECE);
        everywhere(Speaks::Plain, "HAVE", &frame(4, &ints(&[piece])), NO_SUCH_PIECE);
        everywhere(Speaks::All, "SUGGEST", &frame(13, &ints(&[piece])), Stays);
        let allowed = [frame(17, &ints(&[piece])), frame(5, &[0xF0, 0])].concat();
        everywhere(Speaks::All, "ALLOWED_FAST", &allowed, Stays);
    }
}

#[test]
fn row_32_bitfields_of_another_torrent() {
    for bits in [vec![], vec![0xF0], vec![0xFF; 2], vec![0xF0; 3], vec![0; 262_144]] {
        everywhere(Speaks::All, "BITFIELD", &frame(5, &bits), BITFIELD);
        everywhere(Speaks::Plain, "BITFIELD", &frame(5, &bits), BITFIELD);
    }
}

#[test]
fn rows_34_and_36_blocks_that_there_are_not() {
    let odd = [
        [PIECES, 0, BLOCK_LEN],
        [u32::MAX, 0, BLOCK_LEN],
        [0, 0, 0],
        [0, 0, BLOCK_LEN + 1],
        [0, 0, u32::MAX],
        [0, 4 * BLOCK_LEN, 1],
        [0, u32::MAX, u32::MAX],
        [PIECES - 1, 4 * BLOCK_LEN - 9, 1],
    ];
    for at in odd {
        for (id, name) in [(6, "REQUEST"), (8, "CANCEL"), (16, "REJECT")] {
            everywhere(Speaks::All, &format!("{name} {at:?}"), &frame(id, &ints(&at)), Stays);
        }
        everywhere(Speaks::Plain, &format!("REQUEST {at:?}"), &frame(6, &ints(&at)), Stays);
    }
    for at in [[0, 0], [PIECES, 0], [u32::MAX, u32::MAX], [0, 3]] {
        for len in [1, 16_384] {
            let block = frame(7, &[ints(&at), vec![0; len]].concat());
            everywhere(Speaks::All, "PIECE", &block, UNASKED);
            everywhere(Speaks::Plain, "PIECE", &block, Stays);
        }
    }
}

#[test]
fn messages_of_extensions_that_it_does_not_speak() {
    for (id, payload) in [(13, 4), (14, 0), (15, 0), (16, 12), (17, 4)] {
        everywhere(Speaks::Plain, &format!("message {id}"), &frame(id, &vec![0; payload]), NOT_FAST);
    }
    for id in [10, 11, 12, 18, 19, 21, 99, 255] {
        everywhere(Speaks::Plain, &format!("message {id}"), &frame(id, b"abc"), UNKNOWN);
        everywhere(Speaks::All, &format!("message {id}"), &frame(id, &[7; 1000]), Stays);
    }
    everywhere(Speaks::All, "PORT 0", &frame(9, &[0, 0]), Stays);
}

#[test]
fn rows_1_2_and_40_extension_handshakes() {
    let bomb = [&b"d1:m"[..], &vec![b'l'; 200_000]].concat();
    let dicts = [&b"d1:m"[..], &b"d1:ad".repeat(50_000)].concat();
    let refused: [&[u8]; 9] =
        [b"le", b"i1e", b"x", b"d", b"d1:v99999999999:e", b"d1:v18446744073709551616:e", b"di1ei2ee", &bomb, &dicts];
    for payload in refused {
        let what = format!("{:?}", String::from_utf8_lossy(&payload[..payload.len().min(30)]));
        everywhere(Speaks::All, &what, &extended(0, payload), NO_DICTIONARY);
    }
    let mut many = b"d1:md".to_vec();
    (0..20_000).for_each(|n| many.extend(format!("5:{n:05}i7e").into_bytes()));
    many.extend(b"e4:reqqi2147483648e1:v200:");
    many.extend([0x1B; 200]);
    many.push(b'e');
    let borne: [&[u8]; 9] = [
        b"",
        b"de",
        b"d1:mli1eee",
        b"d1:md11:ut_metadatai-1ee13:metadata_sizei-1e1:pi0ee",
        b"d1:md11:ut_metadatai0ee13:metadata_sizei41943040ee",
        b"d1:md11:ut_metadatai3ee13:metadata_sizei2147483648ee",
        b"d4:reqqi-1e6:yourip3:abc11:upload_onlyi-9e1:v3:\xFF\x00\x1Be",
        b"d11:teem_sourcei4294967295e1:pi65535e4:reqqi0ee",
        &many,
    ];
    for payload in borne {
        let what = format!("{:?}", String::from_utf8_lossy(&payload[..payload.len().min(30)]));
        everywhere(Speaks::All, &what, &extended(0, payload), Stays);
    }
    everywhere(Speaks::All, "an unknown extension", &extended(77, &[0; 300]), Stays);
}

#[test]
fn rows_25_and_27_metadata_messages() {
    let bomb = [&b"d8:msg_type"[..], &vec![b'l'; 16_000]].concat();
    let unasked = [&b"d8:msg_typei1e5:piecei0e10:total_sizei16384ee"[..], &[0; 16_384]].concat();
    let borne: [&[u8]; 11] = [
        b"",
        b"junk",
        b"d8:msg_typei0e5:piecei-1ee",
        b"d8:msg_typei0e5:piecei99ee",
        b"d8:msg_typei0e5:piecei4294967295ee",
        b"d8:msg_typei2e5:piecei4294967295ee",
        b"d8:msg_typei9e5:piecei0ee",
        b"d8:msg_typei1e5:piecei0ee",
        b"d8:msg_typei1e5:piecei4294967295e10:total_sizei4294967295ee",
        &bomb,
        &unasked,
    ];
    for payload in borne {
        let what = format!("{:?}", String::from_utf8_lossy(&payload[..payload.len().min(30)]));
        everywhere(Speaks::All, &what, &extended(1, payload), Stays);
        // The same from one that has said that it speaks of metadata.
        let said = extended(0, b"d1:md11:ut_metadatai3eee");
        everywhere(Speaks::All, &what, &[said, extended(1, payload)].concat(), Stays);
    }
}

#[test]
fn row_25_who_has_named_a_size_and_sends_something_else_while_it_is_asked_for() {
    let offer = extended(0, b"d1:md11:ut_metadatai1ee13:metadata_sizei20000ee");
    let data = |head: &str, len: usize| extended(1, &[head.as_bytes(), &vec![0; len]].concat());
    let cases = [
        (data("d8:msg_typei1e5:piecei0e10:total_sizei20000ee", 5), Ends("a metadata piece of the wrong length")),
        (data("d8:msg_typei1e5:piecei1e10:total_sizei20000ee", 16_384), Ends("a metadata piece of the wrong length")),
        (data("d8:msg_typei1e5:piecei2e10:total_sizei20000ee", 16_384), Ends("a metadata piece of the wrong length")),
        (data("d8:msg_typei1e5:piecei0e10:total_sizei0ee", 0), Ends("the size of its metadata keeps changing")),
        (data("d8:msg_typei2e5:piecei0ee", 0), Stays),
        (Vec::new(), Stays),
    ];
    for (bytes, fate) in cases {
        let mut scene = Scene::new(State::Metadata);
        let mut stranger = scene.connect(Speaks::All, 1);
        stranger.send(&mut scene.world, &offer);
        let asked = |m: &Message| matches!(m, Message::Metadata { id: 1, message: MetadataMessage::Request { .. } });
        assert_eq!(stranger.heard(&scene.world).filter(|m| asked(m)).count(), 2);
        stranger.send(&mut scene.world, &bytes);
        let got = match scene.outcome(&stranger) {
            Some(CloseReason::Protocol(why)) => Ends(why),
            other => other.map_or(Stays, |why| panic!("{why:?}")),
        };
        assert_eq!(got, fate);
    }
}

#[test]
fn row_31_handshakes_of_others_and_none_at_all() {
    let hello = |first: &[u8], hash: u8| [first, &[0; 8], &[hash; 20], &[9; 20]].concat();
    let again = [frame(3, &[]), hello(b"\x13BitTorrent protocol", 0)].concat();
    everywhere(Speaks::All, "a second handshake", &again, Ends("frame too long"));
    let cases = [
        (hello(b"\x13BitTorrent protocoL", 1), CloseReason::NotBitTorrent),
        (frame(2, &[]), CloseReason::NotBitTorrent),
        (frame(6, &[0; 12]), CloseReason::NotBitTorrent),
        (vec![0xAA; 96], CloseReason::NotBitTorrent),
        (hello(b"\x13BitTorrent protocol", 1), CloseReason::UnknownTorrent),
        (hello(b"\x13BitTorrent protocol", 1)[..67].to_vec(), CloseReason::TimedOut),
        (Vec::new(), CloseReason::TimedOut),
    ];
    for (bytes, why) in cases {
        for state in STATES {
            let mut scene = Scene::new(state);
            let mut stranger = scene.dial(1);
            stranger.send(&mut scene.world, &bytes);
            assert_eq!(stranger.heard(&scene.world).count(), 0, "a stranger learns nothing");
            let end = scene.world.now + (secs(11).since(secs(0)));
            while scene.world.now < end && scene.world.step(end) {}
            assert_eq!(scene.outcome(&stranger), Some(why), "{bytes:?}");
        }
    }
}
