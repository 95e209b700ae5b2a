//! The project itself passes its structure check, so that `cargo test` alone already tells.

use std::path::Path;

#[test]
fn the_project_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace");
    let findings = xtask::tidy::check(root, &xtask::tidy::owed::TODAY).expect("the tree can be read");
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "to put right:\n{}", lines.join("\n"));
}
