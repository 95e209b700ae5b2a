//! When a peer last did something, and we something for it (own design): for keepalives, idleness, and the eviction of the useless.
use crate::time::Time;
use core::time::Duration;

/// Moments of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks {
    since: Time,
    heard: Time,
    told: Time,
    moved: Time,
    busy: Time,
}

impl Clocks {
    /// The connection is ready.
    pub(super) fn new(now: Time) -> Self {
        Self { since: now, heard: now, told: now, moved: now, busy: now }
    }

    /// Something has come.
    pub(crate) fn hear(&mut self, now: Time) {
        self.heard = now;
    }

    /// We have sent something.
    pub(crate) fn tell(&mut self, now: Time) {
        self.told = now;
    }

    /// Payload has gone one way or the other.
    pub(crate) fn pay(&mut self, now: Time) {
        (self.busy, self.moved) = (now, now);
    }

    /// One side has come to want something, or wants nothing any more.
    pub(crate) fn want(&mut self, now: Time) {
        self.busy = now;
    }

    /// One side wants something still: idleness is counted from then on at the earliest.
    pub(crate) fn want_since(&mut self, at: Time) {
        self.busy = self.busy.max(at);
    }

    /// The machine slept: nobody is to blame for the silence.
    pub(crate) fn wake(&mut self, now: Time) {
        (self.heard, self.busy) = (now, now);
    }

    /// When the connection was ready.
    pub(crate) fn since(&self) -> Time {
        self.since
    }

    /// How long nothing has come.
    pub(crate) fn silent_for(&self, now: Time) -> Duration {
        now.since(self.heard)
    }

    /// How long we have sent nothing.
    pub(crate) fn untold_for(&self, now: Time) -> Duration {
        now.since(self.told)
    }

    /// How long neither side has wanted anything.
    pub(crate) fn idle_for(&self, now: Time) -> Duration {
        now.since(self.busy)
    }

    /// When payload last went either way; at first when the connection was ready.
    pub(crate) fn moved(&self) -> Time {
        self.moved
    }

    /// Whether no payload has ever gone either way.
    pub(crate) fn has_never_moved(&self) -> bool {
        self.moved == self.since
    }

    /// Whether nothing has ever come.
    pub(crate) fn is_mute(&self) -> bool {
        self.heard == self.since
    }
}
