//! An announce as the table sees it, whatever protocol it came by (BEP 3, 15, 21), and why it is refused and for how long (BEP 31).
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use teem_metainfo::InfoHash;
use teem_wire::compact::Family;
use teem_wire::peer::handshake::PeerId;
use teem_wire::tracker::announce::AnnounceEvent;

/// An announce as the table sees it, whatever protocol brought it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The torrent that is announced.
    pub info_hash: InfoHash,
    /// What the peer calls itself.
    pub peer_id: PeerId,
    /// What only the peer itself knows, the same over all protocols and families; 0 when it sends none.
    pub key: u32,
    /// Where the request came from, as the socket says. An address that the request itself names is not looked at.
    pub from: IpAddr,
    /// The address and port of ours that it came to; the address is unspecified when that is not known.
    pub local: SocketAddr,
    /// The port that the peer listens on.
    pub port: u16,
    /// Bytes that it still misses; 0 is a seed.
    pub left: u64,
    /// Why it announces.
    pub event: AnnounceEvent,
    /// Peers wanted, `None` when it does not say.
    pub num_want: Option<u32>,
    /// Peers that fit into the answer at most.
    pub peers_max: u32,
    /// The only family that the answer can hold; `None` when it can hold both.
    pub family: Option<Family>,
}

/// Why an announce is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The torrent is not on the tracker's list.
    NotAllowed,
    /// Nobody can listen on port 0.
    PortZero,
    /// The sender's address cannot be a peer's.
    BadAddress,
    /// The table has no room for another torrent.
    Full,
}

impl Refusal {
    /// When the same announce may be made again (BEP 31): `None` is not said, `Some(None)` is never.
    pub fn retry_in(self) -> Option<Option<Duration>> {
        match self {
            Self::NotAllowed => Some(Some(UNKNOWN_AGAIN)),
            Self::Full => Some(Some(FULL_AGAIN)),
            Self::PortZero => Some(None),
            // Where a peer is may change before its next announce.
            Self::BadAddress => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAllowed => "this torrent is not tracked here",
            Self::PortZero => "port 0 is no port that peers can reach",
            Self::BadAddress => "the announce came from an address that peers cannot reach",
            Self::Full => "this tracker has no room for another torrent",
        })
    }
}

impl core::error::Error for Refusal {}

/// A list changes by hand, if at all.
const UNKNOWN_AGAIN: Duration = Duration::from_secs(3600);
/// Swarms that nobody is left in are forgotten within minutes.
const FULL_AGAIN: Duration = Duration::from_secs(1800);
