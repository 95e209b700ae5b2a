//! Drivers that hold the sockets: HTTP by hyper, UDP by tokio (BEP 3, 15). They decide nothing.
//!
//! ```text
//! bind::tcp, bind::udp ─▶ Config ─▶ serve ─▶ Server: a task for each socket, one for each connection
//! ```
//! Who has no port of his own is lent one ([`Lent`]): its holder hands connections and packets over.
//!
//! The table stands behind a lock that is held for one request at a time and never over an `await`.
pub mod bind;
mod crowd;
mod http;
mod lent;
mod server;
mod shared;
mod udp;

pub use hyper::body::Bytes;
pub use lent::{Answering, Datagram, Lent};
pub use server::{Config, Server, serve};
pub use shared::{Content, NetLimits, OnAnnounced, Reply, Routes};
