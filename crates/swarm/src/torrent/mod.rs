//! One torrent's life, by what is decided (BEP 3, 6, 9, 10, 12, 27).
//!
//! [`Torrent`] holds machines that know nothing of each other (picker, chokers, candidates, announcer, metadata) and connects
//! them; each file here extends it by one concern. Handlers take a [`context::Context`] and push effects; the work of each is in
//! proportion to the connections and blocks that it concerns. A peer's fault ends its connection, never a handler.
pub mod address;
pub mod announce;
mod approach;
mod asking;
mod audience;
mod ban;
pub mod candidates;
mod choking;
pub mod connect;
pub mod context;
mod conversation;
mod durability;
mod evidence;
mod files;
mod granting;
mod haves;
mod losses;
pub mod metadata;
mod metadata_exchange;
mod moving;
mod out;
mod outside;
mod peers;
mod receive;
mod serve;
mod share;
mod shown;
mod source;
mod state;
mod stats;
mod timers;
mod trust;
mod turnover;
mod verify;
mod wanted;

use crate::bitfield::Bitfield;
use crate::choke::ahead::Ahead;
use crate::choke::ledger::Ledger;
use crate::choke::leech::Optimistic;
use crate::choke::slots::Slots;
use crate::command::{AddTorrent, Spreading};
use crate::conn_map::ConnMap;
use crate::event::State;
use crate::geometry::Geometry;
use crate::ids::{ConnId, TorrentId};
use crate::job::{DiskError, Facts};
use crate::output::CloseReason;
use crate::peer::Peer;
use crate::picker::pick::Picker;
use crate::rate::Meter;
use crate::remote::{How, Remote};
use crate::rng::Rng;
use crate::throttle::Throttle;
use crate::time::Time;
use address::{DialError, PeerSource};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use announce::{Announcer, Identity};
use candidates::Candidates;
use connect::Roster;
use core::net::SocketAddr;
use metadata::{MetadataFetch, MetadataServe};
use teem_metainfo::{Info, TorrentKey};
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::{Features, Handshake};

/// One torrent.
#[derive(Debug)]
pub struct Torrent {
    id: TorrentId,
    me: Identity,
    publish: bool,
    spreading: Spreading,
    cooperative: bool,
    /// Exists while a complete holder gives its content away piece by piece.
    source: Option<source::Source>,
    named_peers: Vec<SocketAddr>,
    rng: Rng,
    state: State,
    info: Option<Arc<Info>>,
    geometry: Geometry,
    /// Pieces that are verified.
    have: Bitfield,
    wanted: wanted::Wanted,
    /// Exists while something is missing and to be fetched.
    picker: Option<Picker>,
    peers: ConnMap<Box<Peer>>,
    roster: Roster,
    candidates: Candidates,
    announcer: Announcer,
    placing: asking::Placing,
    fetch: MetadataFetch,
    give: MetadataServe,
    up: Throttle,
    down: Throttle,
    slots: Slots,
    optimistic: Optimistic,
    next_round: Time,
    audience: audience::Audience,
    /// Somebody who is interested was choked when the slots were last looked at.
    crowded: bool,
    /// What is owed to whom.
    ledger: Ledger,
    /// What is read ahead for the line.
    ahead: Ahead,
    /// Blocks that only we had and that have left us while others waited.
    relayed: BTreeSet<BlockRef>,
    /// When to look whether a slot lies idle.
    refill: Option<Time>,
    /// Connections with room in their window that had nothing to be asked for.
    hungry: BTreeSet<ConnId>,
    /// How much may be under way at each peer at least.
    share: share::Share,
    /// The disk is behind with judging pieces: nobody is asked for more until it has caught up.
    behind: bool,
    /// Pieces were shown that are there no more: who asks for them does nothing wrong.
    lost_some: bool,
    evidence: evidence::Evidence,
    /// Failed pieces and when they may be fetched again.
    held: BTreeSet<(Time, u32)>,
    durability: durability::Durability,
    out: out::Out,
    shown: shown::Shown,
    /// Pieces still to be hashed, and how many there were.
    checks: (u32, u32),
    have_bytes: u64,
    received: Meter,
    sent: Meter,
    wasted: u64,
    facts_before: Facts,
    /// When to try again after trouble that the disk does not report the end of, and how often that has failed.
    disk_retry: Option<(Time, u32)>,
    /// Want of space that was found while checking: it counts from the download's beginning on.
    trouble_ahead: Option<DiskError>,
    housekeeping: Time,
    /// When somebody last made room for one of higher priority.
    replaced: Option<Time>,
    closing: bool,
    noticed: Option<String>,
}

impl Torrent {
    /// A torrent that is silent until [`Self::start`]; `rng` is its own.
    pub fn new(add: AddTorrent, me: Identity, mut rng: Rng) -> Self {
        let private = add.info.as_ref().is_some_and(|info| info.is_private());
        let announcer = Announcer::new(me.clone(), &add.trackers, private, &mut rng);
        let candidates = Candidates::new(rng.fork(), me.port.clone());
        let mut torrent = Self {
            id: add.torrent,
            roster: Roster::new(me.peer_id),
            me,
            publish: add.publish,
            spreading: add.spreading,
            cooperative: add.cooperative,
            source: None,
            named_peers: add.peers,
            state: State::Metadata,
            info: None,
            geometry: Geometry::default(),
            have: Bitfield::default(),
            wanted: wanted::Wanted::unknown(add.selection),
            picker: None,
            peers: ConnMap::new(),
            candidates,
            announcer,
            placing: asking::Placing::default(),
            fetch: MetadataFetch::new(),
            give: MetadataServe::new(),
            up: Throttle::new(add.torrent, add.up),
            down: Throttle::new(add.torrent, add.down),
            slots: Slots::default(),
            optimistic: Optimistic::default(),
            next_round: Time::ZERO,
            audience: audience::Audience::default(),
            crowded: false,
            ledger: Ledger::default(),
            ahead: Ahead::default(),
            relayed: BTreeSet::new(),
            refill: None,
            hungry: BTreeSet::new(),
            share: share::Share::default(),
            behind: false,
            lost_some: false,
            evidence: evidence::Evidence::default(),
            held: BTreeSet::new(),
            durability: durability::Durability::default(),
            out: out::Out::default(),
            shown: shown::Shown::default(),
            checks: (0, 0),
            have_bytes: 0,
            received: Meter::default(),
            sent: Meter::default(),
            wasted: 0,
            facts_before: Facts::default(),
            disk_retry: None,
            trouble_ahead: None,
            housekeeping: Time::ZERO,
            replaced: None,
            closing: false,
            noticed: None,
            rng,
        };
        if let Some(info) = add.info {
            torrent.adopt(info);
        }
        torrent
    }

    /// Its name.
    pub fn id(&self) -> TorrentId {
        self.id
    }

    /// What it is known by in the world; more of it is known with the metadata.
    pub fn key(&self) -> TorrentKey {
        self.me.torrent
    }

    /// What it is doing.
    pub fn state(&self) -> State {
        self.state
    }

    /// The metadata, when it is known.
    pub fn info(&self) -> Option<&Arc<Info>> {
        self.info.as_ref()
    }

    /// Whether the metadata is known and says that only the trackers tell of peers (BEP 27).
    pub fn is_private(&self) -> bool {
        self.info.as_ref().is_some_and(|info| info.is_private())
    }

    /// What we say first on its connections.
    pub fn handshake(&self) -> Handshake {
        Handshake {
            info_hash: self.me.torrent.wire(),
            peer_id: self.me.peer_id,
            features: Features { fast: true, extended: true, dht: false, v2: false },
        }
    }

    /// How many peers are connected.
    pub fn peer_count(&self) -> usize {
        self.peers.len()
    }

    /// Whether more connections are of use: something is missing, or somebody may be served.
    pub fn wants_peers(&self) -> bool {
        // A seed dials too: one that nobody can dial is of use only so, and who is complete as well is closed and rests.
        let live = matches!(
            self.state,
            State::Metadata | State::Placing | State::Downloading | State::DiskTrouble | State::Seeding
        );
        live && self.peers.len() < connect::PEERS_WANTED
            && self.peers.len() + self.candidates.pending() < connect::PEERS_MAX
    }

    /// Takes addresses to dial.
    pub fn add_peers(&mut self, now: Time, source: PeerSource, list: &[SocketAddr]) {
        self.candidates.add(now, source, list);
        self.count_peers(now);
    }

    /// Where to dial now and how, if it is wanted; that dial is under way from then on.
    pub fn next_dial(&mut self, now: Time) -> Option<(Remote, How)> {
        let addr = if self.wants_peers() { self.candidates.next(now)? } else { return None };
        Some((addr.into(), self.candidates.how(addr)))
    }

    /// When [`Self::next_dial`] will have something.
    pub fn dial_deadline(&self) -> Option<Time> {
        if self.wants_peers() { self.candidates.deadline() } else { None }
    }

    /// A dial came to nothing.
    pub fn dial_failed(&mut self, now: Time, to: impl Into<Remote>, how: How, why: DialError) {
        let to = to.into();
        match to.addr() {
            Some(addr) if self.is_connected_with(to) => self.candidates.connected(now, addr),
            Some(addr) => self.candidates.failed(now, addr, how, why),
            None => {}
        }
        self.count_peers(now);
    }

    /// A dialled connection has ended before its handshake.
    pub fn dial_closed(&mut self, now: Time, to: impl Into<Remote>, why: CloseReason) {
        self.address_closed(now, to.into(), why);
        self.count_peers(now);
    }

    /// Whether connections with that end are to be refused at once.
    pub fn is_banned(&self, remote: Remote) -> bool {
        remote.addr().is_some_and(|addr| self.candidates.is_banned(addr))
    }
}
