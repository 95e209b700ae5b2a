//! When which address is dialled, over time (own design; interop rules 2 and 6).
use super::*;
use crate::search::{Dialled, Named, SourceKind, Way};
use core::net::IpAddr;
use teem_wire::compact::Family;

fn at(seconds: u64) -> Time {
    Time::from_nanos(seconds * 1_000_000_000)
}

fn addr(n: u32) -> SocketAddr {
    (IpAddr::from((0x0808_0000 + n).to_be_bytes()), 5000).into()
}

fn table() -> Candidates {
    Candidates::new(Rng::new(7), 6881.into())
}

#[test]
fn back_off_is_1_5_30_minutes_and_an_hour_after_a_refusal() {
    let mut c = table();
    c.add(at(0), PeerSource::PublicTracker, &[addr(1), addr(2)]);
    let a = c.next(at(0)).unwrap();
    let b = c.next(at(0)).unwrap();
    c.connected(at(0), b);
    let mut now = at(0);
    for wait in [1, 5, 30, 30] {
        c.failed(now, a, How::TCP, DialError::TimedOut, true);
        assert_eq!(c.deadline(), Some(now + minutes(wait)));
        now = now + minutes(wait);
        assert_eq!(c.next(now), Some(a));
    }
    c.failed(now, a, How::TCP, DialError::Refused, true);
    assert_eq!(c.deadline(), Some(now + minutes(60)));
    assert_eq!((c.dials().tried, c.dials().all().refused, c.dials().tcp.timed_out), (6, 1, 4));
}

#[test]
fn with_nobody_else_a_seed_that_is_only_starting_is_tried_again_within_seconds() {
    let mut c = table();
    c.add(at(0), PeerSource::User, &[addr(1)]);
    let mut now = at(0);
    for wait in [5, 10, 15, 15, 15, 15, 15, 15, 15, 15, 15] {
        assert_eq!(c.next(now), Some(addr(1)));
        assert_eq!(c.deadline(), None, "under way");
        c.failed(now, addr(1), How::TCP, DialError::Refused, true);
        assert_eq!(c.deadline(), Some(now + Duration::from_secs(wait)));
        now = now + Duration::from_secs(wait);
    }
    c.add(now, PeerSource::PublicTracker, &[addr(2)]);
    assert!(c.next(now).is_some(), "new ones come first");
}

#[test]
fn the_wait_counts_from_the_refusal_of_one_way_and_not_from_the_silence_of_the_other() {
    let mut c = table();
    c.dial_by(Encryption::Allow, Transports::Auto);
    c.add(at(0), PeerSource::User, &[addr(1)]);
    assert_eq!(c.next(at(0)), Some(addr(1)));
    c.failed(at(0), addr(1), How::TCP, DialError::Refused, false);
    c.failed(at(4), addr(1), How::UTP, DialError::TimedOut, true);
    assert_eq!((c.next(at(4)), c.deadline()), (None, Some(at(5))));
    assert_eq!(c.next(at(5)), Some(addr(1)));
    c.failed(at(5), addr(1), How::TCP, DialError::Refused, false);
    c.failed(at(35), addr(1), How::UTP, DialError::TimedOut, true);
    assert_eq!(c.deadline(), Some(at(41)), "four seconds of it at the most");
}

#[test]
fn who_was_named_last_is_dialled_first() {
    let mut c = table();
    c.add(at(0), PeerSource::PublicTracker, &[addr(1), addr(2), addr(3)]);
    c.add(at(60), PeerSource::PublicTracker, &[addr(4)]);
    c.add(at(120), PeerSource::PublicTracker, &[addr(2)]);
    assert_eq!([c.next(at(120)), c.next(at(120))], [Some(addr(2)), Some(addr(4))]);
    c.closed(at(120), addr(2), CloseReason::Remote);
    assert_eq!(c.add(at(130), PeerSource::PublicTracker, &[addr(2), addr(3)]), 0);
    assert_eq!(c.next(at(130)), Some(addr(3)), "naming does not shorten the wait of who failed");
    assert_eq!([c.next(at(180)), c.next(at(180)), c.next(at(180))], [Some(addr(2)), Some(addr(1)), None]);
}

#[test]
fn those_named_together_go_by_canonical_priority_once_we_know_where_we_are() {
    let mut c = table();
    let list: Vec<SocketAddr> = (0..50).map(|n| addr(n * 256)).collect();
    c.add(at(0), PeerSource::PublicTracker, &list[..25]);
    let external = External { v4: Some(IpAddr::from([9, 9, 9, 9])), v6: None };
    c.set_external(external);
    c.add(at(0), PeerSource::PublicTracker, &list[25..]);
    c.add(at(1), PeerSource::PublicTracker, &[addr(7)]);
    assert_eq!(c.next(at(1)), Some(addr(7)), "named later");
    let order: Vec<SocketAddr> = core::iter::from_fn(|| c.next(at(1))).collect();
    let ranks: Vec<u32> = order.iter().map(|addr| external.priority(&6881.into(), *addr).unwrap()).collect();
    assert!(order.len() == 50 && ranks.is_sorted_by(|a, b| a >= b), "{ranks:?}");
}

#[test]
fn neighbours_of_one_priority_go_at_random_and_not_by_their_address() {
    let mut c = table();
    c.set_external(External { v4: Some(IpAddr::from([9, 9, 9, 9])), v6: None });
    // Only bits of the last byte differ that canonical priority leaves out.
    let list: Vec<SocketAddr> = (0..16u32).map(|n| addr((0..4).map(|k| (n >> k & 1) << (2 * k + 1)).sum())).collect();
    assert!(list.iter().all(|addr| c.priority(*addr) == c.priority(list[0])));
    c.add(at(0), PeerSource::PublicTracker, &list);
    let order: Vec<SocketAddr> = core::iter::from_fn(|| c.next(at(0))).collect();
    assert!(order.len() == 16 && !order.is_sorted(), "{order:?}");
}

#[test]
fn the_table_is_bounded_and_those_that_fail_make_room() {
    let mut c = table();
    for n in 0..3000 {
        c.add(at(0), PeerSource::PublicTracker, &[addr(n)]);
    }
    assert_eq!(c.dials().known as usize, CANDIDATES_MAX);
    assert_eq!(c.add(at(0), PeerSource::PublicTracker, &[addr(5000)]), 0);
    let gone = c.next(at(0)).unwrap();
    c.failed(at(0), gone, How::TCP, DialError::TimedOut, true);
    assert_eq!(c.add(at(0), PeerSource::PublicTracker, &[addr(5000)]), 1);
    assert_eq!(c.add(at(0), PeerSource::User, &[addr(5001)]), 1, "the user goes before");
    assert_eq!(c.dials().known as usize, CANDIDATES_MAX);
    let many: Vec<_> = (10_000..20_000).map(addr).collect();
    assert_eq!(table().add(at(0), PeerSource::Saved, &many), LIST_MAX);
}

#[test]
fn what_a_link_names_in_our_own_network_is_tried_three_times_and_no_more() {
    let near: SocketAddr = "192.168.7.7:6881".parse().unwrap();
    for (source, addr, for_ever) in
        [(PeerSource::Link, near, false), (PeerSource::User, near, true), (PeerSource::Link, addr(1), true)]
    {
        let mut c = table();
        c.add(at(0), source, &[addr]);
        let (mut now, mut tries) = (at(0), 0);
        while let Some(next) = c.deadline().filter(|_| tries < 20) {
            now = now.max(next);
            assert_eq!(c.next(now), Some(addr));
            c.failed(now, addr, How::TCP, DialError::TimedOut, true);
            tries += 1;
        }
        assert_eq!(tries, if for_ever { 20 } else { NEAR_LINK_TRIES }, "{source:?} {addr}");
    }
}

#[test]
fn ourselves_is_remembered_for_half_an_hour_and_bans_for_good() {
    let mut c = table();
    c.add(at(0), PeerSource::User, &[addr(1)]);
    c.next(at(0));
    c.closed(at(0), addr(1), CloseReason::Ourselves);
    assert_eq!(c.deadline(), Some(at(1800)));
    c.closed(at(0), addr(1), CloseReason::Banned);
    assert_eq!((c.add(at(0), PeerSource::User, &[addr(1)]), c.deadline()), (0, None));
    c.add(at(0), PeerSource::User, &[addr(2)]);
    c.ban_holder(Holder::of(addr(2).ip()));
    assert!(c.is_banned(SocketAddr::new(addr(2).ip(), 9)));
    assert_eq!(c.deadline(), None, "what was known of it is forgotten");
    c.ban_network(Holder::of(IpAddr::from([203, 0, 113, 1])).wider());
    assert!(c.is_banned("[::ffff:203.0.113.9]:5".parse().unwrap()));
    assert!(!c.is_banned("203.0.114.9:5".parse().unwrap()));
}

#[test]
fn queues_and_counts_agree_whatever_happens() {
    let mut rng = Rng::new(1);
    let mut c = table();
    for step in 0..20_000u64 {
        let (now, who) = (at(step * 7), addr(rng.below(60) as u32));
        match rng.below(10) {
            0 => _ = c.add(now, PeerSource::PublicTracker, &[who]),
            1 | 2 => _ = c.next(now),
            3 => c.failed(now, who, How::TCP, DialError::Refused, true),
            4 => c.connected(now, who),
            5 => c.closed(now, who, CloseReason::Remote),
            6 => c.closed(now, who, CloseReason::BothSeeds),
            7 if step % 50 == 0 => c.drop_all(),
            8 => c.set_external(External { v4: Some(addr(rng.below(9) as u32).ip()), v6: None }),
            _ => c.closed(now, who, CloseReason::Duplicate),
        }
        let waiting = c.known.values().filter(|c| matches!(c.state, State::Waiting(_))).count();
        let connected = c.known.values().filter(|c| c.state == State::Connected).count();
        assert_eq!((c.queue.len(), c.connected), (waiting, connected));
    }
}

#[test]
fn another_way_is_tried_at_once_and_only_then_the_address_waits() {
    let mut c = table();
    c.dial_by(Encryption::Prefer, Transports::Tcp);
    c.add(at(0), PeerSource::PublicTracker, &[addr(1), addr(2)]);
    c.connected(at(0), addr(2));
    for now in [at(0), at(60)] {
        for (how, why) in [(How::TCP_MSE, DialError::NoMse), (How::TCP, DialError::TimedOut)] {
            assert_eq!((c.next(now), c.plan(addr(1)).first), (Some(addr(1)), how));
            c.failed(now, addr(1), how, why, true);
        }
        assert_eq!(c.next(now), None);
    }
    assert_eq!(c.deadline(), Some(at(60) + minutes(5)), "both ways failed twice");
    // Where nobody is reached at all, how the conversation would begin changes nothing.
    assert_eq!((c.next(at(400)), c.plan(addr(1)).first), (Some(addr(1)), How::TCP_MSE));
    c.failed(at(400), addr(1), How::TCP_MSE, DialError::Unreachable, true);
    assert_eq!(c.next(at(400)), None);
}

#[test]
fn a_race_is_lost_when_all_of_its_ways_are_and_each_is_counted() {
    let mut c = table();
    c.dial_by(Encryption::Allow, Transports::Auto);
    c.add(at(0), PeerSource::PublicTracker, &[addr(1), addr(2)]);
    c.connected(at(0), addr(2));
    assert_eq!(c.next(at(0)), Some(addr(1)));
    assert_eq!(c.plan(addr(1)), Plan { first: How::TCP, second: Some(How::UTP) });
    c.failed(at(0), addr(1), How::TCP, DialError::Refused, false);
    assert_eq!((c.next(at(0)), c.pending()), (None, 1), "the other way is under way");
    c.failed(at(4), addr(1), How::UTP, DialError::TimedOut, true);
    assert_eq!((c.next(at(4)), c.deadline()), (None, Some(at(0) + minutes(60))), "one refusal is one of all");
    let dials = c.dials();
    assert_eq!((dials.tried, dials.tcp.refused, dials.utp.timed_out, dials.all().count()), (1, 1, 1, 2));
}

#[test]
fn a_port_that_takes_tcp_and_wants_utp_is_reached_by_utp() {
    let mut c = table();
    c.dial_by(Encryption::Allow, Transports::Auto);
    c.add(at(0), PeerSource::PublicTracker, &[addr(1), addr(2)]);
    c.connected(at(0), addr(2));
    assert_eq!(c.next(at(0)), Some(addr(1)));
    c.stands(addr(1), How::TCP);
    c.closed(at(1), addr(1), CloseReason::Remote);
    let encrypted = Plan { first: How::TCP_MSE, second: Some(How::UTP_MSE) };
    assert_eq!((c.next(at(1)), c.plan(addr(1))), (Some(addr(1)), encrypted));
    c.failed(at(1), addr(1), How::TCP_MSE, DialError::NoMse, true);
    assert_eq!((c.next(at(1)), c.plan(addr(1))), (Some(addr(1)), How::UTP.into()));
    c.stands(addr(1), How::UTP);
    c.connected(at(1), addr(1));
    c.closed(at(100), addr(1), CloseReason::Remote);
    let (again, race) = (at(160), Plan { first: How::UTP, second: Some(How::TCP) });
    assert_eq!((c.next(again), c.plan(addr(1))), (Some(addr(1)), race), "what worked is first");
}

#[test]
fn the_addresses_of_one_peer_are_tried_a_moment_apart_until_one_leads_to_it() {
    let moment = at(0) + Plan::HEAD_START;
    let two = || {
        let mut c = table();
        c.add(at(0), PeerSource::User, &[addr(1)]);
        c.add_others(at(0), PeerSource::User, addr(1), &[addr(2)]);
        assert_eq!((c.next(at(0)), c.next(at(0))), (Some(addr(1)), None));
        c
    };
    let mut silent = two();
    assert_eq!((silent.deadline(), silent.next(moment)), (Some(moment), Some(addr(2))));
    let mut refused = two();
    refused.failed(at(0), addr(1), How::TCP, DialError::Refused, true);
    assert_eq!(refused.next(at(0)), Some(addr(2)), "it has not to wait");
    let mut connected = two();
    connected.connected(at(0), addr(1));
    assert_eq!((connected.next(moment), connected.deadline()), (None, Some(at(0) + BACKOFF[2])));
    // Another peer's address is none of its business.
    connected.add(at(0), PeerSource::User, &[addr(3)]);
    assert_eq!(connected.next(at(0)), Some(addr(3)));
}

#[test]
fn the_way_that_worked_is_the_first_the_next_time() {
    let mut c = table();
    c.dial_by(Encryption::Allow, Transports::Tcp);
    c.add(at(0), PeerSource::PublicTracker, &[addr(1)]);
    assert_eq!((c.next(at(0)), c.plan(addr(1)).first), (Some(addr(1)), How::TCP));
    c.stands(addr(1), How::TCP);
    c.closed(at(0), addr(1), CloseReason::Remote);
    assert_eq!((c.next(at(0)), c.plan(addr(1)).first), (Some(addr(1)), How::TCP_MSE));
    c.stands(addr(1), How::TCP_MSE);
    c.connected(at(0), addr(1));
    c.closed(at(9), addr(1), CloseReason::Remote);
    let again = c.deadline().unwrap();
    assert_eq!((c.next(again), c.plan(addr(1)).first), (Some(addr(1)), How::TCP_MSE));
    c.failed(again, addr(1), How::TCP_MSE, DialError::NoMse, true);
    assert_eq!((c.next(again), c.plan(addr(1)).first), (Some(addr(1)), How::TCP), "it may have changed its mind");
}

#[test]
fn a_connection_that_ends_before_its_handshake_is_a_way_that_failed() {
    let mut c = table();
    c.dial_by(Encryption::Allow, Transports::Tcp);
    c.add(at(0), PeerSource::PublicTracker, &[addr(1), addr(2)]);
    c.connected(at(0), addr(2));
    for (why, how) in [(CloseReason::TimedOut, How::TCP), (CloseReason::Remote, How::TCP_MSE)] {
        assert_eq!((c.next(at(0)), c.plan(addr(1)).first), (Some(addr(1)), how));
        c.stands(addr(1), how);
        c.closed(at(0), addr(1), why);
    }
    assert_eq!((c.next(at(0)), c.deadline()), (None, Some(at(60))), "both ways failed");

    // What is known of the peer itself holds for every way.
    assert_eq!((c.next(at(60)), c.plan(addr(1)).first), (Some(addr(1)), How::TCP));
    c.stands(addr(1), How::TCP);
    c.closed(at(60), addr(1), CloseReason::Ourselves);
    assert_eq!(c.deadline(), Some(at(60) + OURSELVES));
    // After its handshake the end of a connection says nothing of the way.
    c.connected(at(60), addr(1));
    c.closed(at(60), addr(1), CloseReason::Remote);
    assert_eq!((c.plan(addr(1)).first, c.deadline()), (How::TCP, Some(at(120))));
    assert_eq!(c.next(at(120)), Some(addr(1)));
    c.stands(addr(1), How::TCP);
    c.closed(at(120), addr(1), CloseReason::UnknownTorrent);
    assert_eq!(c.next(at(120)), None, "what it said holds for every way");
}

#[test]
fn one_that_comes_back_is_dialled_at_once_a_single_time() {
    let mut c = table();
    c.add(at(0), PeerSource::PublicTracker, &[addr(1)]);
    for (since, waits) in [(0, 0), (100, 5), (200, 5)] {
        assert_eq!(c.next(at(since)), Some(addr(1)));
        c.connected(at(since), addr(1));
        c.comes_back(at(since), addr(1));
        assert_eq!(c.deadline(), None, "it is connected");
        c.closed(at(since), addr(1), CloseReason::Remote);
        c.comes_back(at(since), addr(1));
        assert_eq!(c.deadline(), Some(at(since + waits)));
    }
}

#[test]
fn each_kind_of_source_counts_an_address_once_and_what_became_of_it() {
    let mut c = table();
    let named = |c: &Candidates, kind| {
        let Named { named, tried, reached, .. } = c.counts().of(kind);
        (named, tried, reached)
    };
    c.add(at(0), PeerSource::PublicTracker, &[addr(1), addr(2), addr(3)]);
    c.add(at(1), PeerSource::PublicTracker, &[addr(1)]);
    c.add(at(1), PeerSource::LocalTracker, &[addr(1)]);
    c.add(at(1), PeerSource::PublicTracker, &["10.0.0.1:5000".parse().unwrap()]);
    assert_eq!(named(&c, SourceKind::Tracker), (3, 0, 0), "each once, and none that may not be dialled");
    let first = c.next(at(1)).unwrap();
    c.stands(first, How::TCP);
    c.connected(at(1), first);
    assert_eq!(named(&c, SourceKind::Tracker), (3, 1, 1));
    assert_eq!(named(&c, SourceKind::Inbound), (0, 0, 0), "it has not come by itself");
    // What another names later has been tried already.
    c.add(at(2), PeerSource::Dht(Reach::Public), &[first, addr(9)]);
    assert_eq!(named(&c, SourceKind::Dht), (2, 1, 1));
    c.closed(at(3), first, CloseReason::Remote);
    assert_ne!(c.next(at(3)), Some(first));
    c.connected(at(3), addr(20));
    assert_eq!(named(&c, SourceKind::Inbound), (1, 0, 1));
    c.add(at(100), PeerSource::Dht(Reach::Public), &[addr(9)]);
    for _ in 0..4 {
        c.next(at(100));
    }
    assert_eq!((named(&c, SourceKind::Tracker), named(&c, SourceKind::Dht)), ((3, 3, 1), (2, 2, 1)));
}

#[test]
fn failures_are_counted_by_way_family_and_kind() {
    let mut c = table();
    c.dial_by(Encryption::Off, Transports::Auto);
    let six: SocketAddr = "[2001:db8::7]:5000".parse().unwrap();
    c.add(at(0), PeerSource::PublicTracker, &[addr(1), six]);
    let kinds =
        [DialError::Refused, DialError::TimedOut, DialError::Unreachable, DialError::Filtered, DialError::NoMse];
    c.add(at(0), PeerSource::PublicTracker, &(2..7).map(addr).collect::<Vec<_>>());
    while c.next(at(0)).is_some() {}
    for (n, why) in (2..7).zip(kinds) {
        c.failed(at(0), addr(n), How::TCP, why, false);
        c.failed(at(0), addr(n), How::UTP, DialError::TimedOut, true);
    }
    c.failed(at(0), six, How::TCP, DialError::Unreachable, false);
    c.stands(six, How::UTP);
    c.connected(at(0), six);
    // Connected, and closed before a word.
    c.stands(addr(1), How::TCP);
    c.closed(at(0), addr(1), CloseReason::Remote);
    let four = Dialled { refused: 1, silent: 1, unreachable: 1, filtered: 1, closed: 2, reached: 0 };
    assert_eq!(c.counts().by(Way::Tcp, Family::V4), four);
    assert_eq!(c.counts().by(Way::Tcp, Family::V6), Dialled { unreachable: 1, ..Dialled::default() });
    assert_eq!(c.counts().by(Way::Utp, Family::V4), Dialled { silent: 5, ..Dialled::default() });
    assert_eq!(c.counts().by(Way::Utp, Family::V6), Dialled { reached: 1, ..Dialled::default() });
    let dials = c.dials();
    assert_eq!((dials.tcp.refused, dials.tcp.timed_out, dials.tcp.failed, dials.utp.timed_out), (1, 1, 4, 5));
}

#[test]
fn what_a_third_helps_with_is_counted_apart_until_that_dial_is_over() {
    let mut c = table();
    c.dial_by(Encryption::Off, Transports::Auto);
    c.add(at(0), PeerSource::Pex(Reach::Public), &[addr(1), addr(2)]);
    let first = c.next(at(0)).unwrap();
    c.failed(at(0), first, How::TCP, DialError::TimedOut, false);
    // It was asked for while its dial is under way.
    assert_eq!(c.punch(at(1), PeerSource::Pex(Reach::Public), first), None);
    c.stands(first, How::UTP);
    c.connected(at(1), first);
    let other = if first == addr(1) { addr(2) } else { addr(1) };
    assert!(c.punch(at(1), PeerSource::Pex(Reach::Public), other).is_some());
    c.failed(at(2), other, How::UTP, DialError::TimedOut, true);
    let punched = Dialled { reached: 1, silent: 1, ..Dialled::default() };
    assert_eq!((c.counts().over(Way::Punch), c.counts().over(Way::Utp)), (punched, Dialled::default()));
    assert_eq!(c.next(at(1_000)), Some(other));
    c.failed(at(1_000), other, How::UTP, DialError::TimedOut, true);
    assert_eq!((c.counts().over(Way::Punch), c.counts().over(Way::Utp).silent), (punched, 1));
    assert_eq!(c.counts().of(SourceKind::Pex), Named { named: 2, tried: 2, reached: 1, last: Some(2) });
}

#[test]
fn one_that_is_kept_out_is_tried_by_no_other_way_and_ourselves_are_no_failure() {
    let mut c = table();
    c.dial_by(Encryption::Allow, Transports::Auto);
    c.add(at(0), PeerSource::PublicTracker, &[addr(1)]);
    assert_eq!(c.next(at(0)), Some(addr(1)));
    c.failed(at(0), addr(1), How::TCP, DialError::Filtered, true);
    assert_eq!(c.next(at(4)), None);
    c.add(at(4), PeerSource::PublicTracker, &[addr(2)]);
    assert_eq!(c.next(at(4)), Some(addr(2)));
    c.stands(addr(2), How::TCP);
    c.closed(at(4), addr(2), CloseReason::Ourselves);
    assert_eq!(c.counts().all(), Dialled { filtered: 1, ..Dialled::default() });
}
