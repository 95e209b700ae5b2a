//! The items that a file declares: each with its reach, the words of its declaration and those of its body. What a macro
//! makes is not seen.

use std::ops::Range;

use crate::lex::{Kind, Token};
use crate::source::{after_group, is_attribute};

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A function that stands alone.
    Function,
    /// A function of a type.
    Method,
    /// A named field of a struct.
    Field,
    /// A constant of a type.
    Associated,
    /// A struct or union.
    Struct,
    /// An enum, trait, type alias, constant or static.
    Other,
    /// A module, in a file of its own or inline.
    Module,
}

/// A named thing that a file declares.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) what: What,
    pub(super) name: String,
    /// Line of its name, from 1.
    pub(super) line: usize,
    /// `pub` without a bound.
    pub(super) public: bool,
    /// For a field, method or associated constant: the type it belongs to.
    pub(super) of: Option<String>,
    /// For a method or constant: it belongs to a trait's `impl`.
    pub(super) by_trait: bool,
    /// Its declaration, as a range of the tokens; all of it where all of it is seen from outside.
    pub(super) face: Range<usize>,
    /// What stands between its braces; empty where there are none.
    pub(super) body: Range<usize>,
}

/// An `impl` of a type for a trait: the type, and the tokens that a user of the type may see.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) of: String,
    pub(super) face: Range<usize>,
}

/// What a file declares.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) all: Vec<Item>,
    pub(super) by_trait: Vec<Kept>,
}

/// Reads the items out of `tokens`.
pub(super) fn items(tokens: &[Token]) -> Items {
    let mut reader = Reader { tokens, out: Items::default() };
    reader.items(0..tokens.len(), None);
    reader.out
}

/// What a block of items belongs to.
#[derive(Clone, Copy)]
struct Owner<'a> {
    of: &'a str,
    by_trait: bool,
}

struct Reader<'a> {
    tokens: &'a [Token],
    out: Items,
}

impl Reader<'_> {
    fn ident(&self, i: usize) -> Option<&str> {
        self.tokens.get(i).filter(|t| t.kind == Kind::Ident).map(|t| t.text.as_str())
    }

    fn is(&self, i: usize, text: &str) -> bool {
        self.tokens.get(i).is_some_and(|t| t.is(text))
    }

    /// The first `{` or `;` from `i` on that stands in no bracket.
    fn head_end(&self, mut i: usize, end: usize) -> usize {
        while i < end && !self.is(i, "{") && !self.is(i, ";") {
            i = if self.is(i, "(") || self.is(i, "[") { after_group(self.tokens, i) } else { i + 1 };
        }
        i.min(end)
    }

    /// The index after the `;` that ends a declaration.
    fn after_semicolon(&self, mut i: usize, end: usize) -> usize {
        while i < end && !self.is(i, ";") {
            let group = self.is(i, "(") || self.is(i, "[") || self.is(i, "{");
            i = if group { after_group(self.tokens, i) } else { i + 1 };
        }
        (i + 1).min(end)
    }

    /// After `pub` and its bound; whether there is a `pub` without one.
    fn reach(&self, i: usize) -> (usize, bool) {
        match self.ident(i) {
            Some("pub") if self.is(i + 1, "(") => (after_group(self.tokens, i + 1), false),
            Some("pub") => (i + 1, true),
            _ => (i, false),
        }
    }

    fn items(&mut self, range: Range<usize>, owner: Option<Owner<'_>>) {
        let mut i = range.start;
        while i < range.end {
            if is_attribute(self.tokens, i) {
                i = after_group(self.tokens, i + 1);
                continue;
            }
            let (after, public) = self.reach(i);
            i = self.item(after, range.end, public, owner);
        }
    }

    /// One item whose reach is read already; the index behind it.
    fn item(&mut self, start: usize, end: usize, public: bool, owner: Option<Owner<'_>>) -> usize {
        let mut at = start;
        while self.ident(at).is_some_and(|word| ["unsafe", "async", "extern", "default"].contains(&word))
            || (self.ident(at) == Some("const")
                && self.ident(at + 1).is_some_and(|word| ["fn", "unsafe"].contains(&word)))
            || (at > start && self.tokens.get(at).is_some_and(|t| t.kind == Kind::Literal))
        {
            at += 1;
        }
        match self.ident(at) {
            Some("fn") => self.function(at, end, public, owner),
            Some("struct" | "union") => self.structure(at, end, public),
            Some("enum" | "trait") => {
                let open = self.head_end(at, end);
                let after = after_group(self.tokens, open);
                self.push(What::Other, at + 1, public, None, at..after, 0..0);
                after
            }
            Some("type" | "const" | "static") => {
                let after = self.after_semicolon(at, end);
                let name = if self.ident(at + 1) == Some("mut") { at + 2 } else { at + 1 };
                let alias = self.ident(at) == Some("type");
                let value = (at..after).find(|&i| !alias && self.is(i, "=")).unwrap_or(after);
                let what = if owner.is_some() { What::Associated } else { What::Other };
                self.push(what, name, public, owner, at..value, value..after);
                after
            }
            Some("mod") => {
                let open = self.head_end(at, end);
                let after = if self.is(open, "{") { after_group(self.tokens, open) } else { open + 1 };
                self.push(What::Module, at + 1, public, None, at..at, 0..0);
                if self.is(open, "{") {
                    self.items(open + 1..after.saturating_sub(1), None);
                }
                after
            }
            Some("use") => self.after_semicolon(at, end),
            Some("impl") => self.implementation(at, end),
            _ if self.is(at, "{") || self.is(at, "(") || self.is(at, "[") => after_group(self.tokens, at),
            _ => at + 1,
        }
    }

    fn push(
        &mut self,
        what: What,
        name: usize,
        public: bool,
        owner: Option<Owner<'_>>,
        face: Range<usize>,
        body: Range<usize>,
    ) {
        let Some(token) = self.tokens.get(name).filter(|t| t.kind == Kind::Ident) else { return };
        self.out.all.push(Item {
            what,
            name: token.text.clone(),
            line: token.line,
            public,
            of: owner.map(|owner| owner.of.to_string()),
            by_trait: owner.is_some_and(|owner| owner.by_trait),
            face,
            body,
        });
    }

    fn function(&mut self, at: usize, end: usize, public: bool, owner: Option<Owner<'_>>) -> usize {
        let open = self.head_end(at, end);
        let after = if self.is(open, "{") { after_group(self.tokens, open) } else { open + 1 };
        let what = if owner.is_some() { What::Method } else { What::Function };
        self.push(what, at + 1, public, owner, at..open, open..after.min(end));
        after
    }

    fn structure(&mut self, at: usize, end: usize, public: bool) -> usize {
        let open = (at..end).find(|&i| self.is(i, "{") || self.is(i, "(") || self.is(i, ";")).unwrap_or(end);
        let tuple = self.is(open, "(");
        let group = if self.is(open, ";") { open + 1 } else { after_group(self.tokens, open) };
        let face = if tuple { at..group } else { at..open };
        self.push(What::Struct, at + 1, public, None, face, 0..0);
        if tuple {
            return self.after_semicolon(group, end);
        }
        if self.is(open, "{") {
            let of = self.ident(at + 1).unwrap_or_default().to_string();
            self.fields(open + 1..group.saturating_sub(1), &of);
        }
        group
    }

    fn fields(&mut self, range: Range<usize>, of: &str) {
        let mut i = range.start;
        while i < range.end {
            if is_attribute(self.tokens, i) {
                i = after_group(self.tokens, i + 1);
                continue;
            }
            let (name, public) = self.reach(i);
            let mut angles = 0usize;
            i = name;
            while i < range.end && !(angles == 0 && self.is(i, ",")) {
                if self.is(i, "<") {
                    angles += 1;
                } else if self.is(i, ">") && !self.is(i - 1, "-") {
                    angles = angles.saturating_sub(1);
                }
                i = if self.is(i, "(") || self.is(i, "[") { after_group(self.tokens, i) } else { i + 1 };
            }
            self.push(What::Field, name, public, Some(Owner { of, by_trait: false }), name + 1..i, 0..0);
            i += 1;
        }
    }

    fn implementation(&mut self, at: usize, end: usize) -> usize {
        let open = self.head_end(at, end);
        let after = after_group(self.tokens, open);
        let head = self.tokens[at..open].iter();
        let by_trait = head.clone().any(|t| t.is_ident("for")) && !self.is(at + 1, "!");
        if let Some(of) = implemented(self.tokens, at + 1) {
            if by_trait {
                self.out.by_trait.push(Kept { of: of.clone(), face: at..open });
            }
            self.items(open + 1..after.saturating_sub(1), Some(Owner { of: &of, by_trait }));
        }
        after
    }
}

/// The name of the type that an `impl` is for: the last segment before its generics, of what follows `for` if there is
/// one.
pub(super) fn implemented(tokens: &[Token], from: usize) -> Option<String> {
    let mut depth = 0usize;
    let mut name = None;
    for (i, token) in tokens.iter().enumerate().skip(from) {
        if token.is("<") {
            depth += 1;
        } else if token.is(">") && !tokens[i - 1].is("-") && !tokens[i - 1].is("=") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && (token.is("{") || token.is(";") || token.is_ident("where")) {
            break;
        } else if depth == 0 && token.kind == Kind::Ident && !token.is_ident("for") {
            name = Some(token.text.clone());
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::{What, items};
    use crate::lex::tokens;

    #[test]
    fn items_are_found_with_their_reach_and_owner() {
        let text = "pub struct A<T> { pub a: Map<T, (u8, u8)>, b: u8 }\npub(crate) struct B(pub u8);\n\
                    impl<T> A<T> { pub const fn f(&self) -> u8 { 1 } const C: u8 = 2; }\n\
                    impl Iterator for B { type Item = A<u8>; fn next(&mut self) {} }\n\
                    pub enum E { X { y: u8 } }\nmod m { pub fn g() {} }\npub use a::b;\n";
        let found = items(&tokens(text));
        let all: Vec<_> =
            found.all.iter().map(|i| (i.what, i.name.as_str(), i.public, i.of.as_deref(), i.by_trait)).collect();
        assert_eq!(
            all,
            [
                (What::Struct, "A", true, None, false),
                (What::Field, "a", true, Some("A"), false),
                (What::Field, "b", false, Some("A"), false),
                (What::Struct, "B", false, None, false),
                (What::Method, "f", true, Some("A"), false),
                (What::Associated, "C", false, Some("A"), false),
                (What::Associated, "Item", false, Some("B"), true),
                (What::Method, "next", false, Some("B"), true),
                (What::Other, "E", true, None, false),
                (What::Module, "m", false, None, false),
                (What::Function, "g", true, None, false),
            ]
        );
        assert_eq!(found.by_trait.len(), 1);
    }
}
