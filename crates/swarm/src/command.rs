//! Commands: what the owner of a torrent can ask of the engine (own design).
use crate::ids::{GroupId, ReadId, TorrentId};
use crate::listening::Door;
use crate::memory::Memory;
use crate::selection::Selection;
use crate::torrent::address::PeerSource;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use teem_metainfo::{AnnounceUrl, Info, TorrentKey};
use teem_wire::compact::Family;
use teem_wire::peer::block::BlockRef;

/// How a peer that is complete from the start gives its content to others.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub enum Spreading {
    /// Pieces that have not left it are granted, each to one peer; then it serves like any seed.
    #[default]
    Granting,
    /// As granting, and afterwards only what the peers cannot give each other: about one copy in all.
    Frugal,
    /// It shows everything at once and serves every peer that asks.
    Ordinary,
}

/// A torrent to be added.
#[derive(Clone, Debug)]
pub struct AddTorrent {
    /// The name it is known by from now on.
    pub torrent: TorrentId,
    /// What it is known by: the metadata's own key, when that is known.
    pub key: TorrentKey,
    /// The metadata, when it is known; else it is fetched from peers (BEP 9).
    pub info: Option<Arc<Info>>,
    /// Trackers in tiers (BEP 12), URLs as they stand in the torrent.
    pub trackers: Vec<Vec<AnnounceUrl>>,
    /// Peers that the user or the link named (`--peer`, `x.pe`), which of the two, and the addresses of each in the order in which they are tried. Ignored with
    /// an event when the torrent is private (BEP 27).
    pub peers: Vec<(PeerSource, Vec<SocketAddr>)>,
    /// Upload limit of this torrent in payload bytes a second; `None` is unlimited.
    pub up: Option<u64>,
    /// Download limit of this torrent in payload bytes a second; `None` is unlimited.
    pub down: Option<u64>,
    /// Whether the content is ours to publish: nothing is downloaded, damaged pieces are not repaired, `AllOut` is told.
    pub publish: bool,
    /// How it gives its content away when it is complete from the start.
    pub spreading: Spreading,
    /// Whether all peers belong to one owner (a cluster): nobody is made to give before he gets.
    pub cooperative: bool,
    /// Which of its files are wanted; `None`: those that were in the last run, or all.
    pub selection: Option<Selection>,
    /// Whether the owner chooses once the files are known: until `Command::Select` the torrent waits in `State::Choosing`, and nothing is
    /// fetched. Nothing to a torrent that is ours to publish.
    pub choose: bool,
    /// What an earlier run kept of its announces.
    pub announced: Option<alloc::boxed::Box<Memory>>,
}

/// A torrent to be added that was complete and without peers when it was last seen.
#[derive(Clone, Debug)]
pub struct AtRest {
    /// What it is begun from when it is woken; its metadata is asked for then.
    pub add: AddTorrent,
    /// Whether it rests until it is resumed.
    pub paused: bool,
    /// Whether only its trackers tell of peers (BEP 27).
    pub private: bool,
    /// Bytes that are wanted of it, all of them verified.
    pub wanted: u64,
    /// How many pieces are verified.
    pub pieces: u32,
}

/// A change of a torrent's trackers. Each is known by its URL as it stands in the torrent.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TrackerChange {
    /// One more, unless it is there already; then it is from now on as much the user's as the new one.
    Add {
        /// The URL of the tracker, as it would stand in the torrent.
        url: AnnounceUrl,
        /// The tier that it joins (BEP 12), the first being 0; with `None`, or where there is no such tier, one of its own at the end.
        tier: Option<usize>,
    },
    /// One less, if it is there.
    Remove(String),
    /// These instead, in tiers.
    Replace(Vec<Vec<AnnounceUrl>>),
}

impl TrackerChange {
    /// Makes the change.
    pub fn apply(self, tiers: &mut Vec<Vec<AnnounceUrl>>) {
        match self {
            Self::Add { url, tier } => match tiers.iter_mut().flatten().find(|known| known.is_same(&url)) {
                Some(known) => known.named_by(url.origin()),
                None => match tier.and_then(|tier| tiers.get_mut(tier)) {
                    Some(tier) => tier.push(url),
                    None => tiers.push(alloc::vec![url]),
                },
            },
            Self::Remove(url) => {
                for tier in tiers.iter_mut() {
                    tier.retain(|known| *known != *url);
                }
                tiers.retain(|tier| !tier.is_empty());
            }
            Self::Replace(new) => *tiers = new,
        }
    }
}

/// What can be asked at any time.
#[derive(Clone, Debug)]
pub enum Command {
    /// Adds a torrent.
    Add(alloc::boxed::Box<AddTorrent>),
    /// Adds a torrent that rests until it is resumed: nothing of it is looked at before.
    AddPaused(alloc::boxed::Box<AddTorrent>),
    /// Adds torrents that rest, without looking at what lies on the disk: a file is looked at before it is first served. Nothing is told of those that
    /// are taken.
    AddAtRest(Vec<AtRest>),
    /// Lets a torrent rest: `stopped` is announced, its connections end, its state is saved and its files are let go.
    /// `Event::State` with `State::Paused` comes when that is done or given up (4 s).
    Pause(TorrentId),
    /// Begins a torrent that rests again. The disk has to be told anew where its content lies.
    Resume(TorrentId),
    /// Hashes all of a torrent's pieces again as they lie on the disk. Its peers are let go, and nothing is served before it was hashed;
    /// what is damaged is fetched anew. `Event::Checked` tells of each piece, `Event::Rechecked` of the end. A torrent that rests is hashed
    /// when it is resumed, one whose metadata or files are being looked for as soon as these are there.
    Recheck(TorrentId),
    /// Changes the trackers of a torrent. Those that are left out hear `stopped` if they had heard `started`, new ones hear `started` in
    /// their turn, the rest notice nothing.
    Trackers(TorrentId, TrackerChange),
    /// Changes the limits of one torrent, in payload bytes a second; `None` is unlimited. They hold over pauses.
    TorrentLimits {
        /// The torrent that is limited.
        torrent: TorrentId,
        /// Limit of what is sent.
        up: Option<u64>,
        /// Limit of what is received.
        down: Option<u64>,
    },
    /// Changes the limits that the torrents of a group share, in payload bytes a second; `None` is unlimited.
    GroupLimits {
        /// The group that is limited.
        group: GroupId,
        /// Limit of what all of them send together.
        up: Option<u64>,
        /// Limit of what all of them receive together.
        down: Option<u64>,
    },
    /// A torrent is in these groups from now on, and in no others. That holds over pauses.
    Groups(TorrentId, alloc::boxed::Box<[GroupId]>),
    /// Ends a torrent: `stopped` is announced, state saved; `Event::Removed` comes when all is done or given up (4 s).
    Remove(TorrentId),
    /// The program ends, and the next run goes on with the torrent: as `Remove`, but trackers of one without peers notice nothing where what they were told is
    /// kept.
    Part(TorrentId),
    /// Sets the limits of all torrents together, in payload bytes a second; `None` is unlimited.
    Limits {
        /// Limit of what is sent.
        up: Option<u64>,
        /// Limit of what is received.
        down: Option<u64>,
    },
    /// Sets how many connections to peers all torrents together may have. Those that stand stay.
    Connections(usize),
    /// The port that takes connections is another one from now on: trackers and peers are told.
    Listen(u16),
    /// A router forwards another port of that family, or none any more, to the port `here`; or it has turned out whether strangers reach us. Trackers and
    /// peers are told of another port at once. Nothing happens when we have left the port meanwhile.
    Door(Family, Door),
    /// Chooses which files are wanted from now on. What is there of others stays; what is fetched of others with a wanted file's
    /// pieces is kept apart. Nothing happens to a torrent that is ours to publish.
    Select(TorrentId, Selection),
    /// Asks for an `Event::Sent` once so many payload bytes were sent in this run: at once when they were. Of several such wishes
    /// that are not met yet the least holds.
    TellSent {
        /// The torrent that sends them.
        torrent: TorrentId,
        /// How many, since the torrent was added.
        bytes: u64,
    },
    /// Asks for an `Event::Nodes`: how our nodes of the DHT stand, and what the next run may begin with.
    Nodes,
    /// Nodes of the DHT that a torrent names (BEP 5, "Torrent File Extensions"). Those of a private torrent are not asked.
    NodesOf {
        /// The torrent that they were named by.
        torrent: TorrentId,
        /// Where they are, each with its port.
        nodes: Vec<SocketAddr>,
    },
    /// Asks for an `Event::Snapshot`.
    Snapshot(TorrentId),
    /// Asks for an `Event::Snapshots`: the figures of many torrents in one answer.
    Snapshots {
        /// Comes back with the answer.
        ask: u64,
        /// Of which torrents, those that are there; `None` is all.
        torrents: Option<Vec<TorrentId>>,
    },
    /// Asks for an `Event::Availability`: apart from the snapshot, because it costs in proportion to the pieces.
    Availability(TorrentId),
    /// Asks for an `Event::Search`: how the search for the torrent's peers went. One that rests has looked for nobody; of one that is gone nothing comes.
    Search(TorrentId),
    /// Reads a block of verified content for the owner: `Output::Read` comes with the same id.
    Read {
        /// The torrent whose content it is.
        torrent: TorrentId,
        /// Comes back with the answer.
        id: ReadId,
        /// What to read, at most one block's length.
        at: BlockRef,
    },
    /// Asks for an `Event::Verified`: which pieces are verified. Of a torrent that is not at work it names none.
    Verified(TorrentId),
    /// Asks for an `Event::Snapshots` of those torrents alone that have peers or have had some since this was asked last, without their peers and
    /// trackers.
    Busy {
        /// Comes back with the answer.
        ask: u64,
    },
    /// Has the trackers of a torrent asked as soon as they let themselves be asked again. One that rests asks when it is resumed anyhow.
    Announce(TorrentId),
    /// Makes all that is verified durable soon: `Event::Durable` comes.
    Sync(TorrentId),
    /// Tells a torrent of peers. A private one takes none that were named by hand (BEP 27).
    Peers {
        /// The torrent that may dial them.
        torrent: TorrentId,
        /// How they became known.
        source: PeerSource,
        /// The addresses, each with its port.
        list: Vec<SocketAddr>,
    },
    /// The tests' own seam: a panic in the middle of what this torrent does, or without one in the engine itself.
    #[cfg(debug_assertions)]
    Panic(Option<TorrentId>),
}
