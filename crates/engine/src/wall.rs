//! The wall between the engine and one torrent's code (own design): every call of a torrent goes through it, so that a panic in there leaves the
//! engine whole, wherever in its own work it was.
//!
//! Catching a panic needs the standard library, which this crate does without: what catches is passed in. Without it nothing is caught.
use alloc::string::String;
use core::fmt;

/// Calls what it is given, once; when that panics, what the panic said.
pub type Guard = fn(&mut dyn FnMut()) -> Result<(), String>;

/// Where a panic of a torrent's code ends, if anywhere.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wall(pub(crate) Option<Guard>);

impl fmt::Debug for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Wall" } else { "no wall" })
    }
}

impl Wall {
    /// Makes a call of a torrent's code. What it was changing when it panicked must not be looked at again.
    #[inline]
    pub(crate) fn behind<R>(self, call: impl FnOnce() -> R) -> Result<R, String> {
        let Some(guard) = self.0 else { return Ok(call()) };
        let (mut call, mut done) = (Some(call), None);
        guard(&mut || done = call.take().map(|call| call()))?;
        done.ok_or_else(|| String::from("the guard made no call"))
    }
}
