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
