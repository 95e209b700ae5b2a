//! A Cargo.toml as far as the checks need it: the package's name and its dependencies, one a line. A dependency
//! written as a table of its own (`[dependencies.name]`) is told apart, because it has no line to carry a reason.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A manifest, read.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Relative to the workspace's root.
    pub path: PathBuf,
    /// `package.name`; empty for a workspace without a package.
    pub name: String,
    /// In the order of the file.
    pub dependencies: Vec<Dependency>,
    /// Values of `path` under `[[bin]]`, `[[test]]`, `[[example]]`, `[[bench]]` and `[lib]`.
    pub targets: Vec<String>,
}

/// A line of one of the tables of dependencies.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The package depended on, whatever it is renamed to.
    pub package: String,
    /// The line it stands on, counted from 1.
    pub line: usize,
    /// It stands under `dev-dependencies`.
    pub dev: bool,
    /// It has a comment at its end.
    pub has_reason: bool,
    /// It stands as a table of its own.
    pub is_table: bool,
}

impl Manifest {
    /// Reads the file Cargo.toml in `root`/`folder`.
    pub fn read(root: &Path, folder: &Path) -> io::Result<Self> {
        let path = folder.join("Cargo.toml");
        let text = fs::read_to_string(root.join(&path))?;
        Ok(Self::parse(path, &text))
    }

    fn parse(path: PathBuf, text: &str) -> Self {
        let mut manifest = Self { path, name: String::new(), dependencies: Vec::new(), targets: Vec::new() };
        let mut section = String::new();
        let mut open = 0usize; // brackets of a value that goes on over lines
        for (i, raw) in text.lines().enumerate() {
            let (body, comment) = split_comment(raw);
            if open > 0 {
                open = (open + count(body, "[{")).saturating_sub(count(body, "]}"));
                if let Some(last) = manifest.dependencies.last_mut().filter(|_| dependency_section(&section).is_some())
                {
                    last.has_reason |= comment;
                }
                continue;
            }
            if body.starts_with('[') {
                section = body.trim_matches(|c| c == '[' || c == ']').to_string();
                manifest.section(&section, i + 1);
                continue;
            }
            let Some((key, value)) = body.split_once('=') else { continue };
            open = count(value, "[{").saturating_sub(count(value, "]}"));
            manifest.entry(&section, key.trim(), value.trim(), comment, i + 1);
        }
        manifest
    }

    fn section(&mut self, section: &str, line: usize) {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let own = section.strip_prefix(kind).or_else(|| section.split_once(&format!(".{kind}")).map(|(_, r)| r));
            if let Some(name) = own.and_then(|rest| rest.strip_prefix('.')) {
                let dev = kind == "dev-dependencies";
                let package = name.to_string();
                self.dependencies.push(Dependency { package, line, dev, has_reason: false, is_table: true });
            }
        }
    }

    fn entry(&mut self, section: &str, key: &str, value: &str, has_reason: bool, line: usize) {
        if section == "package" && key == "name" {
            self.name = unquote(value).to_string();
        }
        if matches!(section, "bin" | "test" | "example" | "bench" | "lib") && key == "path" {
            self.targets.push(unquote(value).to_string());
        }
        if let Some(dev) = dependency_section(section) {
            let written = key.split('.').next().unwrap_or(key).trim_matches('"');
            let package = renamed(value).unwrap_or(written).to_string();
            self.dependencies.push(Dependency { package, line, dev, has_reason, is_table: false });
        }
    }
}

/// Is it a table of dependencies, and are they for tests?
fn dependency_section(section: &str) -> Option<bool> {
    match section.rsplit('.').next() {
        Some("dependencies" | "build-dependencies") if section != "workspace.dependencies" => Some(false),
        Some("dev-dependencies") => Some(true),
        _ => None,
    }
}

/// The value of `package = "…"` inside an inline table.
fn renamed(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("package")?;
    let (_, rest) = rest.split_once('"')?;
    rest.split_once('"').map(|(name, _)| name)
}

fn unquote(value: &str) -> &str {
    value.trim_matches('"')
}

fn count(text: &str, of: &str) -> usize {
    text.chars().filter(|&c| of.contains(c)).count()
}

/// The line without its comment, trimmed, and whether it had one that says something.
fn split_comment(line: &str) -> (&str, bool) {
    let mut quoted = false;
    for (i, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => return (line[..i].trim(), !line[i + 1..].trim().is_empty()),
            _ => {}
        }
    }
    (line.trim(), false)
}

#[cfg(test)]
mod tests {
    use super::Manifest;

    #[test]
    fn dependencies_are_found_with_their_reasons() {
        let text = "[package]\nname = \"a\"\n[dependencies]\nb = \"1\" # why\nc.workspace = true\n\
                    d = { package = \"e\", features = [\n \"x#y\" ] } # why\n[dev-dependencies.f]\nversion = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\ng = \"1\"\n[workspace.dependencies]\nh = \"1\"\n";
        let read = Manifest::parse("Cargo.toml".into(), text);
        let found: Vec<_> =
            read.dependencies.iter().map(|d| (d.package.as_str(), d.dev, d.has_reason, d.is_table)).collect();
        assert_eq!(read.name, "a");
        assert_eq!(
            found,
            [
                ("b", false, true, false),
                ("c", false, false, false),
                ("e", false, true, false),
                ("f", true, false, true),
                ("g", false, false, false),
            ]
        );
    }
}
