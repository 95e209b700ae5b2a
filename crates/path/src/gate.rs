//! The door at which strangers are looked at (own design): the filter that is in force, which may be exchanged while connections stand, and how often it kept
//! somebody out.
use core::fmt;
use core::net::IpAddr;
use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::filter::Filter;

/// What was kept out so far.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Barred {
    /// Addresses that were not dialled.
    pub dials: u64,
    /// Connections that were closed as they came.
    pub accepts: u64,
    /// Packets that were dropped.
    pub packets: u64,
}

/// By what somebody would be met.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meeting {
    /// We would connect.
    Dial,
    /// They have connected.
    Accept,
    /// They have sent a packet, or we would send one.
    Packet,
}

/// The filter in force with its counts.
#[derive(Default)]
pub(crate) struct Gate {
    filter: RwLock<Filter>,
    /// How often the filter was exchanged.
    version: AtomicU64,
    dials: AtomicU64,
    accepts: AtomicU64,
    packets: AtomicU64,
}

impl Gate {
    pub(crate) fn set(&self, filter: Filter) {
        *self.filter.write().unwrap_or_else(PoisonError::into_inner) = filter;
        self.version.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(crate) fn holds_out(&self, ip: IpAddr) -> bool {
        self.filter.read().unwrap_or_else(PoisonError::into_inner).bars(ip)
    }

    pub(crate) fn ranges(&self) -> usize {
        self.filter.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether somebody is kept out; counted when so.
    pub(crate) fn bars(&self, ip: IpAddr, by: Meeting) -> bool {
        let barred = self.filter.read().unwrap_or_else(PoisonError::into_inner).bars(ip);
        if barred {
            let count = match by {
                Meeting::Dial => &self.dials,
                Meeting::Accept => &self.accepts,
                Meeting::Packet => &self.packets,
            };
            count.fetch_add(1, Ordering::Relaxed);
        }
        barred
    }

    pub(crate) fn barred(&self) -> Barred {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Barred { dials: of(&self.dials), accepts: of(&self.accepts), packets: of(&self.packets) }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("ranges", &self.ranges()).field("barred", &self.barred()).finish()
    }
}
