//! Names that are safe on every operating system, made from the bytes that a torrent has (own design).
//!
//! The same torrent gets the same names everywhere, so that content can be moved between systems. What a result never has:
//! separators, NUL, control, bidirectional or invisible characters, characters or names that Windows reserves, a dot or space at the
//! end, more than 255 bytes; and it is never empty, `.` or `..`. So a path of such parts cannot leave its root.

use alloc::string::String;

use unicode_normalization::UnicodeNormalization as _;

/// Longest extension that is kept when a name is shortened, in bytes with its dot.
const EXTENSION_MAX: usize = 33;

/// Makes one part of a path safe, at most `limit` bytes long (at least 64).
pub fn sanitise(bytes: &[u8], limit: usize) -> String {
    let mut name = String::with_capacity(bytes.len().min(4 * limit));
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars().filter(|&c| !is_invisible(c)) {
            name.push(if is_reserved(c) { '_' } else { c });
        }
        if !chunk.invalid().is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    if name.is_empty() || name == "." || name == ".." {
        return String::from("_");
    }
    if name.starts_with(' ') {
        name.replace_range(..1, "_");
    }
    if is_device(&name) {
        // Windows takes a device's name for the device whatever the extension, so the mark stands before it.
        let stem = name.find('.').unwrap_or(name.len());
        name.insert(stem, '_');
    }
    if name.len() > limit {
        name = shorten(&name, "", limit);
    }
    if name.ends_with(['.', ' ']) {
        if name.len() >= limit {
            name.pop();
        }
        name.push('_');
    }
    name
}

/// Whether bytes as they stand in a torrent can name one file in one folder of this system: not empty, `.` or `..`, no separator,
/// no NUL; on Windows also nothing that [`sanitise`] would change. They may be no text.
pub(crate) fn is_native(part: &[u8]) -> bool {
    let anywhere = !matches!(part, b"" | b"." | b"..") && !part.contains(&b'/') && !part.contains(&0);
    anywhere && (!cfg!(windows) || sanitise(part, 255).as_bytes() == part)
}

/// Puts `mark` between stem and extension, and cuts the stem so that all has at most `limit` bytes.
pub(crate) fn shorten(name: &str, mark: &str, limit: usize) -> String {
    let extension = match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= EXTENSION_MAX => &name[dot..],
        _ => "",
    };
    let stem = &name[..name.len() - extension.len()];
    let stem = &stem[..stem.floor_char_boundary_at(limit.saturating_sub(mark.len() + extension.len()))];
    let mut short = String::from(stem);
    short.push_str(mark);
    short.push_str(extension);
    short
}

trait CharBoundary {
    fn floor_char_boundary_at(&self, at: usize) -> usize;
}

impl CharBoundary for str {
    fn floor_char_boundary_at(&self, at: usize) -> usize {
        let mut at = at.min(self.len());
        while !self.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

/// The forms in which file systems keep the same text: composed (most programs) and decomposed (macOS).
pub fn forms(path: &str) -> [String; 2] {
    [path.nfc().collect(), path.nfd().collect()]
}

/// The form under which two names are one file on some system: case folded (Windows, macOS) and decomposed (macOS).
pub(crate) fn fold(name: &str) -> String {
    name.nfd().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfd().collect()
}

/// Characters that cannot be seen and turn or hide others: zero-width, bidirectional and other format characters.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Characters that some system forbids or takes for something else.
fn is_reserved(c: char) -> bool {
    c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '\u{2028}' | '\u{2029}')
}

/// Whether Windows takes the name for a device.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"]
        .iter()
        .any(|device| stem.eq_ignore_ascii_case(device))
    {
        return true;
    }
    let mut chars = stem.chars();
    let number = chars.next_back();
    let prefix = chars.as_str();
    matches!(number, Some('0'..='9' | '¹' | '²' | '³'))
        && (prefix.eq_ignore_ascii_case("COM") || prefix.eq_ignore_ascii_case("LPT"))
}
