//! What we have asked of one peer, and how much may be under way (BEP 3, "pipelining").
//!
//! The window follows the product of rate and round trip: enough that the peer never waits for us, little enough that a slow
//! peer does not sit on blocks. It grows by one per block while the rate grows (slow start), and shrinks by a tenth per round
//! trip at most. Below it there is a floor, which the torrent sets by what its line delivers and by what is left to ask for. A peer that stalls loses what it was asked for and is asked one block at a time until one comes.
//! A block that is asked for anew while an answer to the first request may still come stands in `asked` and in `late`: two
//! answers are due (BEP 6), and neither of them is a fault.
use crate::rate::{CHOKE_SLOTS, DISPLAY_SLOTS, Meter, PIPELINE_SLOTS};
use crate::time::Time;
use alloc::collections::VecDeque;
use core::time::Duration;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};

/// The window of a peer that has shown nothing yet, in blocks: one round trip of a young TCP connection carries no more.
const WINDOW_START: u32 = 4;
/// The smallest window that rates and round trips give, in blocks: one on its way and one waiting.
pub(crate) const WINDOW_MIN: u32 = 2;
/// The largest window, in blocks.
pub(crate) const WINDOW_MAX: u32 = 4_096;
/// What a peer that does not say `reqq` is taken to queue.
pub(crate) const REQQ_UNKNOWN: u32 = 250;
/// Round trips are taken to be at least this long: below it the window is cheap, and a busy peer answers in turns.
const RTT_MIN: Duration = Duration::from_millis(250);
/// How often slow start looks whether the rate still grows.
const GROWTH_CHECK: Duration = Duration::from_secs(1);
/// A peer that has not sent anything yet stalls after this long. What it was asked for may be all that is missing, and who
/// claims everything and sends nothing should not hold it longer than it must; a slow line's blocks are used when they come.
const FIRST_BLOCK_MAX: Duration = Duration::from_secs(10);
/// The same when all that is missing is asked for, and somebody could be asked instead.
const FIRST_BLOCK_HURRY: Duration = Duration::from_secs(4);
/// What a peer that has not shown its rate is expected to need for what it is asked for, besides twice the time it has taken.
const UNKNOWN: Duration = Duration::from_secs(1);
/// A peer that is slower than this, in bytes a second, and has sent nothing for that long, dribbles: a block takes it four seconds.
const DRIBBLE: u64 = 4_096;
const SILENT: Duration = Duration::from_secs(2);
/// Bounds of the time without a block after which a peer stalls.
const STALL: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(60));
/// A peer that owes us blocks for that long is snubbed: no longer rewarded by the choker.
const SNUBBED: Duration = Duration::from_secs(60);
/// Blocks not waited for any more that are remembered, so that they are not taken for unasked ones.
const LATE_MAX: usize = 2 * WINDOW_MAX as usize;
/// And how long: a line of 1 kB/s needs four minutes for what it queued before our CANCEL, and queues more while it stalls.
const LATE_AGE_MAX: Duration = Duration::from_secs(15 * 60);

/// What a block that came was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// Asked for and waited for.
    Asked,
    /// Asked for, but cancelled, choked or stalled since.
    Late,
    /// The place was asked for, with another length.
    WrongLength,
    /// Never asked for.
    Unasked,
}

/// Requests to one peer.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    asked: VecDeque<(BlockRef, Time)>,
    late: VecDeque<(BlockRef, Time)>,
    window: u32,
    reqq: u32,
    slow_start: bool,
    stalled: bool,
    rtt_min: Option<Duration>,
    progress: Time,
    adjusted: Time,
    growth: (Time, u64),
    /// Payload that came.
    meter: Meter,
}

impl Pipeline {
    /// Nothing asked for yet.
    pub(crate) fn new(now: Time) -> Self {
        Self {
            asked: VecDeque::new(),
            late: VecDeque::new(),
            window: WINDOW_START,
            reqq: REQQ_UNKNOWN,
            slow_start: true,
            stalled: false,
            rtt_min: None,
            progress: now,
            adjusted: now,
            growth: (now, 0),
            meter: Meter::default(),
        }
    }

    /// Payload that came.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The peer said how many requests it queues (BEP 10 `reqq`).
    pub(crate) fn set_reqq(&mut self, reqq: u32) {
        self.reqq = reqq.clamp(1, WINDOW_MAX);
    }

    /// How many more blocks may be asked for now, with that floor.
    pub(crate) fn room(&self, floor: u32) -> usize {
        (self.window(floor) as usize).saturating_sub(self.asked.len())
    }

    /// How many blocks may be under way, with that floor.
    pub(crate) fn window(&self, floor: u32) -> u32 {
        if self.stalled { 1 } else { self.window.max(floor).min(self.reqq) }
    }

    /// How many blocks are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.asked.len()
    }

    /// A block has been asked for.
    pub(crate) fn ask(&mut self, now: Time, at: BlockRef) {
        if self.asked.is_empty() {
            self.progress = self.progress.max(now);
        }
        self.forget_late(now);
        self.asked.push_back((at, now));
    }

    /// A block has come.
    pub(crate) fn arrive(&mut self, now: Time, at: BlockRef) -> Arrival {
        if let Some(i) = self.asked.iter().position(|(a, _)| *a == at) {
            let (_, when) = self.asked.remove(i).unwrap_or((at, now));
            let rtt = now.since(when);
            self.rtt_min = Some(self.rtt_min.map_or(rtt, |r| r.min(rtt)));
            self.deliver(now, at);
            return Arrival::Asked;
        }
        if let Some(i) = self.late.iter().position(|(l, _)| *l == at) {
            self.late.remove(i);
            self.deliver(now, at);
            return Arrival::Late;
        }
        let same_place = |a: &BlockRef| a.piece == at.piece && a.begin == at.begin;
        let known = self.asked.iter().any(|(a, _)| same_place(a)) || self.late.iter().any(|(l, _)| same_place(l));
        if known { Arrival::WrongLength } else { Arrival::Unasked }
    }

    /// A block is not wanted from this peer any more; whether it was waited for.
    pub(crate) fn cancel(&mut self, now: Time, at: BlockRef) -> bool {
        let found = self.asked.iter().position(|(a, _)| *a == at);
        if let Some(i) = found {
            self.asked.remove(i);
            self.remember(now, at);
        }
        found.is_some()
    }

    /// The peer rejects a request (BEP 6): the older one, when the block was asked for twice.
    pub(crate) fn reject(&mut self, at: BlockRef) -> Arrival {
        if let Some(i) = self.late.iter().position(|(l, _)| *l == at) {
            self.late.remove(i);
            return Arrival::Late;
        }
        match self.asked.iter().position(|(a, _)| *a == at) {
            Some(i) => {
                self.asked.remove(i);
                Arrival::Asked
            }
            None => Arrival::Unasked,
        }
    }

    /// How long the oldest block of a piece that is asked for has waited with nothing else coming; `None` when none is asked for.
    pub(crate) fn waits_for(&self, now: Time, piece: u32) -> Option<Duration> {
        let (_, since) = self.asked.iter().find(|(at, _)| at.piece == piece)?;
        Some(now.since(self.progress.max(*since)))
    }

    /// What is waited for, oldest first.
    pub(crate) fn asked(&self) -> impl Iterator<Item = BlockRef> + '_ {
        self.asked.iter().map(|(at, _)| *at)
    }

    /// Nothing is waited for any more; what was, oldest first. What still comes is used when it is wanted.
    pub(crate) fn give_up(&mut self, now: Time) -> VecDeque<(BlockRef, Time)> {
        let given_up = core::mem::take(&mut self.asked);
        for (at, _) in &given_up {
            self.remember(now, *at);
        }
        given_up
    }

    /// Whether the peer keeps us waiting for too long: then what it was asked for is to be given up. `hurry` is whether all
    /// that is missing is asked for, and somebody else waits for work.
    pub(crate) fn is_stalling(&self, now: Time, hurry: bool) -> bool {
        !self.asked.is_empty() && now.since(self.progress) > self.patience(now, hurry)
    }

    /// Whether it has sent something of late, at a rate worth waiting for.
    pub(crate) fn is_delivering(&self, now: Time) -> bool {
        !self.stalled && self.meter.rate(now, DISPLAY_SLOTS) >= DRIBBLE
    }

    /// Whether it hardly sends anything: what it was asked for may be asked of others besides.
    pub(crate) fn is_dribbling(&self, now: Time) -> bool {
        !self.is_delivering(now) && !self.asked.is_empty() && (self.stalled || now.since(self.progress) > SILENT)
    }

    /// The machine slept: what the peer owes is waited for anew.
    pub(crate) fn woke(&mut self, now: Time) {
        self.progress = now;
    }

    /// The peer has kept us waiting for too long.
    pub(crate) fn stall(&mut self, now: Time) {
        self.stalled = true;
        self.slow_start = false;
        self.window = WINDOW_MIN;
        self.adjusted = now;
    }

    /// Whether it has kept us waiting for too long, and sent nothing since.
    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled
    }

    /// Whether it owes us blocks for a minute.
    pub(crate) fn is_snubbing(&self, now: Time) -> bool {
        (self.stalled || !self.asked.is_empty()) && now.since(self.progress) > SNUBBED
    }

    /// The peer has unchoked us: its time begins to run.
    pub(crate) fn unchoked(&mut self, now: Time) {
        self.progress = now;
    }

    /// How long the peer is expected to need for what it is asked for and so many blocks more.
    pub(crate) fn eta(&self, now: Time, more: u64) -> Duration {
        if self.stalled {
            return STALL.1;
        }
        let bytes = (self.asked.len() as u64 + more) * u64::from(BLOCK_LEN);
        match (bytes * 1_000).checked_div(self.meter.rate(now, DISPLAY_SLOTS)) {
            Some(ms) => Duration::from_millis(ms).max(self.rtt_min.unwrap_or_default()),
            None => UNKNOWN + self.asked.front().map(|(_, since)| now.since(*since) * 2).unwrap_or_default(),
        }
    }

    /// The time without a block after which it stalls: ten blocks' time at its rate, within bounds.
    fn patience(&self, now: Time, hurry: bool) -> Duration {
        let rate = self.meter.rate(now, CHOKE_SLOTS);
        match (u64::from(BLOCK_LEN) * 10_000).checked_div(rate) {
            Some(_) if hurry && rate < DRIBBLE => FIRST_BLOCK_HURRY,
            Some(ms) => Duration::from_millis(ms).clamp(STALL.0, STALL.1),
            None if hurry => FIRST_BLOCK_HURRY,
            None => FIRST_BLOCK_MAX,
        }
    }

    fn deliver(&mut self, now: Time, at: BlockRef) {
        self.meter.add(now, u64::from(at.len));
        self.progress = now;
        self.stalled = false;
        if self.slow_start {
            self.window = (self.window + 1).min(WINDOW_MAX);
        }
        let rtt = self.rtt_min.unwrap_or(RTT_MIN).max(RTT_MIN);
        if now.since(self.adjusted) >= rtt {
            self.adjusted = now;
            self.adjust(now, rtt);
        }
    }

    fn adjust(&mut self, now: Time, rtt: Duration) {
        let rate = self.meter.rate(now, PIPELINE_SLOTS);
        if now.since(self.growth.0) >= GROWTH_CHECK.max(rtt * 2) {
            // Less than a twentieth more than at the last look: the rate has stopped growing.
            self.slow_start &= rate > self.growth.1 + self.growth.1 / 20;
            self.growth = (now, rate);
        }
        let in_flight = u128::from(rate) * rtt.as_nanos() * 3 / 2 / 1_000_000_000;
        let target =
            u32::try_from(in_flight / u128::from(BLOCK_LEN)).unwrap_or(WINDOW_MAX).clamp(WINDOW_MIN, WINDOW_MAX);
        if target >= self.window {
            self.window = target;
        } else if !self.slow_start {
            self.window = target.max(self.window - self.window.div_ceil(10));
        }
    }

    fn remember(&mut self, now: Time, at: BlockRef) {
        if self.late.len() >= LATE_MAX {
            self.late.pop_front();
        }
        self.late.push_back((at, now));
    }

    fn forget_late(&mut self, now: Time) {
        while self.late.front().is_some_and(|(_, since)| now.since(*since) > LATE_AGE_MAX) {
            self.late.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOR: u32 = 16;

    fn block(n: u32) -> BlockRef {
        BlockRef { piece: n / 16, begin: n % 16 * BLOCK_LEN, len: BLOCK_LEN }
    }

    /// Runs a peer of a rate and round trip for some seconds and returns the window.
    fn run(rate: u64, rtt: Duration, seconds: u64) -> u32 {
        let mut pipe = Pipeline::new(Time::ZERO);
        pipe.set_reqq(4_096);
        let gap = Duration::from_nanos(u64::from(BLOCK_LEN) * 1_000_000_000 / rate);
        let (mut n, mut free) = (0, Time::ZERO);
        let mut flying: VecDeque<(Time, BlockRef)> = VecDeque::new();
        let mut now = Time::ZERO;
        while now < Time::ZERO + Duration::from_secs(seconds) {
            while pipe.room(FLOOR) > 0 {
                pipe.ask(now, block(n));
                free = free.max(now + rtt) + gap;
                flying.push_back((free, block(n)));
                n += 1;
            }
            let (at, which) = flying.pop_front().unwrap();
            now = at;
            assert_eq!(pipe.arrive(now, which), Arrival::Asked);
        }
        pipe.window(FLOOR)
    }

    #[test]
    fn the_window_is_the_bandwidth_delay_product() {
        // 10 Mbit/s at 40 ms: 1.5 x 0.25 s of data, 28 blocks.
        assert!((27..=40).contains(&run(1_250_000, Duration::from_millis(40), 20)));
        // 100 MB/s at 100 ms: 2,288 blocks, reached within seconds.
        assert!((2_000..=4_096).contains(&run(100_000_000, Duration::from_millis(100), 6)));
        assert_eq!(run(20_000, Duration::from_millis(50), 60), FLOOR);
    }

    #[test]
    fn a_stalled_peer_is_asked_one_block_at_a_time_until_it_delivers() {
        let mut pipe = Pipeline::new(Time::ZERO);
        (0..16).for_each(|n| pipe.ask(Time::ZERO, block(n)));
        let later = Time::ZERO + Duration::from_secs(11);
        assert!(!pipe.is_stalling(Time::ZERO + Duration::from_secs(9), false) && pipe.is_stalling(later, false));
        assert!(pipe.is_stalling(Time::ZERO + Duration::from_secs(5), true));
        assert_eq!(pipe.give_up(later).len(), 16);
        pipe.stall(later);
        assert_eq!(pipe.room(FLOOR), 1);
        assert!(pipe.is_snubbing(later + Duration::from_secs(50)));
        assert_eq!(pipe.arrive(later, block(3)), Arrival::Late);
        assert_eq!(pipe.room(FLOOR), 16);
        assert!(!pipe.is_snubbing(later + Duration::from_secs(90)));
    }

    #[test]
    fn row_36_what_came_is_told_from_what_was_asked() {
        let mut pipe = Pipeline::new(Time::ZERO);
        pipe.ask(Time::ZERO, block(1));
        pipe.ask(Time::ZERO, block(2));
        assert!(pipe.cancel(Time::ZERO, block(2)));
        assert_eq!(pipe.arrive(Time::ZERO, BlockRef { len: 5, ..block(1) }), Arrival::WrongLength);
        assert_eq!(pipe.arrive(Time::ZERO, block(7)), Arrival::Unasked);
        assert_eq!(pipe.arrive(Time::ZERO, block(2)), Arrival::Late);
        assert_eq!(pipe.arrive(Time::ZERO, block(1)), Arrival::Asked);
        assert_eq!(pipe.arrive(Time::ZERO, block(1)), Arrival::Unasked);
    }

    #[test]
    fn a_block_asked_for_again_after_a_cancel_may_come_twice() {
        let mut pipe = Pipeline::new(Time::ZERO);
        for second in [Pipeline::reject as fn(&mut Pipeline, BlockRef) -> Arrival, |p, at| p.arrive(Time::ZERO, at)] {
            pipe.ask(Time::ZERO, block(1));
            pipe.cancel(Time::ZERO, block(1));
            pipe.ask(Time::ZERO, block(1));
            assert_eq!(pipe.arrive(Time::ZERO, block(1)), Arrival::Asked);
            assert_eq!(second(&mut pipe, block(1)), Arrival::Late);
        }
        pipe.ask(Time::ZERO, block(1));
        pipe.cancel(Time::ZERO, block(1));
        pipe.ask(Time::ZERO, block(1));
        assert_eq!(pipe.reject(block(1)), Arrival::Late);
        assert_eq!(pipe.arrive(Time::ZERO, block(1)), Arrival::Asked);
    }
}
