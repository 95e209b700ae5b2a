//! Limits in two storeys: one lane for all torrents together, one bucket for each torrent, one direction each (own design).
//!
//! Torrents that wait for the common lane stand in a queue and take turns, so that none starves however low the limit; within
//! a torrent its connections take turns. Without a limit nothing waits and the queues stay empty.
//! Invariant: a torrent stands in the lane's queue at most once, and only while it has somebody waiting.
use crate::bucket::Bucket;
use crate::ids::{ConnId, TorrentId};
use crate::pool::Pool;
use crate::time::Time;
use alloc::collections::VecDeque;

/// The least that one turn of a torrent takes, in bytes: one block.
const TURN_BYTES_MIN: u64 = 16 * 1024;
/// A turn lasts a hundredth of a second's tokens.
const TURN_DIVISOR: u64 = 100;

/// A limit that all torrents share, in one direction.
#[derive(Clone, Debug)]
pub struct Lane {
    bucket: Bucket,
    queue: VecDeque<TorrentId>,
    turn: u64,
}

impl Lane {
    /// A lane of so many payload bytes a second; `None` (and 0) is without limit.
    pub fn new(rate: Option<u64>) -> Self {
        Self { bucket: Bucket::new(rate), queue: VecDeque::new(), turn: 0 }
    }

    /// Changes the limit.
    pub fn set_rate(&mut self, now: Time, rate: Option<u64>) {
        self.bucket.set_rate(now, rate);
    }

    /// The limit in bytes a second.
    pub fn rate(&self) -> Option<u64> {
        self.bucket.rate()
    }

    fn may(&mut self, who: TorrentId, now: Time) -> bool {
        self.bucket.ready(now) && (self.bucket.rate().is_none() || self.queue.front().is_none_or(|first| *first == who))
    }

    fn take(&mut self, bytes: u64) {
        self.bucket.take(bytes);
        self.turn += bytes;
        if self.turn >= self.bucket.rate().map_or(0, |r| r / TURN_DIVISOR).max(TURN_BYTES_MIN) {
            self.turn = 0;
            if self.queue.len() > 1 {
                self.queue.rotate_left(1);
            }
        }
    }

    fn join(&mut self, who: TorrentId) {
        if self.bucket.rate().is_some() && !self.queue.contains(&who) {
            self.queue.push_back(who);
        }
    }

    fn leave(&mut self, who: TorrentId) {
        self.queue.retain(|w| *w != who);
    }
}

/// The limits of all torrents together; the engine owns one and passes it to each call.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Limit of payload sent.
    pub up: Lane,
    /// Payload asked for.
    pub down: Lane,
    /// What peers hold of the pool that blocks are read into.
    pub pool: Pool,
}

impl Default for Shared {
    fn default() -> Self {
        Self { up: Lane::new(None), down: Lane::new(None), pool: Pool::default() }
    }
}

impl Shared {
    /// A torrent is gone that could not take its leave.
    pub fn forget(&mut self, torrent: TorrentId) {
        self.up.leave(torrent);
        self.down.leave(torrent);
    }
}

/// One torrent's own limit in one direction, and those of its connections that wait for it or for the lane.
#[derive(Clone, Debug)]
pub(crate) struct Throttle {
    who: TorrentId,
    own: Bucket,
    waiting: VecDeque<ConnId>,
    in_lane: bool,
}

impl Throttle {
    /// With the torrent's own limit in payload bytes a second.
    pub(crate) fn new(who: TorrentId, rate: Option<u64>) -> Self {
        Self { who, own: Bucket::new(rate), waiting: VecDeque::new(), in_lane: false }
    }

    /// Changes the torrent's own limit.
    pub(crate) fn set_rate(&mut self, now: Time, rate: Option<u64>) {
        self.own.set_rate(now, rate);
    }

    /// Whether any limit is set that this torrent has to keep.
    pub(crate) fn is_limited(&self, lane: &Lane) -> bool {
        self.own.rate().is_some() || lane.rate().is_some()
    }

    /// The lower of the two limits, in bytes a second.
    pub(crate) fn limit(&self, lane: &Lane) -> Option<u64> {
        self.own.rate().into_iter().chain(lane.rate()).min()
    }

    /// Whether a block may go now.
    pub(crate) fn may(&mut self, lane: &mut Lane, now: Time) -> bool {
        self.own.ready(now) && lane.may(self.who, now)
    }

    /// Charges both limits.
    pub(crate) fn take(&mut self, lane: &mut Lane, bytes: u64) {
        self.own.take(bytes);
        lane.take(bytes);
    }

    /// Gives back what was charged for nothing.
    pub(crate) fn refund(&mut self, lane: &mut Lane, bytes: u64) {
        self.own.refund(bytes);
        lane.bucket.refund(bytes);
    }

    /// Puts a connection at the end of those that wait. The caller knows that it does not wait yet.
    pub(crate) fn wait(&mut self, conn: ConnId) {
        self.waiting.push_back(conn);
    }

    /// The connection whose turn it is, taken from the queue.
    pub(crate) fn pop(&mut self) -> Option<ConnId> {
        self.waiting.pop_front()
    }

    /// Those that wait, longest first.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = ConnId> + '_ {
        self.waiting.iter().copied()
    }

    /// Whether anybody waits.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Forgets a connection that is gone.
    pub(crate) fn forget(&mut self, conn: ConnId) {
        self.waiting.retain(|w| *w != conn);
    }

    /// Joins or leaves the lane's queue, as things stand now. To be called at the end of each handler.
    pub(crate) fn settle(&mut self, lane: &mut Lane, now: Time) {
        if self.waiting.is_empty() && !self.in_lane {
            return;
        }
        let wants = !self.waiting.is_empty() && self.own.ready(now) && lane.rate().is_some();
        if wants && !self.in_lane {
            lane.join(self.who);
        } else if !wants && self.in_lane {
            lane.leave(self.who);
        }
        self.in_lane = wants;
    }

    /// When those that wait can go on; `None` when nobody waits.
    pub(crate) fn deadline(&self, lane: &Lane, now: Time) -> Option<Time> {
        (!self.waiting.is_empty()).then(|| self.own.ready_at(now).max(lane.bucket.ready_at(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn torrents_share_a_low_limit_evenly() {
        let mut lane = Lane::new(Some(64 * 1024));
        let mut torrents = [1, 2, 3].map(|n| Throttle::new(TorrentId(n), None));
        for torrent in &mut torrents {
            torrent.wait(ConnId(7));
        }
        let mut got = [0u64; 3];
        let mut now = Time::ZERO;
        for torrent in &mut torrents {
            torrent.settle(&mut lane, now);
        }
        while now < Time::ZERO + Duration::from_secs(60) {
            now = torrents.iter().filter_map(|t| t.deadline(&lane, now)).min().unwrap().max(now);
            for (torrent, got) in torrents.iter_mut().zip(&mut got) {
                while torrent.may(&mut lane, now) {
                    torrent.take(&mut lane, 16 * 1024);
                    *got += 1;
                }
                torrent.settle(&mut lane, now);
            }
        }
        assert!(got.iter().all(|g| g.abs_diff(80) <= 2), "{got:?}");
    }

    #[test]
    fn a_limit_gives_the_promised_rate_without_bursts_of_a_second_or_long_waits() {
        for rate in [50_000u64, 4 << 20, 100 << 20] {
            let (mut lane, mut torrent) = (Lane::new(Some(rate)), Throttle::new(TorrentId(1), None));
            let start = Time::ZERO + Duration::from_secs(100);
            torrent.wait(ConnId(1));
            torrent.settle(&mut lane, start);
            let (mut now, mut taken, mut most, mut window) = (start, 0, 0, (start, 0));
            while now < start + Duration::from_secs(20) {
                while torrent.may(&mut lane, now) {
                    torrent.take(&mut lane, 16_384);
                    taken += 16_384;
                }
                if now.since(window.0) >= Duration::from_millis(100) {
                    most = most.max(taken - window.1);
                    window = (now, taken);
                }
                let next = torrent.deadline(&lane, now).unwrap();
                let wait = next.since(now);
                assert!(
                    wait <= Duration::from_nanos(1_000_000_000 * 16_384 / rate) + Duration::from_millis(11),
                    "{wait:?}"
                );
                now = next;
            }
            let earned = rate * 20;
            assert!(taken + rate / 50 + 16_384 >= earned && taken <= earned + rate / 3 + 16_384, "{taken} of {earned}");
            assert!(most <= rate / 2 + 3 * 16_384, "{most} in 100 ms at {rate}");
        }
    }

    #[test]
    fn a_torrent_with_a_lower_limit_of_its_own_does_not_hold_up_the_lane() {
        let mut lane = Lane::new(Some(1_000_000));
        let (mut slow, mut fast) = (Throttle::new(TorrentId(1), Some(1_000)), Throttle::new(TorrentId(2), None));
        let now = Time::ZERO + Duration::from_secs(9);
        slow.wait(ConnId(1));
        fast.wait(ConnId(2));
        assert!(slow.may(&mut lane, now));
        slow.take(&mut lane, 16_384);
        slow.settle(&mut lane, now);
        fast.settle(&mut lane, now);
        assert!(fast.may(&mut lane, now));
        assert!(slow.deadline(&lane, now) > Some(now + Duration::from_secs(10)));
    }
}
