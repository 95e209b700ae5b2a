//! Connections that an embedder brings (own design): a channel of a browser, a tunnel, a pipe. What it carries is the peer protocol of BEP 3 as
//! over TCP; Teem is at one end, the embedder moves the bytes of the other.
use crate::client::Client;
use crate::status::Ended;
use crate::torrent::Torrent;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use teem_host::pair::{self, End};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The other end of a connection that was attached to a client: what is written into it Teem reads, and what Teem sends is read from
/// it. Copy it to and from whatever carries the bytes, with `tokio::io::copy_bidirectional` for instance. Dropping it
/// closes the connection.
#[derive(Debug)]
pub struct Link(End);

impl Client {
    /// Attaches a connection on which a peer comes to us: it says the first word, and which torrent it is for. Bans and limits by address do
    /// not touch it, since it has none; everything else is as over TCP.
    pub fn attach(&self) -> Result<Link, Ended> {
        let (ours, theirs) = pair::pair();
        self.host().attach(ours, None).map_err(|_| Ended::Removed)?;
        Ok(Link(theirs))
    }
}

impl Torrent {
    /// Attaches a connection that was made for this torrent, as if Teem had dialled: we say the first word.
    pub fn attach(&self) -> Result<Link, Ended> {
        let (ours, theirs) = pair::pair();
        self.host.attach(ours, Some(self.id())).map_err(|_| Ended::Removed)?;
        Ok(Link(theirs))
    }
}

impl AsyncRead for Link {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let room = buffer.initialize_unfilled();
        let len = std::task::ready!(self.get_mut().0.poll_read(cx, room))?;
        buffer.advance(len);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Link {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().0.poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().0.shut();
        Poll::Ready(Ok(()))
    }
}
