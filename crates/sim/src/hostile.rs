//! Peers that do not mean well (own design; BEP 3, 6): scripts that speak in messages through the engine's contract.
//!
//! All of them claim everything and unchoke whoever is interested; what they do with a request is their vice. They
//! announce themselves as seeds, take every connection, and dial whomever the tracker names.
use crate::block::SimBlock;
use crate::brain::Brain;
use crate::content::Content;
use crate::scenario::Role;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;
use teem_engine::input::Input;
use teem_metainfo::InfoHash;
use teem_swarm::ask::{Answer, AskIds, Question};
use teem_swarm::command::{AddTorrent, Command};
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::output::Output;
use teem_swarm::remote::How;
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::message::Message;
use teem_wire::tracker::announce::{Announce, AnnounceEvent, Form};

/// Most peers that a script dials.
const DIALS_MAX: usize = 20;
/// Shortest time between two changes of mind of a flapper or shifter.
const FLAP_MIN_MS: u64 = 200;
/// Longest time between two changes of mind of a flapper or shifter.
const FLAP_MAX_MS: u64 = 3_000;

/// A scripted peer.
#[derive(Debug)]
pub(crate) struct Hostile {
    role: Role,
    content: Content,
    rng: Rng,
    id: PeerId,
    torrent: Option<(TorrentId, InfoHash)>,
    conns: BTreeMap<ConnId, Conn>,
    dialled: usize,
    flap_at: Option<Time>,
    ids: AskIds,
    out: VecDeque<Output<SimBlock>>,
}

#[derive(Debug, Default)]
struct Conn {
    greeted: bool,
    /// Whether the other side has said who it is.
    heard: bool,
    fast: bool,
    unchoked: bool,
    /// Requests that came while it was choked; a flapper rejects them at its next change.
    waiting: Vec<BlockRef>,
}

impl Hostile {
    /// One with that vice.
    pub(crate) fn new(role: Role, content: Content, mut rng: Rng) -> Self {
        let mut id = *b"-XX0001-............";
        rng.fill(&mut id[8..]);
        Self {
            role,
            content,
            rng,
            id: PeerId(id),
            torrent: None,
            conns: BTreeMap::new(),
            dialled: 0,
            flap_at: None,
            ids: AskIds::default(),
            out: VecDeque::new(),
        }
    }

    fn add(&mut self, now: Time, add: &AddTorrent) {
        self.torrent = Some((add.torrent, add.key.wire()));
        for url in add.trackers.iter().flatten() {
            let announce = Announce {
                info_hash: add.key.wire(),
                peer_id: self.id,
                port: 6881,
                uploaded: 0,
                downloaded: 0,
                left: u64::from(self.role == Role::Mute),
                event: AnnounceEvent::Started,
                num_want: 50,
                key: 0,
                tracker_id: None,
                form: Form::Full,
            };
            let question = Question::Announce { torrent: add.torrent, url: url.clone(), announce };
            self.out.push_back(Output::Ask { id: self.ids.draw(), question });
        }
        if matches!(self.role, Role::Flapper | Role::Shifter) {
            self.flap_at = Some(now + Duration::from_millis(FLAP_MAX_MS));
        }
    }

    fn dial(&mut self, peers: &[SocketAddr]) {
        let Some((torrent, _)) = self.torrent else { return };
        for &addr in peers.iter().take(DIALS_MAX.saturating_sub(self.dialled)) {
            self.dialled += 1;
            self.out.push_back(Output::Dial { torrent, to: addr.into(), plan: How::TCP.into() });
        }
    }

    fn send(&mut self, conn: ConnId, message: Message) {
        self.out.push_back(Output::Send { conn, message });
    }

    /// Says who it is, once, and claims everything.
    fn greet(&mut self, conn: ConnId) {
        let Some((_, info_hash)) = self.torrent else { return };
        let Some(state) = self.conns.get_mut(&conn) else { return };
        if self.role == Role::Mute || std::mem::replace(&mut state.greeted, true) {
            return;
        }
        let features = Features { fast: true, ..Features::default() };
        self.out.push_back(Output::Hello { conn, handshake: Handshake { info_hash, peer_id: self.id, features } });
    }

    fn requested(&mut self, conn: ConnId, at: BlockRef) {
        match self.role {
            Role::Corrupter(permille) => {
                let wrong = self.rng.below(1000) < u64::from(permille);
                let data = if wrong { SimBlock::wrong(at) } else { SimBlock::right(at) };
                self.out.push_back(Output::SendBlock { conn, at, data });
            }
            Role::Poisoner => {
                let bad = at.piece % self.content.blocks(at.piece) == at.begin / BLOCK_LEN;
                let data = if bad { SimBlock::wrong(at) } else { SimBlock::right(at) };
                self.out.push_back(Output::SendBlock { conn, at, data });
            }
            Role::Rejecter => self.send(conn, Message::Reject(at)),
            Role::Flapper => match self.conns.get_mut(&conn) {
                Some(state) if state.unchoked => {
                    self.out.push_back(Output::SendBlock { conn, at, data: SimBlock::right(at) });
                }
                Some(state) => state.waiting.push(at),
                None => {}
            },
            _ => {}
        }
    }

    /// Shows each peer something else than before.
    fn shift(&mut self) {
        let conns: Vec<ConnId> =
            self.conns.iter().filter(|(_, state)| state.heard && state.greeted).map(|(conn, _)| *conn).collect();
        for conn in conns {
            let mut bits = self.content.full_bitfield();
            if self.rng.below(2) == 0 {
                bits.fill(0);
            }
            self.send(conn, Message::Bitfield(bits));
        }
    }

    fn flap(&mut self, now: Time) {
        if self.role == Role::Shifter {
            self.shift();
        }
        let conns: Vec<ConnId> = self.conns.keys().copied().collect();
        for conn in conns {
            let coin = self.rng.below(2) == 0;
            let Some(state) = self.conns.get_mut(&conn) else { continue };
            if !state.greeted || coin || self.role == Role::Shifter {
                continue;
            }
            state.unchoked = !state.unchoked;
            let (unchoked, mut waiting) = (state.unchoked, std::mem::take(&mut state.waiting));
            if !state.fast {
                waiting.clear();
            }
            self.send(conn, if unchoked { Message::Unchoke } else { Message::Choke });
            for at in waiting {
                self.send(conn, Message::Reject(at));
            }
        }
        self.flap_at = Some(now + Duration::from_millis(FLAP_MIN_MS + self.rng.below(FLAP_MAX_MS - FLAP_MIN_MS)));
    }
}

impl Brain for Hostile {
    fn handle(&mut self, now: Time, input: Input<SimBlock>) {
        match input {
            Input::Command(Command::Add(add)) => self.add(now, &add),
            Input::Answer { answer: Answer::Announced { reply: Ok(reply), .. }, .. } => self.dial(&reply.peers),
            Input::Connected { conn, .. } => {
                self.conns.insert(conn, Conn::default());
                self.greet(conn);
            }
            Input::Accepted { conn, .. } => {
                self.conns.insert(conn, Conn::default());
            }
            Input::Hello { conn, handshake, .. } => {
                self.greet(conn);
                let Some(state) = self.conns.get_mut(&conn) else { return };
                state.fast = handshake.features.fast;
                state.heard = true;
                let claim = if state.fast { Message::HaveAll } else { Message::Bitfield(self.content.full_bitfield()) };
                if self.role != Role::Mute {
                    self.send(conn, claim);
                }
            }
            Input::Closed { conn, .. } => {
                self.conns.remove(&conn);
            }
            Input::Message { conn, message: Message::Interested } => {
                if let Some(state) = self.conns.get_mut(&conn)
                    && state.greeted
                    && !std::mem::replace(&mut state.unchoked, true)
                {
                    self.send(conn, Message::Unchoke);
                }
            }
            Input::Message { conn, message: Message::Request(at) } => self.requested(conn, at),
            Input::Tick if self.flap_at.is_some_and(|at| at <= now) => self.flap(now),
            _ => {}
        }
    }

    fn poll_output(&mut self) -> Option<Output<SimBlock>> {
        self.out.pop_front()
    }

    fn deadline(&self) -> Option<Time> {
        self.flap_at
    }
}

/// An engine whose gifts never reach anybody: it takes and never gives.
pub(crate) struct FreeRider(pub Box<dyn Brain>);

impl Brain for FreeRider {
    fn handle(&mut self, now: Time, input: Input<SimBlock>) {
        self.0.handle(now, input);
    }

    fn poll_output(&mut self) -> Option<Output<SimBlock>> {
        loop {
            let output = self.0.poll_output()?;
            let gift = matches!(
                output,
                Output::SendBlock { .. }
                    | Output::Send { message: Message::Unchoke | Message::Choke | Message::AllowedFast(_), .. }
            );
            if !gift {
                return Some(output);
            }
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.0.deadline()
    }
}
