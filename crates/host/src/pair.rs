//! A connection in memory with two ends (own design): one is attached to the host as a link, the other is filled and emptied by
//! somebody else (a transport that an embedder brings, a test).
//!
//! Each direction holds a bounded number of bytes. An end that finds nothing to read, or no room, leaves its waker and is woken once.
//! Invariant: an end that was offered less than it asked for has left its waker, so that a short read or write may be taken for the end of
//! what there is, as with a socket.
use core::fmt;
use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that one direction holds: as many as the host reads at a time.
const WAY_LEN: usize = 256 * 1024;

/// What one side has written and the other has not read.
#[derive(Default)]
struct Way {
    bytes: VecDeque<u8>,
    /// Nothing more will be written.
    ended: bool,
    /// Nobody reads any more.
    deaf: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Way {
    fn wake(waker: &mut Option<Waker>) {
        if let Some(waker) = waker.take() {
            waker.wake();
        }
    }
}

/// One end of a connection in memory. Dropping it closes both directions.
pub struct End {
    reads: Arc<Mutex<Way>>,
    writes: Arc<Mutex<Way>>,
}

/// A connection: what is written into one end is read from the other.
pub fn pair() -> (End, End) {
    let ways = [(); 2].map(|()| Arc::new(Mutex::new(Way::default())));
    let [there, back] = ways;
    (End { reads: Arc::clone(&back), writes: Arc::clone(&there) }, End { reads: there, writes: back })
}

fn lock(way: &Mutex<Way>) -> MutexGuard<'_, Way> {
    // Nothing under this lock can leave a direction half changed.
    way.lock().unwrap_or_else(PoisonError::into_inner)
}

impl End {
    /// Reads into `buffer`; 0 bytes are the end of what the other side writes.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut way = lock(&self.reads);
        let mut len = 0;
        // The bytes of a ring lie in two runs at most.
        for _ in 0..2 {
            let run = way.bytes.as_slices().0;
            let part = run.len().min(buffer.len() - len);
            buffer[len..len + part].copy_from_slice(&run[..part]);
            way.bytes.drain(..part);
            len += part;
        }
        if len > 0 {
            Way::wake(&mut way.writer);
        }
        if len < buffer.len() {
            way.reader = Some(cx.waker().clone());
            if len > 0 && way.ended {
                // The end of the stream is still to be read.
                Way::wake(&mut way.reader);
            }
        }
        if len > 0 || way.ended || buffer.is_empty() { Poll::Ready(Ok(len)) } else { Poll::Pending }
    }

    /// Writes what there is room for of `slices`, in their order.
    pub fn poll_write_vectored(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut way = lock(&self.writes);
        if way.deaf || way.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let (mut len, mut asked) = (0, 0);
        for slice in slices {
            asked += slice.len();
            let part = slice.len().min(WAY_LEN - way.bytes.len());
            way.bytes.extend(&slice[..part]);
            len += part;
        }
        if len > 0 {
            Way::wake(&mut way.reader);
        }
        if len < asked {
            way.writer = Some(cx.waker().clone());
        }
        if len > 0 || asked == 0 { Poll::Ready(Ok(len)) } else { Poll::Pending }
    }

    /// Ends what this side writes; it may still read.
    pub fn shut(&mut self) {
        let mut way = lock(&self.writes);
        way.ended = true;
        Way::wake(&mut way.reader);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.shut();
        let mut way = lock(&self.reads);
        (way.deaf, way.bytes) = (true, VecDeque::new());
        Way::wake(&mut way.writer);
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("End")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn write(end: &mut End, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<usize> {
        end.poll_write_vectored(cx, &[IoSlice::new(bytes)]).map(Result::unwrap)
    }

    fn read(end: &mut End, cx: &mut Context<'_>, len: usize) -> Poll<Vec<u8>> {
        let mut buffer = vec![0; len];
        end.poll_read(cx, &mut buffer).map(|got| buffer[..got.unwrap()].to_vec())
    }

    #[test]
    fn bytes_come_in_order_and_whoever_waits_is_woken_once() {
        let (mut here, mut there) = pair();
        let woken = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&woken));
        let cx = &mut Context::from_waker(&waker);
        assert_eq!(read(&mut there, cx, 4), Poll::Pending);
        assert_eq!(write(&mut here, cx, b"abc"), Poll::Ready(3));
        assert_eq!(write(&mut here, cx, b"def"), Poll::Ready(3));
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert_eq!(read(&mut there, cx, 4), Poll::Ready(b"abcd".to_vec()));
        assert_eq!(read(&mut there, cx, 4), Poll::Ready(b"ef".to_vec()), "a short read has left the waker");
        assert_eq!(write(&mut here, cx, b"g"), Poll::Ready(1));
        assert_eq!(woken.0.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_full_way_takes_what_fits_and_wakes_when_there_is_room() {
        let (mut here, mut there) = pair();
        let woken = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&woken));
        let cx = &mut Context::from_waker(&waker);
        assert_eq!(write(&mut here, cx, &vec![7; WAY_LEN + 1]), Poll::Ready(WAY_LEN));
        assert_eq!(write(&mut here, cx, b"x"), Poll::Pending);
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        assert_eq!(read(&mut there, cx, 10), Poll::Ready(vec![7; 10]));
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert_eq!(write(&mut here, cx, &[8; 11]), Poll::Ready(10));
    }

    #[test]
    fn an_end_that_is_gone_ends_both_directions_and_what_was_written_is_still_read() {
        let (mut here, mut there) = pair();
        let woken = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&woken));
        let cx = &mut Context::from_waker(&waker);
        assert_eq!(write(&mut here, cx, b"bye"), Poll::Ready(3));
        drop(here);
        assert_eq!(read(&mut there, cx, 9), Poll::Ready(b"bye".to_vec()));
        assert_eq!(woken.0.load(Ordering::Relaxed), 1, "the end is still to be read");
        assert_eq!(read(&mut there, cx, 9), Poll::Ready(Vec::new()));
        let broken = there.poll_write_vectored(cx, &[IoSlice::new(b"x")]);
        assert!(matches!(broken, Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe));
    }
}
