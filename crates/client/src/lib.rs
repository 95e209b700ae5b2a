//! Download, seed and publish with BitTorrent, from async Rust.
//!
//! A [`Client`] owns the threads and sockets of any number of torrents. [`source::load`] turns what a person pasted (a magnet link, a .torrent
//! file, a URL of one, an info-hash) into a [`Source`]; [`Client::add`] takes it with your wishes ([`Add`]) and gives a [`Torrent`] to watch and
//! to wait on. This is what the `teem` binary is made of: it parses a command line, calls this crate, and prints.
//!
//! # A complete program
//!
//! It downloads a link, shows how it goes, waits until everything is on the disk for good, and ends in order.
//!
//! ```no_run
//! use std::time::Duration;
//! use teem_client::{Add, Client, Config, source};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let link = std::env::args().nth(1).ok_or("usage: download LINK")?;
//!     let client = Client::start(Config::new()?).await?;
//!     let source = source::load(&link, client.http()).await?;
//!     let torrent = client.add(Add::download(source, ".")).await?;
//!
//!     let mut tick = tokio::time::interval(Duration::from_secs(1));
//!     let done = loop {
//!         tokio::select! {
//!             done = torrent.finished() => break done,
//!             _ = tick.tick() => {
//!                 let now = torrent.snapshot().await?;
//!                 eprintln!("{}: {} of {} bytes, {} B/s", now.state.word(), now.have, now.wanted, now.down_rate);
//!             }
//!         }
//!     };
//!     // Trackers are told and state is saved, whether it went well or not.
//!     client.shutdown().await;
//!     eprintln!("{} is complete", done?.path.display());
//!     Ok(())
//! }
//! ```
//!
//! `examples/` has this as a program to run, and one that publishes a folder.
//!
//! # Where to go from here
//!
//! | wish | place |
//! |---|---|
//! | several torrents at once | [`Client::torrents`], [`Client::snapshots`] (all figures in one batch) |
//! | to show thousands, and then only what changes | [`Client::rows`] |
//! | to hear what happens | [`Client::events`], [`Torrent::events`]; what must not be missed is [`Torrent::status`] and [`Torrent::until`] |
//! | to pause, go on, end one torrent | [`Torrent::pause`], [`Torrent::resume`], [`Torrent::remove`]; [`Add::paused`] |
//! | only some files | [`Choice`] in [`Add::choice`]; with [`Choice::Ask`] the torrent waits for [`Torrent::choose`] |
//! | to seed for a ratio or a time, to run a command when it is done | [`policy`] |
//! | to serve content that is there | [`Add::publish`] |
//! | to make a .torrent of files | [`create`] |
//! | to publish with links, a tracker and a page of your own | [`publish`] |
//! | to ask a tracker for its numbers | [`scrape`] |
//! | to carry a connection yourself (a tunnel, a browser's channel) | [`Client::attach`], [`Torrent::attach`] |
//! | to read verified content while it downloads | [`Torrent::read`] |
//! | to have the router lead peers here | [`Config::map_ports`]; [`Client::mappings`] tells what came of it |
//! | to find peers without trackers | [`Config::dht`]; single questions are [`dht::Once`] |
//! | another port, other limits, while it runs | [`Client::listen`], [`Client::limits`] |
//!
//! # Errors
//!
//! Each step has an enum of its own that carries data and prints a sentence for a person: [`StartError`], [`source::LinkError`], [`AddError`],
//! [`ChooseError`], [`Ended`] (why a torrent cannot go on), and in [`error`] what they hold. Trouble that passes (a full disk, a silent tracker) is no
//! error: the torrent says so ([`event::State::DiskTrouble`], [`event::Event::Disk`], [`event::Event::Tracker`]) and goes on when it is over.
//!
//! # What it needs, and what it starts
//!
//! - A tokio runtime with time and input/output enabled, of either flavour, around [`Client::start`], for as long as the client lives: announces over
//!   HTTP(S), names and what is served over HTTP run on it. Waiting in this crate never blocks it; [`create`] alone works on the thread that calls it, and
//!   belongs into `tokio::task::spawn_blocking`.
//! - Threads of its own: one for the network and all decisions, and some for disks and hashing. The network's thread never touches a file.
//! - One TCP and UDP port ([`Listen`]), and one folder for saved state ([`Config::state_dir`]). Two processes may share that folder; a torrent
//!   in a folder of content belongs to one of them at a time, and the other is told who holds it.
//!
//! [`Client::shutdown`] tells trackers and saves, within 5 s. When the last [`Client`] and [`Torrent`] are dropped everything ends at once; what was durable
//! stays so, and the next run goes on from there, as after a crash.
//!
//! # What is promised
//!
//! Bytes are served and reported only after they were verified. Of a torrent nothing is written but into the folder that you name and into that of saved
//! state, whatever its paths say.
//! Names and texts that come from outside are handed on as they are: take control characters out before you print them.
//!
//! Enums and structs that may grow are `non_exhaustive`: match with an arm for the rest, and make [`Config`], [`Add`] and their like by their
//! functions, then set fields. Before version 1.0 a minor version may change what is here. The other crates of the workspace promise nothing to anybody:
//! what an embedder needs of them is passed on here by name.

pub mod config;
pub mod create;
pub mod dht;
pub mod entropy;
pub mod http;
pub mod policy;
pub mod publish;
pub mod scrape;
pub mod source;
pub mod store;
pub mod typed;
pub mod why;

mod admission;
mod announced;
mod attach;
mod behind;
mod bus;
mod choice;
mod client;
mod door;
mod entry;
mod jobs;
mod lsd;
mod mapping;
mod named_peer;
mod names;
mod patterns;
mod places;
#[cfg(debug_assertions)]
mod planted;
mod proxied;
mod questions;
mod reach;
mod registry;
mod resolve;
mod router;
mod rows;
mod session;
mod status;
mod torrent;
mod trackers;
mod web;

pub use admission::{Add, AddAtRest, Mode};
pub use attach::Link;
pub use bus::{Changes, Events, Heard};
pub use choice::{Choice, ChooseError};
pub use client::{Client, StartError};
pub use config::{Config, Dht, Listen};
pub use jobs::JobError;
pub use mapping::{Mapping, Mappings};
pub use places::AddError;
#[cfg(debug_assertions)]
#[doc(hidden)]
pub use planted::Planted;
pub use proxied::through;
pub use reach::Reached;
pub use rows::{Row, Rows};
pub use source::Source;
pub use status::{About, Ended, Status};
pub use teem_disk::jobs::Where;
pub use teem_host::account::Datagrams;
pub use teem_host::strangers::Unasked;
pub use teem_host::turn_times::TurnTimes;
pub use teem_metainfo::{AnnounceUrl, Origin};
pub use teem_path as path;
pub use teem_swarm::command::Spreading;
pub use teem_swarm::ids::{GroupId, TorrentId};
pub use teem_swarm::remote::{Encryption, Transports};
pub use teem_swarm::selection::{Priority, Selection};
pub use torrent::{READ_MAX, Torrent};

/// What happens to torrents, and their figures.
pub mod event {
    pub use teem_swarm::event::{
        Dials, Event, NodeFigures, Outcomes, PeerStats, Punched, Snapshot, State, TrackerStats,
    };
    pub use teem_swarm::external::External;
    pub use teem_swarm::ids::ConnId;
    pub use teem_swarm::remote::{Encrypted, Remote, Transport};
    pub use teem_swarm::search::{DhtSearch, Dialled, Named, Search, SourceKind, Vote, Way};
}

/// What the errors of this crate hold.
pub mod error {
    pub use teem_host::error::HostError;
    pub use teem_host::listen::{ListenError, Transport};
    pub use teem_swarm::job::{DiskError, DiskErrorKind, ReadError};
}

/// Formats: .torrent files, magnet links, info-hashes (BEP 3, 9, 52, 53).
pub mod metainfo {
    pub use teem_metainfo::{
        BadInfoHash, Error, File, Files, Info, InfoHash, InfoHashV2, Limits, Link, LinkError, Magnet, MagnetError,
        Metainfo, TorrentKey, Version, Warning,
    };
}
