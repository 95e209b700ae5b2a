//! Answers on their way to the engine's thread (own design). Bounded by credits: a job that is answered by one message
//! of its own takes a credit when it is accepted and gives it back when its answer is fetched; pieces are bounded by the
//! pool, checks wait while the box is full. One wake per batch: the box rings only when it was empty.
use crate::pool::Block;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use teem_swarm::job::Done;

/// Answers that may be outstanding or unfetched; more than one peer's `reqq` (2,000) so that several are served at once.
pub(crate) const CREDITS: usize = 4096;

type Wake = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct State {
    answers: Vec<Answer>,
    credits_out: usize,
    rung: bool,
    wake: Option<Wake>,
    /// What the panic said that ended a worker.
    fault: Option<String>,
}

struct Answer {
    done: Done<Block>,
    credit: bool,
}

/// Answers of the workers that the engine's thread has not fetched yet.
#[derive(Default)]
pub(crate) struct Mailbox(Mutex<State>);

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Credits that may still be taken.
    pub(crate) fn credits(&self) -> usize {
        CREDITS.saturating_sub(self.lock().credits_out)
    }

    pub(crate) fn take_credits(&self, n: usize) {
        self.lock().credits_out += n;
    }

    /// Whether answers that take no credit should wait.
    pub(crate) fn is_full(&self) -> bool {
        self.lock().answers.len() >= CREDITS
    }

    /// Answers jobs that took a credit each.
    pub(crate) fn answer(&self, batch: impl IntoIterator<Item = Done<Block>>) {
        self.put(batch.into_iter().map(|done| Answer { done, credit: true }));
    }

    /// Tells what took no credit: pieces, checks, trouble.
    pub(crate) fn tell(&self, batch: impl IntoIterator<Item = Done<Block>>) {
        self.put(batch.into_iter().map(|done| Answer { done, credit: false }));
    }

    fn put(&self, batch: impl Iterator<Item = Answer>) {
        let mut state = self.lock();
        state.answers.extend(batch);
        if state.answers.is_empty() || std::mem::replace(&mut state.rung, true) {
            return;
        }
        let wake = state.wake.clone();
        drop(state);
        if let Some(wake) = wake {
            wake();
        }
    }

    /// Moves all answers to `out`; whether the box had been full.
    pub(crate) fn fetch(&self, out: &mut Vec<Done<Block>>) -> bool {
        let mut state = self.lock();
        state.rung = false;
        let answers = std::mem::take(&mut state.answers);
        let credits = answers.iter().filter(|a| a.credit).count();
        let was_full = answers.len() >= CREDITS || state.credits_out >= CREDITS;
        state.credits_out -= credits;
        drop(state);
        out.extend(answers.into_iter().map(|a| a.done));
        was_full
    }

    /// A worker has ended by a panic outside of any torrent.
    pub(crate) fn fail(&self, what: String) {
        self.lock().fault.get_or_insert(what);
        self.ring();
    }

    pub(crate) fn fault(&self) -> Option<String> {
        self.lock().fault.clone()
    }

    pub(crate) fn set_wake(&self, wake: Wake) {
        self.lock().wake = Some(wake);
    }

    /// Rings although nothing is there: the pool has room again.
    pub(crate) fn ring(&self) {
        let wake = self.lock().wake.clone();
        if let Some(wake) = wake {
            wake();
        }
    }
}
