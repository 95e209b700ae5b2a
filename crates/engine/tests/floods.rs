//! The same message again and again, in each of three states (bad input, rows 29, 30, 33 to 36, 39; faults, row 21): the flood ends
//! with its connection and a reason, after a bounded number of messages, and costs nobody else anything.
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod common;
use common::stranger::{STATES, Scene, Speaks, State, extended, frame, ints};
use core::time::Duration;
use teem_swarm::output::CloseReason;
use teem_wire::peer::block::BLOCK_LEN;
use teem_wire::peer::encode::encode;
use teem_wire::peer::message::Message;

/// Messages in a flood: more than are ever forgiven.
const MANY: u32 = 25_000;

/// The nth message of a flood.
type Nth<'a> = &'a dyn Fn(u32) -> Vec<u8>;

/// Sends what `nth` says until the connection ends, without a moment passing; gives the reason, the number of messages and the
/// number of bytes it was told for them.
fn flood(state: State, speaks: Speaks, nth: Nth<'_>) -> (Option<CloseReason>, u32, usize) {
    let mut scene = Scene::new(state);
    let mut stranger = scene.connect(speaks, 1);
    let mut sent = 0;
    while sent < MANY && stranger.send(&mut scene.world, &nth(sent)) {
        sent += 1;
    }
    let mut told = Vec::new();
    stranger.heard(&scene.world).for_each(|message| encode(message, &mut told));
    (scene.outcome(&stranger), sent, told.len())
}

#[track_caller]
fn ends(what: &str, speaks: Speaks, why: &'static str, most: u32, nth: impl Fn(u32) -> Vec<u8>) {
    for state in STATES {
        let (reason, sent, told) = flood(state, speaks, &nth);
        assert_eq!(reason, Some(CloseReason::Flood(why)), "{what}, {state:?}, after {sent}");
        assert!(sent <= most, "{what}, {state:?}: after {sent}");
        assert!(told <= 1 << 20, "{what}, {state:?}: it was told {told} bytes");
    }
}

const IDLE: &str = "messages without effect";

#[test]
fn row_39_words_without_effect() {
    let at = |n: u32| ints(&[n % 5, n % 4 * BLOCK_LEN, BLOCK_LEN]);
    let floods: [(&str, Nth<'_>); 10] = [
        ("CHOKE", &|_| frame(0, &[])),
        ("INTERESTED", &|_| frame(2, &[])),
        ("interest that comes and goes", &|n| frame(2 + (n % 2) as u8, &[])),
        ("CANCEL", &|n| frame(8, &at(n))),
        ("PORT", &|n| frame(9, &[n as u8, 1])),
        ("SUGGEST", &|n| frame(13, &ints(&[n]))),
        ("REJECT", &|n| frame(16, &at(n))),
        ("ALLOWED_FAST", &|n| frame(17, &ints(&[n]))),
        ("an unknown message", &|n| frame(99, &[n as u8])),
        ("an unknown extension", &|n| extended(77, &[n as u8])),
    ];
    for (what, nth) in floods {
        ends(what, Speaks::All, IDLE, 10_100, nth);
    }
}

#[test]
fn row_39_extension_handshakes_and_metadata() {
    let floods: [(&str, Nth<'_>); 5] = [
        ("an extension handshake", &|_| extended(0, b"d1:pi9ee")),
        ("one that names an id again and again", &|n| {
            extended(0, format!("d1:md11:ut_metadatai{}eee", n % 2).as_bytes())
        }),
        ("a request for metadata that is not there", &|n| {
            extended(1, format!("d8:msg_typei0e5:piecei{n}ee").as_bytes())
        }),
        ("a reject", &|n| extended(1, format!("d8:msg_typei2e5:piecei{n}ee").as_bytes())),
        ("data that nobody asked for", &|_| extended(1, b"d8:msg_typei1e5:piecei0e10:total_sizei3eeabc")),
    ];
    for (what, nth) in floods {
        ends(what, Speaks::All, IDLE, 10_100, nth);
    }
}

#[test]
fn row_27_metadata_that_is_asked_for_and_not_read() {
    // The first request is said after the number for the answers; that it cannot be read here is the stranger's business.
    let nth = |n: u32| {
        let said = extended(0, b"d1:md11:ut_metadatai1eee");
        let request = extended(1, b"d8:msg_typei0e5:piecei0ee");
        if n == 0 { said } else { request }
    };
    let (reason, sent, told) = flood(State::Seeding, Speaks::All, &nth);
    assert_eq!(reason, Some(CloseReason::Flood(IDLE)));
    assert!(sent <= 10_200 && told <= 1 << 20, "{sent} messages, {told} bytes");
}

#[test]
fn row_29_keepalives() {
    ends("KEEPALIVE", Speaks::Plain, "keepalives", 11, |_| vec![0; 4]);
}

#[test]
fn row_33_the_same_piece_shown_again() {
    for state in [State::Seeding, State::Downloading] {
        let (reason, sent, _) = flood(state, Speaks::Plain, &|_| frame(4, &ints(&[3])));
        assert_eq!(reason, Some(CloseReason::Flood("the same pieces shown again and again")));
        assert!(sent <= 501);
    }
    let (reason, sent, _) = flood(State::Metadata, Speaks::Plain, &|n| frame(4, &ints(&[n])));
    assert_eq!((reason, sent), (Some(CloseReason::Flood("HAVEs without a bitfield")), 4_096));
}

#[test]
fn rows_32_and_21_bitfields_that_flap() {
    let floods: [(&str, Nth<'_>); 3] = [
        ("HAVE_NONE", &|_| frame(15, &[])),
        ("bitfields", &|n| frame(5, &[(n % 2) as u8, 0])),
        ("both", &|n| if n % 2 == 0 { frame(15, &[]) } else { frame(5, &[1, 0]) }),
    ];
    for (what, nth) in floods {
        ends(what, Speaks::All, "bitfields again and again", 50, nth);
    }
}

#[test]
fn row_34_requests_that_cannot_be_served() {
    for speaks in [Speaks::All, Speaks::Plain] {
        ends("REQUEST", speaks, "300 invalid requests", 300, |n| frame(6, &ints(&[99, n, BLOCK_LEN])));
    }
}

#[test]
fn row_35_requests_that_are_cancelled_at_once_do_not_keep_the_disk_busy() {
    let at = |n: u32| ints(&[n / 2 % 12, 0, BLOCK_LEN]);
    let nth = |n: u32| if n == 0 { frame(2, &[]) } else { frame([6, 8][(n % 2) as usize], &at(n)) };
    let (reason, _, _) = flood(State::Seeding, Speaks::All, &nth);
    assert!(matches!(reason, Some(CloseReason::Flood(_))), "{reason:?}");
}

#[test]
fn row_36_blocks_that_were_never_asked_for() {
    ends("PIECE", Speaks::Plain, "blocks that were never asked for", 500, |n| {
        frame(7, &[ints(&[n % 12, 0]), vec![0; 16]].concat())
    });
}

#[test]
fn row_21_a_storm_of_chokes_and_unchokes() {
    for speaks in [Speaks::All, Speaks::Plain] {
        ends("a storm", speaks, "CHOKEs and UNCHOKEs", 501, |n| {
            if n == 0 { frame(5, &[0xFF, 0xE0]) } else { frame((n % 2) as u8, &[]) }
        });
    }
}

#[test]
fn a_long_life_with_a_little_of_everything_is_no_flood() {
    for state in [State::Seeding, State::Downloading] {
        let mut scene = Scene::new(state);
        let mut stranger = scene.connect(Speaks::All, 1);
        for minute in 0..30u32 {
            for bytes in [
                frame(0, &[]),
                frame(1, &[]),
                frame(2, &[]),
                frame(3, &[]),
                frame(4, &ints(&[minute % 11])),
                frame(6, &ints(&[minute % 12, 0, BLOCK_LEN])),
                frame(8, &ints(&[minute % 12, 0, BLOCK_LEN])),
                frame(13, &ints(&[minute % 12])),
                frame(15, &[]),
                extended(0, b"d1:v3:oldee"),
                extended(2, b"d5:added0:e"),
                vec![0; 4],
            ] {
                assert!(stranger.send(&mut scene.world, &bytes), "minute {minute}");
            }
            let end = scene.world.now + Duration::from_secs(60);
            while scene.world.now < end && scene.world.step(end) {}
        }
        let said = stranger.heard(&scene.world).filter(|m| **m == Message::KeepAlive).count();
        assert!(said <= 30);
        assert_eq!(scene.outcome(&stranger), None);
    }
}
