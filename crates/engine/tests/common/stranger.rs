//! A peer that the test plays byte by byte, and the three states that a torrent meets it in (bad input).
//!
//! Its bytes go through the decoder that connections use; what the decoder refuses ends the connection as the host would end it.
use super::{Block, ME, World, empty, info, torrent};
use core::net::SocketAddr;
use teem_engine::input::{Input, PeerSource};
use teem_swarm::command::Command;
use teem_swarm::ids::ConnId;
use teem_swarm::output::CloseReason;
use teem_swarm::remote::{How, Via};
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::decode::{Decoder, Frame};
use teem_wire::peer::encode::encode_handshake;
use teem_wire::peer::error::DecodeError;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::limits::Limits;
use teem_wire::peer::message::Message;

/// Pieces of the torrents here.
pub const PIECES: u32 = 12;

/// What the torrent under test is doing when the stranger comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It has everything, and an honest peer wants it.
    Seeding,
    /// It has some pieces, and an honest seed gives it the others.
    Downloading,
    /// It knows no more than the info-hash; an honest seed comes after the stranger.
    Metadata,
}

pub const STATES: [State; 3] = [State::Seeding, State::Downloading, State::Metadata];

/// What the stranger says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Speaks {
    /// BEP 6 and 10.
    All,
    /// BEP 3 alone.
    Plain,
}

/// A node under test and an honest one.
pub struct Scene {
    pub world: World,
    pub node: usize,
    honest: usize,
    state: State,
}

impl Scene {
    /// Two nodes, of which the first is in that state.
    pub fn new(state: State) -> Self {
        let info = info(u64::from(PIECES), false);
        let mut world = empty();
        let (node, honest) = (world.node(state == State::Seeding), world.node(state != State::Seeding));
        let addr = world.nodes[honest].addr;
        world.command(honest, torrent(&info, true, &[], &[]));
        let known = state != State::Metadata;
        let peers = if known { vec![addr] } else { Vec::new() };
        world.command(node, torrent(&info, known, &peers, &[]));
        if known {
            let begun = |w: &World| w.nodes[node].disk.pieces(ME) + w.nodes[honest].disk.pieces(ME) > PIECES + 2;
            world.until(60, begun);
        }
        Self { world, node, honest, state }
    }

    /// A connection whose handshake has come.
    pub fn connect(&mut self, speaks: Speaks, host: u8) -> Stranger {
        let mut stranger = self.dial(host);
        let features = Features { fast: speaks == Speaks::All, extended: speaks == Speaks::All, ..Features::default() };
        let info_hash = super::hash(&info(u64::from(PIECES), false));
        let hello = encode_handshake(&Handshake { info_hash, peer_id: PeerId([100 + host; 20]), features });
        assert!(stranger.send(&mut self.world, &hello), "its handshake is in order");
        stranger
    }

    /// A connection on which nothing has come.
    pub fn dial(&mut self, host: u8) -> Stranger {
        let conn = self.world.stranger(self.node, SocketAddr::from(([198, 19, 0, host], 40_000)));
        Stranger { conn, node: self.node, decoder: Decoder::new(Limits::PEER), block: None, refused: None }
    }

    /// Lets everything come to its end: the downloader has all, and the honest peer has lost its connection for no other
    /// reason than that both have everything. How the stranger's connection has ended, if it has.
    pub fn outcome(mut self, stranger: &Stranger) -> Option<CloseReason> {
        let (node, honest) = (self.node, self.honest);
        if self.state == State::Metadata {
            let list = vec![self.world.nodes[honest].addr];
            self.world.command(node, Command::Peers { torrent: ME, source: PeerSource::User, list });
        }
        let getter = if self.state == State::Seeding { honest } else { node };
        self.world.until(300, |w| w.is_complete(getter));
        let innocent = |(conn, why): &&(ConnId, CloseReason)| *conn == stranger.conn || *why == CloseReason::BothSeeds;
        let closed = &self.world.nodes[node].closed;
        assert!(closed.iter().all(|c| innocent(&c)), "others suffer: {closed:?}");
        let banned = self.world.nodes[node].events.iter().any(|e| matches!(e, teem_swarm::event::Event::Banned { .. }));
        assert!(!banned, "what is malformed is no reason to ban");
        stranger.refused.or_else(|| self.world.why_closed(node, stranger.conn))
    }
}

/// One connection of a stranger.
pub struct Stranger {
    pub conn: ConnId,
    node: usize,
    decoder: Decoder,
    block: Option<BlockRef>,
    /// Why its bytes were refused.
    refused: Option<CloseReason>,
}

impl Stranger {
    /// Sends bytes, as far as the connection lives; whether it does at the end.
    pub fn send(&mut self, world: &mut World, bytes: &[u8]) -> bool {
        let (conn, mut rest) = (self.conn, bytes);
        while self.lives(world) {
            let (used, input) = match self.decoder.step(rest) {
                Ok((_, None)) => return true,
                Ok((used, Some(frame))) => (used, input(conn, &mut self.block, frame)),
                Err(error) => {
                    let why = match error {
                        DecodeError::NotBitTorrent { .. } => CloseReason::NotBitTorrent,
                        error => CloseReason::Protocol(error.words()),
                    };
                    self.refused = Some(why);
                    (0, Some(Input::Closed { conn, why }))
                }
            };
            rest = &rest[used..];
            if let Some(input) = input {
                world.give(self.node, input);
            }
        }
        false
    }

    pub fn lives(&self, world: &World) -> bool {
        self.refused.is_none() && world.why_closed(self.node, self.conn).is_none()
    }

    /// What it has been told.
    pub fn heard<'a>(&self, world: &'a World) -> impl Iterator<Item = &'a Message> {
        let mine = self.conn;
        let node = self.node;
        world.log.iter().filter(move |(_, n, conn, _)| (*n, *conn) == (node, mine)).map(|(_, _, _, message)| message)
    }
}

fn input(conn: ConnId, block: &mut Option<BlockRef>, frame: Frame<'_>) -> Option<Input<Block>> {
    Some(match frame {
        Frame::Handshake(handshake) => Input::Hello { conn, handshake, via: Via::TCP },
        Frame::Message(message) => Input::Message { conn, message },
        Frame::Block(at) => {
            *block = Some(at);
            return None;
        }
        Frame::Payload { last: false, .. } => return None,
        Frame::Payload { .. } => {
            let at = block.take()?;
            Input::Block { conn, at, data: Block::wrong(at) }
        }
    })
}

/// A message of the peer protocol as its bytes, with the length before it.
pub fn frame(id: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = (1 + payload.len() as u32).to_be_bytes().to_vec();
    out.push(id);
    out.extend_from_slice(payload);
    out
}

/// A frame of the extension protocol.
pub fn extended(id: u8, payload: &[u8]) -> Vec<u8> {
    frame(20, &[&[id], payload].concat())
}

/// Integers as messages carry them.
pub fn ints(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
}
