//! What becomes of a panic (own design): it is caught, put into words, and its thread knows whether it ends one torrent or one connection alone.
//!
//! A library must neither end the process of its owner nor set its panic hook. So faults are caught here at the few places where
//! something can be given up whole: one torrent's code ([`contain`]), what is served to one connection ([`contain_answer`], [`contained`]), a thread or a
//! task ([`catch`], [`caught`]). A program with a hook of its own asks [`ends`] in it: if nothing, the part that panicked is not coming back.
//!
//! Invariant: what was being changed when a panic came is not looked at again, or is made whole first, by those who call this.
#![forbid(unsafe_code)]
use std::any::Any;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// What a panic ends alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ends {
    /// What is done for one torrent: it is given up whole, and the others go on.
    Torrent,
    /// One connection, or the answer to one packet: what they share with others is left whole by each change.
    Connection,
}

thread_local! {
    static ENDS: Cell<Option<Ends>> = const { Cell::new(None) };
}

/// What a panic on this thread, at this moment, ends alone; `None` when it is more. For panic hooks.
pub fn ends() -> Option<Ends> {
    ENDS.try_with(Cell::get).unwrap_or(None)
}

/// Does this work; when it panics, what the panic said. What it had under its hands is lost.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| words(&*payload))
}

/// The same, where only one torrent is lost.
pub fn contain<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    within(Ends::Torrent, work)
}

/// The same, where only the answer to one packet is lost.
pub fn contain_answer<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    within(Ends::Connection, work)
}

fn within<T>(ends: Ends, work: impl FnOnce() -> T) -> Result<T, String> {
    let before = ENDS.replace(Some(ends));
    let done = catch(work);
    ENDS.set(before);
    done
}

/// A future that does not take its task with it: what it gives, or what its panic said.
pub async fn caught<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch(|| future.as_mut().poll(cx)) {
        Ok(poll) => poll.map(Ok),
        Err(why) => Poll::Ready(Err(why)),
    })
    .await
}

/// A future that serves one connection, and ends that alone: what it gives, or what its panic said.
pub async fn contained<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    poll_fn(|cx| match within(Ends::Connection, || future.as_mut().poll(cx)) {
        Ok(poll) => poll.map(Ok),
        Err(why) => Poll::Ready(Err(why)),
    })
    .await
}

/// What a panic said.
pub fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without words").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_sentence_and_the_thread_goes_on() {
        assert_eq!(catch(|| 1), Ok(1));
        assert_eq!(catch(|| panic!("plain")), Err::<(), _>("plain".to_owned()));
        assert_eq!(catch(|| panic!("number {}", 7)), Err::<(), _>("number 7".to_owned()));
        assert_eq!(catch(|| std::panic::panic_any(7)), Err::<(), _>("a panic without words".to_owned()));
    }

    #[test]
    fn only_what_is_contained_says_so_also_when_one_is_inside_the_other() {
        assert_eq!(ends(), None);
        let inside = contain(|| {
            assert_eq!(contain_answer(|| panic!("x")), Err::<(), _>("x".to_owned()));
            ends()
        });
        assert_eq!((inside, ends()), (Ok(Some(Ends::Torrent)), None));
    }

    #[test]
    fn a_future_that_panics_ends_with_a_sentence() {
        let mut future = pin!(caught(async { panic!("in a task") }));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert_eq!(future.as_mut().poll(&mut cx), Poll::Ready(Err::<(), _>("in a task".to_owned())));
        let mut future = pin!(contained(async { ends() }));
        assert_eq!(future.as_mut().poll(&mut cx), Poll::Ready(Ok(Some(Ends::Connection))));
    }
}
