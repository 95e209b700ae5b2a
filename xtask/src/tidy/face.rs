//! `pub` is for other crates: what only its own crate names is `pub(crate)` or less, so that the face of a crate is what
//! others stand on. Other crates are those that depend on it, its own tests, examples and binaries, fuzz targets, and the
//! examples in its documents. What a name that is used shows (the types of a function's arguments, of public
//! fields, of a trait's `impl`) is used too, since it could not be less. It is judged by name alone: a method counts as
//! named where anybody calls one of that name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::finding::Finding;
use crate::lex::{self, Kind, Token};
use crate::source::{Source, after_group};
use crate::tidy::items::{self, Item, Items, What};
use crate::tidy::owed::Owed;
use crate::tree::Package;

/// Crates whose face is for programs outside the workspace: what their lib.rs passes on by name is used, with its members.
const FOR_EMBEDDERS: [&str; 1] = ["teem-client"];

/// One `pub` item that no other crate names.
#[derive(Debug)]
pub(super) struct Unused {
    pub(super) path: PathBuf,
    pub(super) line: usize,
    /// `Type::name` where it belongs to one.
    pub(super) name: String,
}

/// The face of one crate.
#[derive(Debug)]
pub(super) struct Face {
    /// The name of its package.
    pub(super) name: String,
    /// How many `pub` items it has.
    pub(super) public: usize,
    pub(super) unused: Vec<Unused>,
}

pub(super) fn check(packages: &[Package], owed: &Owed, findings: &mut Vec<Finding>) {
    for (package, face) in packages.iter().filter_map(|package| Some((package, face(package, packages)?))) {
        let owed = owed.faces.contains(&face.name.as_str());
        if owed && face.unused.is_empty() {
            let message =
                format!("every `pub` of {} is used: take it off the list in xtask/src/tidy/owed.rs", face.name);
            findings.push(Finding::new(&package.manifest.path, 0, message));
        }
        for unused in face.unused.into_iter().filter(|_| !owed) {
            let message = format!(
                "no other crate names {}: make it `pub(crate)`, private, or delete it with what only it needs",
                unused.name
            );
            findings.push(Finding::new(&unused.path, unused.line, message));
        }
    }
}

/// The face of the package's library; none where it has none, or lies outside `crates`.
pub(super) fn face(package: &Package, packages: &[Package]) -> Option<Face> {
    let lib = package.folder.join("src/lib.rs");
    let tree = package.trees.iter().find(|tree| tree.modules[0].path == lib)?;
    if !package.folder.starts_with("crates") {
        return None;
    }
    let own: BTreeSet<&Path> =
        tree.modules.iter().filter(|module| !module.test).map(|module| module.path.as_path()).collect();
    let mut seen = Seen::default();
    let name = &package.manifest.name;
    let word = name.replace('-', "_");
    for other in packages {
        let (own_package, always) = (other.folder == package.folder, reaches(other, name, packages, false));
        if !always && !own_package && !reaches(other, name, packages, true) {
            continue;
        }
        for (path, source) in &other.sources {
            // Where only tests may name the crate, of the library those files count that do so.
            let library = path.starts_with(other.folder.join("src"));
            let may = always || !library || source.tokens.iter().any(|token| token.is_ident(&word));
            if may && !(own_package && tree.modules.iter().any(|module| &module.path == path)) {
                seen.read(&source.tokens);
                seen.read(&examples(source));
            }
        }
    }
    for path in &own {
        seen.read(&examples(&package.sources[*path]));
    }
    let files: Vec<(&Source, Items)> =
        own.iter().map(|path| &package.sources[*path]).map(|source| (source, items::items(&source.live))).collect();
    for (source, _) in &files {
        seen.aliases(&source.live);
        if source.path == lib {
            seen.read_macros(&source.live);
            if FOR_EMBEDDERS.contains(&name.as_str()) {
                seen.passed_on(&source.live);
            }
        }
    }
    Some(judge(&package.manifest.name, &files, &mut seen))
}

/// Does `from` depend on the crate `to`, by itself or through others? Its tests may depend on more; tests of others don't
/// count. A package reaches itself.
fn reaches(from: &Package, to: &str, packages: &[Package], in_tests: bool) -> bool {
    let name = from.manifest.name.as_str();
    let direct = from.manifest.dependencies.iter().filter(|dependency| in_tests || !dependency.dev);
    name == to
        || direct.map(|dependency| dependency.package.as_str()).any(|below| {
            let package = packages.iter().find(|package| package.manifest.name == below);
            package.is_some_and(|package| reaches(package, to, packages, false))
        })
}

/// What stands in the examples of a file's documents.
fn examples(source: &Source) -> Vec<Token> {
    let mut code = String::new();
    let mut inside = false;
    for line in source.text.lines() {
        let Some(text) = line.trim_start().strip_prefix("///").or_else(|| line.strip_prefix("//!")) else {
            inside = false;
            continue;
        };
        if text.trim_start().starts_with("```") {
            let words = text.trim_start().trim_start_matches('`').trim();
            inside = !inside && (words.is_empty() || words.starts_with("rust") || words.starts_with("no_run"));
        } else if inside {
            code.push_str(text.trim_start().trim_start_matches("# "));
            code.push('\n');
        }
    }
    lex::tokens(&code)
}

/// The names that others write, by the place they write them in.
#[derive(Default)]
struct Seen {
    /// Behind `.` or `::`.
    behind: BTreeSet<String>,
    /// Anywhere but behind `.`.
    free: BTreeSet<String>,
    /// Anywhere, with no call behind.
    fields: BTreeSet<String>,
    /// Structs written or taken apart with `..`, which needs all their fields.
    whole: BTreeSet<String>,
    /// What the crate passes on by name to programs that nobody here knows.
    given: BTreeSet<String>,
    /// The crate's own `use a as b`: (a, b).
    renamed: Vec<(String, String)>,
}

impl Seen {
    fn read(&mut self, tokens: &[Token]) {
        let is = |i: usize, text: &str| tokens.get(i).is_some_and(|t| t.is(text));
        for (i, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Ident) {
            let dot = i > 0 && is(i - 1, ".") && !(i > 1 && is(i - 2, "."));
            if dot || (i > 1 && is(i - 1, ":") && is(i - 2, ":")) {
                self.behind.insert(token.text.clone());
            }
            if !dot {
                self.free.insert(token.text.clone());
            }
            if !is(i + 1, "(") {
                self.fields.insert(token.text.clone());
            }
            if is(i + 1, "{") && tokens[i..after_group(tokens, i + 1)].windows(2).any(|w| w[0].is(".") && w[1].is("."))
            {
                self.whole.insert(token.text.clone());
            }
        }
    }

    /// What an exported macro names is named by those who call it.
    fn read_macros(&mut self, tokens: &[Token]) {
        for i in 0..tokens.len() {
            if tokens[i].is_ident("macro_rules") {
                self.read(&tokens[i..after_group(tokens, i + 3)]);
            }
        }
    }

    fn aliases(&mut self, tokens: &[Token]) {
        for window in tokens.windows(3).filter(|window| window[1].is_ident("as")) {
            self.renamed.push((window[0].text.clone(), window[2].text.clone()));
        }
    }

    /// Reads the `pub use` lines.
    fn passed_on(&mut self, tokens: &[Token]) {
        for i in 1..tokens.len() {
            if tokens[i].is_ident("use") && tokens[i - 1].is_ident("pub") {
                let line = tokens[i..].iter().take_while(|token| !token.is(";"));
                self.given.extend(line.filter(|token| token.kind == Kind::Ident).map(|token| token.text.clone()));
            }
        }
    }

    fn names(&self, item: &Item) -> bool {
        if self.given.contains(item.of.as_ref().unwrap_or(&item.name)) {
            return true;
        }
        match item.what {
            What::Field => {
                self.fields.contains(&item.name) || item.of.as_ref().is_some_and(|of| self.whole.contains(of))
            }
            What::Method | What::Associated => self.behind.contains(&item.name),
            What::Function | What::Struct | What::Other | What::Module => {
                self.free.contains(&item.name)
                    || self.renamed.iter().any(|(a, b)| *a == item.name && self.free.contains(b))
            }
        }
    }
}

fn judge(name: &str, files: &[(&Source, Items)], seen: &mut Seen) -> Face {
    let all: Vec<(&Source, &Item)> = files
        .iter()
        .flat_map(|(source, items)| items.all.iter().map(move |item| (*source, item)))
        .filter(|(_, item)| item.public)
        .collect();
    let mut used: Vec<bool> = all.iter().map(|(_, item)| seen.names(item)).collect();
    // What the face of a used item names is used; a method's face counts only where its type is used.
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    let mut counted: BTreeSet<usize> = BTreeSet::new();
    loop {
        let mut grew = false;
        let types: BTreeSet<&str> = all
            .iter()
            .zip(&used)
            .filter(|((_, item), used)| **used && item.of.is_none())
            .map(|((_, item), _)| item.name.as_str())
            .collect();
        for (i, (source, item)) in all.iter().enumerate() {
            let stands = item.of.as_deref().is_none_or(|of| types.contains(of));
            if used[i] && stands && counted.insert(i) {
                shown.extend(idents(&source.live[item.face.clone()]));
                grew = true;
            }
        }
        for (source, items) in files {
            for kept in items.by_trait.iter().filter(|kept| types.contains(kept.of.as_str())) {
                shown.extend(idents(&source.live[kept.face.clone()]));
            }
            let by_trait = items.all.iter().filter(|item| item.by_trait && item.what == What::Associated);
            for item in by_trait.filter(|item| item.of.as_deref().is_some_and(|of| types.contains(of))) {
                shown.extend(idents(&source.live[item.face.clone()]));
            }
        }
        for (i, (_, item)) in all.iter().enumerate() {
            if !used[i] && item.of.is_none() && item.what != What::Module && shown.contains(item.name.as_str()) {
                used[i] = true;
                grew = true;
            }
        }
        if !grew {
            break;
        }
    }
    let unused = all
        .iter()
        .zip(&used)
        .filter(|(_, used)| !**used)
        .map(|((source, item), _)| Unused {
            path: source.path.clone(),
            line: item.line,
            name: item.of.as_ref().map_or(item.name.clone(), |of| format!("{of}::{}", item.name)),
        })
        .collect();
    Face { name: name.to_string(), public: all.len(), unused }
}

fn idents(tokens: &[Token]) -> impl Iterator<Item = &str> {
    tokens.iter().filter(|t| t.kind == Kind::Ident).map(|t| t.text.as_str())
}
