//! What opened a connection, told by its first bytes (own design; BEP 3, RFC 9112): peers, browsers and tools come to one port.
//!
//! It looks at bytes and touches no socket: whoever holds the connection shows what has come and carries out what follows. An opener that
//! speaks before the handshake (encryption, a proxy) is a state of the same kind, which ends by naming the layer that was agreed on.
//!
//! A handshake begins with the byte 19, which no method of HTTP begins with. Whatever is neither is treated as a peer, whose decoder finds
//! the fault at the first byte that departs.

use crate::link::Layer;

/// Bytes that decide at most.
pub(crate) const DECIDING_LEN: usize = 4;

/// How HTTP's requests begin that are answered at all.
const METHODS: [&[u8; DECIDING_LEN]; 3] = [b"GET ", b"HEAD", b"POST"];

/// The kind of program that opened a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Opening {
    /// A peer, or one who does not know how to be one; its bytes pass through that layer from here on.
    Peer(Layer),
    /// Somebody who speaks HTTP.
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
