//! Which file defines the item that a path names: modules are walked down, and names that a module only passes on
//! (`use`, also of all names) are followed to where they are defined.

use std::collections::BTreeMap;

use crate::source::Source;
use crate::tidy::paths::{self, Names, Written};
use crate::tree::Tree;

/// How many names are followed for one path; more is taken for a name from outside.
const STEPS_MAX: usize = 24;

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The module, as its index in the tree.
    pub(super) module: usize,
    /// The item in it; none when the module itself is named.
    pub(super) item: Option<String>,
}

/// A tree with the names its files write.
pub(super) struct Exports<'a> {
    tree: &'a Tree,
    /// One entry a module, in the order of the tree.
    pub(super) names: Vec<Names>,
}

impl<'a> Exports<'a> {
    /// Reads all modules of the tree.
    pub(super) fn new(tree: &'a Tree, sources: &BTreeMap<std::path::PathBuf, Source>) -> Self {
        let names = tree
            .modules
            .iter()
            .map(|module| sources.get(&module.path).map(|source| paths::names(&source.live)).unwrap_or_default())
            .collect();
        Self { tree, names }
    }

    /// What `path`, written in module `from`, names; none when it leads out of the crate or is a local name.
    pub(super) fn resolve(&self, from: usize, path: &Written) -> Option<Target> {
        self.written(from, &path.segments, path.inline.len(), STEPS_MAX)
    }

    fn written(&self, from: usize, segments: &[String], inline: usize, steps: usize) -> Option<Target> {
        let steps = steps.checked_sub(1)?;
        let (first, rest) = segments.split_first()?;
        match first.as_str() {
            "crate" => self.walk(0, rest, steps),
            "self" => self.walk(from, rest, steps),
            "super" if inline > 0 => {
                if rest.first().is_some_and(|next| next == "super") {
                    self.written(from, rest, inline - 1, steps)
                } else {
                    self.walk(from, rest, steps)
                }
            }
            "super" => self.walk(self.tree.modules[from].parent?, rest, steps),
            _ => match self.lookup(from, first, rest, steps) {
                Some(target) => Some(target),
                None => self.through_globs(from, segments, steps),
            },
        }
    }

    /// From a module on, by segments that follow it.
    fn walk(&self, at: usize, segments: &[String], steps: usize) -> Option<Target> {
        let Some((first, rest)) = segments.split_first() else { return Some(Target { module: at, item: None }) };
        if first == "super" {
            return self.walk(self.tree.modules[at].parent?, rest, steps);
        }
        if first == "self" {
            return self.walk(at, rest, steps);
        }
        if self.names[at].defines.contains(first) && !self.tree.modules[at].children.contains_key(first) {
            return Some(Target { module: at, item: Some(first.clone()) });
        }
        self.lookup(at, first, rest, steps)
            .or_else(|| self.through_globs(at, segments, steps))
            .or_else(|| Some(Target { module: at, item: Some(first.clone()) }))
    }

    /// A child module's or an imported name, with what follows it.
    fn lookup(&self, at: usize, first: &str, rest: &[String], steps: usize) -> Option<Target> {
        if let Some(&child) = self.tree.modules[at].children.get(first) {
            return self.walk(child, rest, steps);
        }
        let import = self.names[at].imports.iter().find(|import| import.name == first)?;
        let segments: Vec<String> = import.path.segments.iter().chain(rest).cloned().collect();
        if segments.first().is_some_and(|s| s == first) && import.path.segments.len() == 1 {
            return None; // `use tool;` brings in a crate
        }
        self.written(at, &segments, import.path.inline.len(), steps.checked_sub(1)?)
    }

    /// A name that comes in by `use module::*`.
    fn through_globs(&self, at: usize, segments: &[String], steps: usize) -> Option<Target> {
        let steps = steps.checked_sub(1)?;
        let first = segments.first()?;
        self.names[at].imports.iter().filter(|import| import.name == "*").find_map(|import| {
            let (_, module) = import.path.segments.split_last()?;
            let target = self.written(at, module, import.path.inline.len(), steps)?;
            let passes = target.item.is_none()
                && target.module != at
                && (self.names[target.module].defines.contains(first)
                    || self.names[target.module].imports.iter().any(|i| i.public && i.name == *first));
            if passes { self.walk(target.module, segments, steps) } else { None }
        })
    }
}
