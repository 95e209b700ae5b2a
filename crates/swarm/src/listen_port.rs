//! The port that takes connections (BEP 3 `port`, BEP 10 `p`): one place that everybody asks, since it may change while we run.
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU16, Ordering};

/// The port of one engine; clones share it. Only [`Command::Listen`](crate::command::Command::Listen) changes it, in its turn among the inputs.
#[derive(Clone, Debug)]
pub struct ListenPort(Arc<AtomicU16>);

impl ListenPort {
    /// The number; 0 is none.
    pub fn get(&self) -> u16 {
        self.0.load(Ordering::Relaxed)
    }

    /// Another number from now on, for all clones.
    pub fn set(&self, port: u16) {
        self.0.store(port, Ordering::Relaxed);
    }
}

impl From<u16> for ListenPort {
    fn from(port: u16) -> Self {
        Self(Arc::new(AtomicU16::new(port)))
    }
}
