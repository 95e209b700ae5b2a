//! What each state machine of the core is handed instead of a clock and a source of entropy (own design): moments of a monotonic time, a
//! seeded generator, and a hash with a key.
#![no_std]
#![forbid(unsafe_code)]

pub mod keyed;
pub mod rng;
pub mod time;
