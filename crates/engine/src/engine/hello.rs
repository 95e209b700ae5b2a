//! From a connection to a peer (BEP 3; interop rule 2; bad-input rows 31, 44, 45): which torrent it is for, and whether it may stay.
//!
//! A peer that dialled us hears nothing before it has named a torrent that we have: neither which we have, nor that we are here
//! for any.
use super::Engine;
use crate::conns::{Arrival, Unproven};
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::output::{CloseReason, Output};
use teem_swarm::remote::Remote;
use teem_swarm::torrent::Torrent;
use teem_swarm::torrent::table::crowding::Crowds;
use teem_wire::holder::Holder;
use teem_wire::peer::handshake::Handshake;

impl<B> Engine<B> {
    /// A dial succeeded: we introduce ourselves.
    pub(super) fn connected(&mut self, conn: ConnId, torrent: TorrentId, remote: Remote) {
        self.dialler.ended(torrent, remote);
        let handshake = match self.torrents.get(&torrent) {
            Some(one) if self.routes.torrent(one.handshake().info_hash) == Some(torrent) => one.handshake(),
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
        match self.conns.arrive(self.now, conn, remote, self.torrents.len()) {
            Arrival::Welcome => {}
            Arrival::Instead(silent) => self.close(silent, CloseReason::TimedOut),
            Arrival::Refused => self.close(conn, CloseReason::TooMany),
        }
    }

    /// A connection ended without our asking.
    pub(super) fn closed(&mut self, conn: ConnId, why: CloseReason) {
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
    pub(super) fn hello(&mut self, conn: ConnId, handshake: Handshake) {
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
        let Some(one) = self.torrents.get(&torrent) else {
            return self.close(conn, CloseReason::UnknownTorrent);
        };
        let ours = one.handshake();
        let outgoing = unproven.dialled_for.is_some();
        let full = if outgoing { self.routes.is_full() } else { self.routes.is_full_for_callers() };
        // One that the torrent refuses, or lets in instead of another of its own, needs no room here.
        let needs_room = full && one.takes_one_more(self.now, unproven.remote, outgoing, &handshake);
        if needs_room && !self.makes_room(torrent, unproven.remote.holder()) {
            return self.refuse(conn, unproven, CloseReason::TooMany);
        }
        if !outgoing {
            // A connection that the torrent will refuse is answered too: only so does a dialler learn that it has dialled itself. The answer names the
            // torrent as the dialler did (BEP 52, "upgrade path"), by whichever of its hashes.
            let ours = Handshake { info_hash: handshake.info_hash, ..ours };
            self.outputs.push_back(Output::Hello { conn, handshake: ours });
        }
        self.routes.enter(conn, torrent);
        self.with(torrent, |t, cx| t.peer_ready(cx, conn, unproven.remote, outgoing, handshake));
    }

    /// With all places of all torrents taken, for a newcomer to that torrent: one of the most crowded network yields, or else one of the
    /// torrent with most peers, if that makes the places more even. Whether somebody did.
    fn makes_room(&mut self, torrent: TorrentId, comes: Holder) -> bool {
        let crowds = Crowds::of(self.torrents.values().flat_map(Torrent::holders));
        let first = self.torrents.values().filter_map(|one| {
            let rank = one.yielding(self.now, |holder| crowds.excess(holder, comes))?;
            Some((rank, one.id()))
        });
        let yields = first.max().or_else(|| {
            let here = self.torrents.get(&torrent).map_or(0, Torrent::peer_count);
            let most = self.torrents.values().max_by_key(|one| one.peer_count());
            let largest = most.filter(|one| one.peer_count() > here + 1)?;
            Some((largest.yielding(self.now, |_| Some((0, 0)))?, largest.id()))
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
