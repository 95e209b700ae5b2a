//! The engine: all torrents of one thread behind three methods (own design; BEP 3 and what stands on it).
//!
//! ```text
//! handle(now: Time, input: Input<B>)     never blocks, never fails; work in proportion to what is affected
//! poll_output() -> Option<Output<B>>     pops a queue; never scans state
//! deadline() -> Option<Time>             handle(deadline, Tick) always makes progress
//! ```
//!
//! Any number of `handle` calls may come before draining; the order of draining does not change the state. Time and a
//! seed are passed in; the payload of a block is an opaque `B` without a bound. A peer's fault is an `Output::Close`,
//! never an error.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod announces;
mod asks;
pub mod config;
mod conns;
mod dht;
mod dial;
pub mod engine;
pub mod input;
mod route;
pub mod storage;
mod timers;
mod udp_tracker;
mod wall;

pub use config::EngineConfig;
pub use engine::Engine;
pub use wall::Guard;
