//! The real daemon as its users meet it: its life and its kills, its own interface, the dialects of other clients, rules, hooks, moves. One binary for all,
//! since each one more costs seconds to link, and tests that wait do so beside each other.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

#[path = "../common/mod.rs"]
mod common;

mod api;
mod config;
mod faults;
mod feeds;
mod guards;
mod hooks;
mod incomplete;
mod jobs;
mod keep;
mod kills;
mod life;
mod policy;
mod qbittorrent;
mod state;
mod state_programs;
mod top;
mod transmission;
mod transmission_programs;
