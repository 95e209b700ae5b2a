//! One torrent's life, by what is decided (BEP 3, 6, 9, 10, 12, 27).
//!
//! [`Torrent`] is a few owners with private state that know nothing of each other: what comes (`download`), what goes (`upload`,
//! `granting`), where peers come from (`finder`), the [`metadata`] and what the disk owes us (`store`). All stand on the same
//! `ground`: the `content` and the [`table`] of peers. Its own files form layers, and calls go one way: `handle` is told what
//! has happened, `messages`, `pieces` and `life` say what that means for several owners, `steps` carries out what these push.
//! Handlers take a [`context::Context`] and push outputs; the work of each is in proportion to the connections and blocks that it
//! concerns. A peer's fault ends its connection, never a handler.
pub mod address;
pub mod announce;
pub mod at_rest;
pub mod candidates;
#[cfg(test)]
mod checks;
mod content;
pub mod context;
mod departed;
mod download;
mod exchange;
mod finder;
mod granting;
mod ground;
mod handle;
mod hearsay;
mod life;
mod messages;
pub mod metadata;
mod phase;
mod pieces;
mod punch;
mod source;
mod step;
mod steps;
mod store;
pub mod table;
mod upload;
mod wanted;

use crate::ask::AskIds;
use crate::command::AddTorrent;
use crate::event::{Dials, PeerStats, Snapshot, State};
use crate::ids::{ConnId, TorrentId};
use crate::job::Facts;
use crate::memory::Memory;
use crate::peer::Peer;
use crate::rate::DISPLAY_SLOTS;
use crate::remote::{Encryption, Plan, Remote, Transports};
use crate::rng::Rng;
use crate::search::Search;
use crate::time::Time;
use crate::turns::Always;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use announce::{Asking, Counters, Identity};
use content::Content;
use core::time::Duration;
use download::Download;
use download::intake::Intake;
use exchange::Exchange;
use finder::Finder;
use granting::Granting;
use ground::Ground;
use handle::Rounds;
use metadata::Metadata;
use phase::Phase;
use punch::Punch;
use store::Store;
use table::crowding::Yield;
use table::roster::{PEERS_MAX, PEERS_WANTED};
use teem_metainfo::{Info, TorrentKey};
use teem_wire::holder::Holder;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::{Features, Handshake};
use upload::Upload;

/// Peers in a snapshot.
const SHOWN_PEERS_MAX: usize = 100;
/// Later than whatever a stopping tracker waits for besides the word itself.
const FAREWELL_AFTER: Duration = Duration::from_secs(2);

/// One torrent: its owners, and the one loop that carries out what they decide.
#[derive(Debug)]
pub struct Torrent {
    /// What all of these stand on: the content, the peers, the steps to be carried out.
    ground: Ground,
    /// What is being done; a download is inside it while there is one.
    phase: Phase,
    /// What has come, over all downloads.
    intake: Intake,
    upload: Upload,
    granting: Granting,
    finder: Finder,
    exchange: Exchange,
    punch: Punch,
    metadata: Metadata,
    store: Store,
    /// What an earlier run kept of its announces, until it begins to announce.
    announced: Option<Box<Memory>>,
    rounds: Rounds,
    /// Of one that rested: the payload bytes that trackers were told of before, sent and received.
    told_before: Option<(u64, u64)>,
    /// Inputs until everything is checked again.
    #[cfg(debug_assertions)]
    unchecked: u64,
}

impl Torrent {
    /// A torrent that is silent until [`Self::start`]; `rng` is its own.
    pub fn new(add: AddTorrent, me: Identity, mut rng: Rng) -> Self {
        let private = add.info.as_ref().is_some_and(|info| info.is_private());
        let finder = Finder::new(me.clone(), &add.trackers, private, add.peers, &mut rng);
        let mut ground = Ground::new(add.torrent, me, rng, Content::unknown(add.selection, add.publish));
        if let Some(info) = add.info {
            ground.adopt(info);
        }
        if add.choose {
            ground.content.leave_undecided();
        }
        Self {
            ground,
            phase: Phase::Metadata,
            intake: Intake::new(add.torrent, add.down),
            upload: Upload::new(add.torrent, add.up, add.cooperative),
            granting: Granting::new(add.spreading),
            finder,
            exchange: Exchange::default(),
            punch: Punch::default(),
            metadata: Metadata::default(),
            store: Store::default(),
            announced: add.announced,
            rounds: Rounds::new(),
            told_before: None,
            #[cfg(debug_assertions)]
            unchecked: 0,
        }
    }

    /// The number it goes by.
    pub fn id(&self) -> TorrentId {
        self.ground.id
    }

    /// Whether this part of the content is there and verified.
    pub fn holds(&self, at: BlockRef) -> bool {
        self.ground.content.geometry().allows(at) && self.ground.content.has(at.piece)
    }

    /// What it is doing.
    pub fn state(&self) -> State {
        self.phase.state()
    }

    /// Whether all of it is being hashed again, or will be.
    pub fn is_rechecking(&self) -> bool {
        self.store.is_rechecking()
    }

    /// What it is known by in the world; more of it is known with the metadata.
    pub fn key(&self) -> TorrentKey {
        self.ground.me.torrent
    }

    /// The metadata, when it is known.
    pub fn info(&self) -> Option<&Arc<Info>> {
        self.ground.content.info()
    }

    /// Whether the metadata is known and says that only the trackers tell of peers (BEP 27).
    pub fn is_private(&self) -> bool {
        self.ground.content.is_private()
    }

    /// What we say first on its connections.
    pub fn handshake(&self) -> Handshake {
        Handshake {
            info_hash: self.ground.me.torrent.wire(),
            peer_id: self.ground.me.peer_id,
            features: Features { fast: true, extended: true, dht: false, v2: false },
        }
    }

    /// The other end of a connection with one of its peers.
    pub fn remote(&self, conn: ConnId) -> Option<Remote> {
        self.ground.table.get(conn).map(|peer| peer.who().addr())
    }

    /// How many peers are connected.
    pub fn peer_count(&self) -> usize {
        self.ground.table.len()
    }

    /// The holders of all connections.
    pub fn holders(&self) -> impl Iterator<Item = Holder> {
        self.ground.table.holders()
    }

    /// The peer that is the first to make room by that measure of crowding, if there is one: none that is of use does, and none of
    /// a holder without one.
    pub fn yielding(&self, now: Time, crowding: impl Fn(Holder) -> Option<(usize, usize)>) -> Option<Yield> {
        self.ground.table.yielding(now, crowding)
    }

    /// Whether more connections are of use: something is missing, or somebody may be served.
    pub(crate) fn wants_peers(&self) -> bool {
        // A seed dials too: one that nobody can dial is of use only so, and a peer that is complete as well is closed and rests.
        let live = self.phase.is_before_content() || matches!(self.phase, Phase::Downloading(_) | Phase::Seeding);
        let peers = self.ground.table.len();
        live && peers < PEERS_WANTED && peers + self.finder.dialling() < PEERS_MAX
    }

    /// Where to dial now and how, if it is wanted; that dial is under way from then on.
    pub fn next_dial(&mut self, now: Time) -> Option<(Remote, Plan)> {
        let next = if self.wants_peers() { self.finder.next_dial(now, &self.ground.table) } else { None };
        let (to, plan) = next?;
        if let (true, Some(addr)) = (self.ground.punches(), to.addr())
            && let Some(flags) = self.finder.said_of(addr)
        {
            self.punch.dials(now, addr, flags);
        }
        Some((to, plan))
    }

    /// When a third is to be asked for help to meet one that is being dialled.
    pub fn punch_deadline(&self) -> Option<Time> {
        self.punch.deadline()
    }

    /// Dials go by what is wanted from now on; before, by TCP without encryption.
    pub fn dial_by(&mut self, encryption: Encryption, transports: Transports) {
        self.finder.dial_by(encryption, transports);
    }

    /// Peers are told nothing from now on that tells this client, its version or where it listens (BEP 37).
    pub fn stay_anonymous(&mut self) {
        self.ground.stay_anonymous();
    }

    /// Peers and we tell each other of peers from now on (BEP 11), and help each other to meet where we speak uTP (BEP 55); unless the torrent is private.
    pub fn exchange_peers(&mut self, speaks_utp: bool) {
        self.ground.offer_pex(speaks_utp);
    }

    /// When [`Self::next_dial`] will have something.
    pub fn dial_deadline(&self) -> Option<Time> {
        if self.wants_peers() { self.finder.dial_deadline() } else { None }
    }

    /// [`Event::Sent`](crate::event::Event::Sent) is told when so many payload bytes have gone since it was begun.
    pub fn tell_sent(&mut self, bytes: u64) {
        self.upload.tell_at(bytes);
    }

    /// After [`Self::remove`]: everything is saved and the trackers know, or have had their time.
    pub fn is_removed(&self, now: Time) -> bool {
        matches!(self.phase, Phase::Stopping { closing: false }) && self.finder.is_stopped(now)
    }

    /// What trackers are told.
    fn counters(&self) -> Counters {
        let content = &self.ground.content;
        let left = if content.is_published() { 0 } else { content.missing() };
        let (uploaded, downloaded) = self.told_before.unwrap_or_default();
        Counters {
            uploaded: uploaded.saturating_add(self.upload.sent_meter().total()),
            downloaded: downloaded.saturating_add(self.intake.received().total()),
            left: content.is_known().then_some(left),
        }
    }

    /// What outlives this run besides the pieces.
    fn facts(&self) -> Facts {
        let (uploaded, downloaded) = self.store.before();
        let (completed_at, peers) = self.finder.memories(self.is_private());
        let (out, granted) = self.granting.memories(&self.ground);
        Facts {
            uploaded: uploaded.saturating_add(self.upload.sent_meter().total()),
            downloaded: downloaded.saturating_add(self.intake.received().total()),
            completed_at,
            complete: self.ground.content.is_full(),
            peers,
            out,
            granted,
        }
    }

    /// Bytes that its peers hold of the pool.
    pub fn held(&self) -> u64 {
        self.ground.table.values().map(|peer| peer.upload().in_flight()).sum()
    }

    /// How many of its peers are not choked.
    pub fn served(&self) -> u64 {
        self.ground.table.values().filter(|peer| !peer.stance().am_choking()).count() as u64
    }

    /// What a torrent that is expelled still has to say: `stopped`, to all trackers that may have heard `started`. It is not looked at again, nor is any
    /// answer, so nothing waits for what is on its way.
    pub fn farewell(&mut self, now: Time, ids: &mut AskIds) -> Vec<announce::Ask> {
        let mut last = Vec::new();
        let counters = self.counters();
        self.finder.stop(now);
        let asking = Asking { torrent: self.ground.id, ids, turns: &mut Always };
        self.finder.poll(now + FAREWELL_AFTER, counters, &mut self.ground.rng, asking, |ask| last.push(ask));
        last
    }

    /// Steps of work done so far for what peers said: pieces, requests and givers of metadata looked at. What a message costs is the
    /// difference; a step is some nanoseconds.
    pub fn work(&self) -> u64 {
        self.ground.work + self.metadata.work()
    }

    /// How many connected peers have shown each piece: what pieces are picked by while something is missing, and else the same
    /// sum, for which nothing is kept then. Costs in proportion to the pieces; without a download, to those that all peers have.
    pub fn availability(&self) -> Box<[u16]> {
        let pieces = self.ground.content.pieces();
        if let Some(download) = self.phase.download() {
            return download.availability(pieces);
        }
        let mut sums = vec![0u16; pieces as usize];
        for piece in self.ground.table.values().flat_map(|peer| peer.has().iter()) {
            if let Some(sum) = sums.get_mut(piece as usize) {
                *sum = sum.saturating_add(1);
            }
        }
        sums.into_boxed_slice()
    }

    /// How the search for its peers went, as far as it knows itself.
    pub fn search(&self) -> Search {
        Search::new(self.ground.id, self.is_private(), self.finder.counts())
    }

    /// The verified pieces, as a bitfield of the wire.
    pub fn bitfield(&self) -> Box<[u8]> {
        self.ground.content.have().to_wire().into_boxed_slice()
    }

    /// Whether it has a peer.
    pub fn has_peers(&self) -> bool {
        !self.ground.table.is_empty()
    }

    /// The figures of this moment. Costs in proportion to the peers.
    pub fn snapshot(&self, now: Time) -> Snapshot {
        let peers = self.ground.table.values().take(SHOWN_PEERS_MAX).map(|p| peer_stats(now, p)).collect();
        Snapshot { peers, trackers: self.finder.trackers(now), ..self.figures(now) }
    }

    /// The same without each peer and tracker.
    pub fn figures(&self, now: Time) -> Snapshot {
        let (content, table) = (&self.ground.content, &self.ground.table);
        let file = self.phase.download().and_then(Download::busiest).and_then(|piece| content.file_of(piece));
        let all = content.pieces();
        let is_seed = |p: &&Peer| if all > 0 { p.is_seed(all) } else { p.is_complete() };
        let seeds = table.values().filter(is_seed).count() as u32;
        let seeding = matches!(self.phase, Phase::Seeding);
        let dials = Dials { punched: self.punch.figures(), ..self.finder.dials() };
        let (wanted, have) = content.wanted().bytes();
        let (received, sent) = (self.intake.received(), self.upload.sent_meter());
        let (sent_before, _) = self.store.before();
        let copied = |pieces| (u64::from(pieces) * u64::from(content.geometry().piece_len)).min(content.whole());
        Snapshot {
            torrent: self.ground.id,
            state: self.phase.state(),
            have,
            wanted,
            pieces: content.have().count(),
            checked: self.store.progress(),
            file,
            down_rate: received.rate(now, DISPLAY_SLOTS),
            up_rate: sent.rate(now, DISPLAY_SLOTS),
            downloaded: received.total(),
            uploaded: sent.total(),
            uploaded_ever: sent_before.saturating_add(sent.total()),
            wasted: self.intake.wasted(),
            swarm_shown: table.gained(),
            first_copy: self.granting.first_copy().map(copied),
            seeds,
            downloaders: table.len() as u32 - seeds,
            unchoked_us: table.values().filter(|p| !p.stance().is_choking_us() && !seeding).count() as u32,
            metadata: self.metadata.progress(),
            dials,
            external: self.finder.external(),
            peers: Vec::new(),
            trackers: Vec::new(),
        }
    }

    /// Whether every owner's state agrees with the ground it stands on. Costs in proportion to the pieces of all peers and to the
    /// blocks of the pieces begun.
    pub fn check(&self) -> Result<(), &'static str> {
        let ground = &self.ground;
        if !ground.steps.is_empty() {
            return Err("steps were left that nobody carries out");
        }
        ground.table.check()?;
        ground.content.check()?;
        self.upload.check(ground)?;
        self.granting.check(ground)?;
        self.store.check(&ground.content)?;
        match self.phase.download() {
            Some(download) => download.check(ground),
            None if ground.table.values().any(|p| p.pipeline().under_way() > 0) => Err("blocks are asked for in vain"),
            None => Ok(()),
        }
    }

    /// Checks after every input while that is cheap, else after every so many.
    #[cfg(debug_assertions)]
    fn assert_sound(&mut self) {
        /// Pieces of all peers, and blocks of pieces begun, that are looked at for one input.
        const CHEAP: u64 = 256;
        if let Some(left) = self.unchecked.checked_sub(1) {
            self.unchecked = left;
            return;
        }
        let pieces = u64::from(self.ground.content.pieces());
        let blocks = self.phase.download().map_or(0, Download::blocks_begun);
        self.unchecked = (pieces * (self.ground.table.len() as u64 + 1) + blocks) / CHEAP;
        if let Err(what) = self.check() {
            panic!("torrent {}: {what}", self.ground.id.0);
        }
    }
}

fn peer_stats(now: Time, peer: &Peer) -> PeerStats {
    PeerStats {
        conn: peer.conn(),
        addr: peer.who().addr(),
        transport: peer.who().via().transport,
        encrypted: peer.who().via().encrypted,
        punched: peer.who().is_punched(),
        incoming: !peer.who().is_outgoing(),
        client: peer.who().name(),
        pieces: peer.has().count(),
        down_rate: peer.pipeline().meter().rate(now, DISPLAY_SLOTS),
        up_rate: peer.upload().meter().rate(now, DISPLAY_SLOTS),
        choking_us: peer.stance().is_choking_us(),
        choked: peer.stance().am_choking(),
        interesting: peer.stance().am_interested(),
        interested: peer.stance().is_interested(),
        downloaded: peer.pipeline().meter().total(),
        uploaded: peer.upload().meter().total(),
    }
}
