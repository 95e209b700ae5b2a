//! Message stream encryption (MSE, also PE): both sides of its handshake and the stream cipher, without a socket. No BEP describes it; the
//! protocol is that of the former Azureus wiki, spoken by nearly all clients. It hides what is said from those who look at single
//! packets, and nothing from those who take part.
//!
//! ```text
//!    initiator                                             responder
//! 1  Ya, PadA                                       →
//! 2                                                 ←      Yb, PadB                S is shared from here
//! 3  HASH("req1", S),
//!    HASH("req2", key) xor HASH("req3", S),
//!    RC4: check, offer, len PadC, PadC, len IA, IA  →
//! 4                                                 ←      RC4: check, choice, len PadD, PadD
//! 5  the stream, encrypted or clear                 ↔      the stream, encrypted or clear
//! ```
//!
//! Ya and Yb are public keys of Diffie-Hellman (96 bytes), the pads are random and at most 512 bytes long, the key is the torrent's
//! info-hash, and IA is what the initiator's stream begins with: it saves a round trip.
//!
//! [`Initiator`] and [`Responder`] are machines: bytes in, bytes out. The randomness is passed in. Each holds at most what came of the handshake
//! and was not used, which is bounded by the pads, and the last bytes that it was given.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod agreed;
mod exchange;
mod held;
mod initiator;
mod keys;
mod rc4;
mod refused;
mod responder;

pub use agreed::{Agreed, Incoming, Method, Methods};
pub use exchange::PRIVATE_LEN;
pub use initiator::{Initiator, Progress};
pub use keys::{Req2, Skey, req2};
pub use rc4::Rc4;
pub use refused::Refused;
pub use responder::Responder;

/// Length of the constant that proves that both have the same keys.
const CHECK_LEN: usize = 8;

/// What must not be guessed.
#[derive(Clone, Copy)]
pub struct Entropy<'a> {
    /// Our private key, for this connection alone.
    pub private: [u8; PRIVATE_LEN],
    /// The padding: random in length and content. What is beyond 512 bytes is left out.
    pub pad: &'a [u8],
}

impl Entropy<'_> {
    fn pad(&self) -> &[u8] {
        &self.pad[..self.pad.len().min(held::PAD_MAX)]
    }
}
