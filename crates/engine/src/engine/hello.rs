//! From a connection to a peer (BEP 3; interop rule 2; bad-input rows 31, 44, 45): which torrent it is for, and whether it may stay.
//!
//! A peer that dialled us hears nothing before it has named a torrent that we have: neither which we have, nor that we are here
//! for any.
use super::Engine;
use crate::conns::{Arrival, Unproven};
use alloc::vec::Vec;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::output::{CloseReason, Output};
use teem_swarm::remote::{How, Remote, Via};
use teem_swarm::torrent::Torrent;
use teem_swarm::torrent::table::crowding::Crowds;
use teem_wire::holder::Holder;
use teem_wire::peer::handshake::Handshake;

impl<B> Engine<B> {
    /// A dial succeeded: we introduce ourselves.
    pub(super) fn connected(&mut self, conn: ConnId, torrent: TorrentId, remote: Remote, how: How) {
        self.dialler.ended(torrent, remote);
        self.ask_torrent(torrent, |one| one.dial_stands(remote, how));
        let handshake = match self.ask_torrent(torrent, |one| one.handshake()) {
            Some(handshake) if self.routes.torrent(handshake.info_hash) == Some(torrent) => {
                self.with_node(torrent, handshake)
            }
            _ => return self.close(conn, CloseReason::Stopping),
        };
        if self.routes.is_full() && !self.makes_room(torrent, remote.holder()) {
            self.with(torrent, |t, cx| t.dial_closed(cx.now, remote, CloseReason::TooMany));
            return self.close(conn, CloseReason::TooMany);
        }
        self.conns.dialled(self.now, conn, remote, torrent);
        self.outputs.push_back(Output::Hello { conn, handshake });
    }

    /// Somebody dialled us.
    pub(super) fn accepted(&mut self, conn: ConnId, remote: Remote) {
        match self.conns.arrive(self.now, conn, remote, self.rests.len()) {
            Arrival::Welcome => {}
            Arrival::Instead(silent) => self.close(silent, CloseReason::TimedOut),
            Arrival::Refused => self.close(conn, CloseReason::TooMany),
        }
    }

    /// A connection ended without our asking.
    pub(super) fn closed(&mut self, conn: ConnId, why: CloseReason) {
        self.parked.take(conn);
        if let Some(unproven) = self.conns.take(conn) {
            self.unproven_gone(unproven, why);
        } else if let Some(torrent) = self.routes.leave(conn) {
            self.with(torrent, |t, cx| t.closed(cx, conn, why));
        }
    }

    /// A connection ended before its handshake: the torrent that dialled it has to know.
    pub(super) fn unproven_gone(&mut self, unproven: Unproven, why: CloseReason) {
        if let Some(torrent) = unproven.dialled_for {
            self.with(torrent, |t, cx| t.dial_closed(cx.now, unproven.remote, why));
        }
    }

    /// The peer's handshake.
    pub(super) fn hello(&mut self, conn: ConnId, handshake: Handshake, via: Via) {
        let Some(unproven) = self.conns.take(conn) else { return };
        let known = self.routes.torrent(handshake.info_hash);
        let torrent = match (known, unproven.dialled_for) {
            (Some(torrent), None) => torrent,
            (Some(torrent), Some(dialled_for)) if torrent == dialled_for => torrent,
            (_, None) => return self.close(conn, CloseReason::UnknownTorrent),
            (_, Some(_)) => {
                return self.refuse(conn, unproven, CloseReason::Protocol("a handshake for another torrent"));
            }
        };
        let Some(greeting) = self.ask_torrent(torrent, |one| one.handshake()) else {
            return self.close(conn, CloseReason::UnknownTorrent);
        };
        let now = self.now;
        let outgoing = unproven.dialled_for.is_some();
        let full = if outgoing { self.routes.is_full() } else { self.routes.is_full_for_callers() };
        // One that the torrent refuses, or lets in instead of another of its own, needs no room here.
        let takes = |one: &mut Torrent| one.takes_one_more(now, unproven.remote, outgoing, &handshake);
        let needs_room = full && self.ask_torrent(torrent, takes).unwrap_or(false);
        if needs_room && !self.makes_room(torrent, unproven.remote.holder()) {
            return self.refuse(conn, unproven, CloseReason::TooMany);
        }
        if !outgoing {
            // A connection that the torrent will refuse is answered too: only so does a dialler learn that it has dialled itself. The answer names the
            // torrent as the dialler did (BEP 52, "upgrade path"), by whichever of its hashes.
            let ours = Handshake { info_hash: handshake.info_hash, ..self.with_node(torrent, greeting) };
            self.outputs.push_back(Output::Hello { conn, handshake: ours });
        }
        self.routes.enter(conn, torrent);
        let has_node = handshake.features.dht;
        self.with(torrent, |t, cx| {
            t.peer_ready(cx, conn, unproven.remote, outgoing, handshake);
            t.comes_via(conn, via);
        });
        if has_node {
            self.tell_node(conn, torrent);
        }
    }

    /// With all places of all torrents taken, for a newcomer to that torrent: one of the most crowded network yields, or else one of the
    /// torrent with most peers, if that makes the places more even. Whether somebody did.
    fn makes_room(&mut self, torrent: TorrentId, comes: Holder) -> bool {
        let now = self.now;
        let holders = self.ask_each(|one| one.holders().collect::<Vec<_>>());
        let crowds = Crowds::of(holders.into_iter().flat_map(|(_, holders)| holders));
        let first = self.ask_each(|one| one.yielding(now, |holder| crowds.excess(holder, comes)));
        let first = first.into_iter().filter_map(|(id, rank)| Some((rank?, id))).max();
        let yields = first.or_else(|| {
            let counts = self.ask_each(|one| one.peer_count());
            let here = counts.iter().find(|(id, _)| *id == torrent).map_or(0, |(_, count)| *count);
            let (largest, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
            if count <= here + 1 {
                return None;
            }
            Some((self.ask_torrent(largest, |one| one.yielding(now, |_| Some((0, 0)))).flatten()?, largest))
        });
        if let Some((rank, of)) = yields {
            self.with(of, |t, cx| t.make_room(cx, rank.conn()));
        }
        yields.is_some()
    }

    fn refuse(&mut self, conn: ConnId, unproven: Unproven, why: CloseReason) {
        self.unproven_gone(unproven, why);
        self.close(conn, why);
    }
}
