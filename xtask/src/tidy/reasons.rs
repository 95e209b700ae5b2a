//! Each dependency from outside stands on a line of its own with a comment that says why it is worth having.

use crate::finding::Finding;
use crate::tree::Package;

pub(super) fn check(package: &Package, findings: &mut Vec<Finding>) {
    for dependency in &package.manifest.dependencies {
        let name = dependency.package.as_str();
        if name.starts_with("teem-") || name == "teem" {
            continue;
        }
        let message = if dependency.is_table {
            format!("dependency {name} is a table of its own: write it on one line, with a comment that says why")
        } else if !dependency.has_reason {
            format!("dependency {name} has no reason: end its line with a comment that says why")
        } else {
            continue;
        };
        findings.push(Finding::new(&package.manifest.path, dependency.line, message));
    }
}
