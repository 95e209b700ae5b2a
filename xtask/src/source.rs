//! One Rust file as the checks see it: its text, its tokens, and its tokens without what is compiled for tests only.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::lex::{self, Token};

/// A file, read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Relative to the workspace's root.
    pub path: PathBuf,
    /// As it stands.
    pub text: String,
    /// All of it.
    pub tokens: Vec<Token>,
    /// Without items under `#[test]` and `#[cfg(test)]`.
    pub live: Vec<Token>,
}

impl Source {
    /// Reads the file at `root`/`path`.
    pub fn read(root: &Path, path: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(root.join(path))?;
        let tokens = lex::tokens(&text);
        let live = without_tests(&tokens);
        Ok(Self { path: path.to_path_buf(), text, tokens, live })
    }

    /// Is it a test, benchmark or fuzz target by its place?
    pub fn is_test(&self) -> bool {
        self.path.iter().any(|part| part == "tests" || part == "benches" || part == "fuzz")
    }
}

/// The index after the bracket that closes the one at `open`.
pub fn after_group(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        if token.is("(") || token.is("[") || token.is("{") {
            depth += 1;
        } else if token.is(")") || token.is("]") || token.is("}") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return i + 1;
            }
        }
    }
    tokens.len()
}

/// Is an outer attribute (`#[…]`) at `i`?
pub fn is_attribute(tokens: &[Token], i: usize) -> bool {
    tokens.get(i).is_some_and(|t| t.is("#")) && tokens.get(i + 1).is_some_and(|t| t.is("["))
}

fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut live = Vec::with_capacity(tokens.len());
    let mut i = 0;
    while i < tokens.len() {
        if is_attribute(tokens, i) {
            let end = after_group(tokens, i + 1);
            if only_for_tests(&tokens[i + 2..end.saturating_sub(1).max(i + 2)]) {
                i = after_item(tokens, end);
                continue;
            }
        }
        live.push(tokens[i].clone());
        i += 1;
    }
    live
}

/// `test`, `cfg(test)` and `cfg(all(test, …))`, but not `cfg(any(test, …))` or `cfg(not(test))`.
fn only_for_tests(attribute: &[Token]) -> bool {
    let has = |word: &str| attribute.iter().any(|t| t.is_ident(word));
    match attribute {
        [one] => one.is_ident("test"),
        [first, ..] => first.is_ident("cfg") && has("test") && !has("any") && !has("not"),
        [] => false,
    }
}

/// The index after the item, field or arm that begins at `i`.
fn after_item(tokens: &[Token], mut i: usize) -> usize {
    while is_attribute(tokens, i) {
        i = after_group(tokens, i + 1);
    }
    if tokens.get(i).is_some_and(|t| t.is_ident("pub")) {
        i += 1;
        if tokens.get(i).is_some_and(|t| t.is("(")) {
            i = after_group(tokens, i);
        }
    }
    let starts = |words: &[&str]| tokens.get(i).is_some_and(|t| words.iter().any(|w| t.is_ident(w)));
    let import = starts(&["use"]);
    let item = starts(&[
        "fn", "mod", "impl", "struct", "enum", "trait", "const", "static", "type", "unsafe", "async", "extern",
    ]);
    while let Some(token) = tokens.get(i) {
        if token.is(";") || (token.is(",") && !item && !import) {
            return i + 1;
        }
        if token.is("}") || token.is(")") || token.is("]") {
            return i;
        }
        if token.is("{") || token.is("(") || token.is("[") {
            let block = token.is("{") && !import;
            i = after_group(tokens, i);
            if block {
                return i;
            }
        } else {
            i += 1;
        }
    }
    i
}

#[cfg(test)]
mod tests {
    use super::without_tests;
    use crate::lex::tokens;

    fn live(text: &str) -> String {
        without_tests(&tokens(text)).into_iter().map(|t| t.text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_for_tests_goes() {
        assert_eq!(live("a; #[cfg(test)] mod tests { x.unwrap() } b"), "a ; b");
        assert_eq!(live("#[cfg(test)] use a::{b, c}; d"), "d");
        assert_eq!(live("#[test] #[should_panic] fn f() -> [u8; 2] { x } d"), "d");
        assert_eq!(live("struct S { #[cfg(test)] a: u8, b: u8 }"), "struct S { b : u8 }");
        assert_eq!(live("#[cfg(not(test))] a"), "# [ cfg ( not ( test ) ) ] a");
    }
}
