//! How a client downloads (BEP 3, 6): interest, requests, blocks, pieces.
use super::Plain;
use super::book::Use;
use super::habits::{Moment, Queue, Starved};
use crate::block::SimBlock;
use teem_swarm::event::Event;
use teem_swarm::ids::ConnId;
use teem_swarm::job::Job;
use teem_swarm::output::Output;
use teem_swarm::time::Time;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::Message;
use teem_wire::tracker::announce::AnnounceEvent;

/// A peer that rejects this many requests in a row is left alone.
const REJECTS_MAX: u32 = 200;
/// A peer that had a part in this many wrong pieces is left for good; one that sent a whole wrong piece, at once.
const STRIKES_MAX: u32 = 5;

impl Plain {
    /// Says whether it is interested, where that has changed.
    pub(super) fn update_interest(&mut self, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let now = peer.of_use > 0;
        if peer.id.is_some() && peer.interested != now {
            peer.interested = now;
            self.tell(conn, if now { Message::Interested } else { Message::NotInterested });
        }
    }

    /// Something has changed that may lead to requests.
    pub(super) fn may_ask(&mut self, now: Time, conn: ConnId) {
        if self.habits.interest == Moment::AtOnce {
            self.update_interest(conn);
        }
        if self.habits.asks == Moment::AtOnce {
            self.ask(now, conn);
        }
    }

    /// Keeps its requests at a peer filled.
    pub(super) fn ask(&mut self, now: Time, conn: ConnId) {
        let ways = (self.habits.choice, self.habits.sharing, self.habits.end_game);
        let mut asked = false;
        loop {
            let Some(peer) = self.peers.get_mut(&conn) else { return };
            let may = !peer.choked && peer.interested && peer.of_use > 0 && now >= peer.look_at;
            if !may || peer.asked.len() >= peer.room() {
                break;
            }
            let Some(at) = self.book.next(now, conn, peer, ways) else {
                match self.habits.starved {
                    Starved::OneRequest => peer.starved = true,
                    Starved::Looks(after) if peer.asked.is_empty() => peer.look_at = now + after,
                    Starved::Waits | Starved::Looks(_) => {}
                }
                break;
            };
            if peer.asked.is_empty() {
                peer.moved = now;
            }
            peer.asked.insert(at);
            peer.active = now;
            asked = true;
            self.out.push_back(Output::Send { conn, message: Message::Request(at) });
        }
        if asked {
            self.tell_haves(conn);
        }
    }

    pub(super) fn block(&mut self, now: Time, conn: ConnId, at: BlockRef, data: SimBlock) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let Some(id) = peer.id else { return };
        let owed = peer.asked.remove(&at);
        peer.received(now, u64::from(at.len), self.habits.queue);
        let use_of = self.book.got(at, owed, id);
        if owed && self.habits.starved == Starved::OneRequest {
            peer.starved = false;
        }
        if use_of != Use::Spare {
            self.out.push_back(Output::Disk(Job::Write { torrent: self.torrent, at, data }));
        }
        if use_of == Use::FirstOfMany {
            let owing: Vec<ConnId> =
                self.peers.iter().filter(|(_, peer)| peer.asked.contains(&at)).map(|(conn, _)| *conn).collect();
            for other in owing {
                self.cancel(other, at);
                self.may_ask(now, other);
            }
        }
        self.may_ask(now, conn);
    }

    fn cancel(&mut self, conn: ConnId, at: BlockRef) {
        if let Some(peer) = self.peers.get_mut(&conn)
            && peer.asked.remove(&at)
        {
            self.book.release(at);
            self.out.push_back(Output::Send { conn, message: Message::Cancel(at) });
        }
    }

    pub(super) fn rejected(&mut self, now: Time, conn: ConnId, at: BlockRef) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        if peer.asked.remove(&at) {
            self.book.release(at);
        }
        peer.rejects += 1;
        if peer.rejects > REJECTS_MAX {
            self.shun(conn);
        } else {
            self.may_ask(now, conn);
        }
    }

    /// A peer that owes blocks and sends none: others get its work; the second time it is left.
    pub(super) fn check_patience(&mut self, now: Time, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        if peer.asked.is_empty() || now.since(peer.moved) < self.habits.patience {
            return;
        }
        if std::mem::replace(&mut peer.snubbed, true) {
            return self.shun(conn);
        }
        peer.moved = now;
        for at in peer.asked.clone() {
            self.cancel(conn, at);
        }
        self.give_up_on(conn);
    }

    /// A piece was compared with its hash.
    pub(super) fn verified(&mut self, now: Time, piece: u32, ok: bool) {
        let new = ok && !self.book.have.has(piece);
        let from = self.book.judged(piece, ok);
        let alone = from.len() == 1;
        let mut bad = Vec::new();
        for (&conn, peer) in &mut self.peers {
            peer.pieces.retain(|other| *other != piece);
            peer.asked.retain(|at| at.piece != piece);
            peer.of_use -= u32::from(new && peer.shown.has(piece));
            if peer.id.is_some_and(|id| from.contains(&id)) {
                peer.strikes = if ok { peer.strikes.saturating_sub(1) } else { peer.strikes + 1 };
                if !ok && (alone || peer.strikes >= STRIKES_MAX) {
                    bad.push(conn);
                }
            }
        }
        for conn in bad {
            self.shun(conn);
        }
        if new {
            self.out.push_back(Output::Event(Event::PieceVerified { torrent: self.torrent, piece }));
        }
        let conns: Vec<ConnId> = self.peers.keys().copied().collect();
        for conn in conns {
            if new {
                self.have(now, conn, piece);
            }
            self.may_ask(now, conn);
        }
        if new && self.book.is_complete() {
            self.announce(AnnounceEvent::Completed);
            self.out.push_back(Output::Event(Event::Complete { torrent: self.torrent, at_start: false }));
            self.leave_seeds();
        }
    }

    /// What a clock has to do for one peer's downloads.
    pub(super) fn look_after(&mut self, now: Time, conn: ConnId, passed: std::time::Duration) {
        self.check_patience(now, conn);
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        if !matches!(self.habits.queue, Queue::Fixed(_)) {
            peer.measure(passed, self.habits.queue);
        }
        self.ask(now, conn);
    }
}
