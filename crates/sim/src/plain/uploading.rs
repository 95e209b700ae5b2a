//! How a client uploads (BEP 3, 6): slots, requests, and telling what it has.
use super::Plain;
use super::habits::{Haves, Slots};
use std::collections::VecDeque;
use teem_swarm::ids::ConnId;
use teem_swarm::job::{Job, Reader};
use teem_swarm::output::Output;
use teem_swarm::time::Time;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};
use teem_wire::peer::message::{Message, MetadataMessage};

/// Blocks of one connection that are read or stand in its buffer; the rest can still be cancelled.
const AHEAD: u64 = 8;
/// Most requests of one peer that wait.
const WAITING_MAX: usize = 2_000;
/// Size of a piece of metadata (BEP 9).
const METADATA_PIECE: usize = 16 * 1024;

impl Plain {
    pub(super) fn requested(&mut self, now: Time, conn: ConnId, at: BlockRef) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        peer.active = now;
        let may = peer.unchoked && self.book.have.has(at.piece) && peer.queue.len() < WAITING_MAX;
        if may {
            peer.queue.push_back(at);
            self.read_ahead(conn);
        } else if peer.fast {
            self.out.push_back(Output::Send { conn, message: Message::Reject(at) });
        }
    }

    pub(super) fn cancelled(&mut self, conn: ConnId, at: BlockRef) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let before = peer.queue.len();
        peer.queue.retain(|other| *other != at);
        // The fast extension wants an answer to each request.
        if peer.fast && peer.queue.len() < before {
            self.out.push_back(Output::Send { conn, message: Message::Reject(at) });
        }
    }

    /// Reads ahead for a peer as far as its buffer reaches.
    pub(super) fn read_ahead(&mut self, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        while peer.reading as u64 * u64::from(BLOCK_LEN) + peer.buffered < AHEAD * u64::from(BLOCK_LEN) {
            let Some(at) = peer.queue.pop_front() else { return };
            peer.reading += 1;
            self.out.push_back(Output::Disk(Job::Read { torrent: self.torrent, reader: Reader::Peer(conn), at }));
        }
    }

    /// A block was read.
    pub(super) fn read(&mut self, now: Time, conn: ConnId, at: BlockRef, data: crate::block::SimBlock) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        peer.reading = peer.reading.saturating_sub(1);
        if !peer.unchoked {
            if peer.fast {
                self.out.push_back(Output::Send { conn, message: Message::Reject(at) });
            }
            return;
        }
        peer.buffered += u64::from(at.len);
        peer.took += u64::from(at.len);
        peer.taken += u64::from(at.len);
        peer.active = now;
        self.out.push_back(Output::SendBlock { conn, at, data });
    }

    /// What was buffered has left.
    pub(super) fn sent(&mut self, conn: ConnId, bytes: u64) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.buffered = peer.buffered.saturating_sub(bytes);
            self.read_ahead(conn);
        }
    }

    /// A peer says whether it is interested.
    pub(super) fn wanted(&mut self, now: Time, conn: ConnId, wants: bool) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        peer.wants = wants;
        if !wants {
            return;
        }
        let free = match self.habits.slots {
            Slots::Everybody => false,
            Slots::Interested => true,
            Slots::Rounds { earned, random, refilled, .. } => {
                refilled && self.peers.values().filter(|peer| peer.unchoked && peer.wants).count() < earned + random
            }
        };
        if free {
            self.choke(now, conn, false);
        }
    }

    /// Chokes or unchokes a peer, where that is a change.
    pub(super) fn choke(&mut self, now: Time, conn: ConnId, choke: bool) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        if peer.unchoked != choke {
            return;
        }
        (peer.unchoked, peer.since, peer.taken) = (!choke, now, 0);
        let fast = peer.fast;
        let waiting = if choke { std::mem::take(&mut peer.queue) } else { VecDeque::default() };
        self.tell(conn, if choke { Message::Choke } else { Message::Unchoke });
        if fast {
            self.out.extend(waiting.into_iter().map(|at| Output::Send { conn, message: Message::Reject(at) }));
        }
    }

    /// Tells a peer of a piece, now or later.
    pub(super) fn have(&mut self, now: Time, conn: ConnId, piece: u32) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        if peer.id.is_none() || (!self.habits.tells_holders && peer.shown.has(piece)) {
            return;
        }
        if peer.untold.is_empty() {
            peer.untold_since = now;
        }
        peer.untold.push(piece);
        self.may_tell(now, conn);
    }

    /// Tells of pieces when it is time.
    pub(super) fn may_tell(&mut self, now: Time, conn: ConnId) {
        let Some(peer) = self.peers.get(&conn) else { return };
        let waited = now.since(peer.untold_since);
        let due = match self.habits.haves {
            Haves::AtOnce => true,
            Haves::WithOthers(after) => waited >= after,
            Haves::Packed(enough, after) => peer.untold.len() >= enough || waited >= after,
        };
        if due {
            self.flush_haves(conn);
        }
    }

    /// Something else goes out to the peer: haves that wait for such a chance go with it.
    pub(super) fn tell_haves(&mut self, conn: ConnId) {
        if matches!(self.habits.haves, Haves::WithOthers(_)) {
            self.flush_haves(conn);
        }
    }

    fn flush_haves(&mut self, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let haves = std::mem::take(&mut peer.untold).into_iter();
        self.out.extend(haves.map(|piece| Output::Send { conn, message: Message::Have(piece) }));
    }

    /// Sends a message that does not wait.
    pub(super) fn tell(&mut self, conn: ConnId, message: Message) {
        self.tell_haves(conn);
        self.out.push_back(Output::Send { conn, message });
    }

    /// Serves the info dictionary.
    pub(super) fn metadata(&mut self, conn: ConnId, piece: u32) {
        let Some(id) = self.peers.get(&conn).and_then(|peer| peer.metadata) else { return };
        let raw = self.book.content.info().raw();
        let begin = (piece as usize * METADATA_PIECE).min(raw.len());
        let data = raw[begin..raw.len().min(begin + METADATA_PIECE)].to_vec();
        let message = if data.is_empty() {
            MetadataMessage::Reject { piece }
        } else {
            MetadataMessage::Data { piece, total_size: raw.len() as u32, data }
        };
        self.out.push_back(Output::Send { conn, message: Message::Metadata { id, message } });
    }
}
