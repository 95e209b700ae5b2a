//! Two peers behind routers and a third that has them dial each other (BEP 55): each of the three roles.
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod common;
use common::one::*;
use common::*;
use core::net::SocketAddr;
use core::time::Duration;
use teem_engine::EngineConfig;
use teem_engine::input::{DialError, Input};
use teem_swarm::command::Command;
use teem_swarm::event::Event;
use teem_swarm::ids::ConnId;
use teem_swarm::listening::Door;
use teem_swarm::output::Output;
use teem_swarm::remote::{How, Plan, Remote, Transports};
use teem_wire::compact::Family;
use teem_wire::peer::ids::{UT_HOLEPUNCH, UT_PEX};
use teem_wire::peer::message::{
    Contact, ExtendedHandshake, Holepunch, HolepunchError, HolepunchMessage, Message, PexFlags, PexMessage,
};

/// What peers call the extension here.
const THEIRS: u8 = 9;
/// A peer that can be asked, and that nobody has dialled.
const HIDDEN: u8 = PexFlags::HOLEPUNCH | PexFlags::UTP;

fn punching() -> One {
    let config = EngineConfig { pex: true, transports: Transports::Auto, ..EngineConfig::new(5000, 9) };
    let mut one = One::of(config, &info(4, false), &[], &[]);
    one.outputs();
    one
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn comes(one: &mut One, conn: u64, ip: &str, helps: bool) {
    one.accept(conn, &format!("{ip}:40000"));
    one.hello(conn, one.hash, id(conn as u32));
    let ut_holepunch = helps.then_some(THEIRS);
    let said = ExtendedHandshake { port: Some(6881), ut_holepunch, ..ExtendedHandshake::default() };
    one.give(Input::Message { conn: ConnId(conn), message: Message::ExtendedHandshake(said) });
}

fn says(one: &mut One, conn: u64, what: Holepunch, at: &str) -> Vec<Output<Block>> {
    let message = HolepunchMessage { what, at: addr(at) };
    one.give(Input::Message { conn: ConnId(conn), message: Message::Holepunch { id: UT_HOLEPUNCH, message } })
}

fn names(one: &mut One, conn: u64, at: &str, flags: u8) -> Vec<Output<Block>> {
    let added = vec![Contact { addr: addr(at), flags: PexFlags(flags) }];
    let message = Message::Pex { id: UT_PEX, message: PexMessage { added, dropped: Vec::new() } };
    one.give(Input::Message { conn: ConnId(conn), message })
}

fn said(outputs: &[Output<Block>]) -> Vec<(u64, Holepunch, String)> {
    let told = |o: &Output<Block>| match o {
        Output::Send { conn, message: Message::Holepunch { id, message } } => {
            assert_eq!(*id, THEIRS);
            Some((conn.0, message.what, message.at.to_string()))
        }
        _ => None,
    };
    outputs.iter().filter_map(told).collect()
}

fn dials(outputs: &[Output<Block>]) -> Vec<(String, Plan)> {
    let dial = |o: &Output<Block>| match o {
        Output::Dial { to: Remote::Addr(to), plan, .. } => Some((to.to_string(), *plan)),
        _ => None,
    };
    outputs.iter().filter_map(dial).collect()
}

/// Meetings with a third's help: tried, reached, in vain.
fn figures(one: &mut One) -> (u32, u32, u32) {
    let outputs = one.give(Input::Command(Command::Snapshot(ME)));
    let figures = outputs.iter().find_map(|o| match o {
        Output::Event(Event::Snapshot(snapshot)) => Some(snapshot.dials.punched),
        _ => None,
    });
    figures.map(|of| (of.tried, of.reached, of.in_vain)).unwrap()
}

/// We have dialled there, and the peer answers.
fn is_met(one: &mut One, conn: u64, at: &str) -> bool {
    let (remote, local) = (Remote::Addr(addr(at)), Some(addr("198.18.0.1:5000")));
    one.give(Input::Connected { conn: ConnId(conn), torrent: ME, remote, how: How::UTP, local });
    one.hello(conn, one.hash, id(conn as u32));
    let outputs = one.give(Input::Command(Command::Snapshot(ME)));
    outputs.iter().any(|o| match o {
        Output::Event(Event::Snapshot(all)) => all.peers.iter().any(|p| p.conn == ConnId(conn) && p.punched),
        _ => false,
    })
}

#[test]
fn as_the_third_we_have_both_dial_each_other() {
    let mut one = punching();
    comes(&mut one, 1, "8.8.1.1", true);
    comes(&mut one, 2, "8.8.2.2", true);
    let told = said(&says(&mut one, 1, Holepunch::Rendezvous, "8.8.2.2:6881"));
    let both = [(2, "8.8.1.1:6881"), (1, "8.8.2.2:6881")].map(|(conn, at)| (conn, Holepunch::Connect, at.to_owned()));
    assert_eq!(told, both);
}

#[test]
fn as_the_third_we_say_what_is_in_the_way_and_pass_on_ten_a_minute() {
    let mut one = punching();
    comes(&mut one, 1, "8.8.1.1", true);
    comes(&mut one, 2, "8.8.2.2", false);
    comes(&mut one, 3, "10.0.0.3", true);
    for (at, why) in [
        ("9.9.9.9:6881", HolepunchError::NotConnected),
        ("8.8.2.2:6881", HolepunchError::NoSupport),
        ("8.8.1.1:6881", HolepunchError::NoSelf),
        ("9.9.9.9:0", HolepunchError::NoSuchPeer),
        ("224.0.0.1:6881", HolepunchError::NoSuchPeer),
        ("10.0.0.3:6881", HolepunchError::NotConnected),
    ] {
        let told = said(&says(&mut one, 1, Holepunch::Rendezvous, at));
        assert_eq!(told, [(1, Holepunch::Error(why), at.to_owned())], "{at}");
    }
    let silent = says(&mut one, 2, Holepunch::Rendezvous, "8.8.1.1:6881");
    assert_eq!(said(&silent), [], "it does not offer the extension itself");
    let answered = (0..20).filter(|_| !says(&mut one, 1, Holepunch::Rendezvous, "9.9.9.9:6881").is_empty()).count();
    assert_eq!(answered, 4, "six before");
    one.now = one.now + Duration::from_secs(60);
    assert_eq!(said(&says(&mut one, 1, Holepunch::Rendezvous, "9.9.9.9:6881")).len(), 1, "a minute later");
}

#[test]
fn a_third_is_asked_a_second_after_the_dial_began_of_one_that_nobody_reaches() {
    for (flags, asks) in [(HIDDEN, true), (HIDDEN | PexFlags::REACHABLE, false), (PexFlags::UTP, false)] {
        let mut one = punching();
        let start = one.now;
        comes(&mut one, 1, "8.8.1.1", true);
        let dialled = dials(&names(&mut one, 1, "9.9.9.9:6881", flags));
        assert_eq!(dialled.len(), 1);
        assert_eq!(said(&one.pass(start + Duration::from_millis(990))), []);
        let told = said(&one.pass(start + Duration::from_millis(1010)));
        let want = (1, Holepunch::Rendezvous, "9.9.9.9:6881".to_owned());
        assert_eq!(told, if asks { vec![want] } else { Vec::new() }, "{flags}");
    }
}

#[test]
fn who_is_met_in_time_is_not_asked_for() {
    let mut one = punching();
    let start = one.now;
    comes(&mut one, 1, "8.8.1.1", true);
    names(&mut one, 1, "9.9.9.9:6881", HIDDEN);
    assert!(!is_met(&mut one, 2, "9.9.9.9:6881"), "nobody had to help");
    assert_eq!(said(&one.pass(start + Duration::from_secs(20))), []);
    assert_eq!(figures(&mut one), (0, 0, 0));
}

#[test]
fn another_third_is_asked_when_the_first_cannot_help_and_in_the_end_it_is_said() {
    let mut one = punching();
    let start = one.now;
    comes(&mut one, 1, "8.8.1.1", true);
    comes(&mut one, 2, "8.8.2.2", true);
    names(&mut one, 1, "9.9.9.9:6881", HIDDEN);
    names(&mut one, 2, "9.9.9.9:6881", HIDDEN);
    let told = said(&one.pass(start + Duration::from_secs(2)));
    assert_eq!(told, [(2, Holepunch::Rendezvous, "9.9.9.9:6881".to_owned())], "who told of it last");
    let not_asked = says(&mut one, 1, Holepunch::Error(HolepunchError::NotConnected), "9.9.9.9:6881");
    assert_eq!(said(&not_asked), [], "it was not asked");
    let told = said(&says(&mut one, 2, Holepunch::Error(HolepunchError::NotConnected), "9.9.9.9:6881"));
    assert_eq!(told, [(1, Holepunch::Rendezvous, "9.9.9.9:6881".to_owned())]);
    let notice = |outputs: &[Output<Block>]| {
        outputs
            .iter()
            .any(|o| matches!(o, Output::Event(Event::Notice { text, .. }) if text.contains("behind a router")))
    };
    let asked_again = said(&one.pass(start + Duration::from_secs(9)));
    assert_eq!(asked_again.iter().map(|(conn, ..)| *conn).collect::<Vec<_>>(), [2, 1], "once more, each");
    let before = one.pass(start + Duration::from_secs(10));
    let after = one.pass(start + Duration::from_secs(12));
    assert!(!notice(&before) && notice(&after));
    assert_eq!((said(&after), figures(&mut one)), (Vec::new(), (1, 0, 1)));
}

#[test]
fn who_is_told_to_dial_does_so_over_utp_at_once_ten_times_a_minute_and_never_into_this_network() {
    let mut one = punching();
    comes(&mut one, 1, "8.8.1.1", true);
    let dialled = dials(&says(&mut one, 1, Holepunch::Connect, "9.9.9.9:7777"));
    assert_eq!(dialled, [("9.9.9.9:7777".to_owned(), How::UTP.into())]);
    assert_eq!(dials(&says(&mut one, 1, Holepunch::Connect, "9.9.9.9:7777")), [], "that is under way");
    for near in ["10.0.0.1:7777", "127.0.0.1:7777", "9.9.9.8:80", "8.8.1.1:6881", "8.8.1.1:40000"] {
        assert_eq!(dials(&says(&mut one, 1, Holepunch::Connect, near)), [], "{near}");
    }
    let dialled =
        (0..20).map(|n| dials(&says(&mut one, 1, Holepunch::Connect, &format!("9.9.8.{n}:7777"))).len()).sum::<usize>();
    assert!((3..10).contains(&dialled), "{dialled}");
}

#[test]
fn who_was_reached_by_a_thirds_help_is_counted_apart() {
    let mut one = punching();
    let start = one.now;
    comes(&mut one, 1, "8.8.1.1", true);
    names(&mut one, 1, "9.9.9.9:6881", HIDDEN);
    assert_eq!(said(&one.pass(start + Duration::from_secs(2))).len(), 1);
    assert!(is_met(&mut one, 2, "9.9.9.9:6881"), "we asked for it");
    // The other side has asked, whether our own dial is under way or not.
    says(&mut one, 1, Holepunch::Connect, "9.9.8.8:7777");
    assert!(is_met(&mut one, 3, "9.9.8.8:7777"));
    names(&mut one, 1, "9.9.7.7:6881", PexFlags::UTP);
    says(&mut one, 1, Holepunch::Connect, "9.9.7.7:6881");
    assert!(is_met(&mut one, 4, "9.9.7.7:6881"));
    assert_eq!(figures(&mut one), (3, 3, 0));
}

#[test]
fn a_dial_whose_utp_has_failed_begins_anew_when_a_third_says_so() {
    let mut one = punching();
    comes(&mut one, 1, "8.8.1.1", true);
    names(&mut one, 1, "9.9.9.9:6881", HIDDEN);
    let to = Remote::Addr(addr("9.9.9.9:6881"));
    one.give(Input::DialFailed { torrent: ME, to, how: How::UTP, why: DialError::TimedOut, over: false });
    let dialled = dials(&says(&mut one, 1, Holepunch::Connect, "9.9.9.9:6881"));
    assert_eq!(dialled, [("9.9.9.9:6881".to_owned(), How::UTP.into())], "TCP is silent yet");
    assert_eq!(dials(&says(&mut one, 1, Holepunch::Connect, "9.9.9.9:6881")), []);
}

#[test]
fn behind_a_router_the_world_is_dialled_over_utp_first_until_a_port_leads_here() {
    let plans = |one: &mut One, n: u8| {
        let near = dials(&names(one, 1, &format!("10.0.0.{n}:6881"), 0));
        let far = dials(&names(one, 2, &format!("9.9.{n}.9:6881"), 0));
        [near, far].map(|dials| dials.first().map(|(_, plan)| plan.first))
    };
    let mut one = punching();
    comes(&mut one, 1, "10.0.0.77", true);
    comes(&mut one, 2, "8.8.1.1", true);
    assert_eq!(plans(&mut one, 1), [Some(How::TCP), Some(How::TCP)]);
    one.give(Input::Routed(true));
    assert_eq!(plans(&mut one, 2), [Some(How::TCP), Some(How::UTP)]);
    let door = Door { here: 5000, outside: Some(5000), reachable: false };
    one.give(Input::Command(Command::Door(Family::V4, door)));
    assert_eq!(plans(&mut one, 3), [Some(How::TCP), Some(How::TCP)]);
}

#[test]
fn one_whose_dial_has_failed_is_dialled_again_when_a_third_says_so() {
    let mut one = punching();
    comes(&mut one, 1, "8.8.1.1", true);
    names(&mut one, 1, "9.9.9.9:6881", HIDDEN);
    let to = Remote::Addr(addr("9.9.9.9:6881"));
    for (how, over) in [(How::TCP, false), (How::UTP, true)] {
        one.give(Input::DialFailed { torrent: ME, to, how, why: DialError::TimedOut, over });
    }
    let dialled = dials(&says(&mut one, 1, Holepunch::Connect, "9.9.9.9:6881"));
    assert_eq!(dialled, [("9.9.9.9:6881".to_owned(), How::UTP.into())]);
}
