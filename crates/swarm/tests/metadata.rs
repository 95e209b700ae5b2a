//! Fetching the info dictionary: votes, parallel peers, time limits, liars (BEP 9; bad-input rows 25, 26, 27).
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
use core::time::Duration;
use teem_swarm::ids::ConnId;
use teem_swarm::output::CloseReason;
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;
use teem_swarm::torrent::metadata::MetadataFetch;
use teem_wire::peer::message::MetadataMessage;

struct World {
    fetch: MetadataFetch,
    rng: Rng,
    now: Time,
    truth: Vec<u8>,
}

impl World {
    fn new(size: usize) -> Self {
        let truth = (0..size).map(|n| (n / 251) as u8).collect();
        Self { fetch: MetadataFetch::new(), rng: Rng::new(3), now: Time::from_nanos(5_000_000_000), truth }
    }

    fn poll(&mut self) -> Vec<(u64, u32)> {
        let mut asked = Vec::new();
        self.fetch.poll(self.now, &mut self.rng, |conn, id, message| {
            assert_eq!(id, 3);
            let MetadataMessage::Request { piece } = message else { panic!("only requests") };
            asked.push((conn.0, piece));
        });
        asked
    }

    fn offer(&mut self, conn: u64, size: u32) -> Result<(), CloseReason> {
        self.fetch.offer(ConnId(conn), Some(3), Some(size))
    }

    fn give(&mut self, conn: u64, piece: u32, liar: bool) -> Result<(), CloseReason> {
        let begin = piece as usize * 16384;
        let mut data = self.truth[begin..self.truth.len().min(begin + 16384)].to_vec();
        data[0] ^= u8::from(liar);
        let total_size = self.truth.len() as u32;
        self.fetch.message(self.now, ConnId(conn), MetadataMessage::Data { piece, total_size, data }).map(|_| ())
    }

    /// Runs until the truth is there; gives who was banned.
    fn run(&mut self, liars: &[u64]) -> Vec<u64> {
        let mut banned = Vec::new();
        for _ in 0..100 {
            for (conn, piece) in self.poll() {
                self.give(conn, piece, liars.contains(&conn)).unwrap();
            }
            if let Some(bytes) = self.fetch.take() {
                let right = bytes == self.truth;
                banned.extend(self.fetch.verdict(right).into_iter().map(|c| c.0));
                if right {
                    return banned;
                }
            }
        }
        panic!("never complete");
    }
}

#[test]
fn pieces_are_spread_over_peers_four_at_a_time() {
    let mut w = World::new(40 * 16384 + 5);
    for conn in 0..3 {
        w.offer(conn, 40 * 16384 + 5).unwrap();
    }
    let mut asked = w.poll();
    assert_eq!(asked.len(), 12);
    asked.sort_by_key(|a| a.1);
    asked.dedup_by_key(|a| a.1);
    assert_eq!(asked.len(), 12, "no piece twice while others are missing");
    assert!(w.poll().is_empty());
    for (conn, piece) in asked {
        w.give(conn, piece, false).unwrap();
    }
    assert_eq!(w.fetch.progress(), (12, 41));
    assert_eq!(w.run(&[]), []);
}

#[test]
fn row_25_sizes_that_cannot_be_are_no_claim_and_lies_allocate_nothing() {
    let mut w = World::new(20_000);
    for (conn, size) in [(0, 0), (1, u32::MAX), (2, 1 << 31), (3, 40 << 20), (4, (16 << 20) + 1)] {
        w.offer(conn, size).unwrap();
        assert!(w.poll().is_empty(), "{size}");
    }
    w.offer(5, 16 << 20).unwrap();
    assert_eq!(w.poll().len(), 4);
    w.offer(6, 20_000).unwrap();
    w.offer(7, 20_000).unwrap();
    let asked = w.poll();
    assert!(asked.iter().all(|(conn, _)| *conn >= 6) && asked.len() == 4, "the majority's size: {asked:?}");
    for (conn, piece) in asked {
        w.give(conn, piece, false).unwrap();
    }
    assert_eq!(w.fetch.take().as_deref(), Some(&w.truth[..]));
}

#[test]
fn row_25_a_size_that_changes_mid_way_is_followed_a_few_times_then_closed() {
    let mut w = World::new(20_000);
    w.offer(1, 20_000).unwrap();
    w.poll();
    for size in [1, 2, 3] {
        w.offer(1, size).unwrap();
        assert!(w.fetch.progress().0 == 0);
    }
    assert!(w.offer(1, 4).is_err());
    w.offer(2, 20_000).unwrap();
    w.poll();
    w.fetch.offer(ConnId(2), None, None).unwrap();
    let huge = MetadataMessage::Data { piece: 0, total_size: 0, data: Vec::new() };
    assert!(w.fetch.message(w.now, ConnId(2), huge).is_err());
}

#[test]
fn row_25_a_crowd_that_names_a_size_and_gives_nothing_holds_nobody_up() {
    // Some reject, some are silent; the honest one is alone with its size.
    for rejects in [true, false] {
        let mut w = World::new(40_000);
        (0..5).for_each(|conn| w.offer(conn, 100_000).unwrap());
        w.offer(9, 40_000).unwrap();
        let begun = w.now;
        while w.fetch.progress() != (3, 3) {
            assert!(w.now.since(begun) < Duration::from_secs(60), "{:?}", w.fetch.progress());
            for (conn, piece) in w.poll() {
                if conn == 9 {
                    w.give(9, piece, false).unwrap();
                } else if rejects {
                    w.fetch.message(w.now, ConnId(conn), MetadataMessage::Reject { piece }).unwrap();
                }
            }
            w.now = w.now + Duration::from_millis(100);
        }
        assert_eq!(w.fetch.take().as_deref(), Some(&w.truth[..]));
    }
}

#[test]
fn who_rejects_everything_is_asked_ever_more_rarely() {
    let mut w = World::new(20_000);
    w.offer(1, 20_000).unwrap();
    let (begun, mut asked) = (w.now, Vec::new());
    while w.now.since(begun) < Duration::from_secs(3600) {
        for (conn, piece) in w.poll() {
            asked.push(w.now);
            w.fetch.message(w.now, ConnId(conn), MetadataMessage::Reject { piece }).unwrap();
        }
        w.now = w.fetch.deadline().unwrap().max(w.now + Duration::from_millis(10));
    }
    assert!((12..=24).contains(&asked.len()), "two pieces, ten times: {asked:?}");
    asked.dedup();
    let gaps: Vec<Duration> = asked.windows(2).map(|w| w[1].since(w[0])).collect();
    assert!(gaps.windows(2).all(|w| w[1] >= w[0]), "{gaps:?}");
    assert!(gaps.last() >= Some(&Duration::from_secs(600)));
}

#[test]
fn row_26_a_wrong_hash_discards_all_and_finds_the_liar() {
    for seed in 0..30 {
        let mut w = World::new(10 * 16384);
        w.rng = Rng::new(seed);
        for conn in 0..4 {
            w.offer(conn, 10 * 16384).unwrap();
        }
        let banned = w.run(&[2]);
        assert!(banned.is_empty() || banned == [2], "{banned:?}");
        let mut w = World::new(10 * 16384);
        w.rng = Rng::new(seed);
        w.offer(0, 10 * 16384).unwrap();
        w.offer(1, 10 * 16384).unwrap();
        w.offer(2, 10 * 16384).unwrap();
        let banned = w.run(&[0, 1]);
        assert!(!banned.contains(&2), "{banned:?}");
    }
    let mut w = World::new(100);
    w.offer(0, 100).unwrap();
    for conn in [0, 0] {
        let asked = w.poll();
        assert_eq!(asked, [(conn, 0)]);
        w.give(0, 0, true).unwrap();
        assert!(w.fetch.take().is_some());
        let banned = w.fetch.verdict(false);
        assert_eq!(w.fetch.progress().0, 0, "nothing is kept");
        if !banned.is_empty() {
            assert_eq!(banned, [ConnId(0)]);
            assert!(w.poll().is_empty());
            return;
        }
    }
    panic!("banned after two");
}

#[test]
fn row_27_pieces_past_the_end_or_of_a_wrong_length_close() {
    for (piece, len) in [(2, 16384), (u32::MAX, 16384), (1, 16384), (0, 5)] {
        let mut w = World::new(20_000);
        w.offer(1, 20_000).unwrap();
        w.poll();
        let message = MetadataMessage::Data { piece, total_size: 20_000, data: vec![0; len] };
        assert!(w.fetch.message(w.now, ConnId(1), message).is_err(), "{piece} {len}");
    }
}

#[test]
fn silence_and_rejects_give_the_turn_to_others_and_deadlines_lead_on() {
    let mut w = World::new(20_000);
    w.offer(1, 20_000).unwrap();
    assert_eq!(w.poll(), [(1, 0), (1, 1)]);
    assert_eq!(w.fetch.deadline(), Some(w.now + Duration::from_secs(10)));
    w.now = w.now + Duration::from_secs(10);
    assert!(w.poll().is_empty(), "it rests");
    w.offer(2, 20_000).unwrap();
    assert_eq!(w.poll(), [(2, 0), (2, 1)]);
    w.fetch.message(w.now, ConnId(2), MetadataMessage::Reject { piece: 0 }).unwrap();
    assert!(w.poll().is_empty());
    w.give(1, 0, false).unwrap();
    w.give(2, 1, false).unwrap();
    assert_eq!(w.fetch.take().as_deref(), Some(&w.truth[..]), "late pieces are used");
    assert_eq!(w.fetch.deadline(), None);
    let mut w = World::new(20_000);
    w.offer(1, 20_000).unwrap();
    for _ in 0..20 {
        w.poll();
        let next = w.fetch.deadline().unwrap();
        assert!(next > w.now);
        w.now = next;
    }
    w.fetch.gone(ConnId(1));
    w.poll();
    assert_eq!(w.fetch.deadline(), None);
}

#[test]
fn who_answers_soon_is_asked_for_twice_as_much_each_time_and_who_is_slow_is_not() {
    let size = 43 * 16384;
    for (answers_after, rounds) in [(3, 4), (5, 11)] {
        let mut w = World::new(size);
        w.offer(0, size as u32).unwrap();
        let mut count = 0;
        while w.fetch.progress() != (43, 43) {
            let asked = w.poll();
            w.now = w.now + Duration::from_secs(answers_after);
            assert!(asked.len() <= 32);
            for (conn, piece) in asked {
                w.give(conn, piece, false).unwrap();
            }
            count += 1;
        }
        assert_eq!(count, rounds);
    }
    // One that it leaves unanswered: it begins anew.
    let mut w = World::new(size);
    w.offer(0, size as u32).unwrap();
    for _ in 0..2 {
        for (conn, piece) in w.poll() {
            w.give(conn, piece, false).unwrap();
        }
    }
    assert_eq!(w.poll().len(), 16);
    w.now = w.now + Duration::from_secs(10);
    assert!(w.poll().is_empty());
    w.now = w.now + Duration::from_secs(20);
    assert_eq!(w.poll().len(), 4);
}

/// Plays one peer that answers the first of what it is asked for at once and forgets the rest; gives how long it took.
fn fetched_from_a_forgetful_peer(mut w: World, size: usize) -> Duration {
    let begun = w.now;
    for _ in 0..200 {
        if let Some((conn, piece)) = w.poll().first().copied() {
            w.give(conn, piece, false).unwrap();
        } else {
            w.now = w.fetch.deadline().unwrap();
        }
        if let Some(bytes) = w.fetch.take() {
            assert_eq!((bytes.len(), bytes == w.truth), (size, true));
            return w.now.since(begun);
        }
    }
    panic!("never complete");
}

/// As rtorrent does; where the id does not say so it shows by itself, within one time limit.
#[test]
fn who_answers_one_of_several_requests_is_asked_one_at_a_time() {
    let size = 5 * 16384;
    let mut known = World::new(size);
    known.offer(0, size as u32).unwrap();
    known.fetch.one_at_a_time(ConnId(0));
    assert_eq!(fetched_from_a_forgetful_peer(known, size), Duration::ZERO);
    let mut unknown = World::new(size);
    unknown.offer(0, size as u32).unwrap();
    assert_eq!(fetched_from_a_forgetful_peer(unknown, size), Duration::from_secs(10));
}
