//! Text that came from outside (names, reasons, URLs, paths) on its way to a person: the one place that makes it safe to print.
//!
//! A terminal obeys control characters, C1 among them, and shows text out of order where marks for the direction of writing stand in it;
//! characters that nobody sees make two names look like one. Everything that is printed goes through here; `cargo xtask tidy` knows the few files
//! that have a standard stream in hand.
use serde_json::ser::{CompactFormatter, Formatter};
use std::io::{self, Write};
use teem_metainfo::deceives;

/// Text that stays on one line: control characters, line ends, marks of direction and invisible characters become U+FFFD.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c == '\n' || deceives(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The same for text of several lines.
pub(crate) fn lines(text: &str) -> String {
    text.chars().map(|c| if deceives(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Writes JSON in which such characters stand as escapes: a program reads what was sent, a terminal obeys nothing.
#[derive(Default)]
pub(crate) struct Escaping(CompactFormatter);

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| deceives(*c)) {
            self.0.write_string_fragment(out, &rest[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        self.0.write_string_fragment(out, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;

    #[test]
    fn row_41_names_from_outside_cannot_move_the_cursor() {
        assert_eq!(plain("a\x1b[2Jb\u{202E}c\n"), "a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}");
        assert_eq!(lines("a\u{9b}31mb\n\u{2066}c\r\u{200b}d\t"), "a\u{FFFD}31mb\n\u{FFFD}c\u{FFFD}\u{FFFD}d\t");
        let seen = "né 日本 👩\u{200D}👩 می\u{200C}خواهم";
        assert_eq!(plain(seen), seen);
    }

    #[test]
    fn a_script_reads_what_a_terminal_does_not_obey() {
        let name = "a\u{9b}2J\u{202e}b\u{e0041}\x1b\"\\é";
        let mut out = Vec::new();
        name.serialize(&mut serde_json::Serializer::with_formatter(&mut out, Escaping::default())).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\"a\\u009b2J\\u202eb\\udb40\\udc41\\u001b\\\"\\\\é\"");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), name);
    }
}
