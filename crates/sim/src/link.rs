//! Lines of peers (own design): one uplink and one downlink each.
//!
//! A message costs what it would cost on the wire (a block 13 + 16,384 bytes; TCP and IP headers don't count). The
//! uplink sends one batch after the other, taking the pipes that have something in turn, a block's worth from each, so
//! that connections share it fairly and small messages leave together. Then the batch travels for the delay of the
//! pipe, and is taken off the receiver's downlink first come, first served, while it is still being sent: a line that is
//! as fast as the sender's and has nothing else to do adds no time.
use std::collections::VecDeque;
use std::time::Duration;
use teem_swarm::time::Time;

/// Bytes a second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rate(u64);

impl Rate {
    /// No limit: takes no time.
    pub(crate) const UNLIMITED: Self = Self(u64::MAX);

    /// That many bytes a second, at least one.
    pub const fn bytes(per_second: u64) -> Self {
        Self(if per_second == 0 { 1 } else { per_second })
    }

    /// Bytes a second.
    pub(crate) const fn per_second(self) -> u64 {
        self.0
    }

    /// How long that many bytes take.
    pub(crate) fn time_for(self, bytes: u64) -> Duration {
        if self == Self::UNLIMITED {
            return Duration::ZERO;
        }
        Duration::from_nanos(match bytes.checked_mul(1_000_000_000) {
            Some(product) => product.div_ceil(self.0),
            None => u64::try_from((u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(self.0))).unwrap_or(u64::MAX),
        })
    }
}

/// The sending side of a peer's line.
#[derive(Debug)]
pub struct Uplink {
    /// How fast it sends.
    pub rate: Rate,
    /// When the batch being sent will have left.
    pub(crate) busy_until: Time,
    /// Pipes that have something to send, in the order of their turns.
    pub(crate) ready: VecDeque<u32>,
    /// The pipe whose blocks are being sent and their payload, until its owner is told that they have left.
    pub current: Option<(u32, u64)>,
    /// Whether the event that ends the batch is under way.
    pub(crate) waking: bool,
}

impl Uplink {
    /// An idle one.
    pub fn new(rate: Rate) -> Self {
        Self { rate, busy_until: Time::ZERO, ready: VecDeque::new(), current: None, waking: false }
    }
}

/// The receiving side of a peer's line.
#[derive(Debug)]
pub struct Downlink {
    /// How fast it receives.
    pub rate: Rate,
    /// When all that has arrived will have been received.
    pub(crate) busy_until: Time,
}

impl Downlink {
    /// An idle one.
    pub fn new(rate: Rate) -> Self {
        Self { rate, busy_until: Time::ZERO }
    }

    /// Queues a batch, the last byte of which arrives now and which took so long to send; says when it will have been
    /// received.
    pub fn receive(&mut self, now: Time, bytes: u64, took: Duration) -> Time {
        let received = self.busy_until.max(now - took) + self.rate.time_for(bytes);
        self.busy_until = received.max(now);
        self.busy_until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_bytes_over_rate() {
        assert_eq!(Rate::bytes(1_000_000).time_for(16_397), Duration::from_micros(16397));
        assert_eq!(Rate::UNLIMITED.time_for(1 << 40), Duration::ZERO);
        assert_eq!(Rate::bytes(1 << 30).time_for(1 << 40), Duration::from_secs(1024));
    }

    #[test]
    fn a_downlink_receives_one_after_the_other() {
        let (second, half) = (Time(1_000_000_000), Duration::from_millis(500));
        let mut down = Downlink::new(Rate::bytes(1000));
        assert_eq!(down.receive(second, 500, Duration::ZERO), second + half);
        assert_eq!(down.receive(second, 500, half), second + half * 2);
        assert_eq!(down.receive(second + half * 4, 500, half), second + half * 4, "received while it was sent");
        assert_eq!(down.receive(second + half * 8, 500, half * 2), second + half * 8, "no sooner than it has arrived");
    }
}
