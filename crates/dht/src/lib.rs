//! A node of the BitTorrent DHT (BEP 5, 32, 33, 42, 43, 44, 45, 51) without a socket: packets and time go in, packets and what was found come
//! out. Nothing here knows a clock, a source of entropy, a thread or the network.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod filter;
pub mod id;
pub mod item;
pub mod krpc;
pub mod secure;
pub mod served;
mod token;
