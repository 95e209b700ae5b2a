//! Lines for scripts: one JSON object a line on standard output, written whole and at once.
use serde_json::Value;
use std::io::{self, Write};

/// Writes one object as a line. A reader that went away is no reason to stop seeding.
pub(crate) fn line(value: &Value) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{value}").and_then(|()| out.flush());
}
