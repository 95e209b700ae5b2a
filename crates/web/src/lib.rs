//! One HTTP server for everything that Teem says over HTTP (RFC 9110, 9112; own design): the tracker, the page, the .torrent, and what comes later.
//!
//! A caller gives a table of routes ([`Router`]) and connections: listeners, sockets that another part accepted, or any stream.
//! How long a client may take, how much it may send and how many there may be is decided here once, for every route ([`Limits`]).
//!
//! ```text
//! listener, sockets, stream ─▶ crowd (a place, or another gives way) ─▶ guard (deadlines) ─▶ hyper ─▶ answer (checks) ─▶ Router
//!                                                                                             ◀─ Content: ranges, ETag, HEAD
//! ```
//! Invariants: a handler sees a query as the bytes that were sent, never decoded (an info-hash is no UTF-8); every connection ends or
//! makes progress within [`Limits`]; a newcomer is never refused because others leave their connections idle.
#![forbid(unsafe_code)]

mod answer;
mod body;
mod connection;
mod content;
mod crowd;
mod feed;
mod guard;
mod limits;
mod page;
mod range;
mod refusal;
mod server;
mod tag;
mod timer;

pub use answer::{Ends, plain};
pub use axum::Router;
pub use axum::body::{Body, Bytes};
pub use axum::extract;
pub use axum::http;
pub use axum::middleware;
pub use axum::response::Response;
pub use axum::routing;
pub use body::from_reader;
pub use content::Content;
pub use feed::{Feed, FeedEnd, feed};
pub use limits::Limits;
pub use page::page;
pub use server::Server;
pub use tag::Tag;
