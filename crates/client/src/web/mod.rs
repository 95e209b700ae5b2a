//! What a client says of itself over HTTP, and its tracker, on the port of the peers (BEP 3, 15, 23, 48).
pub(crate) mod site;

mod escape;
mod page;
