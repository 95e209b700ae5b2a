//! No cycles of modules inside a crate. An edge is a path that names another module's item. A parent's `mod` and
//! `pub use` lines are none, nor is a path up to the type that a file extends by an `impl`, nor are tests.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::finding::Finding;
use crate::tidy::exports::Exports;
use crate::tree::{Package, Tree};

/// By module (or file): which others it names, and on which line first.
pub(super) type Edges = Vec<BTreeMap<usize, (usize, String)>>;

pub(super) fn check(package: &Package, findings: &mut Vec<Finding>) {
    for tree in &package.trees {
        let edges = edges(tree, &Exports::new(tree, &package.sources));
        let mut reported = vec![false; tree.modules.len()];
        for start in 0..tree.modules.len() {
            if reported[start] {
                continue;
            }
            if let Some(cycle) = shortest_cycle(&edges, start) {
                for &module in &cycle {
                    reported[module] = true;
                }
                findings.push(report(tree, &edges, &cycle));
            }
        }
    }
}

fn edges(tree: &Tree, exports: &Exports<'_>) -> Edges {
    let mut edges = vec![BTreeMap::new(); tree.modules.len()];
    for (from, module) in tree.modules.iter().enumerate() {
        if module.test {
            continue;
        }
        let names = &exports.names[from];
        let imports = names.imports.iter().map(|import| (&import.path, import.public));
        let paths = names.paths.iter().filter(|path| path.segments.len() > 1).map(|path| (path, false));
        for (path, public) in imports.chain(paths) {
            let all = path.segments.last().is_some_and(|last| last == "*");
            let Some(target) = exports.resolve(from, path) else { continue };
            let to = target.module;
            let Some(item) = target.item.filter(|_| to != from) else { continue };
            let passed_on = public && tree.is_above(from, to);
            let extended = tree.is_above(to, from) && names.extends.contains(&item);
            if !passed_on && !extended {
                let item = if all { "*".into() } else { item };
                edges[from].entry(to).or_insert((path.line, item));
            }
        }
    }
    edges
}

/// The nodes of a shortest cycle through `start`, beginning with it.
pub(super) fn shortest_cycle(edges: &Edges, start: usize) -> Option<Vec<usize>> {
    let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for &to in edges[at].keys() {
            if to == start {
                let mut cycle = vec![at];
                while let Some(&before) =
                    cycle.last().filter(|last| **last != start).and_then(|last| came_from.get(last))
                {
                    cycle.push(before);
                }
                cycle.reverse();
                return Some(cycle);
            }
            if let std::collections::btree_map::Entry::Vacant(slot) = came_from.entry(to) {
                slot.insert(at);
                queue.push_back(to);
            }
        }
    }
    None
}

fn report(tree: &Tree, edges: &Edges, cycle: &[usize]) -> Finding {
    let mut way = String::new();
    let mut first_line = 0;
    for (i, &at) in cycle.iter().enumerate() {
        let to = cycle[(i + 1) % cycle.len()];
        let (line, item) = &edges[at][&to];
        if i == 0 {
            first_line = *line;
        }
        let module = &tree.modules[at];
        let _ = write!(way, "{} ({}:{line} names {item} of) -> ", module.name, module.path.display());
    }
    way += &tree.modules[cycle[0]].name;
    let message = format!("modules in a cycle: {way}; move what both need into a module below them");
    Finding::new(&tree.modules[cycle[0]].path, first_line, message)
}
