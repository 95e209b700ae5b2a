//! Text of others in HTML (HTML Living Standard, 13.1.2.4 and 13.3): it can neither end where it stands nor change how the rest is read.
use std::fmt::{self, Display, Formatter, Write};

/// Text in an element or in a double-quoted attribute.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;"),
                '<' => f.write_str("&lt;"),
                '>' => f.write_str("&gt;"),
                '"' => f.write_str("&quot;"),
                '\'' => f.write_str("&#39;"),
                c if c.is_control() || is_format(c) => f.write_char(char::REPLACEMENT_CHARACTER),
                c => f.write_char(c),
            }?;
        }
        Ok(())
    }
}

/// Characters that turn the direction of what follows or that nobody sees: names are made to deceive with them.
fn is_format(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_place() {
        let of = |text| Escaped(text).to_string();
        assert_eq!(of("<script>&\"'"), "&lt;script&gt;&amp;&quot;&#39;");
        assert_eq!(of("a\0b\n\u{202E}c"), "a\u{FFFD}b\u{FFFD}\u{FFFD}c");
        assert_eq!(of("größe 日本 – 1"), "größe 日本 – 1");
    }
}
