//! The decisions of one torrent's life: what to ask of whom, whom to serve, whom to dial, what to answer (BEP 3, 6, 9, 10).
//!
//! Nothing here touches a socket, a file, a thread, a clock or a source of entropy: time and a seeded generator are
//! passed in, and what should happen is pushed as an [`effect::Effect`]. A block's payload is an opaque `B` without a bound.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod command;
pub mod effect;
pub mod event;
pub mod ids;
pub mod job;
pub mod map;
pub mod rng;
pub mod time;
pub mod torrent;
