//! Answers that go on (own design; server-sent events of the HTML standard are one use): a body whose end is not known, written piece by piece.
//!
//! Whoever writes never waits for a reader: what does not fit between both ends the stream, and with it costs nobody but that reader.
use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame};
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc;

/// Pieces that wait for one reader, beside the one that is being sent and what the system holds for it.
const WAITING_MAX: usize = 16;
/// Bytes of these, the last piece left out: 32 such readers hold 64 MiB and no more.
const WAITING_BYTES: usize = 2 << 20;

/// The writing end of a stream; it ends when this is dropped.
#[derive(Clone, Debug)]
pub struct Feed {
    pieces: mpsc::Sender<Bytes>,
    /// Bytes that wait.
    waiting: Arc<AtomicUsize>,
}

/// Why a stream has ended for its writer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FeedEnd {
    /// Its reader has gone.
    Gone,
    /// Its reader does not take what it asked for.
    Slow,
}

impl fmt::Display for FeedEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gone => "the reader has gone",
            Self::Slow => "the reader does not take what it asked for",
        })
    }
}

impl std::error::Error for FeedEnd {}

/// Both ends of a stream.
pub fn feed() -> (Feed, Body) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let waiting = Arc::<AtomicUsize>::default();
    (Feed { pieces: sender, waiting: waiting.clone() }, Body::new(Fed { pieces: receiver, waiting }))
}

impl Feed {
    /// Hands a piece over, without waiting. After an error the stream is to be let go.
    pub fn send(&self, piece: impl Into<Bytes>) -> Result<(), FeedEnd> {
        let piece = piece.into();
        if self.waiting.load(Ordering::Relaxed) > WAITING_BYTES {
            return Err(FeedEnd::Slow);
        }
        self.waiting.fetch_add(piece.len(), Ordering::Relaxed);
        self.pieces.try_send(piece).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => FeedEnd::Slow,
            mpsc::error::TrySendError::Closed(_) => FeedEnd::Gone,
        })
    }

    /// Waits until the reader has gone.
    pub async fn gone(&self) {
        self.pieces.closed().await;
    }
}

struct Fed {
    pieces: mpsc::Receiver<Bytes>,
    waiting: Arc<AtomicUsize>,
}

impl HttpBody for Fed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = ready!(self.pieces.poll_recv(cx));
        self.waiting.fetch_sub(piece.as_ref().map_or(0, Bytes::len), Ordering::Relaxed);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn what_is_written_is_read_until_the_writer_lets_go() {
        let (feed, body) = feed();
        feed.send("one ").unwrap();
        feed.send("two").unwrap();
        drop(feed);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "one two");
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_ends_its_stream_and_one_that_goes_is_noticed() {
        let (slow, body) = feed();
        let sent = (0..).find_map(|n| slow.send("piece").err().map(|end| (n, end)));
        assert_eq!(sent, Some((WAITING_MAX, FeedEnd::Slow)));
        let (large, other) = feed();
        let sent = (0..).find_map(|n| large.send(vec![0; WAITING_BYTES / 2]).err().map(|end| (n, end)));
        assert_eq!(sent, Some((3, FeedEnd::Slow)), "large ones sooner");
        drop(other);
        drop(body);
        slow.gone().await;
        assert_eq!(slow.send("more"), Err(FeedEnd::Gone));
    }
}
