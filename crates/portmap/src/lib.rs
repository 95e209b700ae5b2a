//! Asking a router to let others in, without a socket: PCP (RFC 6887), NAT-PMP (RFC 6886) and UPnP's Internet gateway device 1 and 2. Packets,
//! answers over HTTP and time go in; packets, requests over HTTP, what is mapped and the next deadline come out.
//!
//! ```text
//! Mapper::new(network, port, random, now)    begins at once
//! packet(now, from, bytes)                   a datagram came to one of the sockets
//! answered(now, id, answer)                  each request over HTTP has one answer, at the latest when its time is over
//! tick(now)                                  time has passed
//! poll() -> Option<Act>                      pops a queue
//! deadline() -> Option<Duration>             when `tick` is to be called at the latest
//! close(now)                                 takes back what is mapped; the end is `is_closed`
//! ```
//! Time is a [`Duration`](core::time::Duration) since any start. One file answers one question: the forms of packets ([`pcp`], [`natpmp`]), how
//! gateways are searched for ([`ssdp`]), described ([`description`]) and asked ([`soap`]), which URLs of theirs are taken ([`url`]), XML within bounds ([`xml`]); what is
//! said to the gateway itself (`direct`) and to its UPnP (`igd`), who is asked first and what holds (`line`), what goes in and out (`act`), everything together (`mapper`).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod act;
pub mod description;
mod direct;
mod igd;
mod line;
mod mapper;
pub mod natpmp;
pub mod pcp;
pub mod soap;
pub mod ssdp;
pub mod url;
pub mod xml;

pub use act::{Act, Event, Gateway, HttpAnswer, Mapped, RequestId, Way};
pub use mapper::{Mapper, Network};
