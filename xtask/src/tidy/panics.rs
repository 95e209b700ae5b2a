//! `.unwrap()` and `.expect(…)` outside tests stand under a comment `// INVARIANT:` that says why they cannot fail. The
//! comment is directly above the call's line, or above the statement that the call ends.

use crate::finding::Finding;
use crate::lex::Token;
use crate::tree::Package;

/// Packages that are tests by what they are for: what goes wrong in them ends a scenario, as an assertion does.
const FOR_TESTS: [&str; 2] = ["teem-rig", "teem-faultfs"];

pub(super) fn check(package: &Package, findings: &mut Vec<Finding>) {
    if FOR_TESTS.contains(&package.manifest.name.as_str()) {
        return;
    }
    for tree in &package.trees {
        for module in tree.modules.iter().filter(|module| !module.test) {
            let Some(source) = package.sources.get(&module.path).filter(|source| !source.is_test()) else { continue };
            for (i, call) in calls(&source.live) {
                let lines: Vec<&str> = source.text.lines().collect();
                let start = statement(&source.live, i);
                if !explained(&lines, call.line) && !explained(&lines, start) {
                    let message = format!(
                        ".{}() without a reason: return an error, or say in a line `// INVARIANT: …` directly above why it cannot fail",
                        call.text
                    );
                    findings.push(Finding::new(&module.path, call.line, message));
                }
            }
        }
    }
}

fn calls(tokens: &[Token]) -> impl Iterator<Item = (usize, &Token)> {
    tokens.windows(3).enumerate().filter_map(|(i, window)| {
        let [dot, name, open] = window else { return None };
        let panics = name.is_ident("unwrap") || name.is_ident("expect");
        (dot.is(".") && panics && open.is("(")).then_some((i, name))
    })
}

/// The line on which the statement around token `i` begins.
fn statement(tokens: &[Token], i: usize) -> usize {
    let before = tokens[..i].iter().rposition(|t| t.is(";") || t.is("{") || t.is("}")).map_or(0, |at| at + 1);
    tokens[before].line
}

/// Does the comment directly above line `line` (from 1) hold an invariant?
fn explained(lines: &[&str], line: usize) -> bool {
    let above = lines[..line - 1].iter().rev().map(|line| line.trim());
    above.take_while(|line| line.starts_with("//") || line.starts_with("#[")).any(|line| line.contains("INVARIANT:"))
}

#[cfg(test)]
mod tests {
    use super::{calls, explained, statement};
    use crate::lex::tokens;

    #[test]
    fn the_comment_may_stand_above_the_statement() {
        let text = "fn f() {\n    // INVARIANT: never empty\n    let x = a\n        .b()\n        .unwrap();\n}";
        let all = tokens(text);
        let found: Vec<usize> = calls(&all).map(|(i, _)| statement(&all, i)).collect();
        assert_eq!(found, [3]);
        assert!(explained(&text.lines().collect::<Vec<_>>(), 3));
    }
}
