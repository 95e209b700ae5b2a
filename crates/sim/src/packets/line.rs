//! A line that datagrams go through, one direction of it (own design): a queue that is served at a rate, a way that takes its time, and faults.

use teem_swarm::rng::Rng;

/// Bytes that IP and UDP add to a datagram.
pub(crate) const HEADS: u64 = 28;

/// What a line is like.
#[derive(Clone, Debug)]
pub(crate) struct Nature {
    /// Bytes in a second.
    pub(crate) rate: u64,
    pub(crate) delay_us: u64,
    /// Bytes that wait at most.
    pub(crate) queue_max: u64,
    /// Added to the delay of each packet, up to this: it is still in order unless `reorders`.
    pub(crate) jitter_us: u64,
    pub(crate) reorders: bool,
    /// Of a million packets.
    pub(crate) loss_ppm: u64,
    pub(crate) twice_ppm: u64,
    /// Spoiled packets don't pass the checksum of UDP.
    pub(crate) spoil_ppm: u64,
    /// Bytes of a datagram that pass in one piece.
    pub(crate) mtu: usize,
}

impl Nature {
    /// A clean line with a buffer of so many microseconds.
    pub(crate) fn new(bits: u64, delay_us: u64, buffer_us: u64) -> Self {
        let rate = bits / 8;
        Self {
            rate,
            delay_us,
            queue_max: rate * buffer_us / 1_000_000,
            jitter_us: 0,
            reorders: false,
            loss_ppm: 0,
            twice_ppm: 0,
            spoil_ppm: 0,
            mtu: 1_472,
        }
    }
}

/// The line at work, and what was seen of its queue.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) nature: Nature,
    busy_until_us: u64,
    last_us: u64,
    /// Packets that passed, how long they waited together, and at most.
    pub(crate) passed: u64,
    pub(crate) waited_us: u64,
    pub(crate) waited_max_us: u64,
    pub(crate) dropped: u64,
}

impl Line {
    pub(crate) fn new(nature: Nature) -> Self {
        Self { nature, busy_until_us: 0, last_us: 0, passed: 0, waited_us: 0, waited_max_us: 0, dropped: 0 }
    }

    /// Forgets what was seen of the queue.
    pub(crate) fn measure_anew(&mut self) {
        (self.passed, self.waited_us, self.waited_max_us, self.dropped) = (0, 0, 0, 0);
    }

    /// A datagram enters; says when it comes out, once or twice, if at all.
    pub(crate) fn carry(&mut self, now_us: u64, len: usize, fragment: bool, rng: &mut Rng) -> [Option<u64>; 2] {
        let nature = &self.nature;
        let mut chance = |ppm: u64| ppm > 0 && rng.below(1_000_000) < ppm;
        let size = len as u64 + HEADS;
        let waits_us = self.busy_until_us.saturating_sub(now_us);
        let queued = u64::try_from(u128::from(waits_us) * u128::from(nature.rate) / 1_000_000).unwrap_or(u64::MAX);
        if queued + size > nature.queue_max.max(2 * size) || (len > nature.mtu && !fragment) {
            self.dropped += 1;
            return [None; 2];
        }
        let takes_us = (size * 1_000_000).div_ceil(nature.rate);
        self.busy_until_us = self.busy_until_us.max(now_us) + takes_us;
        self.passed += 1;
        self.waited_us += waits_us;
        self.waited_max_us = self.waited_max_us.max(waits_us);
        if chance(nature.loss_ppm) || chance(nature.spoil_ppm) {
            return [None; 2];
        }
        let twice = chance(nature.twice_ppm);
        let mut late = || if nature.jitter_us > 0 { rng.below(nature.jitter_us) } else { 0 };
        let at = self.busy_until_us + nature.delay_us;
        let first = at + late();
        let first = if nature.reorders { first } else { first.max(self.last_us) };
        self.last_us = self.last_us.max(first);
        [Some(first), twice.then(|| at + late())]
    }
}
