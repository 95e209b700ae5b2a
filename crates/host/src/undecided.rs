//! A connection that has not said yet what it is (own design; MSE): a peer's, or one that speaks HTTP.
//!
//! The first bytes are looked at and left in the kernel, so that the part that gets the connection gets it whole. Where they are the key of an encrypted
//! handshake, that is led to its end here; the rest of the program sees a peer that begins as all do.
use core::net::SocketAddr;
use std::io::{self, Read, Write};
use teem_mse::{Agreed, Entropy, Req2, Responder, Skey};
use teem_swarm::remote::Encryption;

use crate::greeting;
use crate::link::Link;
use crate::opening::{DECIDING_LEN, Opening, opening};

/// Bytes of an encrypted handshake that are read at once.
const READ_LEN: usize = 2048;

/// A connection that has not said what it is.
pub(crate) struct Undecided {
    pub(crate) link: Link,
    pub(crate) addr: SocketAddr,
    /// It began with its key.
    mse: Option<Responder>,
    /// No more bytes will come.
    pub(crate) ended: bool,
    /// It waits in the list of those to be looked at.
    pub(crate) shown: bool,
}

/// What a look at its first bytes gave.
pub(crate) enum Look {
    /// Too few to tell.
    Wait,
    /// They need work that has to wait its turn.
    Later,
    /// It is a peer that speaks in the clear.
    Clear,
    /// It is a peer that has said how it wants to go on, and is to be answered so.
    Mse(Box<Agreed>, Vec<u8>),
    /// It speaks HTTP.
    Http,
    /// It has ended, or is nothing that is wanted here.
    Over,
}

impl Undecided {
    pub(crate) fn new(link: Link, addr: SocketAddr) -> Self {
        Self { link, addr, mse: None, ended: false, shown: false }
    }

    /// Looks at the bytes that have come. `entropy` is asked once where keys are to be computed and may put that off; `find` knows the
    /// torrents.
    pub(crate) fn look<'a>(
        &mut self,
        wanted: Encryption,
        entropy: impl FnOnce() -> Option<Entropy<'a>>,
        find: impl FnMut(&Req2) -> Option<Skey>,
    ) -> Look {
        if self.mse.is_none() {
            match self.peek(wanted) {
                None if self.ended => return Look::Over,
                None => return Look::Wait,
                Some(Err(_) | Ok(Opening::Unwanted)) => return Look::Over,
                Some(Ok(Opening::Clear)) => return Look::Clear,
                Some(Ok(Opening::Http)) => return Look::Http,
                Some(Ok(Opening::Mse)) => self.mse = Some(Responder::new(greeting::methods(wanted))),
            }
        }
        self.go_on(entropy, find).unwrap_or(Look::Over)
    }

    /// What opened it; `None` while too few bytes have come to tell.
    fn peek(&self, wanted: Encryption) -> Option<io::Result<Opening>> {
        let mut first = [0; DECIDING_LEN];
        loop {
            return match self.link.peek(&mut first) {
                Ok(0) => Some(Err(io::ErrorKind::UnexpectedEof.into())),
                Ok(len) => opening(&first[..len], wanted).map(Ok),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
                Err(error) => Some(Err(error)),
            };
        }
    }

    /// Leads the encrypted handshake on with what has come.
    fn go_on<'a>(
        &mut self,
        entropy: impl FnOnce() -> Option<Entropy<'a>>,
        mut find: impl FnMut(&Req2) -> Option<Skey>,
    ) -> io::Result<Look> {
        let Some(responder) = &mut self.mse else { return Ok(Look::Wait) };
        let (mut entropy, mut put_off) = (Some(entropy), false);
        let mut bytes = [0; READ_LEN];
        let mut out = Vec::new();
        // What was put off comes first: until it is done nothing more is taken in.
        let mut len = 0;
        loop {
            let draw = || {
                let drawn = entropy.take().and_then(|draw| draw());
                put_off = drawn.is_none();
                drawn
            };
            let agreed = responder.advance(&bytes[..len], draw, &mut find, &mut out).map_err(io::Error::other)?;
            if let Some(agreed) = agreed {
                return Ok(Look::Mse(agreed, out));
            }
            if !out.is_empty() {
                // The first bytes that are sent on a connection find room for them; one that has none is not worth keeping.
                self.link.write_all(&out)?;
                out.clear();
            }
            if put_off {
                return Ok(Look::Later);
            }
            len = loop {
                match self.link.read(&mut bytes) {
                    Ok(0) => return Ok(Look::Over),
                    Ok(len) => break len,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Look::Wait),
                    Err(error) => return Err(error),
                }
            };
        }
    }
}
