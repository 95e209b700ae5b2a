//! How peers of a scenario find each other (BEP 3, 5).
use std::time::Duration;

/// Nodes of the DHT that are there beside the peers.
pub(super) const NODES: u32 = 64;
/// The DHT is there for so long before the peers come.
pub(super) const GROWN: Duration = Duration::from_secs(30);

/// How peers find each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finding {
    /// They announce to one tracker, which all can reach.
    Tracker,
    /// There is no tracker: each has a node of the DHT, and they tell each other of peers.
    Dht,
}
