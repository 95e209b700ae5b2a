//! Standard output: the answer. A reader that went away (`| head`) has what it wanted, so what can no longer be told to it is no error.

use std::io::{self, StdoutLock, Write};

/// Standard output for whoever still reads it.
pub(crate) struct Answer(StdoutLock<'static>);

impl Answer {
    pub(crate) fn new() -> Self {
        Self(io::stdout().lock())
    }
}

impl Write for Answer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            flushed => flushed,
        }
    }
}
