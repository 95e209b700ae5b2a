//! Why a torrent rests although its owner lets it work (own design).

/// Why it rests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Held {
    /// It waits for a place.
    Queue,
    /// It has given enough.
    Goal,
}
