//! A package's files and the modules they form: which `.rs` files there are, which of them each target (library,
//! binary, test, example, …) reaches by its `mod` declarations, and what stands above what.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::lex::{Kind, Token};
use crate::manifest::Manifest;
use crate::source::{Source, after_group, is_attribute};

/// A package of the workspace, read.
#[derive(Debug)]
pub struct Package {
    /// Relative to the workspace's root; empty for the root package.
    pub folder: PathBuf,
    /// What its Cargo.toml says.
    pub manifest: Manifest,
    /// All its `.rs` files by path.
    pub sources: BTreeMap<PathBuf, Source>,
    /// One tree a target.
    pub trees: Vec<Tree>,
}

/// The modules of one target; the first is its root.
#[derive(Debug)]
pub struct Tree {
    /// Each a file.
    pub modules: Vec<Module>,
}

/// One module that is a file.
#[derive(Debug)]
pub struct Module {
    /// The file that holds it, relative to the workspace's root.
    pub path: PathBuf,
    /// Its path inside the target, as `crate::a::b`.
    pub name: String,
    /// The module above; none for the root.
    pub parent: Option<usize>,
    /// Modules below that are files.
    pub children: BTreeMap<String, usize>,
    /// Declared under `#[cfg(test)]`, by itself or by one above.
    pub test: bool,
}

/// Folders of packages below the workspace's root, beside `crates/*`.
const OTHER_PACKAGES: [&str; 2] = ["xtask", "fuzz"];

/// Reads all packages of the workspace at `root`.
pub fn packages(root: &Path) -> io::Result<Vec<Package>> {
    let mut folders = vec![PathBuf::new()];
    if root.join("crates").is_dir() {
        for entry in fs::read_dir(root.join("crates"))? {
            folders.push(Path::new("crates").join(entry?.file_name()));
        }
    }
    folders.extend(OTHER_PACKAGES.iter().map(PathBuf::from));
    folders.retain(|folder| root.join(folder).join("Cargo.toml").is_file());
    folders.sort();
    folders.into_iter().map(|folder| Package::read(root, folder)).collect()
}

impl Package {
    fn read(root: &Path, folder: PathBuf) -> io::Result<Self> {
        let manifest = Manifest::read(root, &folder)?;
        let mut files = Vec::new();
        collect(root, &folder, &mut files)?;
        let mut sources = BTreeMap::new();
        for path in files {
            sources.insert(path.clone(), Source::read(root, &path)?);
        }
        let explicit: Vec<PathBuf> = manifest.targets.iter().map(|target| folder.join(target)).collect();
        let trees = sources
            .keys()
            .filter(|path| explicit.contains(path) || is_target(path.strip_prefix(&folder).unwrap_or(path)))
            .map(|path| Tree::read(path, &sources))
            .collect();
        Ok(Self { folder, manifest, sources, trees })
    }
}

/// All `.rs` files below `folder` that belong to its package.
fn collect(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = folder.join(&name);
        if entry.file_type()?.is_dir() {
            let other = ["target", "node_modules"].contains(&name.as_str()) || name.starts_with('.');
            if !other && path != Path::new("crates") && !root.join(&path).join("Cargo.toml").is_file() {
                collect(root, &path, files)?;
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// Cargo's own rules for the roots of targets, on a path relative to the package.
fn is_target(path: &Path) -> bool {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    matches!(
        parts.as_slice(),
        ["build.rs"]
            | ["src", "lib.rs" | "main.rs"]
            | ["src", "bin", _]
            | ["src", "bin", _, "main.rs"]
            | ["tests" | "examples" | "benches", _]
            | ["tests" | "examples" | "benches", _, "main.rs"]
    )
}

impl Tree {
    fn read(path: &Path, sources: &BTreeMap<PathBuf, Source>) -> Self {
        let root = Module {
            path: path.to_path_buf(),
            name: "crate".into(),
            parent: None,
            children: BTreeMap::new(),
            test: false,
        };
        let mut tree = Self { modules: vec![root] };
        let mut next = 0;
        while next < tree.modules.len() {
            tree.descend(next, sources);
            next += 1;
        }
        tree
    }

    fn descend(&mut self, at: usize, sources: &BTreeMap<PathBuf, Source>) {
        let path = self.modules[at].path.clone();
        let Some(source) = sources.get(&path) else { return };
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let stem = path.file_stem().unwrap_or_default();
        let own = if at == 0 || stem == "mod" { folder.clone() } else { folder.join(stem) };
        let live = declarations(&source.live);
        for declared in declarations(&source.tokens) {
            let test = self.modules[at].test || !live.contains(&declared);
            let inner = declared.inline.iter().fold(own.clone(), |path, part| path.join(part));
            let candidates = match &declared.path {
                Some(given) => vec![plain(&folder.join(given))],
                None => {
                    vec![inner.join(format!("{}.rs", declared.name)), inner.join(&declared.name).join("mod.rs")]
                }
            };
            let Some(path) = candidates.into_iter().find(|path| sources.contains_key(path)) else { continue };
            let name = format!("{}::{}", self.modules[at].name, declared.name);
            let child = self.modules.len();
            self.modules.push(Module { path, name, parent: Some(at), children: BTreeMap::new(), test });
            self.modules[at].children.insert(declared.name, child);
        }
    }

    /// Does `above` stand above `below`?
    pub fn is_above(&self, above: usize, below: usize) -> bool {
        let mut at = self.modules[below].parent;
        while let Some(module) = at {
            if module == above {
                return true;
            }
            at = self.modules[module].parent;
        }
        false
    }
}

/// The same path without the `..` that a `#[path]` may have.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir { _ = plain.pop() } else { plain.push(part) }
    }
    plain
}

/// A `mod name;`.
#[derive(Debug, PartialEq, Eq)]
struct Declared {
    inline: Vec<String>,
    name: String,
    path: Option<String>,
}

fn declarations(tokens: &[Token]) -> Vec<Declared> {
    let mut found = Vec::new();
    let mut path = None;
    for (i, inline) in inline_scopes(tokens).into_iter().enumerate() {
        if is_attribute(tokens, i) {
            let group = &tokens[i..after_group(tokens, i + 1)];
            if let [_, _, key, equals, value, _] = group
                && key.is_ident("path")
                && equals.is("=")
            {
                path = Some(value.text.clone());
            }
        }
        if tokens[i].is(";") || tokens[i].is("}") {
            path = None;
        }
        if let Some([word, name, end]) = tokens.get(i..i + 3)
            && word.is_ident("mod")
            && name.kind == Kind::Ident
            && end.is(";")
        {
            found.push(Declared { inline, name: name.text.clone(), path: path.take() });
        }
    }
    found
}

/// For each token, the inline modules (`mod name { … }`) it stands in, outermost first.
pub fn inline_scopes(tokens: &[Token]) -> Vec<Vec<String>> {
    let mut scopes = Vec::with_capacity(tokens.len());
    let mut open: Vec<(String, usize)> = Vec::new();
    for i in 0..tokens.len() {
        open.retain(|(_, end)| i < *end);
        scopes.push(open.iter().map(|(name, _)| name.clone()).collect());
        if let Some([word, name, brace]) = tokens.get(i..i + 3)
            && word.is_ident("mod")
            && name.kind == Kind::Ident
            && brace.is("{")
        {
            open.push((name.text.clone(), after_group(tokens, i + 2)));
        }
    }
    scopes
}
