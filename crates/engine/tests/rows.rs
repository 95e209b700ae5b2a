//! Rows of bad input that are the engine's: 30, 31, 44, 45, 55, 56, 70 (24 to 27 are with the metadata machines of `teem-swarm`).
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod common;
use common::one::*;
use common::*;
use core::net::SocketAddr;
use core::time::Duration;
use teem_engine::input::{Input, PeerSource};
use teem_metainfo::InfoHash;
use teem_swarm::ask::Answer;
use teem_swarm::ids::ConnId;
use teem_swarm::output::CloseReason;
use teem_swarm::output::Output;
use teem_swarm::remote::How;
use teem_wire::peer::message::Message;
use teem_wire::tracker::announce::AnnounceReply;

fn announces(outputs: &[Output<Block>]) -> usize {
    asks(outputs).len()
}

#[test]
fn row_30_an_unknown_message_is_let_pass() {
    let mut one = One::new(&[], &[]);
    one.accept(1, "8.8.8.8:4000");
    let outputs = one.hello(1, one.hash, id(1));
    assert!(matches!(&outputs[0], Output::Hello { .. }), "our handshake goes first");
    assert_eq!(closes(&outputs), []);
    let unknown = Message::Unknown { id: 77, extended: None, len: 5000 };
    let outputs = one.give(Input::Message { conn: ConnId(1), message: unknown });
    assert_eq!(closes(&outputs), []);
}

#[test]
fn row_31_a_stranger_to_all_our_torrents_learns_nothing() {
    let mut one = One::new(&[], &[]);
    one.accept(1, "8.8.8.8:4000");
    let outputs = one.hello(1, InfoHash([0; 20]), id(1));
    assert!(matches!(&outputs[..], [Output::Close { why: CloseReason::UnknownTorrent, .. }]), "{outputs:?}");
    let outputs = one.give(Input::Message { conn: ConnId(1), message: Message::Interested });
    assert!(outputs.is_empty(), "nothing is heard of it any more");
}

#[test]
fn row_31_ourselves_duplicates_and_other_torrents_are_closed() {
    let peer: SocketAddr = "8.8.8.8:6000".parse().unwrap();
    let mut one = One::new(&[], &[peer]);
    let dials = one.pass(one.now);
    let dials = dials.into_iter().chain(one.outputs()).filter(|o| matches!(o, Output::Dial { .. })).count();
    assert!(dials <= 1);
    let local = "198.18.0.1:5000".parse().unwrap();
    let outputs = one.give(Input::Connected {
        conn: ConnId(1),
        torrent: ME,
        remote: peer.into(),
        how: How::TCP,
        local: Some(local),
    });
    let [Output::Hello { handshake: ours, .. }] = &outputs[..] else { panic!("{outputs:?}") };
    let ours = *ours;
    let outputs = one.hello(1, one.hash, ours.peer_id);
    assert_eq!(closes(&outputs), [(1, CloseReason::Ourselves)]);
    one.accept(2, "9.9.9.9:4000");
    one.accept(3, "9.9.9.9:4001");
    assert_eq!(closes(&one.hello(2, one.hash, id(5))), []);
    assert_eq!(closes(&one.hello(3, one.hash, id(5))), [(3, CloseReason::Duplicate)]);
    one.give(Input::Connected { conn: ConnId(4), torrent: ME, remote: peer.into(), how: How::TCP, local: Some(local) });
    let closed = closes(&one.hello(4, InfoHash([0; 20]), id(6)));
    assert!(matches!(closed[..], [(4, CloseReason::Protocol(_))]), "{closed:?}");
}

#[test]
fn row_44_five_thousand_half_open_ones_end_at_the_deadline_and_the_longest_silent_makes_room() {
    let mut one = One::new(&[], &[]);
    let mut open = 0;
    for n in 0..5000u32 {
        let [a, b, c, d] = (0x0B00_0000 + n).to_be_bytes();
        let outputs = one.accept(u64::from(n), &format!("{a}.{b}.{c}.{d}:4000"));
        open = open + 1 - closes(&outputs).len();
        assert!(open <= 128);
        one.now = one.now + Duration::from_millis(1);
    }
    one.accept(9000, "12.0.0.1:4000");
    assert_eq!(closes(&one.hello(9000, one.hash, id(1))), [], "an honest one gets in");
    let until = one.now + Duration::from_secs(10);
    let late = closes(&one.pass(until));
    assert!(late.len() >= 127 && late.iter().all(|(_, why)| *why == CloseReason::TimedOut));
}

#[test]
fn row_45_a_thousand_from_one_address_leave_room_for_others() {
    let mut one = One::new(&[], &[]);
    let mut stay = 0;
    for n in 0..1000u32 {
        let mut outputs = one.accept(u64::from(n), "8.8.8.8:4000");
        if closes(&outputs).is_empty() {
            outputs = one.hello(u64::from(n), one.hash, id(n));
        }
        stay += usize::from(closes(&outputs).is_empty());
    }
    assert_eq!(stay, 8);
    let silent = (2000..2100).filter(|n| closes(&one.accept(*n, "8.8.4.4:4000")).is_empty()).count();
    assert_eq!(silent, 4);
    let local = (3000..3100u32)
        .filter(|n| {
            one.accept(u64::from(*n), "127.0.0.1:4000");
            closes(&one.hello(u64::from(*n), one.hash, id(*n))).is_empty()
        })
        .count();
    assert_eq!(local, 72, "loopback has only the limit of the whole torrent");
}

#[test]
fn row_55_a_tracker_that_says_interval_0_is_not_asked_more_than_once_a_minute() {
    let mut one = One::new(&["http://t/announce"], &[]);
    let mut under_way = [asks(&one.pass(secs(100))), asks(&one.outputs())].concat();
    assert_eq!(under_way.len(), 1);
    let mut asked = 0;
    for minute in 0..10 {
        let reply = Ok(AnnounceReply { warning: Some("w".repeat(1 << 20)), ..AnnounceReply::default() });
        for id in core::mem::take(&mut under_way) {
            let answer = Answer::Announced { source: PeerSource::PublicTracker, reply: reply.clone() };
            one.give(Input::Answer { id, answer });
        }
        under_way = asks(&one.pass(secs(100 + 60 * (minute + 1))));
        asked += under_way.len();
    }
    assert!((2..=10).contains(&asked), "{asked}");
}

#[test]
fn row_56_packets_that_nobody_waits_for_do_nothing() {
    let mut one = One::new(&["udp://9.9.9.9:6969/announce"], &[]);
    let packets: Vec<_> = one.pass(secs(100)).into_iter().chain(one.outputs()).collect();
    let sent = packets.iter().filter(|o| matches!(o, Output::Datagram { .. })).count();
    assert_eq!(sent, 1, "{packets:?}");
    for len in 0..64 {
        let from = if len % 2 == 0 { "9.9.9.9:6969" } else { "9.9.9.8:6969" }.parse().unwrap();
        assert!(one.give(Input::Datagram { from, bytes: vec![len as u8 % 4; len] }).is_empty());
    }
    let later = one.pass(secs(117));
    assert_eq!(later.iter().filter(|o| matches!(o, Output::Datagram { .. })).count(), 1, "asked again after 15 s");
}

#[test]
fn row_70_the_clock_may_jump_ten_years_or_back_a_day() {
    let trackers = ["http://a/announce", "http://b/announce", "http://c/announce"];
    let mut one = One::new(&trackers, &[]);
    let first = [asks(&one.pass(secs(100))), asks(&one.outputs())].concat();
    assert_eq!(first.len(), 3);
    for id in first {
        let reply = Ok(AnnounceReply { interval: Duration::from_secs(1800), ..AnnounceReply::default() });
        one.give(Input::Answer { id, answer: Answer::Announced { source: PeerSource::PublicTracker, reply } });
    }
    one.accept(1, "8.8.8.8:4000");
    one.hello(1, one.hash, id(1));
    let woken = secs(10 * 365 * 86_400);
    one.now = woken;
    let mut outputs = one.give(Input::Tick);
    outputs.extend(one.pass(woken + Duration::from_secs(30)));
    assert_eq!(announces(&outputs), 3, "each tracker once");
    assert_eq!(closes(&outputs), [], "no cascade of time-outs");
    one.now = woken - Duration::from_secs(86_400);
    let outputs = one.give(Input::Tick);
    assert_eq!((announces(&outputs), closes(&outputs).len()), (0, 0));
}
