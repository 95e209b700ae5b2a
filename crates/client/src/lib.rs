//! Download, seed and share torrents from async Rust.
//!
//! [`Client`] owns an engine thread, disk threads and the connections to trackers. [`load`](source::load) turns what a
//! person pasted into a [`Source`]; [`Client::add`] starts it and gives a [`Torrent`] to watch and to wait on.
//! Dropping everything ends all of it at once, [`Client::shutdown`] does it politely.

pub mod choice;
pub mod client;
pub mod config;
pub mod create;
pub mod http;
pub mod policy;
pub mod publish;
pub mod scrape;
pub mod source;
pub mod store;
pub mod torrent;

mod admission;
mod attach;
mod bus;
mod door;
pub mod entropy;
mod patterns;
mod places;
mod questions;
mod registry;
mod resolve;
mod router;
mod status;
mod trackers;
mod web;

pub use admission::{Add, Mode};
pub use attach::Link;
pub use bus::{Changes, Events, Heard};
pub use choice::{Choice, ChooseError};
pub use client::{Client, StartError};
pub use config::{Config, Listen};
pub use places::AddError;
pub use source::{LinkError, Source};
pub use status::{Ended, Status};
pub use teem_swarm::job::ReadError;
pub use torrent::{READ_MAX, Torrent};

/// Formats: metadata, magnet links.
pub use teem_metainfo as metainfo;
/// Events, figures, errors of the disk.
pub use teem_swarm as swarm;
