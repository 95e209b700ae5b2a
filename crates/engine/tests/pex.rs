//! Peers tell each other of peers (BEP 11): what is said to whom and when, what is taken of whom, and nothing where a torrent is private (bad-input row 42).
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod common;
use common::one::*;
use common::*;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeSet;
use teem_engine::EngineConfig;
use teem_engine::input::Input;
use teem_swarm::command::Command;
use teem_swarm::ids::ConnId;
use teem_swarm::job::Done;
use teem_swarm::output::{CloseReason, Output};
use teem_swarm::remote::Remote;
use teem_wire::peer::ids::UT_PEX;
use teem_wire::peer::message::{Contact, ExtendedHandshake, Message, PexFlags, PexMessage};

/// What peers call the extension here.
const THEIRS: u8 = 7;

fn config() -> EngineConfig {
    EngineConfig { pex: true, ..EngineConfig::new(5000, 9) }
}

fn exchanging() -> One {
    let mut one = One::of(config(), &info(4, false), &[], &[]);
    one.outputs();
    one
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A peer dials us from there and says that it listens on port 6881.
fn comes(one: &mut One, conn: u64, ip: &str, said: ExtendedHandshake) -> Vec<Output<Block>> {
    let from = if ip.contains(':') { format!("[{ip}]:40000") } else { format!("{ip}:40000") };
    one.accept(conn, &from);
    let mut outputs = one.hello(conn, one.hash, id(conn as u32));
    outputs.extend(says(one, conn, Message::ExtendedHandshake(ExtendedHandshake { port: Some(6881), ..said })));
    outputs
}

fn says(one: &mut One, conn: u64, message: Message) -> Vec<Output<Block>> {
    one.give(Input::Message { conn: ConnId(conn), message })
}

fn takes_pex() -> ExtendedHandshake {
    ExtendedHandshake { ut_pex: Some(THEIRS), ..ExtendedHandshake::default() }
}

fn pex(outputs: &[Output<Block>]) -> Vec<(u64, PexMessage)> {
    let told = |o: &Output<Block>| match o {
        Output::Send { conn, message: Message::Pex { id, message } } => {
            assert_eq!(*id, THEIRS);
            Some((conn.0, message.clone()))
        }
        _ => None,
    };
    outputs.iter().filter_map(told).collect()
}

fn met(message: &PexMessage) -> Vec<(String, u8)> {
    message.added.iter().map(|contact| (contact.addr.to_string(), contact.flags.0)).collect()
}

/// A list of peers, as others send it.
fn list(addrs: impl IntoIterator<Item = SocketAddr>) -> Message {
    let added = addrs.into_iter().map(|addr| Contact { addr, flags: PexFlags(0) }).collect();
    Message::Pex { id: UT_PEX, message: PexMessage { added, dropped: Vec::new() } }
}

fn many(from: u32, count: u32) -> impl Iterator<Item = SocketAddr> {
    (from..from + count).map(|n| SocketAddr::from(((0x0909_0000 + n).to_be_bytes(), 6881)))
}

fn known(one: &mut One) -> u32 {
    let outputs = one.give(Input::Command(Command::Snapshot(ME)));
    let figure = outputs.iter().find_map(|o| match o {
        Output::Event(teem_swarm::event::Event::Snapshot(snapshot)) => Some(snapshot.dials.known),
        _ => None,
    });
    figure.unwrap()
}

#[test]
fn who_comes_is_told_at_once_and_the_others_once_a_minute() {
    let mut one = exchanging();
    let start = one.now;
    assert_eq!(pex(&comes(&mut one, 1, "8.8.1.1", takes_pex())), [], "there is nobody to tell of");
    let told = pex(&comes(&mut one, 2, "8.8.2.2", takes_pex()));
    let [(2, first)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(met(first), [("8.8.1.1:6881".to_owned(), 0)], "with the port that it says to listen on");
    let told = pex(&one.pass(start + Duration::from_secs(2)));
    let [(1, first)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(met(first), [("8.8.2.2:6881".to_owned(), 0)]);
    // What changes from now on is told a minute later, and what comes and goes in between is not.
    let said = ExtendedHandshake {
        prefers_encryption: Some(true),
        upload_only: Some(true),
        ut_holepunch: Some(4),
        ..takes_pex()
    };
    assert_eq!(pex(&comes(&mut one, 3, "8.8.3.3", said)).len(), 1);
    comes(&mut one, 4, "8.8.4.4", takes_pex());
    one.give(Input::Closed { conn: ConnId(4), why: CloseReason::Remote });
    one.give(Input::Closed { conn: ConnId(2), why: CloseReason::Remote });
    assert_eq!(pex(&one.pass(start + Duration::from_secs(59))), []);
    let told = pex(&one.pass(start + Duration::from_secs(63)));
    let to_first = &told.iter().find(|(conn, _)| *conn == 1).unwrap().1;
    let flags = PexFlags::ENCRYPTION | PexFlags::SEED | PexFlags::HOLEPUNCH;
    assert_eq!(met(to_first), [("8.8.3.3:6881".to_owned(), flags)]);
    assert_eq!(to_first.dropped, [addr("8.8.2.2:6881")]);
    let to_third = &told.iter().find(|(conn, _)| *conn == 3).unwrap().1;
    assert_eq!((to_third.added.len(), &to_third.dropped[..]), (0, &[addr("8.8.2.2:6881")][..]));
    assert_eq!(pex(&one.pass(start + Duration::from_secs(600))), [], "nothing has changed");
}

#[test]
fn where_few_are_connected_those_that_were_are_told_once_and_taken_back() {
    let mut one = exchanging();
    let start = one.now;
    let seed = ExtendedHandshake { upload_only: Some(true), ..takes_pex() };
    comes(&mut one, 1, "8.8.1.1", seed.clone());
    comes(&mut one, 2, "8.8.2.2", takes_pex());
    for (conn, why) in [(1, CloseReason::Remote), (2, CloseReason::Protocol("what nobody says"))] {
        one.give(Input::Closed { conn: ConnId(conn), why });
    }
    let told = pex(&comes(&mut one, 3, "8.8.3.3", takes_pex()));
    let [(3, first)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(met(first), [("8.8.1.1:6881".to_owned(), PexFlags::SEED)], "one that broke the protocol is not told of");
    let told = pex(&one.pass(start + Duration::from_secs(62)));
    let [(3, next)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((met(next), &next.dropped[..]), (Vec::new(), &[addr("8.8.1.1:6881")][..]));
    assert_eq!(pex(&one.pass(start + Duration::from_secs(110))), [], "once");
    // One that comes back is not told of itself.
    let told = pex(&comes(&mut one, 4, "8.8.1.1", seed));
    let told: Vec<_> = told.iter().map(|(conn, said)| (*conn, met(said))).collect();
    assert_eq!(told, [(4, vec![("8.8.3.3:6881".to_owned(), 0)])]);
}

#[test]
fn no_more_than_the_last_25_of_those_that_were_are_told_of() {
    let mut one = exchanging();
    for n in 1..=30u8 {
        comes(&mut one, n.into(), &format!("8.8.{n}.1"), takes_pex());
        one.give(Input::Closed { conn: ConnId(n.into()), why: CloseReason::Remote });
    }
    let told = pex(&comes(&mut one, 40, "8.9.1.1", takes_pex()));
    let [(40, first)] = &told[..] else { panic!("{told:?}") };
    let all: BTreeSet<String> = met(first).into_iter().map(|(at, _)| at).collect();
    assert_eq!(all, (6..=30).map(|n| format!("8.8.{n}.1:6881")).collect());
}

#[test]
fn whom_we_dialled_is_said_to_be_reachable_and_who_says_no_port_is_not_told_of() {
    let mut one = exchanging();
    let there = addr("8.8.9.9:7777");
    one.give(Input::Command(Command::Peers {
        torrent: ME,
        source: teem_engine::input::PeerSource::User,
        list: vec![there],
    }));
    let local = Some(addr("198.18.0.1:5000"));
    let how = teem_swarm::remote::How::TCP;
    one.give(Input::Connected { conn: ConnId(1), torrent: ME, remote: there.into(), how, local });
    one.hello(1, one.hash, id(1));
    one.accept(2, "8.8.2.2:40000");
    one.hello(2, one.hash, id(2));
    says(&mut one, 2, Message::ExtendedHandshake(takes_pex()));
    let told = pex(&comes(&mut one, 3, "8.8.3.3", takes_pex()));
    assert_eq!(met(&told[0].1), [("8.8.9.9:7777".to_owned(), PexFlags::REACHABLE)]);
}

#[test]
fn fifty_are_told_at_a_time() {
    let mut one = exchanging();
    let start = one.now;
    for n in 1..=70 {
        comes(&mut one, n, &format!("8.8.{n}.1"), ExtendedHandshake::default());
    }
    let told = pex(&comes(&mut one, 99, "8.9.9.9", takes_pex()));
    assert_eq!(told[0].1.added.len(), 50);
    for n in 1..=70 {
        one.give(Input::Closed { conn: ConnId(n), why: CloseReason::Remote });
    }
    let told = pex(&one.pass(start + Duration::from_secs(62)));
    assert_eq!((told.len(), told[0].1.added.len(), told[0].1.dropped.len()), (1, 0, 50), "those that it knows of");
}

#[test]
fn addresses_of_this_network_are_told_within_it_only() {
    let mut one = exchanging();
    comes(&mut one, 1, "10.0.0.1", takes_pex());
    comes(&mut one, 2, "8.8.2.2", takes_pex());
    let told = pex(&comes(&mut one, 3, "9.9.9.9", takes_pex()));
    assert_eq!(met(&told[0].1), [("8.8.2.2:6881".to_owned(), 0)]);
    let told = pex(&comes(&mut one, 4, "10.0.0.4", takes_pex()));
    assert_eq!(told[0].1.added.len(), 3);
}

#[test]
fn row_42_of_one_introducer_two_hundred_are_kept_and_nobody_is_named_who_cannot_be_meant() {
    let mut one = exchanging();
    comes(&mut one, 1, "8.8.1.1", takes_pex());
    let before = known(&mut one);
    let odd = ["127.0.0.1:6881", "10.0.0.1:6881", "224.0.0.1:6881", "0.0.0.0:6881", "9.9.9.9:80", "[fe80::1]:6881"];
    says(&mut one, 1, list(odd.map(addr)));
    assert_eq!(known(&mut one), before);
    says(&mut one, 1, list(["9.9.9.9:6881", "9.9.9.9:6882", "9.9.9.9:6883"].map(addr)));
    assert_eq!(known(&mut one), before + 1, "one port of an address");
    for n in 0..20 {
        one.now = one.now + Duration::from_secs(60);
        says(&mut one, 1, list(many(50 * n, 50)));
    }
    assert_eq!(known(&mut one), before + 200);
    // Another one is believed besides; one of the same address is the same party.
    comes(&mut one, 2, "8.8.1.1", takes_pex());
    says(&mut one, 2, list(many(5_000, 50)));
    assert_eq!(known(&mut one), before + 200);
    comes(&mut one, 3, "8.8.3.3", takes_pex());
    let others = known(&mut one);
    says(&mut one, 3, list(many(5_000, 50)));
    assert_eq!(known(&mut one), others + 50);
}

#[test]
fn row_42_more_than_six_a_minute_are_a_flood_whatever_stands_in_them() {
    for message in [list(many(0, 1)), Message::Unknown { id: 20, extended: Some(UT_PEX), len: 9 }] {
        let mut one = exchanging();
        comes(&mut one, 1, "8.8.1.1", takes_pex());
        for minute in 1..=3 {
            one.now = secs(100 + 60 * minute);
            assert!((0..6).all(|_| closes(&says(&mut one, 1, message.clone())).is_empty()));
        }
        let closed = closes(&says(&mut one, 1, message));
        assert!(matches!(closed[..], [(1, CloseReason::Flood(_))]), "{closed:?}");
    }
}

#[test]
fn row_42_our_own_address_is_not_dialled() {
    let mut one = exchanging();
    for n in 1..=3 {
        let said = ExtendedHandshake { your_ip: Some([77, 1, 2, 3].into()), ..takes_pex() };
        comes(&mut one, n, &format!("8.8.{n}.1"), said);
    }
    let before = known(&mut one);
    says(&mut one, 1, list(["77.1.2.3:5000", "77.1.2.4:5000"].map(addr)));
    assert_eq!(known(&mut one), before + 1);
}

#[test]
fn of_a_private_torrent_nothing_is_offered_said_or_taken() {
    let mut one = One::of(config(), &info(4, true), &[], &[]);
    one.outputs();
    let offers = |outputs: &[Output<Block>]| {
        outputs.iter().any(
            |o| matches!(o, Output::Send { message: Message::ExtendedHandshake(said), .. } if said.ut_pex.is_some()),
        )
    };
    let first = comes(&mut one, 1, "8.8.1.1", takes_pex());
    let second = comes(&mut one, 2, "8.8.2.2", takes_pex());
    assert!(!offers(&first) && !offers(&second));
    assert_eq!((pex(&first), pex(&second)), (Vec::new(), Vec::new()));
    let before = known(&mut one);
    says(&mut one, 1, list(many(0, 50)));
    assert_eq!(known(&mut one), before);
    let later = one.pass(one.now + Duration::from_secs(90));
    assert!(pex(&later).is_empty() && !later.iter().any(|o| matches!(o, Output::Dial { .. })));
}

#[test]
fn by_a_magnet_link_the_offer_is_taken_back_once_the_metadata_says_that_it_is_private() {
    let info = info(4, true);
    let mut one = One::of(config(), &info, &[], &[]);
    one.engine = teem_engine::Engine::new(config());
    one.give(Input::Command(torrent(&info, false, &[], &[])));
    let offer = |outputs: &[Output<Block>]| {
        let said = |o: &Output<Block>| match o {
            Output::Send { message: Message::ExtendedHandshake(said), .. } => Some(said.ut_pex),
            _ => None,
        };
        outputs.iter().filter_map(said).collect::<Vec<_>>()
    };
    assert_eq!(offer(&comes(&mut one, 1, "8.8.1.1", takes_pex())), [Some(UT_PEX)]);
    assert_eq!(pex(&comes(&mut one, 2, "8.8.2.2", takes_pex())).len(), 1);
    says(&mut one, 1, list(many(0, 50)));
    let fetched = Done::Metadata { torrent: ME, result: Ok(info), hash_ok: true };
    let outputs = one.give(Input::Disk(fetched));
    assert_eq!(offer(&outputs), [Some(0), Some(0)]);
    let dialled_before = known(&mut one);
    says(&mut one, 1, list(many(100, 50)));
    assert_eq!(known(&mut one), dialled_before);
    let told = pex(&comes(&mut one, 3, "8.8.3.3", takes_pex()));
    let later = pex(&one.pass(one.now + Duration::from_secs(90)));
    assert_eq!((told, later), (Vec::new(), Vec::new()));
}

#[test]
fn who_is_named_is_dialled() {
    let mut one = One::of(config(), &info(4, false), &[], &[]);
    one.outputs();
    comes(&mut one, 1, "8.8.1.1", takes_pex());
    let outputs = says(&mut one, 1, list([addr("9.9.9.9:6881")]));
    let dialled =
        outputs.iter().any(|o| matches!(o, Output::Dial { to: Remote::Addr(to), .. } if *to == addr("9.9.9.9:6881")));
    assert!(dialled, "{outputs:?}");
}
