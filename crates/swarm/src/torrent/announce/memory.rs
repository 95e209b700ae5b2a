//! How an announcer goes on where an earlier run was (own design; BEP 3): what it leaves, and what it makes of that.
use super::tracker::Tracker;
use super::{Announcer, TRACKERS_MAX};
use crate::memory::{Memory, TrackerMemory};
use crate::rng::Rng;
use crate::time::Time;
use alloc::vec::Vec;
use core::time::Duration;

impl Announcer {
    /// What is to be kept for the next run; `None` where no tracker has been asked, or where it was kept when the program began to end.
    pub fn memory(&self, now: Time) -> Option<Memory> {
        let trackers: Vec<TrackerMemory> =
            self.tiers.iter().flatten().filter_map(|tracker| tracker.memory(now)).take(TRACKERS_MAX).collect();
        (!trackers.is_empty() && !self.parted).then(|| Memory {
            peer_id: self.me.peer_id,
            key: self.me.key,
            port: self.told_port.unwrap_or_else(|| self.me.doors.get().port()),
            uploaded: self.told.0,
            downloaded: self.told.1,
            trackers,
        })
    }

    /// Goes on where an earlier run was, before [`Self::start`]. Where nothing is missing each tracker is asked when it would have been; those
    /// whose time came meanwhile are spread.
    pub fn recall(&mut self, now: Time, memory: &Memory, wants: bool, spread: Duration, rng: &mut Rng) {
        if self.running {
            return;
        }
        let place = |tracker: &Tracker| memory.trackers.iter().position(|known| tracker.url == *known.url);
        for tier in &mut self.tiers {
            // The one that works was the first of its tier.
            tier.sort_by_key(|tracker| place(tracker).unwrap_or(usize::MAX));
            for tracker in tier {
                if let Some(known) = place(tracker).and_then(|at| memory.trackers.get(at)) {
                    tracker.recall(now, known, wants);
                    if known.due.is_zero() && !wants {
                        tracker.delay(now, spread, rng);
                    }
                }
            }
        }
        if memory.trackers.iter().any(|tracker| tracker.started) {
            self.before = (memory.uploaded, memory.downloaded);
            self.told = self.before;
            self.told_port = Some(memory.port);
            if memory.port != self.me.doors.get().port() {
                self.port_changed(now);
                self.spread_port(now, if wants { Duration::ZERO } else { spread }, rng);
            }
        }
    }

    /// Those that do not know our port are told within that time, where it is worth spreading them.
    pub fn spread_port(&mut self, now: Time, spread: Duration, rng: &mut Rng) {
        for tracker in self.tiers.iter_mut().flatten().filter(|tracker| tracker.owes_port()) {
            if spread > Duration::from_secs(5) {
                tracker.delay(now, spread, rng);
            }
        }
        self.plan(now);
    }

    /// The program ends and will go on: those trackers alone hear `stopped` whose torrent has had peers since they were last asked; whether it
    /// had none. To be called before [`Self::stop`].
    pub fn part(&mut self) -> bool {
        self.parted = self.peers == 0 && self.most == 0;
        if self.parted {
            self.tiers.iter_mut().flatten().for_each(Tracker::part);
        }
        self.parted
    }
}
