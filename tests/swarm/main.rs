//! Several real processes in one swarm, ours and other people's: who gets what from whom, over which transport, under which attack.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

#[path = "../common/mod.rs"]
mod common;

mod encryption;
mod evil;
mod exchange;
mod granting;
mod interop;
mod scale;
mod scarce;
mod spread;
mod two_hosts;
mod utp;
