//! Many torrents for years (own design): a client whose torrents outlive the process, and the interface by which other programs drive it.
//!
//! [`Daemon`] keeps a row of each torrent in the database of saved state and brings all of them back when it starts; [`api::routes`] is
//! what is said about them over HTTP. What may be done, and by whom, is decided before a route is reached.
#![forbid(unsafe_code)]
#![recursion_limit = "256"] // objects of some forty keys, as other programs want them

pub mod api;
pub mod config;
pub mod hostile;

mod adding;
mod answer;
mod asker;
mod asleep;
mod audit;
mod categories;
mod change;
mod changes;
mod commands;
mod daemon;
mod details;
mod done;
mod events;
mod exported;
mod facts;
mod failed;
mod feed;
mod finished;
mod gate;
mod goals;
mod held;
mod holds;
mod importing;
mod jobs;
mod kept;
mod label;
mod line;
mod listing;
mod look;
mod looks;
mod offers;
mod order;
pub mod others;
mod outset;
mod pattern;
mod policy;
mod pulse;
mod qbittorrent;
mod rested;
mod roots;
mod row;
mod select;
mod sharing;
mod shown;
mod socket;
mod standing;
mod start;
mod stream;
mod sums;
mod taking;
mod tiers;
mod token;
mod tokens;
mod told;
mod totals;
mod trackers;
mod transmission;
mod upkeep;
mod wanted;
mod watch;
mod wrong;

pub use daemon::{Daemon, root};
pub use exported::{Counted, Exported, SavedState, SharedSo, Verified};
pub use failed::StartError;
pub use finished::Done;
pub use policy::Rules;
pub use socket::{Socket, SocketError, ready_folder};
pub use token::Scope;
pub use watch::Watched;
