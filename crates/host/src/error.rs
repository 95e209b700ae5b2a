//! Why there is no host, or no more (own design).
use core::fmt;
use std::io;

/// Why the host did not start, or did not end well.
#[derive(Debug)]
#[non_exhaustive]
pub enum HostError {
    /// The system gave no poll, no waker, or no thread; or the poll failed later.
    System(io::Error),
    /// A fault of ours, on this thread or in the storage: what the panic said.
    Fault(String),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(error) => write!(f, "the network thread cannot run: {error}"),
            Self::Fault(what) => write!(f, "a fault of this program, please report it: {what}"),
        }
    }
}

impl core::error::Error for HostError {}

impl From<io::Error> for HostError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}
