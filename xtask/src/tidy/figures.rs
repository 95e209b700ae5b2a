//! The structure in figures: structs whose methods stand in several files, and the face of each crate. What is refused is
//! told by the check; this shows how far off the rest is.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use crate::tidy::{face, owners, words};
use crate::tree::{self, Package};

/// The tables, for the workspace at `root`.
pub(super) fn figures(root: &Path) -> io::Result<String> {
    let packages = tree::packages(root)?;
    let mut out = String::new();
    spreads(&packages, &mut out);
    faces(&packages, &mut out);
    Ok(out)
}

/// The packages that are shipped: the crates and the binary.
fn is_product(package: &Package) -> bool {
    package.folder.starts_with("crates") || package.folder == Path::new("")
}

fn spreads(packages: &[Package], out: &mut String) {
    let mut circles = 0usize;
    let mut details = String::new();
    *out += "Structs with methods in several files\n";
    let _ = writeln!(
        out,
        "{:<36} {:>6} {:>6} {:>8} {:>12} {:>9}",
        "struct", "fields", "files", "methods", "calls across", "in cycle"
    );
    for package in packages.iter().filter(|package| is_product(package)) {
        for tree in package.trees.iter().filter(|tree| tree.modules[0].path.starts_with(package.folder.join("src"))) {
            for spread in owners::spreads(package, tree) {
                let cycle = spread.in_cycle();
                circles += usize::from(!cycle.is_empty());
                let _ = writeln!(
                    out,
                    "{:<36} {:>6} {:>6} {:>8} {:>12} {:>9}",
                    format!("{} ({})", spread.name, package.manifest.name),
                    spread.fields.len(),
                    spread.parts.len(),
                    spread.parts.iter().map(|part| part.methods.len()).sum::<usize>(),
                    spread.calls(),
                    cycle.len()
                );
                let _ = writeln!(details, "\n{} ({})", spread.name, spread.path.display());
                for (i, part) in spread.parts.iter().enumerate() {
                    let _ = writeln!(
                        details,
                        "{} {:<28} {:>3} methods {:>3} calls out  {}",
                        if cycle.contains(&i) { "o" } else { " " },
                        owners::short(&part.path, &spread).display(),
                        part.methods.len(),
                        part.calls_out,
                        part.fields.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
                    );
                }
            }
        }
    }
    let _ = writeln!(out, "{circles} of them with a cycle of calls among its files");
    *out += &details;
}

fn faces(packages: &[Package], out: &mut String) {
    let _ = writeln!(out, "\n{:<20} {:>6} {:>7} {:>14}", "crate", "pub", "unused", "poor comments");
    let (mut public, mut unused, mut poor) = (0, 0, 0);
    for package in packages {
        let words = package.sources.values().map(|source| words::poor(source).len()).sum::<usize>();
        let face = face::face(package, packages);
        let (all, idle) = face.map_or((0, 0), |face| (face.public, face.unused.len()));
        let _ = writeln!(out, "{:<20} {all:>6} {idle:>7} {words:>14}", package.manifest.name);
        public += all;
        unused += idle;
        poor += words;
    }
    let _ = writeln!(out, "{:<20} {public:>6} {unused:>7} {poor:>14}", "all");
}
