//! Plain text on standard output.
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Writes it whole, without what a terminal would obey; a reader that went away (`| head`) ends nothing with an error.
pub(crate) fn text(text: &str) {
    bytes(crate::foreign::lines(text).as_bytes());
}

/// The same for bytes.
pub(crate) fn bytes(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// A path as a line: exact where a script reads it, made safe on a terminal.
pub(crate) fn path(path: &Path) {
    let line = format!("{}\n", path.display());
    if io::stdout().is_terminal() { text(&line) } else { bytes(line.as_bytes()) }
}
