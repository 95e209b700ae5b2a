//! A struct whose methods stand in several files: which files, which of them call methods that stand in others (`self.m(`,
//! `Self::m(`), and which fields each touches. Where these calls go round in a circle, the files are one file cut by
//! length: nobody can read one without the others. That is refused; the rest is a figure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::finding::Finding;
use crate::lex::Token;
use crate::tidy::cycles::{Edges, shortest_cycle};
use crate::tidy::exports::Exports;
use crate::tidy::items::{self, Item, Items, What};
use crate::tidy::owed::Owed;
use crate::tidy::paths::Written;
use crate::tree::{Package, Tree};

/// One struct and the files that have methods of it.
#[derive(Debug)]
pub(super) struct Spread {
    pub(super) name: String,
    /// Where it is declared.
    pub(super) path: PathBuf,
    pub(super) line: usize,
    /// The names of its fields; a tuple struct has none.
    pub(super) fields: BTreeSet<String>,
    /// One for each file that has an `impl` of it.
    pub(super) parts: Vec<Part>,
    /// Between parts: the line of the first call, and the method called.
    edges: Edges,
}

/// What stands in one file.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) path: PathBuf,
    /// Functions with and without `self`.
    pub(super) methods: BTreeSet<String>,
    /// Fields named behind `self`.
    pub(super) fields: BTreeSet<String>,
    /// Calls of methods that stand in another part.
    pub(super) calls_out: usize,
}

impl Spread {
    /// The parts that reach themselves by calls among files.
    pub(super) fn in_cycle(&self) -> Vec<usize> {
        (0..self.parts.len()).filter(|&part| shortest_cycle(&self.edges, part).is_some()).collect()
    }

    /// Of all parts.
    pub(super) fn calls(&self) -> usize {
        self.parts.iter().map(|part| part.calls_out).sum()
    }
}

pub(super) fn check(package: &Package, owed: &Owed, findings: &mut Vec<Finding>) {
    let mut owed: Vec<&str> =
        owed.cycles.iter().filter(|(of, ..)| *of == package.manifest.name).map(|&(_, name, _)| name).collect();
    for spread in package.trees.iter().flat_map(|tree| spreads(package, tree)) {
        let Some(&first) = spread.in_cycle().first() else { continue };
        let before = owed.len();
        owed.retain(|name| *name != spread.name);
        if owed.len() == before {
            findings.push(report(&spread, first));
        }
    }
    for name in owed {
        let message =
            format!("{name} has no cycle of calls among its files: take it off the list in xtask/src/tidy/owed.rs");
        findings.push(Finding::new(&package.manifest.path, 0, message));
    }
}

fn report(spread: &Spread, first: usize) -> Finding {
    let cycle = shortest_cycle(&spread.edges, first).unwrap_or_default();
    let mut way = String::new();
    for (i, &at) in cycle.iter().enumerate() {
        let (line, method) = &spread.edges[at][&cycle[(i + 1) % cycle.len()]];
        let _ = write!(way, "{}:{line} calls {method} of ", spread.parts[at].path.display());
    }
    way += &spread.parts[first].path.display().to_string();
    let advice = "give what they share to an owner with state of its own, or put the files together";
    let message = format!("methods of {} call each other round in a circle of files: {way}; {advice}", spread.name);
    Finding::new(&spread.path, spread.line, message)
}

/// The structs of a target that have methods in more than one file.
pub(super) fn spreads(package: &Package, tree: &Tree) -> Vec<Spread> {
    let exports = Exports::new(tree, &package.sources);
    let files: Vec<(Items, &[Token])> = tree
        .modules
        .iter()
        .map(|module| match package.sources.get(&module.path) {
            Some(source) if !module.test => (items::items(&source.live), source.live.as_slice()),
            _ => (Items::default(), &[][..]),
        })
        .collect();
    let mut found: BTreeMap<(usize, String), BTreeMap<usize, Vec<&Item>>> = BTreeMap::new();
    for (module, (items, _)) in files.iter().enumerate() {
        for item in items.all.iter().filter(|item| item.what == What::Method) {
            let Some(name) = &item.of else { continue };
            let Some(home) = declared_in(&files, &exports, module, name) else { continue };
            found.entry((home, name.clone())).or_default().entry(module).or_default().push(item);
        }
    }
    found.retain(|_, parts| parts.len() > 1);
    found.into_iter().map(|((home, name), parts)| spread(tree, &files, home, name, &parts)).collect()
}

/// The module that declares the struct which `module` has an `impl` of.
fn declared_in(files: &[(Items, &[Token])], exports: &Exports<'_>, module: usize, name: &str) -> Option<usize> {
    let declares = |at: usize| files[at].0.all.iter().any(|item| item.what == What::Struct && item.name == name);
    if declares(module) {
        return Some(module);
    }
    let path = Written { segments: vec![name.to_string()], inline: Vec::new(), line: 0 };
    exports.resolve(module, &path).map(|target| target.module).filter(|&home| declares(home))
}

fn spread(
    tree: &Tree,
    files: &[(Items, &[Token])],
    home: usize,
    name: String,
    methods: &BTreeMap<usize, Vec<&Item>>,
) -> Spread {
    let declared = &files[home].0.all;
    let line = declared.iter().find(|item| item.what == What::Struct && item.name == name).map_or(0, |item| item.line);
    let of_it = |item: &&Item| item.what == What::Field && item.of.as_ref() == Some(&name);
    let fields: BTreeSet<String> = declared.iter().filter(of_it).map(|item| item.name.clone()).collect();
    let mut parts = Vec::new();
    let mut stands_in: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (part, (module, items)) in methods.iter().enumerate() {
        for item in items {
            stands_in.entry(&item.name).or_default().insert(part);
        }
        parts.push(Part {
            path: tree.modules[*module].path.clone(),
            methods: items.iter().map(|item| item.name.clone()).collect(),
            fields: BTreeSet::new(),
            calls_out: 0,
        });
    }
    let mut edges: Edges = vec![BTreeMap::new(); parts.len()];
    for (part, (module, items)) in methods.iter().enumerate() {
        let tokens = files[*module].1;
        for item in items {
            for named in named_of_self(&tokens[item.body.clone()], &name) {
                if !named.called && fields.contains(&named.token.text) {
                    parts[part].fields.insert(named.token.text.clone());
                }
                let Some(homes) = stands_in.get(named.token.text.as_str()).filter(|_| named.called) else { continue };
                if homes.contains(&part) {
                    continue;
                }
                parts[part].calls_out += 1;
                for &to in homes {
                    edges[part].entry(to).or_insert((named.token.line, named.token.text.clone()));
                }
            }
        }
    }
    Spread { path: tree.modules[home].path.clone(), line, name, fields, parts, edges }
}

/// A name behind `self.`, `Self::` or `Type::`.
struct Named<'a> {
    token: &'a Token,
    /// A bracket follows.
    called: bool,
}

fn named_of_self<'a>(tokens: &'a [Token], type_name: &str) -> Vec<Named<'a>> {
    let mut found = Vec::new();
    for i in 1..tokens.len() {
        let by_value = tokens[i].is(".") && tokens[i - 1].is_ident("self");
        let by_type = tokens[i].is(":")
            && tokens[i - 1].is(":")
            && i >= 2
            && (tokens[i - 2].is_ident("Self") || tokens[i - 2].is_ident(type_name));
        if let Some(token) = tokens.get(i + 1).filter(|_| by_value || by_type) {
            let next = |ahead: usize, text: &str| tokens.get(i + ahead).is_some_and(|t| t.is(text));
            let called = next(2, "(") || (next(2, ":") && next(3, ":") && next(4, "<")) || by_type;
            found.push(Named { token, called });
        }
    }
    found
}

/// The path without the folder that all parts share, for a table.
pub(super) fn short<'a>(path: &'a Path, spread: &Spread) -> &'a Path {
    let mut shared = spread.path.parent();
    while let Some(folder) = shared {
        if spread.parts.iter().all(|part| part.path.starts_with(folder)) {
            return path.strip_prefix(folder).unwrap_or(path);
        }
        shared = folder.parent();
    }
    path
}
