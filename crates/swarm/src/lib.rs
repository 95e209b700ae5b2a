//! The decisions of one torrent's life: what to ask of whom, whom to serve, whom to dial, what to answer (BEP 3, 6, 9, 10).
//!
//! Nothing here touches a socket, a file, a thread, a clock or a source of entropy: time and a seeded generator are
//! passed in, and what should happen is pushed as an [`output::Output`]. A block's payload is an opaque `B` without a bound.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod ask;
pub mod bitfield;
pub mod bucket;
pub mod choke;
pub mod command;
pub mod conn_map;
pub mod event;
pub mod external;
pub mod first_set;
pub mod geometry;
pub mod ids;
pub mod job;
pub mod listening;
pub mod memory;
pub mod output;
pub mod peer;
pub mod picker;
pub mod pool;
pub mod rate;
pub mod remote;
pub mod search;
pub mod selection;
pub mod throttle;
pub mod torrent;
pub mod turns;

pub use teem_basis::{rng, time};
