//! A connection as one of its peers holds it (own design): what it sends, what comes, and whether it holds on to it.
//!
//! A connection lies in two places, an [`End`] with each of its peers, and each knows under which place the other has it.
use crate::pipe::{Incoming, Outgoing};
use std::time::Duration;
use teem_swarm::ids::ConnId;

/// The place of an end of which nobody has said where it lies.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// One end of a connection.
#[derive(Debug)]
#[repr(C)]
pub struct End {
    /// The peer at the other end.
    pub other: u32,
    /// The place of that end.
    pub there: u32,
    /// Its name, once it has one.
    pub conn: ConnId,
    /// Whether the process knows it and has not closed it.
    pub open: bool,
    /// Whether the last packet has been sent.
    pub(crate) ended: bool,
    /// Time from here to there.
    pub(crate) delay: Duration,
    /// What is sent.
    pub out: Outgoing,
    /// What this end receives.
    pub(crate) incoming: Incoming,
}

impl End {
    /// One to that peer that nobody uses yet.
    pub fn new(other: u32, delay: Duration) -> Self {
        Self {
            other,
            there: NOWHERE,
            conn: ConnId(u64::MAX),
            open: false,
            ended: false,
            delay,
            out: Outgoing::default(),
            incoming: Incoming::default(),
        }
    }
}
