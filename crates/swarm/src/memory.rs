//! What is kept of a torrent's announces over runs (own design; BEP 3): so that the next run is the same peer to its trackers, and asks none
//! of them before its time.
//!
//! There is no clock here, so what is kept says how long ago something was and how long something is off; whatever keeps it adds the time that
//! has passed meanwhile ([`Memory::after`]). A clock that was set forward makes things due, which are then spread; one that was set back
//! makes nothing later than it was.
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use teem_wire::peer::handshake::PeerId;

/// What trackers know of a torrent, and when each may be asked again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Memory {
    /// Our id in this torrent.
    pub peer_id: PeerId,
    /// BEP 3's `key`.
    pub key: u32,
    /// The port that they were told.
    pub port: u16,
    /// Payload bytes sent that they were told of, since they heard `started`.
    pub uploaded: u64,
    /// The same of bytes received.
    pub downloaded: u64,
    /// Each that was asked, in the order in which they are tried; at most 100.
    pub trackers: Vec<TrackerMemory>,
}

/// How a torrent is with one tracker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrackerMemory {
    /// Its URL as it stands in the torrent.
    pub url: String,
    /// It has heard `started`, and no `stopped` since.
    pub started: bool,
    /// It has acknowledged `completed`.
    pub completed: bool,
    /// It answered when it was last asked.
    pub works: bool,
    /// How often it was asked since there were peers.
    pub hungry: u32,
    /// How long ago it answered.
    pub answered: Duration,
    /// How long it is until it may be asked.
    pub due: Duration,
}

impl Memory {
    /// What is true of it so much later.
    #[must_use]
    pub fn after(mut self, passed: Duration) -> Self {
        for tracker in &mut self.trackers {
            tracker.answered = tracker.answered.saturating_add(passed);
            tracker.due = tracker.due.saturating_sub(passed);
        }
        self
    }

    /// Its trackers hear `stopped`: the next run begins anew with them.
    pub fn stop(&mut self) {
        for tracker in &mut self.trackers {
            (tracker.started, tracker.due) = (false, Duration::ZERO);
        }
    }
}
