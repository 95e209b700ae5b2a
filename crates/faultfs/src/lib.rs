//! File systems that fail on purpose (own design), for the tests of the disk and of the client and for nothing else.
//!
//! [`FaultFs`] lies in memory and keeps apart what is durable and what is not, so that its power can be cut. [`Unsteady`] lies around
//! any other file system: each call may fail, fall short or take its time, as a seed has it.
#![forbid(unsafe_code)]

mod dice;
mod memory;
mod unsteady;

pub use dice::Dice;
pub use memory::{FaultFs, Faults};
pub use rustix::io::Errno;
pub use unsteady::{Call, Odds, Unsteady};
