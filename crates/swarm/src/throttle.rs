//! Limits in three storeys: one lane for all torrents together, one for each group of torrents that has a limit, one bucket for each torrent, one
//! direction each (own design).
//!
//! Torrents that wait for a lane stand in its queue and take turns, so that none starves however low the limit; within
//! a torrent its connections take turns. Without a limit nothing waits and the queues stay empty.
//! Invariants: a torrent stands in a lane's queue at most once, and only while it has somebody waiting; in that of all only while neither its own limit nor its
//! group's keeps it back, so that it holds up nobody who has not that limit. It shares the limit of one group, so that no two wait for each other.
use crate::bucket::Bucket;
use crate::ids::{ConnId, GroupId, TorrentId};
use crate::pool::Pool;
use crate::time::Time;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};

/// The least that one turn of a torrent takes, in bytes: one block.
const TURN_BYTES_MIN: u64 = 16 * 1024;
/// A turn lasts a hundredth of a second's tokens.
const TURN_DIVISOR: u64 = 100;

/// A limit that several torrents share, in one direction.
#[derive(Clone, Debug)]
struct Lane {
    bucket: Bucket,
    queue: VecDeque<TorrentId>,
    turn: u64,
}

impl Lane {
    fn new(rate: Option<u64>) -> Self {
        Self { bucket: Bucket::new(rate), queue: VecDeque::new(), turn: 0 }
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

/// The limits that torrents share in one direction: that of all together, and those of groups.
#[derive(Clone, Debug)]
pub struct Lanes {
    all: Lane,
    /// Of those that have a limit.
    groups: BTreeMap<GroupId, Lane>,
    /// The groups of each torrent that is in some.
    members: BTreeMap<TorrentId, Box<[GroupId]>>,
}

impl Lanes {
    /// All torrents together have so many payload bytes a second; `None` (and 0) is without limit. There are no groups.
    pub fn new(rate: Option<u64>) -> Self {
        Self { all: Lane::new(rate), groups: BTreeMap::new(), members: BTreeMap::new() }
    }

    /// Changes the limit of all torrents together.
    pub fn set_rate(&mut self, now: Time, rate: Option<u64>) {
        self.all.bucket.set_rate(now, rate);
    }

    /// Changes the limit of a group.
    pub fn set_group(&mut self, group: GroupId, now: Time, rate: Option<u64>) {
        match rate.filter(|rate| *rate > 0) {
            Some(rate) => self.groups.entry(group).or_insert_with(|| Lane::new(None)).bucket.set_rate(now, Some(rate)),
            None => _ = self.groups.remove(&group),
        }
    }

    /// The group whose limit a torrent shares: of several the one with the lowest.
    fn group(&self, who: TorrentId) -> Option<GroupId> {
        let groups = self.members.get(&who).into_iter().flatten();
        let rates = groups.filter_map(|group| Some((self.groups.get(group)?.bucket.rate()?, *group)));
        rates.min().map(|(_, group)| group)
    }

    fn lane(&self, who: TorrentId) -> Option<&Lane> {
        self.groups.get(&self.group(who)?)
    }

    fn lane_mut(&mut self, who: TorrentId) -> Option<&mut Lane> {
        self.groups.get_mut(&self.group(who)?)
    }

    /// The lowest of the limits that a torrent shares with others, in bytes a second.
    fn lowest(&self, who: TorrentId) -> Option<u64> {
        let of_group = self.lane(who).and_then(|lane| lane.bucket.rate());
        self.all.bucket.rate().into_iter().chain(of_group).min()
    }

    fn may(&mut self, who: TorrentId, now: Time) -> bool {
        self.lane_mut(who).is_none_or(|lane| lane.may(who, now)) && self.all.may(who, now)
    }

    fn leave(&mut self, who: TorrentId) {
        self.all.leave(who);
        self.groups.values_mut().for_each(|lane| lane.leave(who));
    }

    fn ready_at(&self, who: TorrentId, now: Time) -> Time {
        let of_all = self.all.bucket.ready_at(now);
        self.lane(who).map_or(of_all, |lane| of_all.max(lane.bucket.ready_at(now)))
    }
}

/// The limits that torrents share; the engine owns one and passes it to each call.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Limits of payload sent.
    pub up: Lanes,
    /// Limits of payload asked for.
    pub down: Lanes,
    /// What peers hold of the pool that blocks are read into.
    pub pool: Pool,
}

impl Default for Shared {
    fn default() -> Self {
        Self { up: Lanes::new(None), down: Lanes::new(None), pool: Pool::default() }
    }
}

impl Shared {
    /// A torrent is gone that could not take its leave.
    pub fn forget(&mut self, torrent: TorrentId) {
        self.up.leave(torrent);
        self.down.leave(torrent);
    }

    /// A torrent is in these groups from now on, and in no others. One at work has to leave the queues before, and to look at its limits after that.
    pub fn regroup(&mut self, torrent: TorrentId, groups: &[GroupId]) {
        for lanes in [&mut self.up, &mut self.down] {
            if groups.is_empty() {
                lanes.members.remove(&torrent);
            } else {
                lanes.members.insert(torrent, groups.into());
            }
        }
    }
}

/// One torrent's own limit in one direction, and those of its connections that wait for it or for a lane.
#[derive(Clone, Debug)]
pub(crate) struct Throttle {
    who: TorrentId,
    own: Bucket,
    waiting: VecDeque<ConnId>,
    /// Whether it stands in the queue of all torrents, and in that of which group.
    in_lane: bool,
    in_group: Option<GroupId>,
}

impl Throttle {
    /// With the torrent's own limit in payload bytes a second.
    pub(crate) fn new(who: TorrentId, rate: Option<u64>) -> Self {
        Self { who, own: Bucket::new(rate), waiting: VecDeque::new(), in_lane: false, in_group: None }
    }

    /// Changes the torrent's own limit.
    pub(crate) fn set_rate(&mut self, now: Time, rate: Option<u64>) {
        self.own.set_rate(now, rate);
    }

    /// Whether any limit is set that this torrent has to keep.
    pub(crate) fn is_limited(&self, lanes: &Lanes) -> bool {
        self.limit(lanes).is_some()
    }

    /// The lowest of its limits, in bytes a second.
    pub(crate) fn limit(&self, lanes: &Lanes) -> Option<u64> {
        self.own.rate().into_iter().chain(lanes.lowest(self.who)).min()
    }

    /// Whether a block may go now.
    pub(crate) fn may(&mut self, lanes: &mut Lanes, now: Time) -> bool {
        self.own.ready(now) && lanes.may(self.who, now)
    }

    /// Charges all its limits.
    pub(crate) fn take(&mut self, lanes: &mut Lanes, bytes: u64) {
        self.own.take(bytes);
        lanes.all.take(bytes);
        if let Some(lane) = lanes.lane_mut(self.who) {
            lane.take(bytes);
        }
    }

    /// Gives back what was charged for nothing.
    pub(crate) fn refund(&mut self, lanes: &mut Lanes, bytes: u64) {
        self.own.refund(bytes);
        lanes.all.bucket.refund(bytes);
        if let Some(lane) = lanes.lane_mut(self.who) {
            lane.bucket.refund(bytes);
        }
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

    /// Joins or leaves the queues, as things stand now. To be called at the end of each handler.
    pub(crate) fn settle(&mut self, lanes: &mut Lanes, now: Time) {
        if self.waiting.is_empty() && !self.in_lane && self.in_group.is_none() {
            return;
        }
        let waits = !self.waiting.is_empty() && self.own.ready(now);
        let group = lanes.group(self.who).filter(|_| waits);
        if self.in_group != group {
            if let Some(lane) = self.in_group.and_then(|group| lanes.groups.get_mut(&group)) {
                lane.leave(self.who);
            }
            if let Some(lane) = lanes.lane_mut(self.who).filter(|_| waits) {
                lane.join(self.who);
            }
            self.in_group = group;
        }
        // In the queue of all it stands only while its turn is in the group.
        let (who, lane) = (self.who, lanes.lane_mut(self.who));
        let is_through = waits && lane.is_none_or(|lane| lane.may(who, now));
        let wants = is_through && lanes.all.bucket.rate().is_some();
        if wants && !self.in_lane {
            lanes.all.join(self.who);
        } else if !wants && self.in_lane {
            lanes.all.leave(self.who);
        }
        self.in_lane = wants;
    }

    /// Leaves all queues, since other limits will hold.
    pub(crate) fn leave(&mut self, lanes: &mut Lanes) {
        lanes.leave(self.who);
        (self.in_lane, self.in_group) = (false, None);
    }

    /// When those that wait can go on; `None` when nobody waits.
    pub(crate) fn deadline(&self, lanes: &Lanes, now: Time) -> Option<Time> {
        (!self.waiting.is_empty()).then(|| self.own.ready_at(now).max(lanes.ready_at(self.who, now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;
    use core::time::Duration;

    #[test]
    fn torrents_share_a_low_limit_evenly() {
        let mut lane = Lanes::new(Some(64 * 1024));
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
            let (mut lane, mut torrent) = (Lanes::new(Some(rate)), Throttle::new(TorrentId(1), None));
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
        let mut lane = Lanes::new(Some(1_000_000));
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

    /// Has torrents that always want more take what they may for a minute; blocks that each got.
    fn minute(lanes: &mut Lanes, torrents: &mut [Throttle]) -> Vec<u64> {
        let (mut got, mut now) = (vec![0; torrents.len()], Time::ZERO);
        for torrent in &mut *torrents {
            torrent.wait(ConnId(7));
            torrent.settle(lanes, now);
        }
        while now < Time::ZERO + Duration::from_secs(60) {
            now = torrents.iter().filter_map(|t| t.deadline(lanes, now)).min().unwrap().max(now);
            for (torrent, got) in torrents.iter_mut().zip(&mut got) {
                while torrent.may(lanes, now) {
                    torrent.take(lanes, 16 * 1024);
                    *got += 1;
                }
                torrent.settle(lanes, now);
            }
        }
        got
    }

    fn in_groups(groups: &[(u32, u64)], members: &[&[u32]]) -> (Lanes, Vec<Throttle>) {
        let mut shared = Shared::default();
        for (group, rate) in groups {
            shared.up.set_group(GroupId(*group), Time::ZERO, Some(*rate));
        }
        let torrents = (0..).map(TorrentId).zip(members).map(|(who, groups)| {
            shared.regroup(who, &groups.iter().copied().map(GroupId).collect::<Vec<_>>());
            Throttle::new(who, None)
        });
        let torrents = torrents.collect();
        (shared.up, torrents)
    }

    #[test]
    fn a_group_shares_its_limit_and_others_have_theirs() {
        let (mut lanes, mut torrents) = in_groups(&[(1, 64 << 10), (2, 32 << 10)], &[&[1], &[1], &[1], &[2]]);
        let got = minute(&mut lanes, &mut torrents);
        // 240 blocks of 16 KiB for three, and 120 for one by itself.
        assert!(got[..3].iter().all(|got| got.abs_diff(80) <= 2) && got[3].abs_diff(120) <= 2, "{got:?}");
        assert_eq!((torrents[0].limit(&lanes), torrents[3].limit(&lanes)), (Some(64 << 10), Some(32 << 10)));
    }

    #[test]
    fn the_limit_of_all_holds_beside_those_of_groups() {
        let (mut lanes, mut torrents) = in_groups(&[(1, 16 << 10)], &[&[1], &[1], &[]]);
        lanes.set_rate(Time::ZERO, Some(64 << 10));
        let got = minute(&mut lanes, &mut torrents);
        assert!(got[0] + got[1] <= 61 && got[0].abs_diff(got[1]) <= 2, "{got:?}");
        let all: u64 = got.iter().sum();
        assert!((236..=243).contains(&all), "what one group leaves the others take: {got:?}");
    }

    #[test]
    fn of_several_groups_the_lowest_limit_counts_and_holds_up_no_other() {
        let (mut lanes, mut torrents) = in_groups(&[(1, 8 << 10), (2, 64 << 10)], &[&[2, 1], &[2]]);
        let got = minute(&mut lanes, &mut torrents);
        assert!((28..=31).contains(&got[0]) && (236..=243).contains(&got[1]), "{got:?}");
        lanes.set_group(GroupId(1), Time::ZERO, None);
        assert_eq!(torrents[0].limit(&lanes), Some(64 << 10));
    }

    #[test]
    fn what_is_no_group_s_any_more_is_limited_by_it_no_more() {
        let (mut lanes, mut torrents) = in_groups(&[(1, 8 << 10)], &[&[1]]);
        let torrent = &mut torrents[0];
        torrent.wait(ConnId(1));
        torrent.settle(&mut lanes, Time::ZERO);
        assert!(torrent.is_limited(&lanes) && !torrent.may(&mut lanes, Time::ZERO));
        torrent.leave(&mut lanes);
        let mut shared = Shared { up: lanes, ..Shared::default() };
        shared.regroup(TorrentId(0), &[]);
        assert!(!torrent.is_limited(&shared.up) && torrent.may(&mut shared.up, Time::ZERO));
        assert_eq!((shared.up.members.len(), shared.up.groups[&GroupId(1)].queue.len()), (0, 0));
        shared.up.set_group(GroupId(1), Time::ZERO, None);
        assert!(shared.up.groups.is_empty());
    }
}
