//! How much of a tracker's answer is taken, and in which bounds (BEP 3, 15, 31).
use alloc::string::String;
use core::time::Duration;

/// Peers taken of one answer: more than twice what we ask for.
pub const PEERS_MAX: usize = 500;
/// Bytes kept of a failure's reason or a warning.
pub(crate) const TEXT_BYTES_MAX: usize = 512;
/// Bytes of a `tracker id`; a longer one is not sent back.
pub(crate) const TRACKER_ID_BYTES_MAX: usize = 512;
/// Never announce more often, whatever the tracker says.
pub const INTERVAL_MIN: Duration = Duration::from_secs(60);
/// Announce at least as often, whatever the tracker says.
pub const INTERVAL_MAX: Duration = Duration::from_secs(6 * 3600);
/// When a tracker does not say (BEP 3 has no figure; most say this).
pub(crate) const INTERVAL_DEFAULT: Duration = Duration::from_secs(1800);
/// Longest pause that BEP 31 can ask for; a tracker that wants more says "never".
pub(crate) const RETRY_MAX: Duration = Duration::from_secs(24 * 3600);
/// Torrents taken of one scrape's answer: more than fit into a UDP packet.
pub const SCRAPE_MAX: usize = 100;

/// An interval in seconds, brought into the bounds.
pub(super) fn interval(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0)).clamp(INTERVAL_MIN, INTERVAL_MAX)
}

/// At most [`TEXT_BYTES_MAX`] bytes, cut where a character ends; what is no UTF-8 becomes U+FFFD.
pub(super) fn text(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(TEXT_BYTES_MAX + 4)];
    let mut text = String::from_utf8_lossy(head).into_owned();
    while text.len() > TEXT_BYTES_MAX {
        text.pop();
    }
    text
}
