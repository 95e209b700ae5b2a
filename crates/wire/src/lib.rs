//! What goes over the network, as types and codecs: the peer protocol (BEP 3, 6, 9, 10), tracker
//! formats (BEP 3, 7, 15, 23, 48) and compact addresses. Nothing here decides anything or holds a socket.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod compact;
pub mod datagram;
pub mod holder;
pub mod lsd;
pub mod peer;
pub mod priority;
pub mod reach;
pub mod tracker;
