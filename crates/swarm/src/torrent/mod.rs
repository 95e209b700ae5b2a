//! One torrent's life, by what is decided (BEP 3, 6, 9, 10, 12, 27).
pub mod address;
pub mod announce;
pub mod candidates;
pub mod connect;
pub mod metadata;
