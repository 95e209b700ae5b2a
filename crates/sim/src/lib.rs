//! A world for the engine (own design): swarms of peers in virtual time, from a seed, in one process.
//!
//! The engine never sees payload, a clock or a socket, so the very same code that moves gigabytes can run here with
//! blocks of eight bytes, lines that take their time without carrying anything, and disks that store nothing. A run is
//! a function of a scenario and a seed: the same seed gives the same trace hash on every machine. Checkers watch every
//! message of every peer, and the report divides what was reached by what is possible.
//!
//! Nothing here iterates over a hash map of the standard library, and nothing is decided in floating point.
#![forbid(unsafe_code)]

pub mod adversaries;
pub mod bits;
pub mod block;
pub(crate) mod bound;
pub mod brain;
pub(crate) mod calendar;
pub mod catalog;
pub mod check;
pub mod conn;
pub(crate) mod content;
pub mod draw;
pub mod field;
pub(crate) mod hostile;
pub mod lab;
pub(crate) mod link;
pub(crate) mod lone_node;
pub mod makers;
pub mod memory;
pub mod name;
pub mod node;
pub mod nodes;
pub(crate) mod packet;
pub mod packets;
pub mod picture;
pub(crate) mod pipe;
pub mod plain;
pub(crate) mod queue;
pub mod random;
pub mod report;
pub mod scenario;
pub mod series;
pub(crate) mod storage;
pub mod table;
pub mod trace;
pub mod tracker;
pub mod wire;
pub mod world;
