//! How peers are found and reached, in networks made for it: DHT, local discovery, mappings, hole punching, proxies, filters.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

#[path = "../common/mod.rs"]
mod common;

mod dht;
mod dht_others;
mod dht_public;
mod filter;
mod holepunch;
mod lsd;
mod mapping;
mod private;
mod proxy;
