//! uTP (BEP 29) without a socket: packets and time go in, packets, events and deadlines come out. Nothing here knows a clock, a source of entropy, a
//! thread or the network, so the very code that runs in the host runs in `teem-sim utp-…` too.
//!
//! ```text
//!             connect                              receive: SYN
//!                |                                      |  answered with a number that is a hash: nothing is kept
//!                v                                      v
//!  tick: again  +---------+                         (nothing)
//!  (1,2,4,8 s)  | Opening |                             |  receive: DATA that acknowledges the number
//!          ^----|         |                             v
//!               +---------+   receive: STATE       +---------+
//!                |       |------------------------>|  Open   |<-+ write, consume, receive, tick: windows, timers
//!                |              Connected          |         |--+
//!                |                                 +---------+
//!  RESET, silence|                                  |       |  both streams are over: FIN sent and acknowledged, FIN received and
//!                |         RESET, silence, `reset`  |       |  everything before it read
//!                |      +---------------------------+       v
//!                v      v                              +-----------+
//!              +----------+      three timeouts        | Lingering |  acknowledges repeats of the other side's FIN
//!              |   Gone   |<---------------------------|           |
//!              +----------+                            +-----------+
//! ```
//!
//! The owner learns of `Connected`, `Accepted`, `Readable`, `Writable` and `Closed` by [`Socket::event`]; [`Socket`] says how one turn goes.
//! One file answers one question: the form of packets ([`packet`]), their numbers (`number`), what was sent (`send`) and what came
//! (`receive`), what overtakes (`reorder`), round trips (`rtt`), how fast it comes through (`rate`), the queue on the way (`delay`), the window that follows from it (`congestion`), its pace (`pacing`), sizes of
//! datagrams (`mtu`), one connection (`connection`), openings (`cookie`), memory (`pool`), all connections (`socket`).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod congestion;
mod connection;
mod cookie;
mod delay;
pub mod event;
mod mtu;
mod number;
mod pacing;
pub mod packet;
mod pool;
mod rate;
mod receive;
mod reorder;
mod rtt;
mod send;
pub mod socket;

pub use event::{Event, Id, Path, Why};
pub use socket::{DATAGRAM_MAX, Settings, Socket, Transmit};
