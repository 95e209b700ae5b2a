//! Links in a text as people paste it (own design): with byte-order marks, quotes, brackets, punctuation and prose around them, wrapped by
//! mail programs, escaped by web pages, several in one text.
//!
//! What begins like a link is one, wherever it stands. Lines without any are links of other kinds, such as paths, or prose; beside links
//! they count only where they look like a path or are an info-hash.

use alloc::{
    borrow::{Cow, ToOwned},
    string::String,
    vec::Vec,
};

use crate::key::TorrentKey;

/// What a link begins with, in lower case.
const STARTS: [&str; 8] =
    ["magnet:?", "magnet:/", "magnet:%3f", "magnet%3a", "http://", "https://", "file:/", "urn:btih:"];
/// Marks that show nothing and that no link has.
const INVISIBLE: [char; 8] =
    ['\u{feff}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{2060}', '\u{ad}'];
/// What stands around a quoted link. An apostrophe and a round bracket may be part of one.
const QUOTES: [char; 17] = ['"', '<', '>', '`', '“', '”', '„', '‟', '«', '»', '‹', '›', '‘', '’', '‚', '「', '」'];
/// What ends a sentence behind a link.
const PUNCTUATION: [char; 9] = ['.', ',', ';', '!', '…', '\'', '*', '|', '¶'];

/// Bytes as text: UTF-8, or UTF-16 as some editors save it, with or without a byte-order mark. `None` for what is no text.
pub fn text(bytes: &[u8]) -> Option<String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).ok()
    };
    let text = match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => utf16(bytes, u16::from_le_bytes)?,
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => utf16(bytes, u16::from_be_bytes)?,
        _ => core::str::from_utf8(bytes).ok()?.to_owned(),
    };
    (!text.contains('\0')).then_some(text)
}

/// All links in a text, in their order, and where there are none its lines, which may be paths. Empty lines and those that begin with `#`
/// are no links.
pub fn links(text: &str) -> Vec<String> {
    let text = visible(text);
    let (mut links, mut lines, mut rest) = (Vec::new(), Vec::new(), &*text);
    while !rest.is_empty() {
        let line_end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let line = &rest[..line_end];
        if line.trim_start().starts_with('#') {
            rest = rest[line_end..].trim_start_matches(['\n', '\r']);
        } else if let Some(at) = start(line) {
            let end = end(rest, at);
            links.push(without_breaks(&cleaned(&rest[at..end])).into_owned());
            rest = &rest[end..];
        } else {
            let words = line.split([' ', '\t', ',', ';']).filter(|word| !word.is_empty()).map(|word| cleaned(word));
            let words: Vec<Cow<'_, str>> = words.collect();
            if !words.is_empty() && words.iter().all(|word| is_hash(word)) {
                links.extend(words.into_iter().map(Cow::into_owned));
            } else if !line.trim().is_empty() {
                lines.push((links.len(), line.trim().to_owned()));
            }
            rest = rest[line_end..].trim_start_matches(['\n', '\r']);
        }
    }
    let prose = !links.is_empty();
    for (at, (before, line)) in lines.into_iter().filter(|(_, line)| !prose || is_path(line)).enumerate() {
        links.insert(before + at, line);
    }
    links
}

/// Whether a text begins as links do that are no path.
pub(crate) fn begins(text: &str) -> bool {
    let is = |start: &&str| text.get(..start.len()).is_some_and(|there| there.eq_ignore_ascii_case(start));
    STARTS.iter().any(is) || is_hash(text)
}

/// A link without what stands around it.
pub(crate) fn cleaned(text: &str) -> Cow<'_, str> {
    let around =
        |c: char| c.is_whitespace() || c.is_control() || QUOTES.contains(&c) || INVISIBLE.contains(&c) || c == '\'';
    let mut text = text.trim_matches(around);
    text = text.trim_start_matches(['(', '[', '{']);
    loop {
        let bare = text.trim_end_matches(|c: char| PUNCTUATION.contains(&c) || around(c));
        // A bracket that was opened before the link closes behind it.
        let bare = [('(', ')'), ('[', ']'), ('{', '}')].into_iter().fold(bare, |bare, (open, close)| {
            let surplus = bare.matches(close).count() > bare.matches(open).count();
            if surplus { bare.strip_suffix(close).unwrap_or(bare) } else { bare }
        });
        if bare.len() == text.len() {
            break;
        }
        text = bare;
    }
    // A link of Markdown whose target is nothing but an info-hash.
    let target = text.rsplit_once("](").map(|(_, target)| target.trim_end_matches(')'));
    let text = target.filter(|target| is_hash(target)).unwrap_or(text);
    unescaped(&visible(text)).into_owned().into()
}

/// The text without marks that show nothing.
fn visible(text: &str) -> Cow<'_, str> {
    if text.contains(INVISIBLE) { text.replace(INVISIBLE, "").into() } else { text.into() }
}

/// Ampersands that a web page has escaped, even twice.
fn unescaped(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for escape in ["&amp;", "&#38;", "&#038;", "&#x26;", "&AMP;"] {
        while text.contains(escape) {
            text = text.replace(escape, "&").into();
        }
    }
    text
}

/// The text without line breaks and what stands around them, as when a mail program wrapped it.
pub(crate) fn without_breaks(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\r', '\t']) {
        text.split(['\n', '\r', '\t']).map(str::trim).collect::<String>().into()
    } else {
        text.into()
    }
}

/// Where the first link of a line begins.
fn start(line: &str) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    let found = STARTS.iter().filter_map(|start| {
        let mut places = lower.match_indices(start).map(|(at, _)| at);
        places.find(|&at| !lower[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || "+-._/%".contains(c)))
    });
    found.min()
}

/// Where the link that begins at `at` ends.
fn end(text: &str, at: usize) -> usize {
    let link = &text[at..];
    let quoted = text[..at].chars().next_back().filter(|c| *c == '\'');
    let is_end = |c: char| QUOTES.contains(&c) || Some(c) == quoted;
    let most = link.find(is_end).unwrap_or(link.len());
    // Another link may follow without a space between.
    let next = link.to_ascii_lowercase();
    let next = next.match_indices("magnet:?").map(|(at, _)| at).find(|&at| at > 0).unwrap_or(link.len());
    let most = most.min(next);
    let mut end = link[..most].find(char::is_whitespace).unwrap_or(most);
    if !link.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("magnet:")) {
        return at + end;
    }
    // A name with spaces, or a line that was wrapped: as long as parameters follow.
    loop {
        let space = link[end..most].find(|c: char| !c.is_whitespace()).unwrap_or(most - end);
        let from = end + space;
        let gap = &link[end..from];
        let wrapped = gap.contains(['\n', '\r']);
        if from >= most || gap.matches('\n').count() > 1 || start(&link[from..most]) == Some(0) {
            return at + end;
        }
        let line = &link[from..most];
        let line = &line[..line.find(['\n', '\r']).unwrap_or(line.len())];
        let word = line.split(char::is_whitespace).next().unwrap_or_default();
        let goes_on = if wrapped { has_parameter(word) || is_cut(&link[..end]) } else { has_parameter(line) };
        if !goes_on {
            return at + end;
        }
        end = from + word.len();
    }
}

/// Whether parameters of a link follow: `&dn=…`.
fn has_parameter(text: &str) -> bool {
    text.match_indices('&').any(|(at, _)| {
        let name = text[at + 1..].trim_start_matches("amp;");
        name.split_once('=').is_some_and(|(name, _)| {
            (1..=5).contains(&name.len()) && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'.')
        })
    })
}

/// Whether a link ends amid its info-hash, or where something has to follow.
fn is_cut(link: &str) -> bool {
    let hash = link.to_ascii_lowercase();
    let hash = hash.rsplit_once("urn:btih:").map(|(_, hash)| hash.split('&').next().unwrap_or_default().len());
    link.ends_with(['&', '=', '%', '?', ':']) || hash.is_some_and(|len| len < 32 || (32 < len && len < 40))
}

fn is_hash(text: &str) -> bool {
    TorrentKey::pasted(text).is_some()
}

/// Whether a line beside links is a path rather than prose.
fn is_path(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    lower.trim_end_matches(['"', '\'']).ends_with(".torrent") || line.starts_with(['/', '~']) || line.starts_with("./")
}
