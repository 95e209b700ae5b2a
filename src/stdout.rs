//! Standard output: data for scripts and people. What cannot be written is said, once, and is no success.
//!
//! A reader that went away (`| head`) has what it wanted: that ends nothing and is no error. Anything else (a full disk, a limit on
//! the size of files) loses what was asked for.
use crate::exit::Stop;
use crate::progress::Progress;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Why standard output could not be written, the first time.
static FAILED: Mutex<Option<String>> = Mutex::new(None);

/// Writes a text whole, without what a terminal would obey.
pub(crate) fn text(text: &str) {
    bytes(crate::foreign::lines(text).as_bytes());
}

/// The same for bytes.
pub(crate) fn bytes(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    note(out.write_all(bytes).and_then(|()| out.flush()));
}

/// Remembers that standard output could not be written, and says so the first time.
pub(crate) fn note(written: io::Result<()>) {
    let Err(e) = written else { return };
    if e.kind() == io::ErrorKind::BrokenPipe {
        return;
    }
    let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    if failed.is_none() {
        let why = format!("standard output cannot be written: {e}");
        Progress::new(false).say(&format!("teem: {why}"));
        *failed = Some(why);
    }
}

/// Why standard output could not be written, if so.
pub(crate) fn failure() -> Option<String> {
    FAILED.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Refuses to begin something long whose first words could not be written.
pub(crate) fn check() -> Result<(), Stop> {
    failure().map_or(Ok(()), |why| Err(Stop::local(why)))
}

/// A path as a line: exact where a script reads it, made safe on a terminal.
pub(crate) fn path(path: &Path) {
    let line = format!("{}\n", path.display());
    if io::stdout().is_terminal() { text(&line) } else { bytes(line.as_bytes()) }
}
