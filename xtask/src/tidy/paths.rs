//! The paths a file writes: each `use` (its tree flattened) and each path in code, with the inline modules around it.

use crate::lex::{Kind, Token};
use crate::tidy::items::implemented;
use crate::tree::inline_scopes;

/// A path as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// `["super", "Foo"]`; `*` stands last for all names.
    pub(super) segments: Vec<String>,
    /// Inline modules around it.
    pub(super) inline: Vec<String>,
    /// The line it begins on, counted from 1.
    pub(super) line: usize,
}

/// One name that a `use` brings in.
#[derive(Clone, Debug)]
pub(super) struct Import {
    /// The path that the name stands for.
    pub(super) path: Written,
    /// The name it has here (`*` for all).
    pub(super) name: String,
    /// `pub use`, with whatever reach.
    pub(super) public: bool,
}

/// What a file names.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Names that come in by a `use`.
    pub(super) imports: Vec<Import>,
    /// In code; of one segment too, because an imported module's or item's name may stand alone.
    pub(super) paths: Vec<Written>,
    /// Types that the file has `impl` blocks for.
    pub(super) extends: Vec<String>,
    /// Items that the file defines.
    pub(super) defines: Vec<String>,
}

/// Reads the names out of `tokens`.
pub(super) fn names(tokens: &[Token]) -> Names {
    let mut names = Names::default();
    let scopes = inline_scopes(tokens);
    let mut i = 0;
    while i < tokens.len() {
        let token = &tokens[i];
        let here = &scopes[i];
        if token.is_ident("use") && !follows(tokens, i + 1, "<") {
            let public = i > 0 && (tokens[i - 1].is_ident("pub") || tokens[i - 1].is(")"));
            let mut reader = Imports { tokens, at: i + 1, inline: here, public, out: &mut names.imports };
            reader.tree(&[]);
            i = reader.at;
        } else if token.is_ident("impl") && begins_item(tokens, i) {
            names.extends.extend(implemented(tokens, i + 1));
            i += 1;
        } else if token.kind == Kind::Ident && !is_tail(tokens, i) {
            defined(tokens, i, &mut names.defines);
            let (segments, next) = path(tokens, i);
            names.paths.push(Written { segments, inline: here.clone(), line: token.line });
            i = next;
        } else {
            i += 1;
        }
    }
    names
}

fn follows(tokens: &[Token], i: usize, text: &str) -> bool {
    tokens.get(i).is_some_and(|t| t.is(text))
}

fn colons(tokens: &[Token], i: usize) -> bool {
    follows(tokens, i, ":") && follows(tokens, i + 1, ":")
}

/// Does the identifier at `i` go on a path or follow a dot?
fn is_tail(tokens: &[Token], i: usize) -> bool {
    (i >= 2 && colons(tokens, i - 2)) || (i >= 1 && tokens[i - 1].is(".") && !(i >= 2 && tokens[i - 2].is(".")))
}

fn path(tokens: &[Token], mut i: usize) -> (Vec<String>, usize) {
    let mut segments = vec![tokens[i].text.clone()];
    i += 1;
    while colons(tokens, i) && tokens.get(i + 2).is_some_and(|t| t.kind == Kind::Ident) {
        segments.push(tokens[i + 2].text.clone());
        i += 3;
    }
    (segments, i)
}

fn begins_item(tokens: &[Token], i: usize) -> bool {
    i == 0 || ["}", ";", "{", "]"].iter().any(|end| tokens[i - 1].is(end)) || tokens[i - 1].is_ident("unsafe")
}

fn defined(tokens: &[Token], i: usize, out: &mut Vec<String>) {
    let words = ["fn", "struct", "enum", "union", "trait", "type", "const", "static", "mod"];
    if words.iter().any(|word| tokens[i].is_ident(word))
        && let Some(name) = tokens.get(i + 1).filter(|t| t.kind == Kind::Ident)
    {
        out.push(name.text.clone());
    }
    if tokens[i].is_ident("macro_rules")
        && let Some(name) = tokens.get(i + 2)
    {
        out.push(name.text.clone());
    }
}

struct Imports<'a> {
    tokens: &'a [Token],
    at: usize,
    inline: &'a [String],
    public: bool,
    out: &'a mut Vec<Import>,
}

impl Imports<'_> {
    /// One tree of a `use`, after `prefix`; ends at the `,`, `}` or `;` behind it.
    fn tree(&mut self, prefix: &[String]) {
        let mut segments = prefix.to_vec();
        let mut name = None;
        let line = self.tokens.get(self.at).map_or(0, |t| t.line);
        while let Some(token) = self.tokens.get(self.at) {
            if token.is("{") {
                self.at += 1;
                while !follows(self.tokens, self.at, "}") && self.at < self.tokens.len() {
                    self.tree(&segments);
                    if follows(self.tokens, self.at, ",") {
                        self.at += 1;
                    }
                }
                self.at += 1;
                return;
            }
            if token.is(",") || token.is("}") || token.is(";") {
                break;
            }
            if token.is_ident("as") {
                name = self.tokens.get(self.at + 1).map(|t| t.text.clone());
                self.at += 1;
            } else if token.is("*") || token.kind == Kind::Ident {
                segments.push(token.text.clone());
            }
            self.at += 1;
        }
        if segments.len() > 1 && segments.last().is_some_and(|s| s == "self") {
            segments.pop();
        }
        if let Some(last) = segments.last().cloned() {
            let path = Written { segments, inline: self.inline.to_vec(), line };
            self.out.push(Import { path, name: name.unwrap_or(last), public: self.public });
        }
    }
}
