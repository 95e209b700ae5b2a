//! Each file begins with `//!`. In the core, which is where specifications are implemented, that text names its source:
//! a BEP, an RFC, a FIPS or a paper ("… et al."); or it says that what stands there is our own design.

use crate::finding::Finding;
use crate::tidy::safety::is_core;
use crate::tree::Package;

/// Words of which one must stand in a head in the core, in lower case.
const SOURCES: [&str; 5] = ["bep", "rfc", "fips", "et al.", "own design"];

pub(super) fn check(package: &Package, findings: &mut Vec<Finding>) {
    for (path, source) in &package.sources {
        let head: String = source
            .text
            .lines()
            .skip_while(|line| line.trim().is_empty())
            .take_while(|line| line.starts_with("//!"))
            .collect::<Vec<_>>()
            .join("\n")
            .to_lowercase();
        if head.trim_start_matches("//!").trim().is_empty() {
            findings.push(Finding::new(path, 1, "no `//!` at the head: say what this file is and why"));
        } else if is_core(package) && path.starts_with(package.folder.join("src")) {
            let named = SOURCES.iter().any(|word| head.contains(word));
            if !named {
                let message = "the head names no source: name the BEP (or RFC, FIPS, paper) section it implements, or say \"own design\"";
                findings.push(Finding::new(path, 1, message));
            }
        }
    }
}
