//! What a connection's bytes travel over, and what they pass through on the way (own design).
//!
//! A [`Channel`] is a [`Link`] with a [`Layer`] on it: the link moves bytes to the other end and says when it can move more, the layer
//! changes them between the protocol and the link. Both are enums, so that the hot path calls nothing through a pointer.
//!
//! Readiness belongs to the link: a socket is in the poll under the slot of its connection, a [`Pair`](Link::Pair) leaves a waker that puts
//! the connection's name into the host's mailbox. Either is edge-triggered: a read or write that moved less than asked has emptied
//! or filled the link, and it speaks again when that has changed.
//!
//! What [`Channel::write_vectored`](io::Write::write_vectored) takes has left our control and counts as sent.
use core::net::SocketAddr;
use core::task::{Context, Poll, Waker};
use mio::net::TcpStream;
use socket2::SockRef;
use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::task::Wake;
use teem_swarm::ids::ConnId;
use teem_swarm::remote::{Encrypted, Transport, Via};

use crate::carrier::UtpEnd;
use crate::layer::{Came, Layer};
use crate::mailbox::Mailbox;
use crate::pair::End;
use crate::sockopt;

/// What bytes travel over.
pub(crate) enum Link {
    /// A TCP connection.
    Tcp(TcpStream),
    /// A uTP connection.
    Utp(UtpEnd),
    /// One end of a connection in memory, with what wakes the host for it.
    Pair(End, Waker),
}

/// A link with its layer.
pub(crate) struct Channel {
    link: Link,
    layer: Layer,
    /// It began with an encrypted handshake.
    began_mse: bool,
}

impl Channel {
    pub(crate) fn new(link: Link, layer: Layer) -> Self {
        let began_mse = matches!(layer, Layer::Mse(_));
        Self { link, layer, began_mse }
    }

    /// Whether it leads out of this machine over a socket of ours.
    pub(crate) fn is_socket(&self) -> bool {
        !matches!(self.link, Link::Pair(..))
    }

    /// Our end's address, where the link has one.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        self.link.local()
    }

    /// Ends what we send; the other side may go on.
    pub(crate) fn shut(&mut self) -> io::Result<()> {
        match &mut self.link {
            Link::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Link::Utp(end) => {
                end.shut();
                Ok(())
            }
            Link::Pair(end, _) => {
                end.shut();
                Ok(())
            }
        }
    }

    /// Reads what is there, at most a buffer full. No bytes are the end of the stream.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Came> {
        match &mut self.layer {
            Layer::Plain => {
                let len = self.link.read(buffer)?;
                Ok(Came { len, emptied: len < buffer.len() })
            }
            Layer::Mse(mse) => {
                let came = mse.read(&mut self.link, buffer)?;
                if mse.is_clear() {
                    self.layer = Layer::Plain;
                }
                Ok(came)
            }
        }
    }

    /// What bytes say that came over the link and lie elsewhere; `None` where they have to be read. `room` is for what has to be decrypted.
    pub(crate) fn pass<'a>(&mut self, bytes: &'a [u8], room: &'a mut [u8]) -> Option<&'a [u8]> {
        match &mut self.layer {
            Layer::Plain => Some(bytes),
            Layer::Mse(mse) => {
                let passed = mse.pass(bytes, room)?;
                if mse.is_clear() {
                    self.layer = Layer::Plain;
                }
                Some(passed)
            }
        }
    }

    /// Whether bytes that count as sent wait for the link.
    pub(crate) fn holds(&self) -> bool {
        matches!(&self.layer, Layer::Mse(mse) if mse.holds())
    }

    /// Gives the link what waits for it; whether that is all.
    pub(crate) fn flush_held(&mut self) -> io::Result<bool> {
        match &mut self.layer {
            Layer::Plain => Ok(true),
            Layer::Mse(mse) => mse.flush(&mut self.link),
        }
    }

    /// How the other side's words come.
    pub(crate) fn via(&self) -> Via {
        let transport = if let Link::Pair(..) = self.link { None } else { Some(self.link.transport()) };
        let encrypted = match &self.layer {
            Layer::Mse(mse) if mse.encrypts() => Encrypted::Everything,
            _ if self.began_mse => Encrypted::Handshake,
            _ => Encrypted::Nothing,
        };
        Via { transport, encrypted }
    }

    /// Whether the other side has to speak before we can.
    pub(crate) fn must_listen(&self) -> bool {
        matches!(&self.layer, Layer::Mse(mse) if !mse.is_open())
    }

    /// Bounds (or no longer bounds) what waits unsent in the kernel; a pair is bounded by itself.
    pub(crate) fn limit_unsent(&self, limited: bool) {
        self.link.limit_unsent(limited);
    }
}

impl Link {
    /// What it travels over; a pair counts as a connection of the system's.
    pub(crate) fn transport(&self) -> Transport {
        match self {
            Self::Tcp(_) | Self::Pair(..) => Transport::Tcp,
            Self::Utp(_) => Transport::Utp,
        }
    }

    /// Our end's address, where the link has one.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            Self::Utp(_) | Self::Pair(..) => None,
        }
    }

    /// Bounds (or no longer bounds) what waits unsent in the kernel; the others are bounded by themselves.
    pub(crate) fn limit_unsent(&self, limited: bool) {
        if let Self::Tcp(stream) = self {
            sockopt::limit_unsent(&SockRef::from(stream), limited);
        }
    }

    /// Looks at what can be read. Nobody asks that of a pair.
    pub(crate) fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.peek(buffer),
            Self::Utp(end) => end.peek(buffer),
            Self::Pair(..) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match &mut self.layer {
            Layer::Plain => self.link.write_vectored(slices),
            Layer::Mse(mse) => mse.write(&mut self.link, slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Utp(end) => end.read(buffer),
            Self::Pair(end, waker) => at_once(end.poll_read(&mut Context::from_waker(waker), buffer)),
        }
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write_vectored(slices),
            Self::Utp(end) => end.write_vectored(slices),
            Self::Pair(end, waker) => at_once(end.poll_write_vectored(&mut Context::from_waker(waker), slices)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn at_once(outcome: Poll<io::Result<usize>>) -> io::Result<usize> {
    match outcome {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// Puts a connection's name where the host looks, and wakes it.
pub(crate) struct LinkWaker {
    pub(crate) conn: ConnId,
    pub(crate) mailbox: Arc<Mailbox>,
}

impl Wake for LinkWaker {
    fn wake(self: Arc<Self>) {
        self.mailbox.wake_link(self.conn);
    }
}
