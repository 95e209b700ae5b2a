//! How often pieces are gained from others (own design): what a piece takes a peer, or the swarm.
use core::time::Duration;

/// How often pieces are gained from others.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Pace {
    time: Duration,
    gains: u32,
}

impl Pace {
    /// A piece came so long after the one before.
    pub(super) fn gained(&mut self, after: Duration) {
        self.time += after;
        self.gains = self.gains.saturating_add(1);
    }

    /// What a piece takes, if one has come.
    pub(super) fn piece_time(self) -> Option<Duration> {
        self.time.checked_div(self.gains)
    }
}
