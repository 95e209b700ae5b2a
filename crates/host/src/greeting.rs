//! A dial that begins with the key of an encrypted handshake, until the other side has shown its own (own design; MSE).
use std::io::{self, Read, Write};
use teem_mse::{Initiator, Methods, Progress, Skey};
use teem_swarm::remote::Encryption;

use crate::entropy::{Fill, NO_PAD, draw};
use crate::link::Link;

/// Bytes that are read at once: no more may come than a key and its padding.
const READ_LEN: usize = 1024;

/// The methods that go with what the owner wants.
pub(crate) fn methods(wanted: Encryption) -> Methods {
    match wanted {
        Encryption::Require => Methods::Rc4Only,
        Encryption::Allow | Encryption::Prefer | Encryption::Off => Methods::Both,
    }
}

/// Our key has gone out.
pub(crate) struct Greeting(Initiator);

impl Greeting {
    /// Sends our key on a connection that stands.
    pub(crate) fn begin(link: &mut Link, skey: Skey, wanted: Encryption, fill: Fill) -> io::Result<Self> {
        let (mut pad, mut out) = (NO_PAD, Vec::new());
        let initiator = Initiator::new(skey, methods(wanted), &draw(fill, &mut pad), &mut out);
        // The first bytes that are sent on a connection find room for them.
        link.write_all(&out)?;
        Ok(Self(initiator))
    }

    /// Looks at what has come; whether the other's key is among it. An end is an error.
    pub(crate) fn look(&mut self, link: &mut Link) -> io::Result<bool> {
        let mut bytes = [0; READ_LEN];
        loop {
            let len = match link.read(&mut bytes) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            };
            if let Progress::Introduce = self.0.advance(&bytes[..len]).map_err(io::Error::other)? {
                return Ok(true);
            }
        }
    }

    /// What goes on with the handshake.
    pub(crate) fn into_initiator(self) -> Initiator {
        self.0
    }
}
