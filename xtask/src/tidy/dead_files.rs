//! A file that no target reaches is dead: it is compiled by nobody and rots.

use crate::finding::Finding;
use crate::tree::Package;

pub(super) fn check(package: &Package, findings: &mut Vec<Finding>) {
    for path in package.sources.keys() {
        let reached = package.trees.iter().any(|tree| tree.modules.iter().any(|module| &module.path == path));
        if !reached {
            findings.push(Finding::new(
                path,
                0,
                "no `mod` declaration leads here: declare it where it belongs, or delete it",
            ));
        }
    }
}
