//! A small client in messages (BEP 3): the simplest peer that downloads and serves.
//!
//! It asks for pieces in random order, a fixed number of requests ahead, unchokes everybody, and knows neither the fast
//! nor the extension protocol. It keeps all rules that the checkers watch, so worlds can be tested with it, engines have
//! somebody else to talk to, and a test can break one rule at a time by changing what it says.
use crate::block::SimBlock;
use crate::brain::Brain;
use crate::check::bits::Bits;
use crate::content::Content;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use teem_engine::input::Input;
use teem_engine::output::Output;
use teem_metainfo::Info;
use teem_swarm::command::{AddTorrent, Command};
use teem_swarm::event::Event;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::job::{Done, Facts, Job};
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::message::Message;
use teem_wire::tracker::announce::{Announce, AnnounceEvent};

/// Requests outstanding at one peer.
const AHEAD: usize = 16;
/// It dials while it has fewer connections than this.
const CONNS: usize = 30;
/// How often it asks the tracker for more, while it is not complete.
const AGAIN: Duration = Duration::from_secs(30);

/// The client.
pub struct Plain {
    content: Content,
    rng: Rng,
    id: PeerId,
    torrent: TorrentId,
    urls: Vec<String>,
    have: Bits,
    count: u32,
    /// Pieces neither had nor asked of anybody.
    open: Vec<u32>,
    opened: bool,
    conns: BTreeMap<ConnId, Conn>,
    /// Who is connected.
    ids: BTreeSet<PeerId>,
    again: Option<Time>,
    out: VecDeque<Output<SimBlock>>,
}

struct Conn {
    ours: bool,
    theirs: Option<PeerId>,
    shown: Bits,
    choked: bool,
    interested: bool,
    /// Pieces that are being fetched from it.
    pieces: Vec<u32>,
    /// Blocks of them that were not asked yet.
    next: VecDeque<BlockRef>,
    asked: BTreeSet<BlockRef>,
}

impl Plain {
    /// A client for that content.
    pub fn new(content: Content, mut rng: Rng) -> Self {
        let mut id = *b"-PL0001-............";
        rng.fill(&mut id[8..]);
        Self {
            have: Bits::new(content.pieces()),
            content,
            rng,
            id: PeerId(id),
            torrent: TorrentId(0),
            urls: Vec::new(),
            count: 0,
            open: Vec::new(),
            opened: false,
            conns: BTreeMap::new(),
            ids: BTreeSet::new(),
            again: None,
            out: VecDeque::new(),
        }
    }

    fn add(&mut self, add: &AddTorrent, info: Arc<Info>) {
        self.torrent = add.torrent;
        self.urls = add.trackers.concat();
        self.out.push_back(Output::Disk(Job::Open { torrent: self.torrent, info }));
    }

    fn announce(&mut self, event: AnnounceEvent) {
        for url in &self.urls {
            let announce = Announce {
                info_hash: self.content.info_hash(),
                peer_id: self.id,
                port: 6881,
                uploaded: 0,
                downloaded: 0,
                left: u64::from(self.content.pieces() - self.count),
                event,
                num_want: 50,
                key: 0,
                tracker_id: None,
            };
            self.out.push_back(Output::Announce { torrent: self.torrent, url: url.clone(), announce });
        }
    }

    fn send(&mut self, conn: ConnId, message: Message) {
        self.out.push_back(Output::Send { conn, message });
    }

    fn is_complete(&self) -> bool {
        self.count == self.content.pieces()
    }

    fn begin(&mut self, have: &[u32], at_start: bool) {
        for &piece in have {
            self.gained(piece);
        }
        self.open = (0..self.content.pieces()).filter(|piece| !self.have.has(*piece)).collect();
        self.rng.shuffle(&mut self.open);
        self.opened = true;
        self.announce(AnnounceEvent::Started);
        if self.is_complete() {
            self.out.push_back(Output::Event(Event::Complete { torrent: self.torrent, at_start }));
        }
    }

    fn gained(&mut self, piece: u32) {
        self.have.set(piece, true);
        self.count += 1;
    }

    fn connected(&mut self, conn: ConnId, dialled: bool) {
        let state = Conn {
            ours: false,
            theirs: None,
            shown: Bits::new(self.content.pieces()),
            choked: true,
            interested: false,
            pieces: Vec::new(),
            next: VecDeque::new(),
            asked: BTreeSet::new(),
        };
        self.conns.insert(conn, state);
        if dialled {
            self.greet(conn);
        }
    }

    /// Says who it is, once.
    fn greet(&mut self, conn: ConnId) {
        let Some(state) = self.conns.get_mut(&conn) else { return };
        if !std::mem::replace(&mut state.ours, true) {
            let handshake =
                Handshake { info_hash: self.content.info_hash(), peer_id: self.id, features: Features::default() };
            self.out.push_back(Output::Hello { conn, handshake });
        }
    }

    fn hello(&mut self, conn: ConnId, handshake: &Handshake) {
        let known = self.ids.contains(&handshake.peer_id);
        if known || handshake.peer_id == self.id || !self.opened {
            return self.leave(conn);
        }
        self.greet(conn);
        let Some(state) = self.conns.get_mut(&conn) else { return };
        state.theirs = Some(handshake.peer_id);
        self.ids.insert(handshake.peer_id);
        if self.count > 0 {
            let mut bits = vec![0_u8; self.content.pieces().div_ceil(8) as usize];
            for piece in (0..self.content.pieces()).filter(|piece| self.have.has(*piece)) {
                bits[piece as usize / 8] |= 0x80 >> (piece % 8);
            }
            self.send(conn, Message::Bitfield(bits));
        }
        self.send(conn, Message::Unchoke);
    }

    fn leave(&mut self, conn: ConnId) {
        self.closed(conn);
        self.out.push_back(Output::Close { conn, why: teem_swarm::effect::CloseReason::Useless });
    }

    fn closed(&mut self, conn: ConnId) {
        if let Some(state) = self.conns.remove(&conn) {
            if let Some(id) = state.theirs {
                self.ids.remove(&id);
            }
            self.give_back(state.pieces);
        }
    }

    /// Pieces that a peer did not finish: what came of them is fetched again, from somebody else.
    fn give_back(&mut self, pieces: Vec<u32>) {
        for piece in pieces {
            self.out.push_back(Output::Disk(Job::Forget { torrent: self.torrent, piece }));
            self.open.push(piece);
        }
    }

    fn message(&mut self, conn: ConnId, message: Message) {
        let Some(state) = self.conns.get_mut(&conn) else { return };
        match message {
            Message::Have(piece) => state.shown.set(piece, true),
            Message::Bitfield(bits) => state.shown.read(&bits),
            Message::Choke => {
                state.choked = true;
                state.asked.clear();
                state.next.clear();
                let pieces = std::mem::take(&mut state.pieces);
                self.give_back(pieces);
            }
            Message::Unchoke => state.choked = false,
            Message::Request(at) if self.have.has(at.piece) => {
                self.out.push_back(Output::Disk(Job::Read { torrent: self.torrent, conn, at }));
            }
            _ => {}
        }
        self.ask(conn);
    }

    /// Keeps its requests at a peer filled.
    fn ask(&mut self, conn: ConnId) {
        let Some(state) = self.conns.get_mut(&conn) else { return };
        if state.theirs.is_none() {
            return;
        }
        let wants = self.open.iter().any(|piece| state.shown.has(*piece));
        if wants && !std::mem::replace(&mut state.interested, true) {
            self.out.push_back(Output::Send { conn, message: Message::Interested });
        }
        while !state.choked && state.asked.len() < AHEAD {
            if state.next.is_empty() {
                let Some(i) = self.open.iter().rposition(|piece| state.shown.has(*piece)) else { return };
                let piece = self.open.remove(i);
                state.pieces.push(piece);
                state.next.extend((0..self.content.blocks(piece)).map(|block| self.content.block(piece, block)));
            }
            let Some(at) = state.next.pop_front() else { return };
            state.asked.insert(at);
            self.out.push_back(Output::Send { conn, message: Message::Request(at) });
        }
    }

    fn block(&mut self, conn: ConnId, at: BlockRef, data: SimBlock) {
        let Some(state) = self.conns.get_mut(&conn) else { return };
        if state.asked.remove(&at) {
            self.out.push_back(Output::Disk(Job::Write { torrent: self.torrent, at, data }));
        }
        self.ask(conn);
    }

    fn verified(&mut self, piece: u32, ok: bool) {
        self.conns.values_mut().for_each(|state| state.pieces.retain(|other| *other != piece));
        self.open.retain(|other| *other != piece);
        if ok {
            self.gained(piece);
            self.out.push_back(Output::Event(Event::PieceVerified { torrent: self.torrent, piece }));
        } else {
            self.open.push(piece);
        }
        let conns: Vec<ConnId> = self.conns.keys().copied().collect();
        for conn in conns {
            if ok && self.conns[&conn].theirs.is_some() {
                self.send(conn, Message::Have(piece));
            }
            self.ask(conn);
        }
        if ok && self.is_complete() {
            self.announce(AnnounceEvent::Completed);
            self.out.push_back(Output::Event(Event::Complete { torrent: self.torrent, at_start: false }));
        }
    }
}

impl Brain for Plain {
    fn handle(&mut self, now: Time, input: Input<SimBlock>) {
        let torrent = self.torrent;
        match input {
            Input::Command(Command::Add(add)) => {
                if let Some(info) = add.info.clone() {
                    self.add(&add, info);
                }
            }
            Input::Command(Command::Remove(_)) => {
                self.announce(AnnounceEvent::Stopped);
                self.out.push_back(Output::Disk(Job::Close { torrent, facts: Facts::default() }));
            }
            Input::Disk(Done::Closed { .. }) => self.out.push_back(Output::Event(Event::Removed { torrent })),
            Input::Disk(Done::Opened { have, .. }) => self.begin(&have, true),
            Input::Disk(Done::Piece { piece, ok, .. }) => self.verified(piece, ok),
            Input::Disk(Done::Block { conn, at, data, .. }) if self.conns.contains_key(&conn) => {
                self.out.push_back(Output::SendBlock { conn, at, data });
            }
            Input::Tracker { reply: Ok(reply), .. } => {
                self.again = (!self.is_complete()).then_some(now + AGAIN);
                for addr in reply.peers.into_iter().take(CONNS.saturating_sub(self.conns.len())) {
                    self.out.push_back(Output::Dial { torrent, addr });
                }
            }
            Input::Tick if self.again.is_some_and(|at| at <= now) => {
                self.again = None;
                self.announce(AnnounceEvent::None);
            }
            Input::Connected { conn, .. } => self.connected(conn, true),
            Input::Accepted { conn, .. } => self.connected(conn, false),
            Input::Hello { conn, handshake } => self.hello(conn, &handshake),
            Input::Message { conn, message } => self.message(conn, message),
            Input::Block { conn, at, data } => self.block(conn, at, data),
            Input::Closed { conn, .. } => self.closed(conn),
            _ => {}
        }
    }

    fn poll_output(&mut self) -> Option<Output<SimBlock>> {
        self.out.pop_front()
    }

    fn deadline(&self) -> Option<Time> {
        self.again
    }
}
