//! A connection that has not said yet what it is (own design): a peer's, or one that speaks HTTP.
//!
//! The first bytes are looked at and left in the kernel, so that the part that gets the connection gets it whole.
use core::net::SocketAddr;
use mio::net::TcpStream;
use std::io;

use crate::opening::{DECIDING_LEN, Opening, opening};

/// A connection that has not said what it is.
pub(crate) struct Undecided {
    pub(crate) stream: TcpStream,
    pub(crate) addr: SocketAddr,
}

/// What a look at its first bytes gave.
pub(crate) enum Look {
    /// Too few to tell.
    Wait,
    /// The first bytes tell what opened it.
    Is(Opening),
    /// It ended before they could.
    Over,
}

impl Undecided {
    /// Looks at the bytes that have come; `ended` says that no more will.
    pub(crate) fn look(&self, ended: bool) -> Look {
        let mut first = [0; DECIDING_LEN];
        loop {
            return match self.stream.peek(&mut first) {
                Ok(0) => Look::Over,
                Ok(len) => match opening(&first[..len]) {
                    Some(opening) => Look::Is(opening),
                    None if ended => Look::Over,
                    None => Look::Wait,
                },
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Look::Wait,
                Err(_) => Look::Over,
            };
        }
    }
}
