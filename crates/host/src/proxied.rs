//! A dial that leads through a proxy, until the proxy has connected it (own design; RFC 1928, 1929; RFC 9110, section 9.3.6).
use std::io::{self, Read, Write};
use teem_engine::input::DialError;
use teem_path::opener::{OpenError, Opener};

use crate::link::Link;

/// Bytes that a proxy's answer has at most at a time.
const READ_LEN: usize = 512;

/// What is said to the proxy about one connection.
pub(crate) struct Proxied {
    opener: Opener,
    /// What is to be sent next.
    out: Vec<u8>,
}

impl Proxied {
    pub(crate) fn new(opener: Opener, out: Vec<u8>) -> Self {
        Self { opener, out }
    }

    /// What was said so far.
    pub(crate) fn opener(&self) -> &Opener {
        &self.opener
    }

    /// Goes on with what has come; whether the connection is the peer's from here on. No byte of the peer's is read.
    pub(crate) fn look(&mut self, link: &mut Link) -> Result<bool, OpenError> {
        let mut bytes = [0; READ_LEN];
        loop {
            // These few bytes find room on a connection that nothing was sent on.
            if !self.out.is_empty() {
                link.write_all(&self.out).map_err(|_| OpenError::Failed)?;
                self.out.clear();
            }
            let wants = self.opener.wants().min(READ_LEN);
            if wants == 0 {
                return Ok(true);
            }
            match link.read(&mut bytes[..wants]) {
                Ok(0) => return Err(OpenError::Failed),
                Ok(len) => _ = self.opener.advance(&bytes[..len], &mut self.out)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(_) => return Err(OpenError::Failed),
            }
        }
    }
}

/// What a dial has come to by the proxy's word.
pub(crate) fn why(error: OpenError) -> DialError {
    if error == OpenError::Refused { DialError::Refused } else { DialError::Unreachable }
}
