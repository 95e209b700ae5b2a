//! The host: one thread, one poll, all sockets of the peers (own design; BEP 3, 15).
//!
//! It carries bytes between the network and the engine and jobs between the engine and the storage, and decides nothing about the
//! protocol. [`Listeners::bind`](listen::Listeners::bind) takes the port before anything runs, [`start`](host::start) starts the
//! thread, and a [`HostHandle`](host::HostHandle) speaks to it from anywhere without blocking.
//!
//! Peers share the port with others: a connection that begins with HTTP and a packet that asks a tracker are given to the owner
//! ([`Owner::on_http`](owner::Owner::on_http), [`Owner::on_datagram`](owner::Owner::on_datagram)); the engine never hears of them.
//!
//! One turn: poll; read what is ready within a budget and feed it; take the mailbox and the storage's answers; `Tick` if due; carry out
//! all outputs; one vectored write for each touched connection; one batch of jobs; sleep until the deadline.
#![forbid(unsafe_code)]

pub mod account;
pub mod config;
pub mod entropy;
pub mod error;
pub mod host;
pub mod listen;
pub mod mailbox;
pub mod named;
pub mod owner;
pub mod pair;
pub(crate) mod sockopt;
pub mod strangers;
pub mod turn_times;

mod budget;
mod carrier;
mod conn;
mod dial;
mod event_loop;
mod failing;
mod greeting;
mod keys;
mod layer;
mod link;
mod net;
mod opening;
mod out;
mod packet;
mod proxied;
mod race;
mod refusals;
mod relayed;
mod table;
mod tcp;
mod torrents;
mod udp;
mod undecided;
mod unsent;
mod whereabouts;
