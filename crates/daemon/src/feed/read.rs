//! A feed as items that may be torrents (RSS 0.9 to 2.0, Atom RFC 4287; own design; row 65 of bad input): of what the sieve leaves.
use super::sieve::{BASE_BYTES, ITEMS_MAX, sifted};
use super::unreadable::{ReadError, broken, one_line};
use feed_rs::model::{Entry, Link};
use feed_rs::parser::{self, ParseFeedError};
use std::collections::HashSet;
use std::time::Duration;
use teem_fault::contain_answer;
use teem_metainfo::deceives;

/// Characters of a title that are kept.
const TITLE_CHARS: usize = 300;
/// Bytes of a link; a magnet link has its trackers in it.
const LINK_BYTES: usize = 16 << 10;
/// Lengths of enclosures below this are those of .torrent files, which some feeds give.
const CONTENT_MIN: u64 = 1 << 20;
/// What a .torrent is called where links have types.
const TORRENT_TYPE: &str = "application/x-bittorrent";

/// What may be a torrent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Item {
    /// On one line, without characters that a terminal obeys.
    pub(crate) title: String,
    /// What it is known again by: its own id, else its link.
    pub(crate) id: String,
    /// A magnet link, or the URL of what should be a .torrent; none where it has neither.
    pub(crate) link: Option<String>,
    /// Bytes of its content, as the feed says.
    pub(crate) size: Option<u64>,
}

/// What a feed says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Read {
    pub(crate) title: String,
    /// How long it wants to be left alone.
    pub(crate) ttl: Option<Duration>,
    /// In the order in which it names them, each once.
    pub(crate) items: Vec<Item>,
}

/// Reads a feed that came from `url`. Takes time in proportion to its bytes.
pub(crate) fn read(bytes: &[u8], url: &str) -> Result<Read, ReadError> {
    // What others wrote is read by what others wrote: a panic there ends nothing but this.
    let read = contain_answer(|| read_sifted(&sifted(bytes)?, url));
    read.unwrap_or_else(|_| Err(ReadError::Broken("its parser has failed".to_owned())))
}

fn read_sifted(bytes: &[u8], url: &str) -> Result<Read, ReadError> {
    // A feed without ids gets none made up: some would be others each time.
    let parser = parser::Builder::new().base_uri(based(url)).id_generator(|_, _, _| String::new()).build();
    let feed = parser.parse(bytes).map_err(|e| match e {
        ParseFeedError::ParseError(parser::ParseErrorKind::NoFeedRoot) => ReadError::NoFeed,
        other => broken(&other),
    })?;
    let title = feed.title.map_or_else(String::new, |title| one_line(&title.content, TITLE_CHARS));
    let ttl = feed.ttl.map(|minutes| Duration::from_secs(u64::from(minutes) * 60));
    let mut ids = HashSet::new();
    let items = feed.entries.into_iter().filter_map(item).filter(|item| ids.insert(item.id.clone()));
    Ok(Read { title, ttl, items: items.collect() })
}

/// Titles and links of what is understood of a feed, or why it is not; for fuzz targets.
pub(crate) fn understood(bytes: &[u8]) -> Result<Vec<(String, Option<String>)>, String> {
    let read = read(bytes, "http://feed.example/").map_err(|e| e.to_string())?;
    assert!(read.items.len() <= ITEMS_MAX && read.items.iter().all(|item| !item.title.chars().any(deceives)));
    Ok(read.items.into_iter().map(|item| (item.title, item.link)).collect())
}

/// The address that relative links are joined to; none where the feed's own is too long for that.
fn based(url: &str) -> Option<&str> {
    Some(url).filter(|url| url.len() <= BASE_BYTES)
}

/// The item of an entry; none where there is nothing to know it again by.
fn item(entry: Entry) -> Option<Item> {
    let title = entry.title.as_ref().map_or_else(String::new, |title| one_line(&title.content, TITLE_CHARS));
    let (link, size) = link(&entry);
    let own = Some(entry.id.trim()).filter(|id| !id.is_empty()).map(str::to_owned);
    let page = || entry.links.first().map(|link| link.href.clone());
    let id = own.or_else(|| link.clone()).or_else(page)?;
    Some(Item { title, id, link, size })
}

/// What a link may be, from what says most to what says least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likely {
    /// It says that it is a torrent.
    Typed,
    Magnet,
    /// It ends so.
    Named,
    /// The item's own address, where nothing else is attached.
    Page,
}

/// The link of an entry that most likely is a torrent's, and the size of the content where that is told.
fn link(entry: &Entry) -> (Option<String>, Option<u64>) {
    let mut found: Vec<(Likely, &str, Option<u64>)> = Vec::new();
    let mut sizes = Vec::new();
    let contents = || entry.media.iter().flat_map(|media| &media.content);
    for content in contents() {
        let Some(url) = &content.url else { continue };
        let is_typed = content.content_type.as_ref().is_some_and(|kind| kind.to_string() == TORRENT_TYPE);
        sizes.push(content.size);
        found.extend(likely(url.as_str(), is_typed, false).map(|likely| (likely, url.as_str(), content.size)));
    }
    let is_enclosure = |link: &&Link| link.rel.as_deref() == Some("enclosure");
    let has_others = contents().next().is_some() || entry.links.iter().any(|link| is_enclosure(&link));
    for link in &entry.links {
        let is_typed = link.media_type.as_deref() == Some(TORRENT_TYPE);
        let is_page = !has_others && link.target.is_none() && link.rel.as_deref().is_none_or(|rel| rel == "alternate");
        found.extend(likely(&link.href, is_typed, is_page).map(|likely| (likely, link.href.as_str(), link.length)));
    }
    // Some feeds have the magnet link for an id.
    found.extend(likely(entry.id.trim(), false, false).map(|likely| (likely, entry.id.trim(), None)));
    found.retain(|(_, url, _)| url.len() <= LINK_BYTES);
    let best = found.into_iter().min_by_key(|(likely, ..)| *likely);
    let size = best.as_ref().and_then(|(_, _, size)| *size).or_else(|| sizes.into_iter().flatten().max());
    (best.map(|(_, url, _)| url.to_owned()), size.filter(|size| *size >= CONTENT_MIN))
}

fn likely(url: &str, is_typed: bool, is_page: bool) -> Option<Likely> {
    let begins = |scheme: &str| url.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
    let is_web = begins("http://") || begins("https://");
    let path = url.split(['?', '#']).next().unwrap_or_default();
    if begins("magnet:") {
        Some(if is_typed { Likely::Typed } else { Likely::Magnet })
    } else if !is_web {
        None
    } else if is_typed {
        Some(Likely::Typed)
    } else if path.to_ascii_lowercase().ends_with(".torrent") {
        Some(Likely::Named)
    } else {
        is_page.then_some(Likely::Page)
    }
}

#[cfg(test)]
mod tests;
