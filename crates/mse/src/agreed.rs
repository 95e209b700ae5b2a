//! What two sides can agree on, and what they go on with (MSE).
use crate::rc4::Rc4;
use crate::refused::Refused;
use alloc::vec::Vec;

/// What becomes of the bytes after the handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// They are sent as they are.
    Clear,
    /// Both directions stay encrypted.
    Rc4,
}

const CLEAR: u32 = 1;
const RC4: u32 = 2;

/// The methods that one side takes. In the clear is preferred: it costs nothing, and the handshake has hidden what it could.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Methods {
    /// In the clear or encrypted, as the other side likes.
    Both,
    /// Nothing but encryption to the end.
    Rc4Only,
}

impl Methods {
    pub(crate) fn bits(self) -> u32 {
        match self {
            Self::Both => CLEAR | RC4,
            Self::Rc4Only => RC4,
        }
    }

    /// What a responder with these selects of what was offered. Bits that nobody knows are left for later versions.
    pub(crate) fn select(self, offered: u32) -> Result<Method, Refused> {
        match self.bits() & offered {
            both if both & CLEAR != 0 => Ok(Method::Clear),
            rc4 if rc4 & RC4 != 0 => Ok(Method::Rc4),
            _ => Err(Refused::Method),
        }
    }

    /// What an initiator with these takes as selected.
    pub(crate) fn selected(self, bits: u32) -> Result<Method, Refused> {
        match bits {
            CLEAR if self == Self::Both => Ok(Method::Clear),
            RC4 => Ok(Method::Rc4),
            _ => Err(Refused::Choice),
        }
    }
}

impl Method {
    pub(crate) fn bit(self) -> u32 {
        match self {
            Self::Clear => CLEAR,
            Self::Rc4 => RC4,
        }
    }
}

/// The direction in which bytes come.
#[derive(Debug)]
pub struct Incoming {
    /// What is left to be decrypted by it: so many bytes, or all.
    cipher: Option<(Rc4, Option<usize>)>,
}

impl Incoming {
    /// Nothing is encrypted.
    pub const CLEAR: Self = Self { cipher: None };

    /// The next `len` bytes are encrypted (they belong to the handshake), and what follows is as agreed.
    pub(crate) fn new(cipher: Rc4, len: usize, method: Method) -> Self {
        match method {
            Method::Rc4 => Self { cipher: Some((cipher, None)) },
            Method::Clear => Self { cipher: (len > 0).then_some((cipher, Some(len))) },
        }
    }

    /// Decrypts the next bytes in place, as far as they are encrypted.
    pub fn apply(&mut self, bytes: &mut [u8]) {
        let Some((cipher, left)) = &mut self.cipher else { return };
        let len = left.map_or(bytes.len(), |left| left.min(bytes.len()));
        cipher.apply(&mut bytes[..len]);
        if let Some(left) = left {
            *left -= len;
            if *left == 0 {
                self.cipher = None;
            }
        }
    }

    /// Whether all further bytes come as they are.
    pub fn is_clear(&self) -> bool {
        self.cipher.is_none()
    }
}

/// A handshake that both sides have ended.
#[derive(Debug)]
pub struct Agreed {
    /// How both go on after the handshake.
    pub method: Method,
    /// The direction in which we send: encrypted by this, or as it is.
    pub outgoing: Option<Rc4>,
    /// The direction in which bytes come.
    pub incoming: Incoming,
    /// Payload that came with the last bytes of the handshake, decrypted.
    pub early: Vec<u8>,
}

impl Agreed {
    /// `rest` is what came behind the handshake; of that, `introduction` bytes are encrypted whatever was agreed on.
    pub(crate) fn new(method: Method, outgoing: Rc4, incoming: Rc4, introduction: usize, mut rest: Vec<u8>) -> Self {
        let mut incoming = Incoming::new(incoming, introduction, method);
        incoming.apply(&mut rest);
        Self { method, outgoing: (method == Method::Rc4).then_some(outgoing), incoming, early: rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_the_clear_where_both_take_it() {
        let cases = [
            (Methods::Both, 3, Ok(Method::Clear)),
            (Methods::Both, 1, Ok(Method::Clear)),
            (Methods::Both, 2, Ok(Method::Rc4)),
        ];
        for (ours, offered, want) in cases {
            assert_eq!(ours.select(offered), want);
        }
        assert_eq!(Methods::Rc4Only.select(3), Ok(Method::Rc4));
        assert_eq!(Methods::Rc4Only.select(1), Err(Refused::Method));
        for offered in [0, 4, 0xffff_fffc] {
            assert_eq!(Methods::Both.select(offered), Err(Refused::Method));
        }
        assert_eq!(Methods::Both.select(0xffff_fff2), Ok(Method::Rc4), "bits of later versions are no fault");
    }

    #[test]
    fn one_bit_that_was_offered_is_a_choice() {
        assert_eq!(Methods::Both.selected(1), Ok(Method::Clear));
        assert_eq!(Methods::Both.selected(2), Ok(Method::Rc4));
        assert_eq!(Methods::Rc4Only.selected(2), Ok(Method::Rc4));
        for (ours, bits) in
            [(Methods::Rc4Only, 1), (Methods::Both, 0), (Methods::Both, 3), (Methods::Both, 4), (Methods::Both, 5)]
        {
            assert_eq!(ours.selected(bits), Err(Refused::Choice), "{ours:?} {bits}");
        }
    }
}
