//! What the host asks of a storage (own design). Declared here, so that host and disk need not know each other.
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use teem_swarm::job::{Done, Job};

/// A disk, a memory, a simulation. None of these calls blocks.
pub trait Storage: Send {
    /// A buffer for one block of up to 16 KiB, returned to its pool when dropped.
    type Block: AsRef<[u8]> + AsMut<[u8]> + Send + 'static;

    /// A buffer of that many bytes (at most 16 KiB), or `None` when the pool is empty: then stop reading from peers
    /// until `poll` has brought something or a buffer came back.
    fn alloc(&mut self, len: usize) -> Option<Self::Block>;

    /// Takes jobs from the front, as many as its credits allow (outstanding jobs never exceed the room for answers),
    /// and wakes its workers once. What is left stays with the caller, in order.
    fn submit(&mut self, jobs: &mut VecDeque<Job<Self::Block>>);

    /// Moves all answers that are ready to the end of `done`.
    fn poll(&mut self, done: &mut Vec<Done<Self::Block>>);

    /// Why it does nothing any more, when that is so: a fault of its own outside of any torrent. `poll` and the waker tell of it in time.
    fn fault(&mut self) -> Option<String> {
        None
    }

    /// What to call, from any thread, when answers are ready or the pool has room again.
    fn set_waker(&mut self, wake: Arc<dyn Fn() + Send + Sync>);
}
