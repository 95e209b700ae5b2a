//! Nothing half done stays: no `todo!`, no `unimplemented!`, no `dbg!`, no ignored test.

use crate::finding::Finding;
use crate::tree::Package;

pub(super) fn check(package: &Package, findings: &mut Vec<Finding>) {
    for (path, source) in &package.sources {
        for window in source.tokens.windows(3) {
            let [a, b, c] = window else { continue };
            if ["todo", "unimplemented", "dbg"].iter().any(|name| a.is_ident(name)) && b.is("!") && !c.is("=") {
                let message = format!("{}! is left over: write it, or take the path away", a.text);
                findings.push(Finding::new(path, a.line, message));
            }
            if a.is("#") && b.is("[") && c.is_ident("ignore") {
                findings.push(Finding::new(path, c.line, "an ignored test tests nothing: mend it or delete it"));
            }
        }
    }
}
