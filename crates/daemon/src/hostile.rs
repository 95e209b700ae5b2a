//! What the dialects make of bytes that anybody may send (own design), by itself: for fuzz targets, which try to break it.

/// The answer to a request of Transmission's of which every method is unknown; none to a notification.
pub fn transmission(body: &[u8]) -> Option<String> {
    crate::transmission::understood(body)
}

/// Bytes of all that was understood of a body of qBittorrent's interface.
pub fn qbittorrent(content_type: &str, body: &[u8]) -> usize {
    crate::qbittorrent::understood(content_type, body)
}
