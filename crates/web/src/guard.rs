//! The deadlines of a connection, held where its bytes pass (own design).
//!
//! A connection is in one of three phases: a request's head is awaited, a request is being answered, or nothing is asked. The first and
//! the last have a deadline for what comes in; what goes out must move in every phase. A deadline that passes is an error of the
//! stream, so that whatever reads or writes it ends. Here too hyper's answers to what is no request get their words, since they pass no route.
use crate::crowd::Place;
use crate::limits::Limits;
use crate::refusal::{HTTP_2, LATE, NO_HTTP_2, worded};
use crate::timer::Timer;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// What a connection is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Phase {
    /// A request's head is awaited or has begun.
    Head,
    /// A request is being answered.
    Answer,
    /// All is answered and nothing is asked.
    Idle,
}

/// The phase, shared by the stream and what answers; both are one task.
#[derive(Clone, Debug)]
pub(crate) struct PhaseCell(Arc<AtomicU8>);

impl PhaseCell {
    /// A connection that has just come.
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU8::new(Phase::Head as u8)))
    }

    /// From now on.
    pub(crate) fn set(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Relaxed);
    }

    fn get(&self) -> Phase {
        match self.0.load(Ordering::Relaxed) {
            0 => Phase::Head,
            1 => Phase::Answer,
            _ => Phase::Idle,
        }
    }
}

/// A stream with deadlines, and the place that its connection has.
#[derive(Debug)]
pub(crate) struct Guarded<S> {
    stream: S,
    place: Place,
    limits: Limits,
    phase: PhaseCell,
    /// Since when the head is awaited.
    head_since: Instant,
    /// Whether anything has come in yet.
    heard: bool,
    idle_since: Option<Instant>,
    reading: Timer,
    /// While what is to be sent does not fit: since when, and how much has fitted since then.
    waiting: Option<(Instant, usize)>,
    writing: Timer,
    /// Whether nothing was written since all had left: what is written next is the beginning of an answer.
    flushed: bool,
    /// What still has to go out in place of an answer of hyper's, and how many bytes that has.
    refusal: Option<(Vec<u8>, usize)>,
}

impl<S> Guarded<S> {
    /// A connection that begins now.
    pub(crate) fn new(stream: S, place: Place, limits: Limits, phase: PhaseCell) -> Self {
        Self {
            stream,
            place,
            limits,
            phase,
            head_since: Instant::now(),
            heard: false,
            idle_since: None,
            reading: Timer::default(),
            waiting: None,
            writing: Timer::default(),
            flushed: true,
            refusal: None,
        }
    }

    /// Something has come in.
    fn hears(&mut self) {
        self.heard = true;
        if self.phase.get() == Phase::Idle {
            self.phase.set(Phase::Head);
            self.head_since = Instant::now();
            self.idle_since = None;
            self.place.busy();
        }
    }

    /// Nothing comes in at this moment: whether that has lasted too long.
    fn listens_too_long(&mut self, cx: &mut Context<'_>) -> bool {
        let until = match self.phase.get() {
            Phase::Answer => return false,
            Phase::Head => self.head_since + self.limits.head,
            // The rest of an answer is still on its way out, and has a deadline of its own.
            Phase::Idle if self.waiting.is_some() => return false,
            Phase::Idle => {
                self.place.idle();
                *self.idle_since.get_or_insert_with(Instant::now) + self.limits.idle
            }
        };
        self.reading.passed(cx, until)
    }

    /// What came of writing: bytes that fitted, or nothing for too long.
    fn wrote(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match outcome {
            Poll::Ready(Ok(bytes)) => {
                if let Some((_, fitted)) = &mut self.waiting {
                    *fitted += bytes;
                }
                self.place.moved(bytes);
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.place.busy();
                self.place.stuck();
                let (since, fitted) = *self.waiting.get_or_insert_with(|| (Instant::now(), 0));
                if !self.writing.passed(cx, since + self.limits.stall) {
                    return Poll::Pending;
                }
                if fitted < self.limits.progress_bytes {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
                let now = Instant::now();
                self.waiting = Some((now, 0));
                // It wakes the task for the time that begins now.
                self.writing.passed(cx, now + self.limits.stall);
                Poll::Pending
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> Guarded<S> {
    /// Writes as much as fits at once: nothing is worth waiting for when a connection ends for what its client did.
    fn last_word(&mut self, cx: &mut Context<'_>, text: &[u8]) {
        let _ = Pin::new(&mut self.stream).poll_write(cx, text);
    }

    /// Writes what stands for an answer of hyper's; that counts as written when it is out whole.
    fn refuse(&mut self, cx: &mut Context<'_>) -> Option<Poll<io::Result<usize>>> {
        let (mut text, stands_for) = self.refusal.take()?;
        while !text.is_empty() {
            let outcome = Pin::new(&mut self.stream).poll_write(cx, &text);
            match self.wrote(cx, outcome) {
                Poll::Ready(Ok(0)) => return Some(Poll::Ready(Err(io::ErrorKind::WriteZero.into()))),
                Poll::Ready(Ok(bytes)) => drop(text.drain(..bytes)),
                Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(error))),
                Poll::Pending => {
                    self.refusal = Some((text, stands_for));
                    return Some(Poll::Pending);
                }
            }
        }
        Some(Poll::Ready(Ok(stands_for)))
    }

    /// Before something is written: whether it is an answer without words, and what then came of writing the one with words.
    fn refuses(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Option<Poll<io::Result<usize>>> {
        if std::mem::take(&mut self.flushed) && self.phase.get() != Phase::Answer {
            self.refusal = worded(bytes).map(|text| (text, bytes.len()));
        }
        self.refuse(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => {
                if !self.heard && buffer.filled()[before..].starts_with(HTTP_2) {
                    self.last_word(cx, NO_HTTP_2);
                }
                self.hears();
                self.place.moved(buffer.filled().len() - before);
                Poll::Ready(Ok(()))
            }
            Poll::Pending if self.listens_too_long(cx) => {
                if self.heard && self.phase.get() == Phase::Head {
                    self.last_word(cx, LATE);
                }
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            outcome => outcome,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(outcome) = self.refuses(cx, bytes) {
            return outcome;
        }
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(outcome) = self.refuses(cx, slices.first().map_or(&[], |slice| slice)) {
            return outcome;
        }
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        // Everything has fitted.
        (self.waiting, self.flushed) = (None, true);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
