//! Answers that go on (own design; server-sent events of the HTML standard are one use): a body whose end is not known, written piece by piece.
//!
//! Whoever writes never waits for a reader: what does not fit between both ends the stream, and with it costs nobody but that reader.
use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame};
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Pieces that wait for one reader, beside what the system holds for it.
const WAITING_MAX: usize = 16;

/// The writing end of a stream; it ends when this is dropped.
#[derive(Clone, Debug)]
pub struct Feed(mpsc::Sender<Bytes>);

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
    (Feed(sender), Body::new(Fed(receiver)))
}

impl Feed {
    /// Hands a piece over, without waiting. After an error the stream is to be let go.
    pub fn send(&self, piece: impl Into<Bytes>) -> Result<(), FeedEnd> {
        self.0.try_send(piece.into()).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => FeedEnd::Slow,
            mpsc::error::TrySendError::Closed(_) => FeedEnd::Gone,
        })
    }

    /// Waits until the reader has gone.
    pub async fn gone(&self) {
        self.0.closed().await;
    }
}

struct Fed(mpsc::Receiver<Bytes>);

impl HttpBody for Fed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
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
        drop(body);
        slow.gone().await;
        assert_eq!(slow.send("more"), Err(FeedEnd::Gone));
    }
}
