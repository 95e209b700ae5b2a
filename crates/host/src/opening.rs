//! What opened a connection, told by its first bytes (own design; BEP 3, RFC 9112): peers, browsers and tools come to one port.
//!
//! The decision looks at bytes and touches no socket: the holder of the connection shows what has come and carries out what follows. An opener that
//! speaks before the handshake (encryption, a proxy) is a state of the same kind, which ends by naming the layer that was agreed on.
//!
//! A handshake begins with the byte 19, which no method of HTTP begins with. Every other connection is treated as a peer's, whose decoder finds
//! the fault at the first byte that departs.

use crate::link::Layer;

/// The most bytes that are needed to decide.
pub(crate) const DECIDING_LEN: usize = 4;

/// How the HTTP requests begin that are answered.
const METHODS: [&[u8; DECIDING_LEN]; 3] = [b"GET ", b"HEAD", b"POST"];

/// The kind of program that opened a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Opening {
    /// A peer, or a program that is neither; its bytes pass through that layer from here on.
    Peer(Layer),
    /// A browser or another client of HTTP.
    Http,
}

/// Decides by the first bytes; `None` while there are too few.
pub(crate) fn opening(first: &[u8]) -> Option<Opening> {
    let first = &first[..first.len().min(DECIDING_LEN)];
    match METHODS.iter().any(|method| method.starts_with(first)) {
        true if first.len() < DECIDING_LEN => None,
        true => Some(Opening::Http),
        false => Some(Opening::Peer(Layer::Plain)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_to_four_bytes_decide() {
        for text in ["", "G", "GE", "GET", "H", "HEA", "P", "POS"] {
            assert_eq!(opening(text.as_bytes()), None, "{text}");
        }
        for text in ["GET ", "GET /", "HEAD", "HEAD / HTTP/1.1", "POST /announce"] {
            assert_eq!(opening(text.as_bytes()), Some(Opening::Http), "{text}");
        }
        for text in ["\x13", "\x13BitTorrent protocol", "GEX", "GETX", "PUT", "get ", "\0", " GET"] {
            assert_eq!(opening(text.as_bytes()), Some(Opening::Peer(Layer::Plain)), "{text}");
        }
    }
}
