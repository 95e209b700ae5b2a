//! What the end-to-end tests share: `teem` itself, a peer and a tracker that do as they are told, and all of
//! `teem_rig`: namespaces to run in, content to move, other people's programs.
#![allow(dead_code)] // each test binary compiles all of this and uses its part
#![allow(unused_imports)] // same
#![allow(unreachable_pub)] // same: `pub` means "for the tests"

pub mod besieger;
pub mod driven;
pub mod home;
pub mod lan;
pub mod nat;
pub mod rider;
pub mod run;
pub mod scripted;
pub mod teem;
pub mod tracker;
pub mod words;

pub use teem_rig::client::{Client, Job, Running, Seat};
pub use teem_rig::setting::{Family, Protocol};
pub use teem_rig::tracker::Swarm;
pub use teem_rig::{PEER_PORT, TEEM_IP, TRACKER_IP, TRACKER_PORT, clients, content, dht, http, namespace};
pub use teem_rig::{process, torrent, trackers};

/// Where `Teem::track` listens, over HTTP.
pub fn tracker_url() -> String {
    Swarm::url(Protocol::Http, Swarm::place(Family::V4))
}
