//! Lines for scripts: one JSON object a line on standard output, written whole and at once.
use crate::foreign::Escaping;
use crate::stdout;
use serde::Serialize;
use serde_json::{Serializer, Value};
use std::io::{self, BufWriter, Write};

/// Writes one object as a line. A reader that went away is no reason to stop seeding.
pub(crate) fn line(value: &Value) {
    let mut out = io::stdout().lock();
    // One write, so that a line is there as a whole or not at all.
    stdout::note(out.write_all(&whole(value)).and_then(|()| out.flush()));
}

/// The same for one that may be long: it is written as it comes, never held whole.
pub(crate) fn long_line(value: &impl Serialize) {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut serializer = Serializer::with_formatter(&mut out, Escaping::default());
    let written = value.serialize(&mut serializer).map_err(io::Error::from).and_then(|()| writeln!(out));
    stdout::note(written.and_then(|()| out.flush()));
}

fn whole(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    // Writing a value to memory cannot fail.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut out, Escaping::default()));
    out.push(b'\n');
    out
}
