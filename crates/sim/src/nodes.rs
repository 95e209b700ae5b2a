//! Worlds of DHT nodes (own design): thousands of them in virtual time, each the very machine that runs behind a socket, with packets that take their time, get
//! lost, or go to nodes that are gone.
pub(crate) mod field;
pub mod figures;
pub mod named;
pub mod sybil;
pub(crate) mod way;
pub(crate) mod world;
