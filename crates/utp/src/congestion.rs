//! How much may be on the way (LEDBAT++: draft-irtf-iccrg-ledbat-plus-plus, sections 4.1 to 4.4, on RFC 6817).
//!
//! The window grows while the queue is below its target and shrinks with it above, so that everybody else's packets pass. It grows by less the
//! shorter the path is, since there are more round trips in a second; it shrinks in proportion to itself, so that two come to equal shares; and now and then it
//! falls to two packets for two round trips, so that the queue runs empty and all see the same base, a latecomer too. That comes less often while it shows nothing new.
//!
//! All that share a line see one queue, but not alike: bases differ by milliseconds. So a large window has a lower target than a small one (own design, after Swift), which brings
//! them to equal shares however large the line is; and it grows by the root of its packets, which brings them there within seconds.
//!
//! Loss alone is no congestion: over radio it says nothing. It cuts the window where the queue is above half of the largest seen
//! lately, or where a twentieth of a round trip's packets are gone, and once a round trip: for the first to what the way holds without a queue, for the second to half. A cut at a queue that never came near the target
//! has shown a short buffer, and then the target is half of that: beside others who fill it we want to be the first to yield there too.

use crate::delay::Delay;
use crate::rate::Rate;

/// The queue that is aimed at, in microseconds.
const TARGET_US: u64 = 60_000;
/// Windows of more packets than the square of the first have a lower target: for one without end it is lower by one part in the second. The larger yields
/// while the smaller still grows, though both see queues that differ by milliseconds (Swift, SIGCOMM 2020, section 3.5).
const LARGE_ROOT: u64 = 8;
const LARGE_SHARE: u64 = 2;
/// A target is never below this: less cannot be told from noise.
const TARGET_MIN_US: u64 = 5_000;
/// The gain is at least one part in so many.
const DIVISOR_MAX: u64 = 16;
/// The same while fast growth has met no queue: nobody waits for us yet.
const ALONE_DIVISOR: u64 = 2;
/// Packets of the first window.
const FIRST_PACKETS: u64 = 4;
/// Packets of the least window.
const LEAST_PACKETS: u64 = 2;
/// The window never exceeds this, in bytes; what is kept until it is acknowledged has the same bound.
const WINDOW_MAX: u64 = 8 << 20;
/// A slowdown comes after so many times as long as the previous took.
const SLOWDOWN_SHARE: u64 = 9;
/// The wait doubles for each that found nothing, so often.
const CALM_MAX: u32 = 2;
/// Losses of a round trip below this are no share of anything.
const LOSSES_MIN: u64 = 3;
/// One in so many packets of a round trip is congestion.
const LOSS_SHARE: u64 = 20;
/// Cuts in a row at a full queue below the target that tell a short buffer from losses that happen to meet a queue.
const FULL: u32 = 3;
/// The queue is all but empty below one part in so many of the target.
const EMPTY_SHARE: u64 = 8;
/// Round trips with an empty queue after which growth is fast again: there is room.
const EMPTY_ROUNDS: u64 = 4;
/// Near a window that had a queue it grows by one part in so many a round trip, at the most.
const KNOWN_SHARE: u64 = 8;
/// After a slowdown it begins with one part in so many of what it was, paced over a round trip.
const BACK_SHARE: u64 = 8;
/// How long a short buffer is remembered, in microseconds.
const SHORT_BUFFER_US: u64 = 30_000_000;

/// What the window is about to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Growing fast, for the first time.
    Start,
    /// Around its target.
    Steady,
    /// At the least, until then, so that the queue runs empty.
    Slowdown { until_us: u64 },
    /// Growing fast, up to where it was. A queue that was seen before that moment is the one from before.
    Back { heeds_us: u64 },
}

/// One measurement that an acknowledgement brought.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acked {
    /// Bytes that were not acknowledged before.
    pub(crate) bytes: u64,
    /// Bytes that were on the way before it.
    pub(crate) flying: u64,
    /// The smoothed round trip.
    pub(crate) round_us: u64,
    /// Bytes of a full packet.
    pub(crate) packet: u64,
}

/// The window and what it is moved by.
#[derive(Clone, Debug)]
pub(crate) struct Congestion {
    /// Bytes that may be on the way.
    window: u64,
    /// Bytes of a full packet.
    packet: u64,
    rate: Rate,
    /// Parts of a byte that it will grow by: this over the window.
    growing: u64,
    /// Fast growth ends here.
    threshold: u64,
    /// The window that fitted when fast growth last ended with a queue.
    known: u64,
    phase: Phase,
    /// Above the target the window does not shrink below this before that time.
    ease: u64,
    eased_us: u64,
    /// When the last or present slowdown began, and when the next is due.
    slowed_us: u64,
    slowdown_us: u64,
    /// When it would be due without those that found nothing, and how many of these there were in a row.
    usual_us: u64,
    calm: u32,
    /// No second cut before.
    cut_until_us: u64,
    /// The present round trip: its end, and the packets lost in it.
    round_until_us: u64,
    lost: u64,
    /// Cuts in a row at a queue below the target that was full; what that queue was, and until when it is remembered.
    full: u32,
    short_us: u64,
    short_until_us: u64,
    /// Since when the queue has been all but empty.
    idle_us: u64,
    /// What the last cut took away, until it is known to have been right.
    undo: Option<Undo>,
}

/// A cut that may have been wrong.
#[derive(Clone, Copy, Debug)]
struct Undo {
    window: u64,
    threshold: u64,
    phase: Phase,
    slowdown_us: u64,
    /// Packets that were taken for lost up to its round trip's end, and have not come.
    missing: u64,
    until_us: u64,
}

impl Congestion {
    /// Nothing is known yet.
    pub(crate) fn new(packet: u64) -> Self {
        Self {
            window: FIRST_PACKETS * packet,
            packet: packet.max(1),
            rate: Rate::default(),
            growing: 0,
            threshold: WINDOW_MAX,
            known: 0,
            phase: Phase::Start,
            ease: 0,
            eased_us: 0,
            slowed_us: 0,
            slowdown_us: u64::MAX,
            usual_us: 0,
            calm: 0,
            cut_until_us: 0,
            round_until_us: 0,
            lost: 0,
            full: 0,
            short_us: TARGET_US,
            short_until_us: 0,
            idle_us: 0,
            undo: None,
        }
    }

    /// Bytes that may be on the way.
    pub(crate) fn window(&self) -> u64 {
        self.window
    }

    /// How much faster than the window over its round trip packets may leave, in quarters.
    pub(crate) fn pace_quarters(&self) -> u64 {
        if matches!(self.phase, Phase::Start | Phase::Back { .. }) { 8 } else { 5 }
    }

    /// The queue that is aimed at now, in microseconds.
    fn target_us(&self, now_us: u64) -> u64 {
        if now_us < self.short_until_us { (self.short_us / 2).clamp(TARGET_MIN_US, TARGET_US) } else { TARGET_US }
    }

    /// The same for a window of this size, which is the lower the larger it is above the square of [`LARGE_ROOT`] packets.
    fn own_target_us(&self, now_us: u64) -> u64 {
        let (target, root) = (self.target_us(now_us), (self.window / self.packet).isqrt().max(LARGE_ROOT));
        target - target / LARGE_SHARE * (root - LARGE_ROOT) / root
    }

    /// One part in so many is the gain (section 4.2): small where round trips are short. What counts is the round trip without our own
    /// queue: acknowledgements may wait too, and then there are fewer of them in a second.
    fn divisor(delay: &Delay, round_us: u64) -> u64 {
        let base = round_us.saturating_sub(delay.queue_us()).max(1);
        (2 * TARGET_US).div_ceil(base).clamp(1, DIVISOR_MAX)
    }

    /// Something was acknowledged.
    pub(crate) fn acked(&mut self, now_us: u64, delay: &Delay, acked: Acked) {
        self.packet = acked.packet.max(1);
        self.rate.acked(now_us, acked.bytes, acked.round_us);
        self.turn(now_us, delay, &acked);
        let (queue, target) = (delay.queue_us(), self.target_us(now_us));
        // A window that is not used says nothing about what it could be.
        let used = (acked.flying + acked.packet) * 8 >= self.window * 7;
        match self.phase {
            Phase::Slowdown { .. } => {}
            Phase::Start | Phase::Back { .. } if !used => {}
            // A queue is seen a round trip after it was made: near the window that had one before, growth is slow.
            Phase::Start if (self.known * 3 / 4..self.known * 5 / 4).contains(&self.window) => {
                self.window += acked.bytes / KNOWN_SHARE;
            }
            Phase::Start => {
                let gentle = Self::divisor(delay, acked.round_us);
                let alone = queue * EMPTY_SHARE <= target;
                self.window += acked.bytes / if alone { gentle.min(ALONE_DIVISOR) } else { gentle };
            }
            Phase::Back { .. } => self.window += acked.bytes,
            Phase::Steady if queue < self.own_target_us(now_us) => {
                if used {
                    self.grow(&acked, delay);
                }
            }
            Phase::Steady => {
                let target = self.own_target_us(now_us);
                self.grow(&acked, delay);
                let much = acked.bytes * (queue - target) / target;
                if now_us >= self.eased_us {
                    let fits = self.fitting(delay, acked.round_us, target);
                    (self.ease, self.eased_us) = (fits.min(self.window) * 7 / 8, now_us + acked.round_us);
                }
                let least = self.ease.min(self.window);
                self.window = self.window.saturating_sub(much.min(acked.bytes / 2)).max(least);
            }
        }
        self.window = self.window.clamp(LEAST_PACKETS * acked.packet, WINDOW_MAX);
    }

    /// The window that has a queue of `target_us` at the rate at which bytes come through. What shrinks a window is seen a round trip later only, so
    /// without this it would shrink on until then.
    fn fitting(&self, delay: &Delay, round_us: u64, target_us: u64) -> u64 {
        self.rate.in_us(round_us.saturating_sub(delay.queue_us()) + target_us)
    }

    /// Grows by a packet a round trip times the gain, and a large window by a quarter of the root of its packets: what grows by the root and shrinks in proportion
    /// comes to equal shares as surely as by one packet, and within seconds where windows have a thousand.
    fn grow(&mut self, acked: &Acked, delay: &Delay) {
        let quarters = (self.window / acked.packet.max(1)).isqrt().max(4);
        self.growing += acked.bytes * acked.packet * quarters / (4 * Self::divisor(delay, acked.round_us));
        self.window += self.growing / self.window;
        self.growing %= self.window;
    }

    /// A round trip without what acknowledgements wait for on their way: that fills no queue of ours, and does not keep one from running empty.
    fn own_round_us(delay: &Delay, acked: &Acked) -> u64 {
        delay.round_us().map_or(acked.round_us, |base| acked.round_us.min(base + delay.queue_us()))
    }

    /// From one phase to the next.
    fn turn(&mut self, now_us: u64, delay: &Delay, acked: &Acked) {
        let queue = delay.queue_us();
        if queue * EMPTY_SHARE > self.target_us(now_us) {
            self.idle_us = now_us;
        }
        match self.phase {
            Phase::Start if queue > self.target_us(now_us) * 3 / 4 || self.window >= self.threshold => {
                self.phase = Phase::Steady;
                // What was sent for the last round trip is on the way already: the window falls to what fits.
                let fits = self.fitting(delay, acked.round_us, self.target_us(now_us));
                self.window = self.window.min(fits.max(self.window / 2));
                if queue > self.target_us(now_us) * 3 / 4 {
                    self.known = self.window;
                }
                // The first slowdown comes at once; that of a later start is due when it was.
                if self.slowed_us == 0 || self.slowdown_us == u64::MAX {
                    self.slowdown_us = now_us + 2 * acked.round_us;
                }
            }
            Phase::Steady if now_us >= self.slowdown_us => self.slow_down(now_us, delay, acked),
            Phase::Steady
                if now_us >= self.idle_us + (EMPTY_ROUNDS * Self::own_round_us(delay, acked)).max(acked.round_us) =>
            {
                (self.phase, self.threshold) = (Phase::Start, WINDOW_MAX);
            }
            Phase::Slowdown { until_us } if now_us >= until_us => {
                self.phase = Phase::Back { heeds_us: now_us + acked.round_us };
                self.window = self.window.max(self.threshold / BACK_SHARE);
            }
            Phase::Back { heeds_us }
                if self.window >= self.threshold || (now_us >= heeds_us && queue > self.target_us(now_us) * 3 / 4) =>
            {
                self.phase = Phase::Steady;
                let took = now_us.saturating_sub(self.slowed_us);
                // One that showed no lower base had no need: the next is longer in coming.
                let needed = delay.lowered_us() >= self.slowed_us;
                self.calm = if needed { 0 } else { (self.calm + 1).min(CALM_MAX) };
                self.usual_us = now_us + SLOWDOWN_SHARE * took;
                self.slowdown_us = now_us + (SLOWDOWN_SHARE << self.calm) * took;
            }
            // Somebody else fills the queue, and may take it for the base.
            Phase::Steady if self.calm > 0 && queue * 8 > self.target_us(now_us) * 9 => {
                self.calm = 0;
                self.slowdown_us = self.slowdown_us.min(self.usual_us.max(now_us));
            }
            _ => {}
        }
    }

    /// Section 4.4; where the queue was empty of itself since the last one there is nothing to find out.
    fn slow_down(&mut self, now_us: u64, delay: &Delay, acked: &Acked) {
        if self.slowed_us > 0 && delay.empty_us() > self.slowed_us && delay.queue_us() < self.target_us(now_us) / 2 {
            self.slowdown_us = now_us + (self.slowdown_us - self.slowed_us).max(acked.round_us);
            self.slowed_us = now_us;
            return;
        }
        self.threshold = self.window;
        self.window = LEAST_PACKETS * acked.packet;
        self.phase = Phase::Slowdown { until_us: now_us + 2 * Self::own_round_us(delay, acked) };
        self.slowed_us = now_us;
        self.slowdown_us = u64::MAX;
    }

    /// So many packets were found to be lost.
    pub(crate) fn lost(&mut self, now_us: u64, delay: &Delay, packets: u64, round_us: u64, packet: u64) {
        if now_us >= self.round_until_us {
            (self.round_until_us, self.lost) = (now_us + round_us, 0);
        }
        self.lost += packets;
        if let Some(undo) = self.undo.as_mut().filter(|undo| now_us < undo.until_us) {
            undo.missing += packets;
        }
        let (queue, largest) = (delay.queue_us(), delay.largest_us());
        let full = largest >= TARGET_MIN_US && queue * 2 > largest;
        let much = self.lost >= LOSSES_MIN && self.lost * LOSS_SHARE >= self.window / packet;
        if !full {
            self.full = 0;
        }
        if now_us < self.cut_until_us || !(full || much) {
            return;
        }
        (self.cut_until_us, self.idle_us) = (now_us + round_us, now_us);
        self.undo = Some(Undo {
            window: self.window,
            threshold: self.threshold,
            phase: self.phase,
            slowdown_us: self.slowdown_us,
            missing: self.lost,
            until_us: self.cut_until_us,
        });
        self.full = if full && largest < TARGET_US { self.full + 1 } else { 0 };
        if self.full >= FULL {
            (self.short_us, self.short_until_us) = (largest, now_us + SHORT_BUFFER_US);
        }
        // What stands in a queue goes; what the way holds without one stays, unless much is gone.
        let stays = if much { 0 } else { self.fitting(delay, round_us, 0) };
        let cut = |window: u64| (window / 2).max(stays.min(window * 7 / 8)).max(LEAST_PACKETS * packet);
        if matches!(self.phase, Phase::Slowdown { .. }) {
            // What was lost left before: the window to come back to is too large, and the present one is the least.
            self.threshold = cut(self.threshold);
            return;
        }
        self.window = cut(self.window);
        self.threshold = self.threshold.min(self.window);
        if matches!(self.phase, Phase::Start | Phase::Back { .. }) {
            self.phase = Phase::Steady;
            self.slowdown_us =
                now_us + SLOWDOWN_SHARE * round_us.max(now_us.saturating_sub(self.slowed_us).min(1_000_000));
        }
    }

    /// So many packets that were taken for lost have come: a cut that followed from those alone is undone.
    pub(crate) fn overtaken(&mut self, packets: u64) {
        self.lost = self.lost.saturating_sub(packets);
        let Some(undo) = &mut self.undo else { return };
        undo.missing = undo.missing.saturating_sub(packets);
        if undo.missing > 0 {
            return;
        }
        if self.phase == Phase::Steady {
            self.window = self.window.max(undo.window);
            self.threshold = self.threshold.max(undo.threshold);
            if matches!(undo.phase, Phase::Start | Phase::Back { .. }) {
                (self.phase, self.slowdown_us) = (undo.phase, undo.slowdown_us);
            }
        }
        (self.full, self.undo) = (0, None);
    }

    /// Nothing was acknowledged for a whole timeout.
    pub(crate) fn timed_out(&mut self, now_us: u64, round_us: u64, packet: u64) {
        if !matches!(self.phase, Phase::Slowdown { .. } | Phase::Back { .. }) {
            self.threshold = (self.window / 2).max(LEAST_PACKETS * packet);
            self.slowed_us = now_us;
        }
        self.window = LEAST_PACKETS * packet;
        self.phase = Phase::Back { heeds_us: now_us + round_us };
    }

    /// What must hold at every moment.
    pub(crate) fn check(&self) {
        assert!(self.window > 0 && self.window <= WINDOW_MAX, "{self:?}");
        assert!(self.threshold <= WINDOW_MAX && self.growing < self.window.max(WINDOW_MAX), "{self:?}");
        assert!(self.phase != Phase::Steady || self.slowdown_us < u64::MAX, "no slowdown would come: {self:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const PACKET: u64 = 1_000;

    fn acked(bytes: u64, flying: u64) -> Acked {
        Acked { bytes, flying, round_us: 50_000, packet: PACKET }
    }

    /// A path of 50 ms with that queue.
    fn queue(us: u32) -> Delay {
        let mut delay = Delay::default();
        delay.sample(0, 0, 50_000);
        for i in 0..8 {
            delay.sample(i, us, 50_000 + u64::from(us));
        }
        delay
    }

    #[test]
    fn it_starts_fast_slows_down_once_and_comes_back() {
        let mut congestion = Congestion::new(PACKET);
        let mut now = 0;
        while congestion.phase == Phase::Start {
            let window = congestion.window();
            now += 50_000;
            congestion.acked(now, &queue(if window > 100_000 { 50_000 } else { 0 }), acked(window, window));
            congestion.check();
            let divisor = if window > 100_000 { 3 } else { 2 };
            assert!(congestion.window() <= window + window / divisor, "a path of 50 ms has a gain of a third");
        }
        let before = congestion.window();
        now += 100_000;
        congestion.acked(now, &queue(50_000), acked(PACKET, before));
        assert_eq!(congestion.window(), 2 * PACKET);
        now += 100_000;
        for _ in 0..20 {
            let window = congestion.window();
            congestion.acked(now, &queue(0), acked(window, window));
            congestion.check();
        }
        assert_eq!(congestion.phase, Phase::Steady);
        assert!(congestion.window() >= before);
    }

    #[test]
    fn it_shrinks_above_the_target_and_never_by_more_than_half_a_round_trip() {
        let mut congestion = Congestion::new(PACKET);
        (congestion.window, congestion.phase, congestion.slowdown_us) = (1_000_000, Phase::Steady, 1 << 40);
        congestion.acked(1, &queue(90_000), acked(100_000, 1_000_000));
        assert!((949_000..952_000).contains(&congestion.window()), "{}", congestion.window());
        congestion.acked(1, &queue(2_000_000), acked(100_000, 900_000));
        assert!((899_000..902_000).contains(&congestion.window()), "{}", congestion.window());
    }

    #[test]
    fn a_cut_for_what_was_only_overtaken_is_undone() {
        let mut congestion = Congestion::new(PACKET);
        (congestion.window, congestion.phase, congestion.slowdown_us) = (100_000, Phase::Steady, 1 << 40);
        congestion.lost(1, &queue(0), 5, 50_000, PACKET);
        congestion.lost(2, &queue(0), 2, 50_000, PACKET);
        assert_eq!(congestion.window(), 50_000);
        congestion.overtaken(6);
        assert_eq!(congestion.window(), 50_000, "one is missing");
        congestion.overtaken(1);
        assert_eq!(congestion.window(), 100_000);
        congestion.check();
    }

    #[test]
    fn a_window_above_the_target_stops_where_what_comes_through_has_no_queue() {
        let mut congestion = Congestion::new(PACKET);
        (congestion.window, congestion.phase, congestion.slowdown_us) = (1_000_000, Phase::Steady, 1 << 40);
        // A path of 50 ms that carries 5,000,000 bytes a second, with 150 ms of queue.
        for step in 0..100 {
            let acked = Acked { bytes: 10_000, flying: 1_000_000, round_us: 200_000, packet: PACKET };
            congestion.acked(10_000_000 + step * 2_000, &queue(150_000), acked);
        }
        assert!((470_000..1_000_000).contains(&congestion.window()), "{}", congestion.window());
    }

    /// In steady growth at that window, after two round trips that brought 10,000,000 bytes a second.
    fn steady(window: u64) -> Congestion {
        let mut congestion = Congestion::new(PACKET);
        (congestion.window, congestion.phase, congestion.slowdown_us) = (window, Phase::Steady, 1 << 40);
        for step in 0..100 {
            let acked = Acked { bytes: 10_000, flying: 0, round_us: 50_000, packet: PACKET };
            congestion.acked(1_000_000 + step * 1_000, &queue(0), acked);
        }
        congestion
    }

    #[test]
    fn a_loss_at_a_queue_takes_the_queue_and_leaves_what_the_way_holds() {
        let mut congestion = steady(800_000);
        congestion.lost(1_100_000, &queue(40_000), 1, 90_000, PACKET);
        assert!((490_000..=520_000).contains(&congestion.window()), "50 ms of it: {}", congestion.window());
        let mut congestion = steady(800_000);
        congestion.lost(1_100_000, &queue(40_000), 50, 90_000, PACKET);
        assert_eq!(congestion.window(), 400_000, "a twentieth of all is gone");
    }

    #[test]
    fn what_is_lost_in_a_slowdown_lowers_the_way_back_and_not_to_nothing() {
        let mut congestion = steady(800_000);
        congestion.slow_down(1_100_000, &queue(40_000), &acked(PACKET, 0));
        congestion.lost(1_110_000, &queue(40_000), 1, 90_000, PACKET);
        congestion.check();
        assert_eq!(congestion.window(), 2 * PACKET);
        assert!((490_000..=520_000).contains(&congestion.threshold), "{}", congestion.threshold);
    }

    #[test]
    fn the_way_back_does_not_end_at_a_queue_from_before_the_slowdown() {
        let mut congestion = steady(800_000);
        congestion.slow_down(1_100_000, &queue(50_000), &acked(PACKET, 0));
        congestion.acked(1_400_000, &queue(50_000), acked(PACKET, PACKET));
        congestion.acked(1_410_000, &queue(50_000), acked(PACKET, PACKET));
        assert!(matches!(congestion.phase, Phase::Back { .. }), "{congestion:?}");
        congestion.acked(1_500_000, &queue(50_000), acked(PACKET, PACKET));
        assert_eq!(congestion.phase, Phase::Steady, "this one was seen since");
    }

    #[test]
    fn slowdowns_that_find_nothing_are_longer_in_coming_until_another_fills_the_queue() {
        let mut congestion = steady(100_000);
        let (mut now, mut waits) = (2_000_000, Vec::new());
        for _ in 0..3 {
            congestion.slow_down(now, &queue(50_000), &acked(PACKET, 0));
            while congestion.phase != Phase::Steady {
                now += 50_000;
                let window = congestion.window();
                congestion.acked(now, &queue(0), acked(window, window));
            }
            waits.push(congestion.slowdown_us - now);
            now += 10_000;
        }
        assert!(waits[1] > waits[0] && waits[1] == waits[2], "{waits:?}");
        let before = congestion.slowdown_us;
        congestion.acked(now, &queue(70_000), acked(PACKET, 0));
        assert!(congestion.slowdown_us * 2 < before + now, "{congestion:?}");
        congestion.check();
    }

    #[test]
    fn of_two_that_see_one_queue_the_larger_window_yields_and_the_smaller_grows() {
        let after = |window: u64| {
            let mut congestion = steady(window);
            let before = congestion.window();
            for step in 0..100 {
                let acked = Acked { bytes: 10_000, flying: before, round_us: 100_000, packet: PACKET };
                congestion.acked(2_000_000 + step * 1_000, &queue(50_000), acked);
            }
            (before, congestion.window())
        };
        let ((large, then), (small, grown)) = (after(2_000_000), after(100_000));
        assert!(then < large && grown > small, "{large} to {then}, {small} to {grown}");
    }

    #[test]
    fn loss_without_a_queue_is_no_congestion_and_much_of_it_is() {
        let mut congestion = Congestion::new(PACKET);
        (congestion.window, congestion.phase, congestion.slowdown_us) = (100_000, Phase::Steady, 1 << 40);
        congestion.lost(1, &queue(0), 2, 50_000, PACKET);
        assert_eq!(congestion.window(), 100_000);
        congestion.lost(2, &queue(0), 3, 50_000, PACKET);
        assert_eq!(congestion.window(), 50_000, "five of a hundred");
        congestion.lost(3, &queue(0), 30, 50_000, PACKET);
        assert_eq!(congestion.window(), 50_000, "once a round trip");
        congestion.lost(60_000, &queue(55_000), 1, 50_000, PACKET);
        assert_eq!(congestion.window(), 25_000, "the queue was full");
    }
}
