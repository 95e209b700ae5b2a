//! A connection between two peers (own design): two pipes, and who still holds on to it.
//!
//! Side 0 dialled. Each side knows the connection by a name of its own, twice the connection's number plus the side,
//! which also is the number of the pipe it sends into.
use crate::pipe::Pipe;
use std::time::Duration;
use teem_swarm::ids::ConnId;

/// One connection.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Conn {
    /// The peers at its ends.
    pub peers: [u32; 2],
    /// Whether the process at each end knows it and has not closed it.
    pub open: [bool; 2],
    /// Whether each side has sent its last packet.
    pub ended: [bool; 2],
    /// Time from one end to the other.
    pub delay: Duration,
    /// What each side sends.
    pub pipes: [Pipe; 2],
}

impl Conn {
    /// One that was just dialled.
    pub fn new(dialler: u32, acceptor: u32, delay: Duration) -> Self {
        Self {
            peers: [dialler, acceptor],
            open: [true, false],
            ended: [false; 2],
            pipes: [Pipe::default(), Pipe::default()],
            delay,
        }
    }
}

/// The name by which a side knows a connection; its number is that of the pipe the side sends into.
pub fn name(conn: u32, side: usize) -> ConnId {
    ConnId(u64::from(conn) * 2 + side as u64)
}

/// The connection and the side that a name, or a pipe's number, stands for.
pub fn parts(pipe: u64) -> (usize, usize) {
    ((pipe / 2) as usize, (pipe % 2) as usize)
}
