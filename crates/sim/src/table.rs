//! The table of swarm efficiency (own design): what the engine reaches in each case beside what is aimed at, and beside
//! the same engine with granting off.
//!
//! A case is a world for a number of downloaders. It is run from some seeds, granting and not; of each figure the
//! median stands in the table. Each world has one thread; runs can be kept in a file and put together later.
pub mod cases;
mod document;
mod figure;
mod glob;
mod illustrate;
mod options;
mod rows;
mod runs;
mod text;
pub(crate) mod worlds;

pub use options::Options;

use rows::Row;
use runs::Runs;
use std::io::{self, Write};

/// Runs what is missing, prints the table, and writes what was asked for. Says whether every figure that must be
/// reached is reached and no rule was broken.
///
/// # Errors
/// When a file cannot be read or written.
pub fn run(options: &Options, out: &mut dyn Write) -> io::Result<bool> {
    let mut runs = Runs::read(&options.merge)?;
    let places = options.places();
    if !options.only_merged {
        runs.complete(&places, options)?;
    }
    let rows: Vec<Row> = places.iter().flat_map(|place| rows::of(place, &runs)).collect();
    let broken = runs.violations(&places);
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&rows)?)?;
    } else {
        text::print(&rows, broken, out)?;
    }
    if let Some(path) = &options.write {
        document::write(path, &rows, &places, &runs)?;
    }
    Ok(rows.iter().all(|row| row.met != Some(false)) && broken == 0)
}
