//! XML within bounds (own design): size, depth and nodes are limited before anything is built of a document, and none may declare types or
//! entities.

use roxmltree::{Document, Node, ParsingOptions};

/// Bytes of a document: descriptions of large routers have some fifty thousand.
pub const LEN_MAX: usize = 128 * 1024;
/// Elements within each other: descriptions have ten.
const DEPTH_MAX: usize = 32;
/// Elements and texts of a document.
const NODES_MAX: u32 = 8_192;

/// Not a document that is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadXml;

/// Reads a document. Some routers leave bytes of zero behind the end, or spaces before the beginning.
pub(crate) fn parse(bytes: &[u8]) -> Result<Document<'_>, BadXml> {
    if bytes.len() > LEN_MAX {
        return Err(BadXml);
    }
    let text = core::str::from_utf8(bytes).map_err(|_| BadXml)?;
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0' || c == '\u{feff}');
    if !is_shallow(text) {
        return Err(BadXml);
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|_| BadXml)
}

/// The text of the first element of that name, whatever its namespace is.
pub(crate) fn text_of<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let found = node.descendants().find(|node| node.is_element() && node.tag_name().name() == name)?;
    Some(found.text().unwrap_or_default().trim())
}

/// The text of the child of that name.
pub(crate) fn child<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let found = node.children().find(|node| node.is_element() && node.tag_name().name() == name)?;
    Some(found.text().unwrap_or_default().trim())
}

/// Whether no element lies deeper than is allowed, as far as a look at tags alone can tell; what it cannot tell is refused.
fn is_shallow(text: &str) -> bool {
    let (mut rest, mut depth) = (text, 0_usize);
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        let over = if rest.starts_with("<!--") {
            past(rest, "-->")
        } else if rest.starts_with("<![CDATA[") {
            past(rest, "]]>")
        } else if rest.starts_with("<?") {
            past(rest, "?>")
        } else if rest.starts_with("<!") {
            None
        } else {
            tag_end(rest)
        };
        let Some(over) = over else { return false };
        let tag = &rest[..over];
        if tag.starts_with("</") {
            depth = depth.saturating_sub(1);
        } else if !tag.starts_with("<!") && !tag.starts_with("<?") && !tag.ends_with("/>") {
            depth += 1;
        }
        if depth > DEPTH_MAX {
            return false;
        }
        rest = &rest[over..];
    }
    true
}

fn past(text: &str, end: &str) -> Option<usize> {
    text.find(end).map(|at| at + end.len())
}

/// Where a tag is over: at the first `>` that does not stand in quotes.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn names_are_found_in_any_namespace() {
        let text = "\u{feff} <?xml version='1.0'?><s:Envelope xmlns:s='urn:s'><s:Body><!-- <x> --><u:R xmlns:u='urn:u'>\
                    <A b='>'> 1 </A></u:R></s:Body></s:Envelope>\0\0";
        let document = parse(text.as_bytes()).unwrap();
        assert_eq!(text_of(document.root(), "A"), Some("1"));
        assert_eq!(text_of(document.root(), "x"), None);
        assert_eq!(child(document.root_element(), "A"), None);
    }

    #[test]
    fn deep_long_and_clever_documents_are_refused() {
        let nested = |n: usize, between: &str| format!("{}{}", format!("<a>{between}").repeat(n), "</a>".repeat(n));
        assert!(parse(nested(DEPTH_MAX, "").as_bytes()).is_ok());
        assert!(parse(nested(DEPTH_MAX + 1, "").as_bytes()).is_err());
        // Ends that are none do not make it shallow.
        for hidden in ["<!--</a>-->", "<![CDATA[</a>]]>", "<?x </a>?>", "<b c='</a>'/>"] {
            assert!(parse(nested(DEPTH_MAX + 1, hidden).as_bytes()).is_err(), "{hidden}");
        }
        assert!(parse(nested(20_000, "").as_bytes()).is_err());
        assert!(parse(format!("<a>{}</a>", " ".repeat(LEN_MAX)).as_bytes()).is_err());
        assert!(parse(format!("<a>{}</a>", "<b/>".repeat(NODES_MAX as usize)).as_bytes()).is_err());
        let laughs = "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><a>&b;</a>";
        for text in [laughs, "", "<", "<a", "<a>", "a", "<a b='>", "<!-- <a/>", "<a/><b/>"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(b"<a>\xff</a>").is_err());
    }
}
