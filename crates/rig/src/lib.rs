//! What tests and measurements with other programs stand on: a network of their own to run in ([`namespace`]), content to
//! move and its digests ([`content`], [`torrent`]), and one file for each client ([`clients`]) and tracker
//! ([`trackers`]) that says how it is started and how it is seen what it does.
//!
//! It serves the tests of the root package, `cargo xtask matrix` and `cargo xtask bench swarm`. What goes wrong here
//! ends the scenario: it panics, as an assertion does, and the programs' output is shown. Whoever wants to go on runs
//! the scenario in a process of its own, which it needs for its network anyhow.
#![forbid(unsafe_code)]

pub mod client;
pub mod clients;
pub mod content;
pub mod dht;
mod hosts;
pub mod http;
pub mod line;
pub mod namespace;
mod node;
pub mod process;
pub mod relay;
pub mod relayed;
pub mod router;
pub mod row;
pub mod setting;
pub mod socks;
mod stock;
pub mod torrent;
pub mod tracker;
pub mod trackers;
pub mod two_ways;

/// The address of the Teem that is tested.
pub const TEEM_IP: &str = "198.18.0.2";
/// The address of the other client.
pub const OTHER_IP: &str = "198.18.0.3";
/// The address of the tracker.
pub const TRACKER_IP: &str = "198.18.0.5";
/// Where every client listens; the namespace is a scenario's own, so it is free.
pub const PEER_PORT: u16 = 42_000;
/// Where every tracker listens.
pub const TRACKER_PORT: u16 = 6969;
