//! A port that somebody else holds (own design): he accepts and receives, sorts out what is not for us, and sends what we answer.
//!
//! Peers, tracker and page share one number that way. Both queues are bounded by who makes them: what does not fit in is as good as lost
//! on the way.
use super::crowd::Crowd;
use super::shared::Shared;
use super::{http, shared};
use crate::udp;
use std::boxed::Box;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::vec::Vec;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// A UDP packet with both its ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Datagram {
    /// The other side.
    pub remote: SocketAddr,
    /// The address and port of ours; the address is unspecified when it is not known.
    pub local: SocketAddr,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Sends an answer from its `local` to its `remote`; must not block.
pub type Answering = Box<dyn Fn(Datagram) + Send>;

/// What the holder of the port lends us.
pub struct Lent {
    /// Connections that begin with an HTTP request of which nothing has been read; they do not block.
    pub streams: mpsc::Receiver<TcpStream>,
    /// Questions to the tracker.
    pub questions: mpsc::Receiver<Datagram>,
    /// The way back.
    pub answer: Answering,
}

/// Serves the connections until the holder closes the queue.
pub(super) async fn serve(mut streams: mpsc::Receiver<TcpStream>, shared: Shared, crowd: Arc<Crowd>) {
    let mut connections = JoinSet::new();
    while let Some(stream) = streams.recv().await {
        // One whose other end is gone already has no address.
        if let Ok(from) = stream.peer_addr()
            && let Ok(stream) = tokio::net::TcpStream::from_std(stream)
        {
            http::accepted(&mut connections, stream, from, &shared, &crowd);
        }
    }
}

/// Answers the questions until the holder closes the queue.
pub(super) async fn answer(mut questions: mpsc::Receiver<Datagram>, answer: Answering, shared: Shared) {
    while let Some(Datagram { remote, local, bytes }) = questions.recv().await {
        let (from, to) = (shared::canonical(remote), shared::canonical(local));
        let bytes = shared.ask(|tracker, now| udp::handle(tracker, now, from, to, &bytes));
        if let Some(bytes) = bytes {
            answer(Datagram { remote, local, bytes });
        }
    }
}
