//! The connected peers of a torrent (BEP 3; own design): one table with everything that has to agree with it, and the only way to
//! say something to a peer.
//!
//! [`roster`] tells peers apart by their ids, `audience` counts those that want something of us, `gains` what all have gained,
//! `eviction` and `crowding` name those that make room, `looks` is what each holder has had us look at.
//! Invariants: the roster holds the same connections as the table; the audience is the interested peers.
pub(super) mod audience;
pub mod crowding;
pub(super) mod eviction;
pub(super) mod gains;
pub(super) mod looks;
pub mod roster;

use super::context::Context;
use crate::conn_map::ConnMap;
use crate::geometry::Geometry;
use crate::ids::ConnId;
use crate::output::{CloseReason, Output};
use crate::peer::Peer;
use crate::remote::Remote;
use crate::time::Time;
use alloc::boxed::Box;
use alloc::vec::Vec;
use audience::Audience;
use gains::{Gains, bytes_of};
use roster::{Admission, DOUBLE_AFTER, MOVED_AFTER, Roster};
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::{Handshake, PeerId};
use teem_wire::peer::message::Message;

/// The connected peers by their connections.
pub(super) type Peers = ConnMap<Box<Peer>>;

/// The connected peers of a torrent.
#[derive(Debug)]
pub(super) struct Table {
    peers: Peers,
    roster: Roster,
    audience: Audience,
    gains: Gains,
    /// When somebody last made room for one of higher priority.
    replaced: Option<Time>,
    /// When somebody last made room for one whose turn had come.
    turned: Option<Time>,
}

impl Table {
    /// Nobody yet; `ours` is our peer id in this torrent.
    pub(super) fn new(ours: PeerId) -> Self {
        Self {
            peers: ConnMap::new(),
            roster: Roster::new(ours),
            audience: Audience::default(),
            gains: Gains::default(),
            replaced: None,
            turned: None,
        }
    }

    /// How many are connected.
    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether nobody is connected.
    pub(super) fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Whether no other can be taken in.
    pub(super) fn is_full(&self) -> bool {
        self.roster.is_full()
    }

    /// All of them, by connection.
    pub(super) fn peers(&self) -> &Peers {
        &self.peers
    }

    /// The peer of a connection, while it is connected.
    pub(super) fn get(&self, conn: ConnId) -> Option<&Peer> {
        self.peers.get(&conn).map(|peer| &**peer)
    }

    /// A peer, to be changed.
    pub(super) fn get_mut(&mut self, conn: ConnId) -> Option<&mut Peer> {
        self.peers.get_mut(&conn).map(|peer| &mut **peer)
    }

    /// All peers, by ascending connection.
    pub(super) fn values(&self) -> impl Iterator<Item = &Peer> {
        self.peers.values().map(|peer| &**peer)
    }

    /// The same, to be changed.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Peer> {
        self.peers.values_mut().map(|peer| &mut **peer)
    }

    /// All connections, ascending.
    pub(super) fn conns(&self) -> Vec<ConnId> {
        self.peers.keys().copied().collect()
    }

    /// Whether one of the peers listens there.
    pub(super) fn is_connected_with(&self, addr: Remote) -> bool {
        self.values().any(|peer| peer.who().dial_addr() == addr)
    }

    /// Judges a connection whose handshake has come, whether or not there is a place left for it.
    pub(super) fn judge(&self, now: Time, addr: Remote, outgoing: bool, id: PeerId) -> Admission {
        self.roster.judge(now, addr, outgoing, id)
    }

    /// The connection of the peer that has that id and is at that address.
    pub(super) fn twin(&self, addr: Remote, id: PeerId) -> Option<ConnId> {
        self.roster.twin(addr, id)
    }

    /// The same as [`Self::judge`], and takes its name in where it may stay.
    pub(super) fn admit(&mut self, now: Time, conn: ConnId, addr: Remote, outgoing: bool, id: PeerId) -> Admission {
        self.roster.admit(now, conn, addr, outgoing, id)
    }

    /// Takes a peer in that was admitted.
    pub(super) fn enter(
        &mut self,
        now: Time,
        conn: ConnId,
        addr: Remote,
        outgoing: bool,
        handshake: Handshake,
        pieces: u32,
    ) {
        self.peers.insert(conn, Box::new(Peer::new(now, conn, addr, outgoing, handshake, pieces)));
    }

    /// A peer is gone: nothing here stands under its connection's name any more.
    pub(super) fn leave(&mut self, conn: ConnId) -> Option<Box<Peer>> {
        let peer = self.peers.remove(&conn)?;
        self.audience.leave(&peer);
        self.gains.gone(&peer);
        self.roster.leave(conn);
        Some(peer)
    }

    /// The connection of a peer that comes from another address now and was silent at the former: it has moved, unless it was heard of
    /// just now there, lest somebody who knows its id alone could have it put out.
    pub(super) fn has_moved(&self, now: Time, addr: Remote, id: &PeerId) -> Option<ConnId> {
        let silent = |conn: &ConnId| self.get(*conn).is_some_and(|p| p.clocks().silent_for(now) >= MOVED_AFTER);
        self.roster.elsewhere(*id, addr).find(silent)
    }

    /// The connections whose id another has as well, where that other delivers and they have neither given nor taken anything for a while:
    /// it is the other's id.
    pub(super) fn useless_doubles(&self, now: Time) -> Vec<ConnId> {
        let calm = |conn: &ConnId| self.get(*conn).is_some_and(|p| now.since(p.clocks().moved()) >= DOUBLE_AFTER);
        let delivers = |conn: &ConnId| self.get(*conn).is_some_and(|p| p.pipeline().is_delivering(now));
        self.roster.doubles().filter(|(one, other)| calm(one) && delivers(other)).map(|(one, _)| one).collect()
    }

    /// Sends a message to a connected peer.
    pub(super) fn send<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, message: Message) {
        if let Some(peer) = self.get_mut(conn) {
            peer.clocks_mut().tell(cx.now);
            cx.out.push_back(Output::Send { conn, message });
        }
    }

    /// Tells a peer that a request will not be served, where the fast extension has a word for it.
    pub(super) fn reject<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, at: BlockRef) {
        if self.get(conn).is_some_and(|p| p.who().is_fast()) {
            self.send(cx, conn, Message::Reject(at));
        }
    }

    /// Counts a message that changes nothing, or that nobody needs often.
    pub(super) fn idle_word(&mut self, conn: ConnId) -> Result<(), CloseReason> {
        self.get_mut(conn).map_or(Ok(()), |peer| peer.conduct_mut().idle_word())
    }

    /// A peer says whether it is interested; whether that is news.
    pub(super) fn set_interested(&mut self, now: Time, conn: ConnId, interested: bool) -> bool {
        let Some(peer) = self.peers.get_mut(&conn) else { return false };
        let news = peer.stance().is_interested() != interested;
        if news {
            self.audience.leave(peer);
            peer.stance_mut().set_interested(interested);
            self.audience.enter(peer);
            peer.clocks_mut().want(now);
        }
        news
    }

    /// We choke or unchoke a peer; it is told.
    pub(super) fn set_choking<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, choking: bool) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        self.audience.leave(peer);
        let served = &mut cx.shared.pool.served;
        *served = served.saturating_sub(u64::from(!peer.stance().am_choking())) + u64::from(!choking);
        peer.stance_mut().set_choking(cx.now, choking);
        self.audience.enter(peer);
        self.send(cx, conn, if choking { Message::Choke } else { Message::Unchoke });
    }

    /// The peers that are interested and not choked.
    pub(super) fn open(&self) -> impl Iterator<Item = &Peer> {
        self.audience.open().iter().filter_map(|conn| self.get(*conn))
    }

    /// How many these are.
    pub(super) fn open_count(&self) -> usize {
        self.audience.open().len()
    }

    /// Whether somebody who is interested is choked.
    pub(super) fn is_crowded(&self) -> bool {
        self.audience.is_crowded()
    }

    /// A peer has shown more; what it had when it came is not counted as gained, which is all of it where `came_with` says so.
    pub(super) fn count_gain(&mut self, geometry: &Geometry, conn: ConnId, came_with: bool) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            let bytes = bytes_of(geometry, peer.has());
            self.gains.shows(peer, bytes, if came_with { bytes } else { 0 });
        }
    }

    /// Bytes that all peers ever met have gained.
    pub(super) fn gained(&self) -> u64 {
        self.gains.sum()
    }

    /// Whether all parts agree. Costs in proportion to the peers.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.audience != Audience::of(self.values()) {
            return Err("the audience differs from the interested peers");
        }
        if !self.roster.conns().eq(self.peers.keys().copied()) {
            return Err("the roster differs from the peers");
        }
        Ok(())
    }
}
