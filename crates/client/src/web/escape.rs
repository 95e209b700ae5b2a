//! Text of others in HTML (HTML Living Standard, 13.1.2.4 and 13.3): it can neither end where it stands nor change how the rest is read.
use std::fmt::{self, Display, Formatter, Write};
use teem_metainfo::deceives;

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
                c if matches!(c, '\n' | '\t') || deceives(c) => f.write_char(char::REPLACEMENT_CHARACTER),
                c => f.write_char(c),
            }?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_place() {
        let of = |text| Escaped(text).to_string();
        assert_eq!(of("<script>&\"'"), "&lt;script&gt;&amp;&quot;&#39;");
        assert_eq!(of("a\0b\n\u{202E}c"), "a\u{FFFD}b\u{FFFD}\u{FFFD}c");
        assert_eq!(
            of("a\u{9b}b\tc\u{ad}\u{61c}\u{2066}\u{e0041}d"),
            "a\u{FFFD}b\u{FFFD}c\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}d"
        );
        assert_eq!(of("größe 日本 – 1"), "größe 日本 – 1");
    }
}
