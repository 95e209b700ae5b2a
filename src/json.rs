//! Lines for scripts: one JSON object a line on standard output, written whole and at once.
use serde::Serialize;
use serde_json::Value;
use std::io::{self, BufWriter, Write};

/// Writes one object as a line. A reader that went away is no reason to stop seeding.
pub(crate) fn line(value: &Value) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{value}").and_then(|()| out.flush());
}

/// The same for one that may be long: it is written as it comes, never held whole.
pub(crate) fn long_line(value: &impl Serialize) {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let _ = serde_json::to_writer(&mut out, value).map_err(io::Error::from).and_then(|()| writeln!(out));
    let _ = out.flush();
}
