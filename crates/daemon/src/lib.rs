//! Many torrents for years (own design): a client whose torrents outlive the process, and the interface by which other programs drive it.
//!
//! [`Daemon`] keeps a row of each torrent in the database of saved state and brings all of them back when it starts; [`api::routes`] is
//! what is said about them over HTTP. What may be done, and by whom, is decided before a route is reached.
#![forbid(unsafe_code)]

pub mod api;
pub mod config;

mod adding;
mod answer;
mod change;
mod commands;
mod daemon;
mod details;
mod failed;
mod gate;
mod holds;
mod look;
mod roots;
mod row;
mod select;
mod settings;
mod socket;
mod standing;
mod token;
mod tokens;
mod told;
mod transmission;

pub use daemon::{Daemon, root};
pub use failed::StartError;
pub use socket::{Socket, SocketError, ready_folder};
pub use token::Scope;
