//! The one HTTP client, with the one egress policy (own design; RFC 9112 framing by hyper).
pub(crate) mod egress;
pub mod error;
pub mod fetch;

mod connect;
mod gateway;
mod location;
mod through;

pub(crate) use through::open as through_proxy;
