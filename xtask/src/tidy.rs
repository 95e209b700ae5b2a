//! The structure check: one file a rule, run over all packages. Where a rule has exceptions they stand in a table
//! beside it, each with its reason.

use std::io;
use std::path::Path;

use crate::finding::Finding;
use crate::tidy::owed::Owed;
use crate::tree;

mod arrows;
mod cycles;
mod dead_files;
mod exports;
mod face;
mod figures;
mod heads;
mod items;
mod leftovers;
mod lengths;
pub mod owed;
mod owners;
mod panics;
mod paths;
mod reasons;
mod safety;
mod sockets;
mod streams;
mod words;

/// Everything that is to be put right in the workspace at `root` but what is owed, in the order of paths and lines.
pub fn check(root: &Path, owed: &Owed) -> io::Result<Vec<Finding>> {
    let packages = tree::packages(root)?;
    let mut findings = Vec::new();
    for package in &packages {
        arrows::check(package, &mut findings);
        reasons::check(package, &mut findings);
        cycles::check(package, &mut findings);
        lengths::check(package, &mut findings);
        heads::check(package, &mut findings);
        panics::check(package, &mut findings);
        dead_files::check(package, &mut findings);
        leftovers::check(package, &mut findings);
        safety::check(package, &mut findings);
        streams::check(package, &mut findings);
        sockets::check(package, &mut findings);
        owners::check(package, owed, &mut findings);
        words::check(package, owed, &mut findings);
    }
    face::check(&packages, owed, &mut findings);
    findings.sort();
    findings.dedup();
    Ok(findings)
}

/// The structure in figures: structs whose methods stand in several files, what each touches, and unused `pub`.
pub fn figures(root: &Path) -> io::Result<String> {
    figures::figures(root)
}
