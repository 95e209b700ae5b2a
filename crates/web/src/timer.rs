//! A deadline that often moves (own design): the runtime is told only when it must be sooner or when it has passed.
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is made when it is first waited for.
#[derive(Debug, Default)]
pub(crate) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Whether that moment has come; if not, the task is woken when it does, or sooner.
    pub(crate) fn passed(&mut self, cx: &mut Context<'_>, at: Instant) -> bool {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() > at {
            sleep.as_mut().reset(at);
        }
        while let Poll::Ready(()) = sleep.as_mut().poll(cx) {
            if at <= Instant::now() {
                return true;
            }
            sleep.as_mut().reset(at);
        }
        false
    }
}
