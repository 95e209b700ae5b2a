//! What the dialects make of bytes that anybody may send, and the daemon of records that may be torn (own design), by itself: for fuzz targets, which
//! try to break it.
use crate::asleep::Asleep;
use crate::feed::{Feed, Standing};
use crate::label::Label;
use crate::row::Row;
use crate::token;
use crate::totals::Totals;

/// The answer to a request of Transmission's of which every method is unknown; none to a notification.
pub fn transmission(body: &[u8]) -> Option<String> {
    crate::transmission::understood(body)
}

/// Bytes of all that was understood of a body of qBittorrent's interface.
pub fn qbittorrent(content_type: &str, body: &[u8]) -> usize {
    crate::qbittorrent::understood(content_type, body)
}

/// Titles and links that are understood of a feed, or why it is refused.
pub fn feed(body: &[u8]) -> Result<Vec<(String, Option<String>)>, String> {
    crate::feed::understood(body)
}

/// What is understood of what another program keeps of a torrent, qBittorrent or else Transmission, beside this .torrent, and would be kept.
pub fn resume(is_qbittorrent: bool, resume: &[u8], torrent: &[u8]) -> Result<Understood, String> {
    let exported = if is_qbittorrent {
        crate::others::qbittorrent(resume, torrent, 0)?
    } else {
        crate::others::transmission(resume, torrent)?
    };
    let row = exported.row(&exported.source()?, 0, 0)?;
    Ok(Understood { names: row.name.iter().chain(row.names.values()).cloned().collect() })
}

/// What would be kept of a torrent of another program's.
#[derive(Debug)]
pub struct Understood {
    /// The names and paths that its files go by.
    pub names: Vec<String>,
}

/// What is understood of a record, as it would be kept again: rows, tokens, totals, labels, what rested, feeds and how they stood, by `kind`.
pub fn record(kind: u8, bytes: &[u8]) -> Option<Vec<u8>> {
    match kind % 7 {
        0 => Row::decode(bytes).map(|row| row.encode()),
        1 => token::Kept::decode(bytes).map(|kept| kept.encode()),
        2 => Totals::decode(bytes).map(|totals| totals.encode()),
        3 => Label::decode(bytes).map(|label| label.encode()),
        4 => Asleep::decode(bytes).map(|asleep| asleep.encode()),
        5 => Feed::decode("x", bytes).map(|(feed, strange)| feed.encode(strange)),
        _ => Standing::decode(bytes).map(|standing| standing.encode()),
    }
}
