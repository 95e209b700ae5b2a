//! A file answers one question, in at most 600 lines with its tests.

use std::path::Path;

use crate::finding::Finding;
use crate::tree::Package;

/// Lines in a file.
const LINES_MAX: usize = 600;

/// Files that may be longer: (path, lines, reason).
const EXCEPTIONS: [(&str, usize, &str); 0] = [];

pub(super) fn check(package: &Package, findings: &mut Vec<Finding>) {
    for (path, source) in &package.sources {
        let lines = source.text.lines().count();
        let allowed =
            EXCEPTIONS.iter().find(|(of, ..)| path == Path::new(of)).map_or(LINES_MAX, |&(_, lines, _)| lines);
        if lines > allowed {
            let message = format!("{lines} lines, at most {allowed}: split it by the questions it answers");
            findings.push(Finding::new(path, allowed + 1, message));
        }
    }
}
