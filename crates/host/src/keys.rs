//! How many keys of encrypted handshakes are computed (own design; MSE): strangers can ask for as many as they like.
use core::time::Duration;
use teem_swarm::time::Time;

/// Keys in any second, of some 140 µs of work each: three hundredths of a core.
const KEYS_PER_SECOND: u32 = 200;

/// What one turn may compute, so that the turn stays short.
const KEYS_PER_TURN: u32 = 16;

/// How long is waited when there is no more.
const SPAN: Duration = Duration::from_secs(1);

/// The keys that may still be computed.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    began: Time,
    used: u32,
    in_turn: u32,
}

impl Keys {
    /// A turn begins.
    pub(crate) fn turn(&mut self, now: Time) {
        self.in_turn = 0;
        if now.since(self.began) >= SPAN {
            (self.began, self.used) = (now, 0);
        }
    }

    /// Whether one more may be computed in this turn; it is counted.
    pub(crate) fn take(&mut self) -> bool {
        let may = self.used < KEYS_PER_SECOND && self.in_turn < KEYS_PER_TURN;
        self.used += u32::from(may);
        self.in_turn += u32::from(may);
        may
    }

    /// How long there will be none; `None` when there is one in the next turn.
    pub(crate) fn wait(&self, now: Time) -> Option<Duration> {
        let left = (self.began + SPAN).since(now);
        (self.used >= KEYS_PER_SECOND && !left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_in_a_turn_and_so_many_in_a_second() {
        let mut keys = Keys::default();
        let mut now = Time::ZERO;
        let mut computed = 0;
        for _ in 0..100 {
            keys.turn(now);
            let here = (0..100).filter(|_| keys.take()).count();
            assert!(here <= KEYS_PER_TURN as usize);
            computed += here;
        }
        assert_eq!(computed, KEYS_PER_SECOND as usize);
        assert_eq!(keys.wait(now), Some(SPAN));
        now = now + SPAN;
        assert_eq!(keys.wait(now), None);
        keys.turn(now);
        assert!(keys.take());
    }
}
