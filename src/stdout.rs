//! Plain text on standard output.
use std::io::{self, Write};

/// Writes it whole; a reader that went away (`| head`) ends nothing with an error.
pub(crate) fn text(text: &str) {
    bytes(text.as_bytes());
}

/// The same for bytes.
pub(crate) fn bytes(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}
