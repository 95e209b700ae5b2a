//! What the end-to-end tests share: namespaces to run in, content to move, and one adapter for each program that is
//! talked to. An adapter starts its program, waits for events that can be seen from outside, and kills it when dropped.
#![allow(dead_code)] // each test binary compiles all of this and uses its part
#![allow(unreachable_pub)] // same: `pub` means "for the tests"

pub mod aria2;
pub mod content;
pub mod http;
pub mod libtorrent;
pub mod namespace;
pub mod opentracker;
pub mod process;
pub mod run;
pub mod scripted;
pub mod teem;
pub mod torrent;
pub mod tracker;
pub mod transmission;

/// The program that is tested.
pub const TEEM_IP: &str = "198.18.0.2";
/// The other client.
pub const OTHER_IP: &str = "198.18.0.3";
/// A second other client.
pub const THIRD_IP: &str = "198.18.0.4";
/// The tracker.
pub const TRACKER_IP: &str = "198.18.0.5";
/// Where every client listens; the namespace is a test's own, so it is free.
pub const PEER_PORT: u16 = 42_000;
/// Where every tracker listens.
pub const TRACKER_PORT: u16 = 6969;
