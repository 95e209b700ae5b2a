//! Rust source into tokens, as far as the structure check needs them: identifiers, punctuation and opaque literals,
//! each with its line; comments and white space are dropped. It never fails: what is not understood becomes
//! punctuation, because the compiler has the last word on what is Rust.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or keyword; a raw one (`r#type`) without its mark.
    Ident,
    /// One character of punctuation.
    Punct,
    /// A string (its text without quotes), character or number.
    Literal,
    /// A lifetime or label, without its quote.
    Lifetime,
}

/// The smallest piece of source text that has a meaning of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its text, see [`Kind`].
    pub text: String,
    /// The line it begins on, from 1.
    pub line: usize,
}

impl Token {
    /// Is this the identifier `text`?
    pub fn is_ident(&self, text: &str) -> bool {
        self.kind == Kind::Ident && self.text == text
    }

    /// Is this the punctuation `text`?
    pub fn is(&self, text: &str) -> bool {
        self.kind == Kind::Punct && self.text == text
    }
}

/// All tokens of `text`.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0, line: 1, out: Vec::new() };
    while lexer.at < lexer.chars.len() {
        lexer.step();
    }
    lexer.out
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
    out: Vec<Token>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn bump(&mut self) -> char {
        let c = self.peek(0);
        self.at += 1;
        if c == '\n' {
            self.line += 1;
        }
        c
    }

    fn push(&mut self, kind: Kind, text: String, line: usize) {
        self.out.push(Token { kind, text, line });
    }

    fn step(&mut self) {
        let line = self.line;
        match (self.peek(0), self.peek(1)) {
            (c, _) if c.is_whitespace() => drop(self.bump()),
            ('/', '/') => drop(self.take_while(|c| c != '\n')),
            ('/', '*') => self.block_comment(),
            ('"', _) => self.string(line),
            ('\'', _) => self.quote(line),
            ('r' | 'b' | 'c', _) if self.raw_hashes().is_some() => self.raw_string(line),
            ('b' | 'c', '"') => {
                self.bump();
                self.string(line);
            }
            ('b', '\'') => {
                self.bump();
                self.quote(line);
            }
            ('r', '#') if is_word(self.peek(2)) => {
                self.at += 2;
                let text = self.take_while(is_word);
                self.push(Kind::Ident, text, line);
            }
            (c, _) if c.is_ascii_digit() => {
                let text = self.take_while(is_word);
                self.push(Kind::Literal, text, line);
            }
            (c, _) if is_word(c) => {
                let text = self.take_while(is_word);
                self.push(Kind::Ident, text, line);
            }
            _ => {
                let c = self.bump();
                self.push(Kind::Punct, c.to_string(), line);
            }
        }
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        while self.at < self.chars.len() && keep(self.peek(0)) {
            text.push(self.bump());
        }
        text
    }

    fn block_comment(&mut self) {
        let mut depth = 0usize;
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    self.bump();
                    continue;
                }
            }
            self.at += 2;
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self, line: usize) {
        self.bump();
        let mut text = String::new();
        while self.at < self.chars.len() {
            match self.bump() {
                '"' => break,
                '\\' => drop(self.bump()),
                c => text.push(c),
            }
        }
        self.push(Kind::Literal, text, line);
    }

    /// After `'`: a character or a lifetime.
    fn quote(&mut self, line: usize) {
        self.bump();
        if self.peek(0) == '\\' {
            self.at += 2;
            self.take_while(|c| c != '\'');
            self.bump();
            self.push(Kind::Literal, String::new(), line);
        } else if self.peek(1) == '\'' {
            let c = self.bump();
            self.bump();
            self.push(Kind::Literal, c.to_string(), line);
        } else {
            let text = self.take_while(is_word);
            self.push(Kind::Lifetime, text, line);
        }
    }

    /// At `r"`, `r#"`, `br##"` and the like: the length of the prefix and the number of hashes.
    fn raw_hashes(&self) -> Option<(usize, usize)> {
        let prefix = if self.peek(0) == 'r' {
            1
        } else if self.peek(1) == 'r' {
            2
        } else {
            return None;
        };
        let hashes = self.chars[self.at + prefix..].iter().take_while(|&&c| c == '#').count();
        (self.peek(prefix + hashes) == '"').then_some((prefix, hashes))
    }

    fn raw_string(&mut self, line: usize) {
        let Some((prefix, hashes)) = self.raw_hashes() else { return };
        self.at += prefix + hashes + 1;
        let mut text = String::new();
        while self.at < self.chars.len() {
            let c = self.bump();
            if c == '"' && (0..hashes).all(|i| self.peek(i) == '#') {
                self.at += hashes;
                break;
            }
            text.push(c);
        }
        self.push(Kind::Literal, text, line);
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn texts(source: &str) -> Vec<String> {
        tokens(source).into_iter().map(|t| t.text).collect()
    }

    #[test]
    fn comments_and_strings_hide_code() {
        assert_eq!(texts("a /* b /* c */ d */ e // f\ng"), ["a", "e", "g"]);
        assert_eq!(texts(r##"x("unsafe { }", r#"a "b" c"#, b"\"", 'q', '\'', b'"')"##).len(), 14);
        assert_eq!(texts("fn f<'a>(x: &'a str, c: char) {}")[3], "a");
    }

    #[test]
    fn lines_count_through_literals() {
        let all = tokens("\"a\nb\"\n/* \n */ x");
        assert_eq!(all[1].line, 4);
    }
}
