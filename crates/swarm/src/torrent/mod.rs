//! One torrent's life, by what is decided (BEP 3, 6, 9, 10, 12, 27).
pub mod announce;
