//! Asks over UDP against scripted trackers (BEP 15; bad-input row 56).
use super::*;
use alloc::string::ToString;
use teem_metainfo::{InfoHash, Origin};
use teem_wire::peer::handshake::PeerId;
use teem_wire::tracker::announce::Form;

const URL: &str = "udp://tracker.example:6969/announce?x=1";
const ME: TorrentId = TorrentId(1);
const FIRST: AskId = AskId(1);
const SECOND: AskId = AskId(2);

fn secs(s: u64) -> Time {
    Time::from_nanos(s * 1_000_000_000)
}

fn announce() -> Announce {
    Announce {
        info_hash: InfoHash([1; 20]),
        peer_id: PeerId([2; 20]),
        port: 7,
        uploaded: 0,
        downloaded: 0,
        left: 5,
        event: AnnounceEvent::Started,
        num_want: 50,
        key: 3,
        tracker_id: None,
        form: Form::Full,
    }
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn acts(udp: &mut UdpTracker) -> Vec<Act> {
    core::iter::from_fn(|| udp.act()).collect()
}

fn user(url: &str) -> AnnounceUrl {
    AnnounceUrl::of_user(url)
}

/// The only act has to be a packet to that address.
fn sent(udp: &mut UdpTracker, to: &str) -> Request {
    let acts = acts(udp);
    let [Act::Send(addr, packet)] = &acts[..] else { panic!("{acts:?}") };
    assert_eq!(*addr, self::addr(to));
    udp::decode_request(packet).unwrap()
}

fn reply(udp: &mut UdpTracker, now: Time, from: &str, reply: &Reply) {
    let from = addr(from);
    udp.datagram(now, from, &udp::encode_reply(reply, Family::of(from.ip())));
}

fn start(now: Time, addrs: &[&str]) -> UdpTracker {
    let mut udp = UdpTracker::new(Rng::new(5), None, 7.into());
    udp.announce(now, ME, FIRST, user(URL), announce());
    assert_eq!(acts(&mut udp), [Act::Resolve("tracker.example".into(), 6969)]);
    let addrs = addrs.iter().map(|a| addr(a)).collect();
    udp.resolved(now, "tracker.example".into(), 6969, Ok(addrs));
    udp
}

/// Answers the connect request that was sent last and gives the announce's transaction.
fn connect(udp: &mut UdpTracker, now: Time, from: &str) -> u32 {
    let Request::Connect { transaction } = sent(udp, from) else { panic!("a connect first") };
    reply(udp, now, from, &Reply::Connect { transaction, connection: 77 });
    let Request::Announce { connection: 77, transaction, announce: said } = sent(udp, from) else {
        panic!("then the announce")
    };
    assert_eq!(said, announce());
    transaction
}

fn good(peer: &str) -> AnnounceReply {
    AnnounceReply {
        interval: Duration::from_secs(1800),
        peers: alloc::vec![addr(peer)],
        complete: Some(1),
        incomplete: Some(2),
        ..AnnounceReply::default()
    }
}

const A: &str = "8.8.8.8:6969";

#[test]
fn connect_then_announce_then_the_connection_id_is_used_for_60_s() {
    let mut udp = start(secs(1), &[A]);
    let transaction = connect(&mut udp, secs(1), A);
    reply(&mut udp, secs(1), A, &Reply::Announce { transaction, reply: good("9.9.9.9:7000") });
    let want = Act::Answer(ME, FIRST, PeerSource::PublicTracker, Ok(good("9.9.9.9:7000")));
    assert_eq!(acts(&mut udp), [want]);
    assert_eq!(udp.deadline(), None);
    udp.announce(secs(60), TorrentId(2), SECOND, user(URL), announce());
    assert!(matches!(sent(&mut udp, A), Request::Announce { connection: 77, .. }), "name and id are remembered");
    udp.forget(TorrentId(2));
    udp.announce(secs(61), ME, AskId(3), user(URL), announce());
    assert!(matches!(sent(&mut udp, A), Request::Connect { .. }), "the id is too old");
}

#[test]
fn row_56_whatever_does_not_fit_is_ignored() {
    let mut udp = start(secs(1), &[A]);
    let transaction = connect(&mut udp, secs(1), A);
    let right = Reply::Announce { transaction, reply: good("9.9.9.9:7000") };
    reply(&mut udp, secs(1), "8.8.8.9:6969", &right);
    reply(&mut udp, secs(1), "8.8.8.8:6970", &right);
    reply(&mut udp, secs(1), A, &Reply::Announce { transaction: transaction ^ 1, reply: good("9.9.9.9:7000") });
    reply(&mut udp, secs(1), A, &Reply::Connect { transaction, connection: 5 });
    reply(&mut udp, secs(1), A, &Reply::Error { transaction: transaction ^ 1, message: "no".into() });
    let packet = udp::encode_reply(&right, Family::V4);
    for len in 0..20 {
        udp.datagram(secs(1), addr(A), &packet[..len]);
    }
    udp.datagram(secs(1), addr(A), &[0xFF; 64]);
    assert_eq!(acts(&mut udp), []);
    reply(&mut udp, secs(1), A, &right);
    assert!(matches!(&acts(&mut udp)[..], [Act::Answer(.., Ok(_))]));
    reply(&mut udp, secs(1), A, &right);
    assert_eq!(acts(&mut udp), [], "once");
}

#[test]
fn row_56_silence_is_repeated_after_15_2n_seconds_and_fails_at_465() {
    let mut udp = start(secs(0), &[A]);
    let mut at = Vec::new();
    loop {
        match &acts(&mut udp)[..] {
            [Act::Send(..)] => {}
            [Act::Answer(_, _, _, Err(AnnounceError::TimedOut))] => break,
            other => panic!("{other:?}"),
        }
        let next = udp.deadline().unwrap();
        at.push(next.nanos() / 1_000_000_000);
        udp.tick(next);
    }
    assert_eq!(at, [15, 45, 105, 225, 465]);
    assert_eq!(udp.deadline(), None);
    assert!(udp.asks.is_empty() && udp.transactions.is_empty());
}

#[test]
fn a_tracker_that_answers_to_connect_only_fails_too() {
    let mut udp = start(secs(0), &[A]);
    for _ in 0..100 {
        for act in acts(&mut udp) {
            match act {
                Act::Answer(_, _, _, result) => return assert_eq!(result, Err(AnnounceError::TimedOut)),
                Act::Send(_, packet) => {
                    if let Some(Request::Connect { transaction }) = udp::decode_request(&packet) {
                        let now = udp.deadline().unwrap() - Duration::from_secs(1);
                        reply(&mut udp, now, A, &Reply::Connect { transaction, connection: 1 });
                        acts(&mut udp);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        let next = udp.deadline().unwrap();
        udp.tick(next);
    }
    panic!("it goes on for ever");
}

#[test]
fn both_families_are_asked_and_the_second_answer_is_more_peers() {
    let six = "[2001:db8::1]:6969";
    let mut udp = start(secs(0), &[A, six]);
    let packets = acts(&mut udp);
    assert_eq!(packets.len(), 2);
    let mut ids = Vec::new();
    for (act, from) in packets.iter().zip([A, six]) {
        let Act::Send(to, packet) = act else { panic!("{act:?}") };
        assert_eq!(*to, addr(from));
        let Some(Request::Connect { transaction }) = udp::decode_request(packet) else { panic!() };
        reply(&mut udp, secs(0), from, &Reply::Connect { transaction, connection: 1 });
        let Request::Announce { transaction, .. } = sent(&mut udp, from) else { panic!() };
        ids.push(transaction);
    }
    reply(&mut udp, secs(0), six, &Reply::Announce { transaction: ids[1], reply: good("[2001:db8::9]:7000") });
    assert!(matches!(&acts(&mut udp)[..], [Act::Answer(_, _, _, Ok(r))] if r.peers[0].is_ipv6()));
    reply(&mut udp, secs(1), A, &Reply::Announce { transaction: ids[0], reply: good("9.9.9.9:7000") });
    assert_eq!(acts(&mut udp), [Act::Peers(ME, PeerSource::PublicTracker, good("9.9.9.9:7000").peers)]);
    assert!(udp.asks.is_empty());
}

#[test]
fn errors_are_the_trackers_words_and_an_old_connection_id_is_replaced_once() {
    let mut udp = start(secs(0), &[A]);
    let transaction = connect(&mut udp, secs(0), A);
    reply(&mut udp, secs(0), A, &Reply::Error { transaction, message: "go away".into() });
    let refused = AnnounceError::Refused { reason: "go away".into(), retry_in: None };
    assert_eq!(acts(&mut udp), [Act::Answer(ME, FIRST, PeerSource::PublicTracker, Err(refused))]);
    udp.announce(secs(5), ME, SECOND, user(URL), announce());
    let Request::Announce { transaction, .. } = sent(&mut udp, A) else { panic!() };
    reply(&mut udp, secs(5), A, &Reply::Error { transaction, message: "mismatch".into() });
    connect(&mut udp, secs(5), A);
}

#[test]
fn names_that_do_not_resolve_fail_and_literal_addresses_need_none() {
    let mut udp = UdpTracker::new(Rng::new(1), None, 7.into());
    udp.announce(secs(0), ME, FIRST, user(URL), announce());
    udp.announce(secs(0), TorrentId(2), SECOND, user(URL), announce());
    assert_eq!(acts(&mut udp).len(), 1, "one lookup for both");
    udp.tick(udp.deadline().unwrap());
    let failed = acts(&mut udp);
    assert!(failed.len() == 2 && matches!(&failed[0], Act::Answer(.., Err(AnnounceError::Unreachable(_)))));
    assert_eq!(udp.deadline(), None);
    udp.announce(secs(0), ME, AskId(3), user("udp://[::1]:5/a"), announce());
    let transaction = connect(&mut udp, secs(0), "[::1]:5");
    reply(&mut udp, secs(0), "[::1]:5", &Reply::Announce { transaction, reply: good("[::2]:9") });
    assert!(matches!(&acts(&mut udp)[..], [Act::Answer(_, _, PeerSource::LoopbackTracker, Ok(_))]));
    udp.announce(secs(0), ME, AskId(4), user("udp://no-port"), announce());
    assert!(matches!(&acts(&mut udp)[..], [Act::Answer(.., Err(AnnounceError::Forbidden(_)))]));
}

#[test]
fn both_families_hear_stopped_but_one_that_never_answered_is_not_waited_for() {
    const A6: &str = "[2620::1]:6969";
    for (both, refuses) in [(true, false), (true, true), (false, false)] {
        let mut udp = start(secs(1), &[A, A6]);
        let answer = |udp: &mut UdpTracker, from: &str, packet: &[u8]| {
            let (transaction, what) = match udp::decode_request(packet).unwrap() {
                Request::Connect { transaction } => (transaction, Reply::Connect { transaction, connection: 77 }),
                Request::Announce { transaction, .. } => {
                    (transaction, Reply::Announce { transaction, reply: AnnounceReply::default() })
                }
                other @ Request::Scrape { .. } => panic!("{other:?}"),
            };
            reply(udp, secs(1), from, &what);
            transaction
        };
        // What is sent to whom; `quiet` is never answered.
        let settle = |udp: &mut UdpTracker, quiet: Option<&str>| {
            let mut answers = 0;
            loop {
                let todo = acts(udp);
                if todo.is_empty() {
                    return answers;
                }
                for act in todo {
                    match act {
                        Act::Send(to, packet) if quiet.is_none_or(|q| to != addr(q)) => {
                            answer(udp, &to.to_string(), &packet);
                        }
                        Act::Answer(.., Ok(_)) => answers += 1,
                        Act::Send(..) | Act::Peers(..) => {}
                        other => panic!("{other:?}"),
                    }
                }
            }
        };
        assert_eq!(settle(&mut udp, (!both).then_some(A6)), 1);
        udp.announce(secs(1), ME, SECOND, user(URL), Announce { event: AnnounceEvent::Stopped, ..announce() });
        let todo = acts(&mut udp);
        let [Act::Send(first, v4), Act::Send(second, v6)] = &todo[..] else { panic!("{todo:?}") };
        assert_eq!((*first, *second), (addr(A), addr(A6)));
        answer(&mut udp, A, v4);
        assert_eq!(settle(&mut udp, Some(A6)), usize::from(!both), "held back while the other may answer");
        if both {
            match udp::decode_request(v6).unwrap() {
                Request::Announce { transaction, .. } if refuses => {
                    reply(&mut udp, secs(1), A6, &Reply::Error { transaction, message: "id".into() });
                    let Request::Connect { transaction } = sent(&mut udp, A6) else { panic!("the id was old") };
                    reply(&mut udp, secs(1), A6, &Reply::Error { transaction, message: "no".into() });
                }
                _ => _ = answer(&mut udp, A6, v6),
            }
            assert_eq!(settle(&mut udp, None), 1);
        }
    }
}

#[test]
fn after_a_move_what_is_under_way_begins_anew() {
    let mut udp = start(secs(1), &[A]);
    connect(&mut udp, secs(1), A);
    udp.tick(secs(16));
    assert!(matches!(sent(&mut udp, A), Request::Announce { .. }), "repeated with the id that is known");
    udp.moved(secs(20));
    assert!(matches!(sent(&mut udp, A), Request::Connect { .. }));
    assert_eq!(udp.deadline(), Some(secs(35)), "as soon as at first");
}

#[test]
fn answers_carry_the_id_of_their_ask_however_many_are_under_way() {
    let mut udp = start(secs(1), &[A]);
    let first = connect(&mut udp, secs(1), A);
    udp.announce(secs(2), ME, SECOND, user(URL), announce());
    let Request::Announce { transaction: second, .. } = sent(&mut udp, A) else { panic!("the id is known") };
    reply(&mut udp, secs(3), A, &Reply::Announce { transaction: second, reply: good("9.9.9.9:2") });
    assert_eq!(acts(&mut udp), [Act::Answer(ME, SECOND, PeerSource::PublicTracker, Ok(good("9.9.9.9:2")))]);
    reply(&mut udp, secs(3), A, &Reply::Announce { transaction: first, reply: good("9.9.9.9:1") });
    assert_eq!(acts(&mut udp), [Act::Answer(ME, FIRST, PeerSource::PublicTracker, Ok(good("9.9.9.9:1")))]);
    assert!(udp.asks.is_empty() && udp.transactions.is_empty());
}

#[test]
fn nothing_said_before_can_arrive_after_stopped() {
    let mut udp = start(secs(1), &[A]);
    let first = connect(&mut udp, secs(1), A);
    udp.announce(secs(2), ME, SECOND, user(URL), Announce { event: AnnounceEvent::Stopped, ..announce() });
    assert!(
        matches!(sent(&mut udp, A), Request::Announce { announce, .. } if announce.event == AnnounceEvent::Stopped)
    );
    udp.tick(secs(16));
    assert_eq!(acts(&mut udp), [], "the first is not repeated");
    reply(&mut udp, secs(16), A, &Reply::Announce { transaction: first, reply: good("9.9.9.9:1") });
    assert_eq!(acts(&mut udp), [], "and its answer means nothing any more");
}

#[test]
fn a_name_that_nobody_could_be_asked_for_is_asked_for_again() {
    let mut udp = UdpTracker::new(Rng::new(5), None, 7.into());
    udp.announce(secs(0), ME, FIRST, user(URL), announce());
    let resolve = [Act::Resolve("tracker.example".into(), 6969)];
    for _ in 0..3 {
        assert_eq!(acts(&mut udp), resolve);
        let before = udp.deadline().unwrap();
        udp.not_resolved_yet(secs(0), "tracker.example".into(), 6969);
        let again = udp.deadline().unwrap();
        assert!(again < before, "sooner than the name has failed");
        udp.tick(again);
    }
    assert_eq!(acts(&mut udp), resolve);
    udp.resolved(secs(9), "tracker.example".into(), 6969, Ok(alloc::vec![addr(A)]));
    assert!(matches!(sent(&mut udp, A), Request::Connect { .. }));
    // One that is never taken fails when its time is over.
    udp.announce(secs(20), ME, SECOND, user("udp://other.example:1/a"), announce());
    let mut now = secs(20);
    let failed = loop {
        match acts(&mut udp).pop() {
            Some(Act::Resolve(host, port)) => udp.not_resolved_yet(now, host, port),
            Some(Act::Answer(_, SECOND, _, result)) => break result,
            _ => {}
        }
        now = udp.deadline().unwrap();
        udp.tick(now);
    };
    assert!(matches!(failed, Err(AnnounceError::Unreachable(_))));
    assert_eq!(now, secs(80));
}

#[test]
fn a_stranger_s_tracker_nearby_is_asked_for_an_announce_on_a_tracker_s_port_and_nothing_else() {
    let far = "198.18.0.1";
    for (host, port, path, asked) in [
        ("10.0.0.1", 6969, "/announce", true),
        ("127.0.0.1", 6969, "", true),
        ("127.0.0.1", 6969, "/?reboot=1", false),
        ("[::1]", 6969, "/any/words", false),
        ("10.0.0.1", 53, "/announce", false),
        ("0.0.0.0", 6969, "/announce", false),
        (far, 53, "/any/words", true),
    ] {
        let url = alloc::format!("udp://{host}:{port}{path}");
        let mut udp = UdpTracker::new(Rng::new(5), None, 7.into());
        udp.announce(secs(0), ME, FIRST, AnnounceUrl::new(&*url, Origin::Stranger), announce());
        let acts = acts(&mut udp);
        match &acts[..] {
            [Act::Send(..)] => assert!(asked, "{url}"),
            [Act::Answer(ME, FIRST, _, Err(AnnounceError::Forbidden(_)))] => assert!(!asked, "{url}"),
            other => panic!("{url}: {other:?}"),
        }
    }
    // Nor does a name lead there, whatever its other addresses are.
    let mut udp = UdpTracker::new(Rng::new(5), None, 7.into());
    udp.announce(secs(0), ME, FIRST, AnnounceUrl::new("udp://tracker.example:53", Origin::Stranger), announce());
    assert_eq!(acts(&mut udp), [Act::Resolve("tracker.example".into(), 53)]);
    let found = alloc::vec![addr("10.0.0.1:53"), addr("198.18.0.1:53"), addr("[::1]:53")];
    udp.resolved(secs(0), "tracker.example".into(), 53, Ok(found));
    sent(&mut udp, "198.18.0.1:53");
    // The user's own may be there; the same name's addresses are known by now.
    udp.announce(secs(1), TorrentId(2), SECOND, user("udp://tracker.example:53"), announce());
    let asked = acts(&mut udp);
    assert!(
        matches!(&asked[..], [Act::Send(v4, _), Act::Send(v6, _)] if *v4 == addr("10.0.0.1:53") && *v6 == addr("[::1]:53")),
        "{asked:?}"
    );
}
