//! `bench swarm`: one seed and downloaders of any clients in a network of their own, all with the same upload limit. Measured:
//! how many copies the seed sent until every block had left it once, how long it took over the bound, and whether anybody
//! was faster than the limits allow. One swarm, or all rows of a table.
//!
//! `wishes` is what one swarm is made of, `namespace` its network, `clients` the programs in it, `measure` its course,
//! `lines` the kernel's counters, `outcome` what came of it; `rows` and `table` are many of them, `document` what is printed.
pub mod clients;
mod document;
mod lines;
mod measure;
mod namespace;
mod outcome;
mod rows;
mod table;
mod wishes;

use crate::bench::{self, Failed};
use std::path::{Path, PathBuf};
use table::Table;
use wishes::Wishes;

/// Measures with the binary that is named, or the release build of `root`; returns the text to print.
pub fn run(root: &Path, words: &[&str]) -> Result<String, Failed> {
    let strange = || Failed::new("bench swarm: these words mean nothing".into());
    let (mut named, mut keep, mut rest) = (None, None, Vec::new());
    for pair in words.chunks(2) {
        match pair {
            ["--teem", binary] => named = Some(PathBuf::from(binary)),
            ["--keep", folder] => keep = Some(PathBuf::from(folder)),
            pair => rest.extend_from_slice(pair),
        }
    }
    let teem = || named.map_or_else(|| bench::built(root), Ok);
    if rest.contains(&"--table") {
        return Table::read(&rest).ok_or_else(strange)?.run(&teem()?);
    }
    let wishes = Wishes::read(&rest).ok_or_else(strange)?;
    if let Some(teem) = namespace::inside() {
        return namespace::run_inside(&wishes, Path::new(&teem));
    }
    Ok(format!("{}\n", namespace::run(&teem()?, &rest, keep.as_deref())?))
}
