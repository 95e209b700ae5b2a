//! Everything around a seed that lets strangers find it: addresses, links, a tracker, the .torrent over HTTP (BEP 3, 9).
pub mod addresses;
pub mod links;
pub mod share;
