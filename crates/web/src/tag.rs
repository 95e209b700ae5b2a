//! Entity tags (RFC 9110, section 8.8.3): the name of what a content is at this moment, by which a client asks whether it has changed.
use axum::http::HeaderValue;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher};

/// A strong entity tag.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tag(String);

impl Tag {
    /// The tag of these bytes; it takes reading all of them, so it is made when they are, not with each request.
    pub fn of(content: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(content);
        Self::of_digest(&hasher.finish().to_be_bytes())
    }

    /// The tag of what has this digest.
    fn of_digest(digest: &[u8]) -> Self {
        let mut text = String::from("\"");
        for byte in digest {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text.push('"');
        Self(text)
    }

    /// As it stands in a header line: quotes and hexadecimal digits, which every line may hold.
    pub(crate) fn value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }

    /// Whether a list (`If-Match`, `If-None-Match`) names it; a weak tag counts where `weak` says so (section 8.8.3.2).
    pub(crate) fn is_in(&self, list: &str, weak: bool) -> bool {
        entries(list).any(|(is_weak, tag)| tag == self.0 && (weak || !is_weak))
    }

    /// Whether a line with one tag (`If-Range`) names it and no weaker one.
    pub(crate) fn is(&self, line: &str) -> bool {
        line.trim() == self.0
    }
}

/// The tags of a list, each with whether it is weak. A tag may hold commas, so its quotes are what ends it.
fn entries(list: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut rest = list;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (weak, tag) = rest.strip_prefix("W/").map_or((false, rest), |tag| (true, tag));
        let end = tag.strip_prefix('"')?.find('"')? + 2;
        rest = &tag[end..];
        Some((weak, &tag[..end]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_name_it_or_not() {
        let tag = Tag::of_digest(&[0xab, 1]);
        for (list, weak, strong) in [
            ("\"ab01\"", true, true),
            ("W/\"ab01\"", true, false),
            ("\"x,y\" , W/\"z\",\"ab01\"", true, true),
            ("\"ab01,\"", false, false),
            ("ab01", false, false),
            ("\"ab01", false, false),
            ("", false, false),
        ] {
            assert_eq!((tag.is_in(list, true), tag.is_in(list, false)), (weak, strong), "{list}");
        }
        assert!(tag.is(" \"ab01\"") && !tag.is("W/\"ab01\""));
        assert_ne!(Tag::of(b"one"), Tag::of(b"two"));
    }
}
