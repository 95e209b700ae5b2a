//! Bodies (RFC 9112, section 6): those of requests end at a limit and a deadline, those of answers may be read while they are sent.
use crate::limits::Limits;
use crate::timer::Timer;
use axum::body::{Body, Bytes};
use http_body_util::Limited;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

/// Bytes that are read at a time: few system calls, and all that an answer holds beside hyper's own buffer.
const CHUNK_BYTES: usize = 64 << 10;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request's body within its bounds.
pub(crate) fn of_request<B>(body: B, limits: &Limits) -> Body
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    if body.is_end_stream() {
        return Body::empty();
    }
    let until = Instant::now() + limits.body;
    Body::new(Timely { body: Limited::new(body, limits.body_bytes), until, timer: Timer::default() })
}

struct Timely<B> {
    body: B,
    until: Instant,
    timer: Timer,
}

impl<B: HttpBody<Data = Bytes, Error = BoxError> + Unpin> HttpBody for Timely<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let until = self.until;
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending if self.timer.passed(cx, until) => {
                Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::TimedOut).into())))
            }
            outcome => outcome,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The next `length` bytes of a reader as a body. They are read as the client takes them, never more than 64 KiB ahead. A reader that ends
/// sooner or fails ends the connection, so that the client sees that something is missing.
pub fn from_reader(reader: impl AsyncRead + Send + 'static, length: u64) -> Body {
    Body::new(Streamed { reader: Box::pin(reader), left: length, chunk: Vec::new() })
}

struct Streamed {
    reader: Pin<Box<dyn AsyncRead + Send>>,
    /// Bytes still to come.
    left: u64,
    /// Room to read into, made when it is first needed.
    chunk: Vec<u8>,
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Self { reader, left, chunk } = &mut *self;
        if *left == 0 {
            return Poll::Ready(None);
        }
        let room = usize::try_from(*left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        if chunk.len() < room {
            chunk.resize(room, 0);
        }
        let mut buffer = ReadBuf::new(&mut chunk[..room]);
        ready!(reader.as_mut().poll_read(cx, &mut buffer))?;
        let read = buffer.filled();
        if read.is_empty() {
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        }
        *left -= read.len() as u64;
        // A copy has the size of what was read; small reads don't keep whole chunks waiting.
        Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(read)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
