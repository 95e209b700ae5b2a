//! What lets a tracker be asked: routes for an HTTP server, sockets for UDP (BEP 3, 15). Both decide nothing.
//!
//! ```text
//! Table ─▶ routes ─▶ a web server's Router
//!       └▶ Udp: a task for each socket (bind::udp), one for a port that somebody else holds (Lent)
//! ```
//! The table stands behind a lock that is held for one request at a time and never over an `await`.
pub mod bind;
mod lent;
mod routes;
mod table;
mod udp;

pub use lent::{Answering, Lent};
pub use routes::routes;
pub use table::{OnAnnounced, Table};
pub use udp::Udp;
