//! Scrape: a torrent's numbers without announcing (BEP 48 over HTTP, BEP 15 over UDP).
use super::limits::SCRAPE_MAX;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use teem_bencode::{Limits, Value, Writer};
use teem_metainfo::InfoHash;
use teem_metainfo::{percent, url};

/// What a tracker says of one torrent.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ScrapeEntry {
    /// Peers that have everything (seeds).
    pub complete: u32,
    /// Completed downloads since the tracker counts.
    pub downloaded: u32,
    /// Peers that lack something (leechers).
    pub incomplete: u32,
}

/// The URL to scrape at: the last segment of the announce URL's path, which must begin with `announce`, becomes `scrape`. `None`
/// where the path has no such segment: that tracker has no scrape (BEP 48).
pub fn scrape_url(announce_url: &str, hashes: &[InfoHash]) -> Option<String> {
    let url = url::tracker(announce_url).ok()?;
    let (path, query) = url.split_once('?').map_or((&*url, None), |(path, query)| (path, Some(query)));
    let (before, last) = path.rsplit_once('/').filter(|(before, _)| before.contains("://"))?;
    let rest = last.strip_prefix("announce")?;
    let mut out = [before, "/scrape", rest].concat();
    let mut separator = '?';
    if let Some(query) = query.filter(|q| !q.is_empty()) {
        out.push(separator);
        out.push_str(query);
        separator = '&';
    }
    for hash in hashes {
        out.push(separator);
        out.push_str("info_hash=");
        out.push_str(&percent::encode(&hash.0));
        separator = '&';
    }
    Some(out)
}

/// Reads the body of an answer: at most [`SCRAPE_MAX`] torrents, each once, in the order of their hashes. The error is a sentence for the user.
pub fn decode(body: &[u8]) -> Result<Vec<(InfoHash, ScrapeEntry)>, String> {
    let document = teem_bencode::parse_prefix(body, &Limits::TRACKER).map_err(|e| e.to_string())?.0;
    let root = document.root();
    if let Some(reason) = root.get(b"failure reason").and_then(|v| v.as_bytes()) {
        return Err(super::limits::text(reason));
    }
    let files = root.get(b"files").and_then(|v| v.dict()).ok_or_else(|| "the scrape has no files".to_owned())?;
    let number = |entry: Value<'_, '_>, key: &[u8]| {
        entry.get(key).and_then(|v| v.as_uint()).map_or(0, |n| u32::try_from(n).unwrap_or(u32::MAX))
    };
    let mut out = BTreeMap::new();
    for (hash, entry) in files.take(SCRAPE_MAX) {
        let Ok(hash) = hash.try_into() else { continue };
        let entry = ScrapeEntry {
            complete: number(entry, b"complete"),
            downloaded: number(entry, b"downloaded"),
            incomplete: number(entry, b"incomplete"),
        };
        out.entry(InfoHash(hash)).or_insert(entry);
    }
    Ok(out.into_iter().collect())
}

/// The body of an answer. Torrents stand in the order of their hashes, each once.
pub fn encode(entries: &[(InfoHash, ScrapeEntry)]) -> Vec<u8> {
    let mut sorted = entries.to_vec();
    sorted.sort_by_key(|(hash, _)| *hash);
    sorted.dedup_by_key(|(hash, _)| *hash);
    let mut writer = Writer::new();
    writer.dict(|root| {
        root.key(b"files").dict(|files| {
            for (hash, entry) in &sorted {
                files.key(&hash.0).dict(|file| {
                    file.key(b"complete").uint(entry.complete.into());
                    file.key(b"downloaded").uint(entry.downloaded.into());
                    file.key(b"incomplete").uint(entry.incomplete.into());
                });
            }
        });
    });
    writer.into_bytes()
}
