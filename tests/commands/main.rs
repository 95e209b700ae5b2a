//! The commands that run by themselves (`get`, `seed`, `share`, `create`, `show`, …): what they do, say, keep and refuse.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

#[path = "../common/mod.rs"]
mod common;

mod bind;
mod cli;
mod crash;
mod edit;
mod existing;
mod faulty_disk;
mod full_disk;
mod harness;
mod liar;
mod links;
mod more;
mod moving;
mod one_port;
mod only;
mod output;
mod own_tracker;
mod page;
mod ports;
mod preset;
mod publish;
mod resume;
mod sandbox;
mod scrape;
mod secrets;
mod several;
mod share;
mod state;
mod stop;
mod tracker_urls;
mod why;
