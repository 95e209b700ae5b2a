//! Other people's clients, as far as their ways matter to a swarm (BEP 3, 6, 9, 10): one machine with many habits.
//!
//! The machine speaks in messages through the engine's contract. `habits` says what can differ, a file per client what
//! does and why; `simple` is the plainest of all, keeps every rule that the checkers watch, and so serves to test worlds
//! and, with one rule broken at a time, the checkers themselves. Connections and trackers are in `member`, downloads in
//! `asking` over the pieces in `book` and what peers show of them (`showing`), uploads in `uploading` over the rounds in `slots`.
pub(crate) mod aria2;
mod asking;
mod book;
pub mod habits;
pub(crate) mod libtorrent;
mod member;
mod peer;
pub(crate) mod rqbit;
mod showing;
pub mod simple;
mod slots;
pub(crate) mod transmission;
mod uploading;

use crate::bits::pieces_of;
use crate::block::SimBlock;
use crate::brain::Brain;
use crate::content::Content;
use book::Book;
use habits::{Habits, Slots};
use peer::Peer;
use slots::Rounds;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;
use teem_engine::input::Input;
use teem_metainfo::AnnounceUrl;
use teem_swarm::ask::{Answer, AskIds};
use teem_swarm::command::{AddTorrent, Command};
use teem_swarm::event::Event;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::job::{Done, Facts, Job, Reader};
use teem_swarm::output::Output;
use teem_swarm::remote::Remote;
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;
use teem_wire::peer::handshake::PeerId;
use teem_wire::peer::message::{Message, MetadataMessage};
use teem_wire::tracker::announce::AnnounceEvent;

/// A scripted client, whose ways are set by its [`Habits`].
pub struct Plain {
    habits: Habits,
    rng: Rng,
    id: PeerId,
    torrent: TorrentId,
    urls: Vec<AnnounceUrl>,
    book: Book,
    opened: bool,
    peers: BTreeMap<ConnId, Peer>,
    ids: BTreeMap<PeerId, ConnId>,
    dialling: BTreeSet<IpAddr>,
    shunned: BTreeSet<IpAddr>,
    rounds: Rounds,
    again: Option<Time>,
    tick_at: Option<Time>,
    ticked: Time,
    round_at: Time,
    asks: AskIds,
    out: VecDeque<Output<SimBlock>>,
}

impl Plain {
    /// A client with those habits for that content.
    pub fn new(habits: Habits, content: Content, mut rng: Rng) -> Self {
        let mut id = [b'.'; 20];
        rng.fill(&mut id[8..]);
        id[..8].copy_from_slice(habits.id);
        Self {
            habits,
            book: Book::new(content, &mut rng),
            rng,
            id: PeerId(id),
            torrent: TorrentId(0),
            urls: Vec::new(),
            opened: false,
            peers: BTreeMap::new(),
            ids: BTreeMap::new(),
            dialling: BTreeSet::new(),
            shunned: BTreeSet::new(),
            rounds: Rounds::default(),
            again: None,
            tick_at: None,
            ticked: Time::ZERO,
            round_at: Time::ZERO,
            asks: AskIds::default(),
            out: VecDeque::new(),
        }
    }

    /// A client that was given the info-hash alone is taken to have the metadata: how it gets there tells nothing
    /// of a swarm.
    fn add(&mut self, add: &AddTorrent) {
        self.torrent = add.torrent;
        self.urls = add.trackers.concat();
        let info = self.book.content.info().clone();
        self.out.push_back(Output::Disk(Job::Open { torrent: self.torrent, info, selection: None }));
    }

    fn begin(&mut self, now: Time, have: &[u32]) {
        self.book.begin(have);
        self.opened = true;
        self.announce(AnnounceEvent::Started);
        if self.book.is_complete() {
            self.out.push_back(Output::Event(Event::Complete { torrent: self.torrent, at_start: true }));
        }
        // Clients do not begin at one moment, so neither do their clocks.
        let first = self.rng.below(self.habits.tick.as_nanos() as u64);
        self.tick_at = Some(now + Duration::from_nanos(first));
        self.ticked = now;
        if let Slots::Rounds { every, .. } = self.habits.slots {
            self.round_at = now + Duration::from_nanos(self.rng.below(every.as_nanos() as u64));
        }
    }

    fn message(&mut self, now: Time, conn: ConnId, message: Message) {
        let pieces = self.book.content.pieces();
        let fast_only =
            matches!(message, Message::HaveAll | Message::HaveNone | Message::Suggest(_) | Message::Reject(_));
        if fast_only && !self.habits.fast {
            return self.leave(conn);
        }
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        match message {
            Message::Have(piece) => self.shown(conn, piece),
            Message::Bitfield(bits) => self.shown_all(conn, pieces_of(&bits)),
            Message::HaveAll => self.shown_all(conn, 0..pieces),
            Message::HaveNone => self.shown_all(conn, 0..0),
            Message::Suggest(piece) if self.habits.heeds_suggest => peer.suggested.push(piece),
            Message::Choke | Message::Unchoke => {
                let choked = message == Message::Choke;
                let change = std::mem::replace(&mut peer.choked, choked) != choked;
                if change && self.habits.flicker.is_some_and(|within| peer.flickers(now, within)) {
                    return self.leave(conn);
                }
                if choked {
                    self.give_up_on(conn);
                }
            }
            Message::Reject(at) => return self.rejected(now, conn, at),
            Message::Interested => return self.wanted(now, conn, true),
            Message::NotInterested => return self.wanted(now, conn, false),
            Message::Request(at) => return self.requested(now, conn, at),
            Message::Cancel(at) => return self.cancelled(conn, at),
            Message::ExtendedHandshake(hello) => {
                peer.metadata = hello.ut_metadata.filter(|id| *id > 0).or(peer.metadata);
                peer.reqq = hello.reqq.map_or(peer.reqq, |reqq| reqq as usize);
                return;
            }
            Message::Metadata { message: MetadataMessage::Request { piece }, .. } => return self.metadata(conn, piece),
            _ => return,
        }
        self.leave_seeds();
        self.may_ask(now, conn);
    }

    /// A choke round.
    fn round(&mut self, now: Time) {
        let (slots, complete) = (self.habits.slots, self.book.is_complete());
        let piece_len = u64::from(self.book.content.info().piece_length());
        let chosen = self.rounds.next(now, slots, complete, piece_len, &self.peers, &mut self.rng);
        let conns: Vec<ConnId> = self.peers.keys().copied().collect();
        for conn in conns {
            self.choke(now, conn, !chosen.contains(&conn));
            self.update_interest(conn);
            if let Some(peer) = self.peers.get_mut(&conn) {
                (peer.took, peer.gave) = (0, 0);
            }
        }
    }

    /// Does what is due by the clock: rounds, requests that went unanswered, connections without use.
    fn tick(&mut self, now: Time) {
        let passed = now.since(self.ticked);
        self.ticked = now;
        self.tick_at = Some(now + self.habits.tick);
        if let Slots::Rounds { every, .. } = self.habits.slots
            && self.round_at <= now
        {
            self.round_at = now + every;
            self.round(now);
        }
        let conns: Vec<ConnId> = self.peers.keys().copied().collect();
        for conn in conns {
            self.may_tell(now, conn);
            self.look_after(now, conn, passed);
            let idle = |peer: &Peer, limit: Duration| {
                let quiet = now.since(peer.active);
                quiet >= limit && (!peer.wants && !peer.interested || quiet >= limit * 2)
            };
            if let Some(limit) = self.habits.idle
                && self.peers.get(&conn).is_some_and(|peer| idle(peer, limit))
            {
                self.leave(conn);
            }
        }
    }
}

impl Brain for Plain {
    fn handle(&mut self, now: Time, input: Input<SimBlock>) {
        let torrent = self.torrent;
        match input {
            Input::Command(Command::Add(add)) => self.add(&add),
            Input::Command(Command::Remove(_)) => {
                self.announce(AnnounceEvent::Stopped);
                self.out.push_back(Output::Disk(Job::Close { torrent, facts: Some(Facts::default()) }));
            }
            Input::Disk(Done::Closed { .. }) => self.out.push_back(Output::Event(Event::Removed { torrent })),
            Input::Disk(Done::Opened { have, .. }) => self.begin(now, &have),
            Input::Disk(Done::Piece { piece, verdict, .. }) => self.verified(now, piece, verdict.is_right()),
            Input::Disk(Done::Block { reader: Reader::Peer(conn), at, data, .. }) => self.read(now, conn, at, data),
            Input::Answer { answer: Answer::Announced { reply: Ok(reply), .. }, .. } => self.told_of(now, reply),
            Input::Tick => {
                if self.again.is_some_and(|at| at <= now) {
                    self.again = None;
                    self.announce(AnnounceEvent::None);
                }
                if self.tick_at.is_some_and(|at| at <= now) {
                    self.tick(now);
                }
            }
            Input::Connected { conn, remote: Remote::Addr(addr), .. } => self.connected(now, conn, addr.ip(), true),
            Input::Accepted { conn, remote: Remote::Addr(addr), .. } => self.connected(now, conn, addr.ip(), false),
            Input::DialFailed { to: Remote::Addr(addr), .. } => {
                self.dialling.remove(&addr.ip());
            }
            Input::Hello { conn, handshake, .. } => self.hello(now, conn, &handshake),
            Input::Message { conn, message } => self.message(now, conn, message),
            Input::Block { conn, at, data } => self.block(now, conn, at, data),
            Input::Sent { conn, bytes } => self.sent(conn, bytes),
            Input::Closed { conn, .. } => self.closed(conn),
            _ => {}
        }
    }

    fn poll_output(&mut self) -> Option<Output<SimBlock>> {
        self.out.pop_front()
    }

    fn deadline(&self) -> Option<Time> {
        [self.again, self.tick_at].into_iter().flatten().min()
    }
}
