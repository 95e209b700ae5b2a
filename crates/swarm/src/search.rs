//! How the search for a torrent's peers went (own design): who named how many, by which ways they were dialled and what came of it, and who says where we
//! are. It is counted as it happens, and handed out when the owner asks why nothing moves.
use crate::ids::TorrentId;
use crate::remote::Transport;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use teem_wire::compact::Family;

/// Where addresses of peers come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SourceKind {
    /// Trackers (BEP 3).
    Tracker,
    /// Nodes of the DHT (BEP 5).
    Dht,
    /// Other peers (BEP 11).
    Pex,
    /// Calls in the local network (BEP 14).
    Lan,
    /// The link (BEP 9 `x.pe`).
    Link,
    /// An option of the command (`--peer`), or the embedder.
    User,
    /// The state that an earlier run saved.
    Saved,
    /// Peers that came by themselves.
    Inbound,
}

impl SourceKind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 8] =
        [Self::Tracker, Self::Dht, Self::Pex, Self::Lan, Self::Link, Self::User, Self::Saved, Self::Inbound];

    /// One word for scripts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tracker => "trackers",
            Self::Dht => "dht",
            Self::Pex => "pex",
            Self::Lan => "lan",
            Self::Link => "link",
            Self::User => "user",
            Self::Saved => "saved",
            Self::Inbound => "inbound",
        }
    }
}

/// What became of the addresses that a kind of source named. An address that several named counts for each.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Named {
    /// Addresses that may be dialled.
    pub named: u32,
    /// Those of them that were dialled, however often.
    pub tried: u32,
    /// Those of them that were peers for a while.
    pub reached: u32,
    /// Addresses in the last list that came; `None` before the first.
    pub last: Option<u32>,
}

/// A way that a peer is dialled by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Way {
    /// A TCP connection.
    Tcp,
    /// A uTP connection (BEP 29).
    Utp,
    /// A uTP connection that a third has both ends begin at one moment (BEP 55).
    Punch,
}

impl Way {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Utp, Self::Punch];

    /// A dial over that transport, with a third's help or without.
    pub(crate) fn over(transport: Transport, punched: bool) -> Self {
        match transport {
            Transport::Tcp => Self::Tcp,
            Transport::Utp if punched => Self::Punch,
            Transport::Utp => Self::Utp,
        }
    }

    /// One word for scripts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Utp => "utp",
            Self::Punch => "punch",
        }
    }
}

/// What came of the dials by one way and family. Each dial that is over counts once; where two ways race and one wins, the other is not counted.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Dialled {
    /// They became peers.
    pub reached: u32,
    /// Refused by the other side.
    pub refused: u32,
    /// Not answered in time.
    pub silent: u32,
    /// No route, no such family, a proxy that does not work.
    pub unreachable: u32,
    /// Kept out by a list of addresses.
    pub filtered: u32,
    /// Connected, and closed before the handshake was over.
    pub closed: u32,
}

impl Dialled {
    /// How many came to nothing, of all kinds.
    pub fn failed(&self) -> u32 {
        [self.refused, self.silent, self.unreachable, self.filtered, self.closed]
            .into_iter()
            .fold(0, u32::saturating_add)
    }

    /// All of them.
    pub fn tried(&self) -> u32 {
        self.failed().saturating_add(self.reached)
    }

    /// The sums of both, of each kind.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            reached: self.reached.saturating_add(other.reached),
            refused: self.refused.saturating_add(other.refused),
            silent: self.silent.saturating_add(other.silent),
            unreachable: self.unreachable.saturating_add(other.unreachable),
            filtered: self.filtered.saturating_add(other.filtered),
            closed: self.closed.saturating_add(other.closed),
        }
    }
}

/// The counts of one torrent, since it was last begun.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    sources: [Named; SourceKind::ALL.len()],
    ways: [[Dialled; 2]; Way::ALL.len()],
}

impl Counts {
    /// Of one kind of source.
    pub fn of(&self, kind: SourceKind) -> Named {
        self.sources[kind as usize]
    }

    /// Of one way and family.
    pub fn by(&self, way: Way, family: Family) -> Dialled {
        self.ways[way as usize][family as usize]
    }

    /// Of one way, over both families.
    pub fn over(&self, way: Way) -> Dialled {
        self.by(way, Family::V4).and(self.by(way, Family::V6))
    }

    /// Over all ways and families.
    pub fn all(&self) -> Dialled {
        Way::ALL.into_iter().map(|way| self.over(way)).fold(Dialled::default(), Dialled::and)
    }

    /// The counts of a kind of source, to be raised.
    pub fn of_mut(&mut self, kind: SourceKind) -> &mut Named {
        &mut self.sources[kind as usize]
    }

    /// The counts of a way and family, to be raised.
    pub fn by_mut(&mut self, way: Way, family: Family) -> &mut Dialled {
        &mut self.ways[way as usize][family as usize]
    }
}

/// What our nodes of the DHT did for a torrent.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct DhtSearch {
    /// Whether peers are looked for in it: not of a private torrent.
    pub looks: bool,
    /// Nodes that have answered and did not fail since.
    pub good: u32,
    /// Queries that were sent, for all torrents.
    pub asked: u64,
    /// Answers to them.
    pub answers: u64,
    /// The node that named peers of this torrent last, and how many.
    pub last: Option<(SocketAddr, u32)>,
}

/// Those who say that they see us at an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vote {
    /// Where we are seen, without a port.
    pub ip: IpAddr,
    /// Whether it is believed.
    pub believed: bool,
    /// Hosts of trackers that say so.
    pub trackers: Vec<String>,
    /// Networks of peers and nodes that say so.
    pub networks: u32,
}

/// How the search for a torrent's peers went.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Search {
    /// The torrent that it is about.
    pub torrent: TorrentId,
    /// Whether only its trackers may name peers (BEP 27).
    pub private: bool,
    /// How many each source named, and what came of dialling them.
    pub counts: Counts,
    /// What the DHT did; `None` where we have no node.
    pub dht: Option<DhtSearch>,
    /// Where we are seen, and by whom; what is believed comes first.
    pub votes: Vec<Vote>,
}

impl Search {
    /// A search that has not begun.
    pub fn new(torrent: TorrentId, private: bool, counts: Counts) -> Self {
        Self { torrent, private, counts, dht: None, votes: Vec::new() }
    }
}
