//! The structure check: one file a rule, run over all packages. Where a rule has exceptions they stand in a table
//! beside it, each with its reason.

use std::io;
use std::path::Path;

use crate::finding::Finding;
use crate::tree;

mod arrows;
mod cycles;
mod dead_files;
mod exports;
mod heads;
mod leftovers;
mod lengths;
mod panics;
mod paths;
mod reasons;
mod safety;

/// Everything that is to be put right in the workspace at `root`, in the order of paths and lines.
pub fn check(root: &Path) -> io::Result<Vec<Finding>> {
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
    }
    findings.sort();
    findings.dedup();
    Ok(findings)
}
