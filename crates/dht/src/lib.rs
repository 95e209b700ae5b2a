//! A node of the BitTorrent DHT (BEP 5, 32, 33, 42, 43, 44, 45, 51) without a socket: packets and time go in, packets and what was found come
//! out. Nothing here knows a clock, a source of entropy, a thread or the network.
//!
//! [`Node`] is the whole: it stands on a table of nodes (`table`), looks things up (`lookup`), announces (`announces`), keeps its table (`upkeep`) and serves
//! others ([`served`]). What it wants done or has found is an [`Act`].
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod act;
mod announces;
pub mod filter;
mod ground;
pub mod id;
pub mod item;
pub mod krpc;
mod lookup;
mod node;
mod outside;
mod rtt;
pub mod secure;
pub mod served;
mod table;
mod token;
mod transactions;
mod upkeep;

pub use act::Act;
pub use ground::{Counts, Pace, Settings};
pub use lookup::running::Port;
pub use lookup::{Filters, Item, LookupId, Outcome, Question, Signature};
pub use node::{Node, Status};
