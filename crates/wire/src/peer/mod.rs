//! The peer protocol (BEP 3), with the fast extension (BEP 6), the extension protocol (BEP 10) and
//! metadata exchange (BEP 9).
pub mod allowed_fast;
pub mod block;
pub mod client_names;
pub mod decode;
pub mod encode;
pub mod error;
pub mod extended;
pub mod handshake;
pub mod holepunch;
pub mod ids;
pub mod limits;
pub mod message;
pub mod metadata;
pub mod pex;
