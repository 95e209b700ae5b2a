//! How a client is a member of a swarm (BEP 3): what trackers are told and tell, whom it dials, how connections begin and end.
use super::Plain;
use super::habits::Slots;
use super::peer::Peer;
use std::net::IpAddr;
use std::time::Duration;
use teem_swarm::ask::Question;
use teem_swarm::ids::ConnId;
use teem_swarm::output::{CloseReason, Output};
use teem_swarm::remote::How;
use teem_swarm::time::Time;
use teem_wire::peer::handshake::{Features, Handshake};
use teem_wire::peer::message::{ExtendedHandshake, Message};
use teem_wire::tracker::announce::{Announce, AnnounceEvent, AnnounceReply, Form};

/// How often it asks the tracker for more while it is not complete and has few connections.
const AGAIN: Duration = Duration::from_secs(30);
/// Fewer connections than this are few.
const FEW: usize = 20;
/// Our number for `ut_metadata`.
const METADATA: u8 = 3;

impl Plain {
    pub(super) fn announce(&mut self, event: AnnounceEvent) {
        for url in &self.urls {
            let announce = Announce {
                info_hash: self.book.content.info_hash(),
                peer_id: self.id,
                port: crate::node::PORT,
                uploaded: 0,
                downloaded: 0,
                left: u64::from(self.book.content.pieces() - self.book.count),
                event,
                num_want: if event == AnnounceEvent::Stopped { 0 } else { 50 },
                key: 0,
                tracker_id: None,
                form: Form::Full,
            };
            let question = Question::Announce { torrent: self.torrent, url: url.clone(), announce };
            self.out.push_back(Output::Ask { id: self.asks.draw(), question });
        }
    }

    pub(super) fn told_of(&mut self, now: Time, reply: AnnounceReply) {
        let few = !self.book.is_complete() && self.peers.len() < FEW;
        self.again = Some(now + if few { AGAIN } else { reply.interval });
        for addr in reply.peers {
            let known = self.shunned.contains(&addr.ip()) || self.peers.values().any(|peer| peer.ip == addr.ip());
            let room = self.peers.len() + self.dialling.len() < self.habits.conns;
            if room && !known && self.dialling.insert(addr.ip()) {
                self.out.push_back(Output::Dial { torrent: self.torrent, to: addr.into(), plan: How::TCP.into() });
            }
        }
    }

    pub(super) fn connected(&mut self, now: Time, conn: ConnId, ip: IpAddr, dialled: bool) {
        self.dialling.remove(&ip);
        let peer = Peer::new(now, dialled, ip, self.book.content.pieces(), self.habits.queue);
        self.peers.insert(conn, peer);
        if !self.opened || self.shunned.contains(&ip) || self.peers.len() > self.habits.conns {
            self.leave(conn);
        } else if dialled {
            self.greet(conn);
        }
    }

    /// Says who it is, once.
    pub(super) fn greet(&mut self, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        if !std::mem::replace(&mut peer.greeted, true) {
            let features =
                Features { fast: self.habits.fast, extended: self.habits.reqq.is_some(), ..Features::default() };
            let handshake = Handshake { info_hash: self.book.content.info_hash(), peer_id: self.id, features };
            self.out.push_back(Output::Hello { conn, handshake });
        }
    }

    pub(super) fn hello(&mut self, now: Time, conn: ConnId, handshake: &Handshake) {
        let Some(peer) = self.peers.get(&conn) else { return };
        let theirs = handshake.peer_id;
        if theirs == self.id {
            return self.leave(conn);
        }
        if let Some(&other) = self.ids.get(&theirs) {
            // Of two connections, both sides keep the one that the greater id dialled; of two of one side the first.
            let right = |dialled: bool| dialled == (self.id.0 > theirs.0);
            let before =
                self.peers.get(&other).is_some_and(|other| other.dialled != peer.dialled && right(peer.dialled));
            if !before {
                return self.leave(conn);
            }
            self.leave(other);
        }
        self.greet(conn);
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        peer.id = Some(theirs);
        peer.fast = self.habits.fast && handshake.features.fast;
        let fast = peer.fast;
        self.ids.insert(theirs, conn);
        if let Some(message) = self.claim(fast) {
            self.out.push_back(Output::Send { conn, message });
        }
        if let Some(reqq) = self.habits.reqq
            && handshake.features.extended
        {
            let hello = ExtendedHandshake {
                ut_metadata: Some(METADATA),
                port: Some(crate::node::PORT),
                client: Some(self.habits.name.into()),
                reqq: Some(reqq),
                metadata_size: Some(self.book.content.info().raw().len() as u32),
                upload_only: self.book.is_complete().then_some(true),
                ..ExtendedHandshake::default()
            };
            self.out.push_back(Output::Send { conn, message: Message::ExtendedHandshake(hello) });
        }
        if self.habits.slots == Slots::Everybody {
            self.choke(now, conn, false);
        }
    }

    /// What it says that it has at the start of a connection.
    pub(super) fn claim(&self, fast: bool) -> Option<Message> {
        match self.book.count {
            0 if fast => Some(Message::HaveNone),
            0 => None,
            _ if fast && self.book.is_complete() => Some(Message::HaveAll),
            _ => {
                let mut bits = vec![0_u8; self.book.content.pieces().div_ceil(8) as usize];
                for piece in (0..self.book.content.pieces()).filter(|piece| self.book.have.has(*piece)) {
                    bits[piece as usize / 8] |= 0x80 >> (piece % 8);
                }
                Some(Message::Bitfield(bits))
            }
        }
    }

    pub(super) fn leave(&mut self, conn: ConnId) {
        self.closed(conn);
        self.out.push_back(Output::Close { conn, why: CloseReason::Useless });
    }

    /// Leaves a peer for good.
    pub(super) fn shun(&mut self, conn: ConnId) {
        if let Some(peer) = self.peers.get(&conn) {
            self.shunned.insert(peer.ip);
            self.leave(conn);
        }
    }

    pub(super) fn closed(&mut self, conn: ConnId) {
        self.give_up_on(conn);
        self.shown_all(conn, std::iter::empty());
        if let Some(id) = self.peers.remove(&conn).and_then(|peer| peer.id)
            && self.ids.get(&id) == Some(&conn)
        {
            self.ids.remove(&id);
        }
    }

    /// A complete client has nothing to do with other complete ones: it closes their connections.
    pub(super) fn leave_seeds(&mut self) {
        let all = self.book.content.pieces();
        let seeds = self.peers.iter().filter(|(_, peer)| peer.id.is_some() && peer.shows == all);
        let seeds: Vec<ConnId> = seeds.map(|(conn, _)| *conn).collect();
        if self.book.is_complete() {
            for conn in seeds {
                self.leave(conn);
            }
        }
    }
}
