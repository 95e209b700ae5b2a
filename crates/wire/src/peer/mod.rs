//! The peer protocol (BEP 3), with the fast extension (BEP 6), the extension protocol (BEP 10) and
//! metadata exchange (BEP 9).
pub mod block;
pub mod handshake;
pub mod message;
