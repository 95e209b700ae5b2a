//! A tracker: who takes part in which torrent (BEP 3, 7, 15, 21, 23, 24, 48).
//!
//! [`tracker::Tracker`] is the table and its rules, fed with time and requests. [`http`] and [`udp`] are the two protocols as
//! functions from a request's bytes to an answer's. None of them holds a socket; the feature `net` adds drivers that do.
//!
//! ```text
//! HTTP target ─▶ http::handle ─┐
//!                              ├─▶ Tracker::announce / scrape ─▶ reply
//! UDP packet  ─▶ udp::handle ──┘
//! ```
//! Invariants: one peer (its id and key) is counted once, over whatever protocols and families it comes; an address is told only
//! to those who can use it (loopback to loopback, private to private); nothing grows over [`limits::Limits`].
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "net")]
extern crate std;

mod announced;
pub mod connection_id;
mod crowding;
pub mod http;
pub mod limits;
#[cfg(feature = "net")]
pub mod net;
pub mod own_seed;
mod query;
mod random;
pub mod request;
mod swarm;
pub mod tracker;
pub mod udp;
