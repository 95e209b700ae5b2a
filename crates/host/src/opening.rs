//! What opened a connection, told by its first bytes (own design; BEP 3, MSE, RFC 9112): peers, browsers and tools come to one port.
//!
//! The decision looks at bytes and touches no socket: the holder of the connection shows what has come and carries out what follows.
//!
//! A handshake begins with twenty known bytes. What begins otherwise and is no method of HTTP is the key of an encrypted handshake, or nonsense: of 256
//! keys one begins with the byte 19 as well, which is why one byte does not decide.
use teem_swarm::remote::Encryption;
use teem_wire::peer::ids::PROTOCOL;

/// The most bytes that are needed to decide.
pub(crate) const DECIDING_LEN: usize = PROTOCOL.len();

/// How the HTTP requests begin that are answered.
const METHODS: [&[u8]; 3] = [b"GET ", b"HEAD", b"POST"];

/// The kind of program that opened a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Opening {
    /// A peer that speaks in the clear, or a program whose fault the decoder will find.
    Clear,
    /// A peer that begins with its key.
    Mse,
    /// A browser or another client of HTTP.
    Http,
    /// A peer that begins in a way that the owner does not want.
    Unwanted,
}

/// Decides by the first bytes; `None` while there are too few.
pub(crate) fn opening(first: &[u8], wanted: Encryption) -> Option<Opening> {
    if METHODS.iter().any(|method| first.starts_with(method)) {
        return Some(Opening::Http);
    }
    let begins = |whole: &[u8]| first.len() < whole.len() && whole.starts_with(first);
    if wanted == Encryption::Off {
        return if METHODS.iter().any(|method| begins(method)) { None } else { Some(Opening::Clear) };
    }
    let clear = if wanted == Encryption::Require { Opening::Unwanted } else { Opening::Clear };
    if first.starts_with(PROTOCOL) {
        Some(clear)
    } else if begins(PROTOCOL) || METHODS.iter().any(|method| begins(method)) {
        None
    } else {
        Some(Opening::Mse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_decide_as_soon_as_they_can() {
        let of = |text: &[u8]| opening(text, Encryption::Allow);
        for text in ["", "G", "GE", "GET", "H", "HEA", "P", "POS", "\x13", "\x13BitTorrent protoco"] {
            assert_eq!(of(text.as_bytes()), None, "{text}");
        }
        for text in ["GET ", "GET /", "HEAD", "HEAD / HTTP/1.1", "POST /announce"] {
            assert_eq!(of(text.as_bytes()), Some(Opening::Http), "{text}");
        }
        for text in ["GEX", "GETX", "PUT", "get ", "\0", " GET", "\x13BitTorrent protocom", "\x13\x13"] {
            assert_eq!(of(text.as_bytes()), Some(Opening::Mse), "{text}");
            assert_eq!(opening(text.as_bytes(), Encryption::Off), Some(Opening::Clear), "{text}");
        }
        assert_eq!(of(b"\x13BitTorrent protocol"), Some(Opening::Clear));
        assert_eq!(opening(b"\x13", Encryption::Off), Some(Opening::Clear), "there is nothing else it could be");
        assert_eq!(opening(b"", Encryption::Off), None);
        assert_eq!(opening(b"\x13BitTorrent protocol...", Encryption::Require), Some(Opening::Unwanted));
        assert_eq!(opening(b"\x13BitTorrent", Encryption::Require), None);
        assert_eq!(opening(b"GET /", Encryption::Require), Some(Opening::Http));
    }
}
