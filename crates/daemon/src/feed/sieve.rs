//! What of a feed says something of torrents, and nothing else (own design; row 71 of bad input).
//!
//! Whoever writes a feed writes what he likes, so it goes through a sieve before it is read: how many elements and items it has, how deep they lie and how long a tag is has bounds, and
//! what nobody here needs (dates, people, texts, pictures) is left out before anything is made of it. What is beyond a bound is refused whole, since half of a feed would look like
//! one whose other items are gone. Entities of its own are not expanded.
use super::unreadable::{ReadError, broken};
use quick_xml::encoding::DecodingReader;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesEnd, BytesStart, Event};
use quick_xml::{Reader, Writer};
use std::borrow::Cow;
use std::io::BufReader;

/// Items of a feed; usual ones have a hundred, those of search services a thousand.
pub(super) const ITEMS_MAX: usize = 10_000;
/// Elements of a feed: twenty for each item.
const ELEMENTS_MAX: usize = 200_000;
/// How deep elements may lie in each other.
const DEPTH_MAX: usize = 100;
/// Bytes of a tag with its attributes, which are compared with each other.
const TAG_BYTES: usize = 8 << 10;
/// Bytes of an address that relative ones are joined to, each time anew.
pub(super) const BASE_BYTES: usize = 1024;

/// Elements in which those lie that are looked for.
const FRAMES: [&str; 6] = ["rss", "RDF", "channel", "feed", "entry", "item"];
/// Elements of which the text or the attributes are taken.
const LEAVES: [&str; 7] = ["title", "guid", "id", "link", "enclosure", "ttl", MAGNET];
/// A magnet link in the namespace of torrents, which becomes a link like any.
const MAGNET: &str = "magnetURI";
/// Attributes that say something, beside those of namespaces.
const ATTRIBUTES: [&str; 6] = ["href", "rel", "type", "length", "url", "xml:base"];

/// Where in the feed it is.
struct Sieve {
    out: Writer<Vec<u8>>,
    elements: usize,
    items: usize,
    depth: usize,
    /// How deep it is in an element that is left out, and in one whose text is taken.
    left_out: usize,
    leaf: usize,
}

/// What is left of a feed, in UTF-8. Takes time in proportion to its bytes.
pub(super) fn sifted(bytes: &[u8]) -> Result<Vec<u8>, ReadError> {
    // The parser takes another way where it finds a bracket of JSON first.
    if bytes.iter().find(|byte| b"<{".contains(byte)) != Some(&b'<') {
        return Err(ReadError::NoFeed);
    }
    let mut reader = Reader::from_reader(DecodingReader::new(BufReader::new(bytes)));
    reader.config_mut().trim_markup_names_in_closing_tags = true;
    let out = Writer::new(Vec::new());
    let mut sieve = Sieve { out, elements: 0, items: 0, depth: 0, left_out: 0, leaf: 0 };
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).map_err(|e| broken(&e))? {
            // What follows is decoded as it says.
            Event::Decl(declaration) => {
                if let Some(encoding) = declaration.encoder() {
                    reader.get_mut().set_encoding(encoding);
                }
            }
            Event::Eof if sieve.depth > 0 => return Err(ReadError::Broken("it is cut off".to_owned())),
            Event::Eof => return Ok(sieve.out.into_inner()),
            event => sieve.take(event)?,
        }
    }
}

impl Sieve {
    fn take(&mut self, event: Event<'_>) -> Result<(), ReadError> {
        match event {
            Event::Start(tag) => {
                self.count(&tag)?;
                self.depth += 1;
                if self.left_out > 0 || (self.leaf == 0 && !is_kept(&tag)) {
                    self.left_out += 1;
                } else if self.leaf > 0 {
                    self.leaf += 1;
                } else {
                    self.leaf = usize::from(is_leaf(&tag));
                    return self.write(Event::Start(kept(&tag)));
                }
            }
            Event::Empty(tag) => {
                self.count(&tag)?;
                if self.left_out == 0 && self.leaf == 0 && is_kept(&tag) {
                    return self.write(Event::Empty(kept(&tag)));
                }
            }
            Event::End(tag) => {
                self.depth = self.depth.saturating_sub(1);
                if self.left_out > 0 {
                    self.left_out -= 1;
                } else if self.leaf > 1 {
                    self.leaf -= 1;
                } else {
                    self.leaf = 0;
                    let name = tag.name();
                    return self.write(Event::End(BytesEnd::new(called(name.as_ref(), tag.local_name().as_ref()))));
                }
            }
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) if self.left_out == 0 && self.leaf > 0 => {
                return self.write(event);
            }
            _ => {}
        }
        Ok(())
    }

    fn write(&mut self, event: Event<'_>) -> Result<(), ReadError> {
        self.out.write_event(event).map_err(|e| broken(&e))
    }

    /// Holds an element to the bounds.
    fn count(&mut self, tag: &BytesStart<'_>) -> Result<(), ReadError> {
        self.elements += 1;
        self.items += usize::from(matches!(tag.local_name().as_ref(), "item" | "entry"));
        let beyond = if self.items > ITEMS_MAX {
            format!("more than {ITEMS_MAX} items")
        } else if self.elements > ELEMENTS_MAX {
            format!("more than {ELEMENTS_MAX} elements")
        } else if self.depth >= DEPTH_MAX {
            format!("elements more than {DEPTH_MAX} deep in each other")
        } else if tag.len() > TAG_BYTES {
            format!("a tag of more than {TAG_BYTES} bytes")
        } else if tag.len() > BASE_BYTES && tag.contains("xml:base") {
            format!("a tag with a base address of more than {BASE_BYTES} bytes")
        } else {
            return Ok(());
        };
        Err(ReadError::Bound(beyond))
    }
}

fn is_leaf(tag: &BytesStart<'_>) -> bool {
    LEAVES.contains(&tag.local_name().as_ref())
}

fn is_kept(tag: &BytesStart<'_>) -> bool {
    is_leaf(tag) || FRAMES.contains(&tag.local_name().as_ref())
}

/// What an element is called in what is left.
fn called<'a>(name: &'a str, local: &str) -> &'a str {
    if local == MAGNET { "link" } else { name }
}

/// A tag with the attributes that say something.
fn kept(tag: &BytesStart<'_>) -> BytesStart<'static> {
    let (name, local) = (tag.name(), tag.local_name());
    let mut kept = BytesStart::new(called(name.as_ref(), local.as_ref()).to_owned());
    for attribute in tag.attributes().flatten() {
        let key = attribute.key.as_ref();
        // The type of a title is that of its text, of which some are refused.
        let is_said = ATTRIBUTES.contains(&key) && local.as_ref() != "title";
        if is_said || key == "xmlns" || key.starts_with("xmlns:") {
            // It may have stood in the other quotes.
            let value = Cow::from(attribute.value.replace('"', "&quot;"));
            kept.push_attribute(Attribute { key: attribute.key, value });
        }
    }
    if local.as_ref() == "rss" {
        // Whatever it says, it is read alike.
        kept.push_attribute(("version", "2.0"));
    }
    kept
}
