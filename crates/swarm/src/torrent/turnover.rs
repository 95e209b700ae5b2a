//! Who makes room when there are as many connections as there may be (own design; BEP 40): in a swarm larger than that newcomers
//! would find nobody, and the useless would stay for ever.
use super::Torrent;
use super::connect::PEERS_WANTED;
use super::context::Context;
use crate::event::State;
use crate::ids::ConnId;
use crate::output::CloseReason;
use crate::peer::Peer;
use crate::remote::Remote;
use crate::time::Time;
use alloc::vec::Vec;
use core::time::Duration;

/// A peer that neither gave nor took anything for so long may be replaced: longer than anybody waits for a slot by turns.
const IDLE_MIN: Duration = Duration::from_secs(120);
/// One that did not for so long may be replaced by somebody of higher priority who dials us.
const LULL_MIN: Duration = Duration::from_secs(30);
/// That happens no more often than this, whoever comes.
const REPLACE_EVERY: Duration = Duration::from_secs(1);
/// One that has not said a word for so long after its handshake has none to say: whoever has something shows it at once.
const MUTE_MIN: Duration = Duration::from_secs(10);

impl Torrent {
    /// While nobody gives anything and others could be dialled, lets go of those who have held back all that they were asked for, and of those
    /// who never said a word: fifty of them would keep us from one that gives.
    pub(super) fn drop_barren<B>(&mut self, cx: &mut Context<'_, B>) {
        let wanting = matches!(self.state, State::Metadata | State::Placing | State::Downloading);
        let others = self.roster.len() >= PEERS_WANTED && self.candidates.has_more(cx.now);
        if !wanting || !others || self.peers.values().any(|p| p.pipeline.is_delivering(cx.now)) {
            return;
        }
        let mute = |p: &Peer| p.heard == p.since && cx.now.since(p.since) >= MUTE_MIN;
        let barren = |p: &&Peer| p.moved == p.since && (p.pipeline.is_stalled() || mute(p));
        let peers = self.peers.values().map(|p| &**p);
        let barren: Vec<ConnId> = peers.filter(barren).map(|p| p.conn).collect();
        for conn in barren {
            self.drop_peer(cx, conn, CloseReason::Useless);
        }
    }

    /// With the table full, lets go of the peer that has been of no use for longest, if there is one; else, for somebody who dials
    /// us, of one with nothing under way whose canonical priority is lower. A source keeps all but those who leave alone what they
    /// were shown: whom it has shown nothing cannot have asked for anything.
    pub(super) fn make_room<B>(&mut self, cx: &mut Context<'_, B>, comes: Remote, outgoing: bool) {
        if !self.roster.is_full() {
            return;
        }
        let idle = self.peers.values().filter(|p| cx.now.since(p.moved) >= IDLE_MIN);
        let mut idle: Vec<&Peer> = idle.map(|p| &**p).collect();
        idle.sort_by_key(|p| (p.moved, p.conn));
        // Whether one is needed costs a look at all its pieces: mostly the first will do.
        let useless = |p: &&Peer| self.source.as_ref().map_or_else(|| !self.needs(p), |s| s.is_ignored_by(p.conn));
        if let Some(conn) = idle.into_iter().find(useless).map(|p| p.conn) {
            self.drop_peer(cx, conn, CloseReason::Useless);
        } else if !outgoing && !self.is_source() && self.replaced.is_none_or(|at| cx.now.since(at) >= REPLACE_EVERY) {
            self.replaced = Some(cx.now);
            if let Some(conn) = self.outranked(cx.now, comes) {
                self.drop_peer(cx, conn, CloseReason::Useless);
            }
        }
    }

    /// The peer of lowest priority, when it is below that of the one who comes, and nothing moves between us.
    fn outranked(&self, now: Time, comes: Remote) -> Option<ConnId> {
        // Between neighbours behind one router the ports decide, and whoever dials can choose his.
        let comes = comes.addr()?;
        if self.candidates.external().iter().any(|ours| ours == comes.ip()) {
            return None;
        }
        let theirs = self.candidates.priority(comes)?;
        let calm = |p: &Peer| now.since(p.moved) >= LULL_MIN && p.pipeline.under_way() == 0 && p.upload.is_idle();
        let ranked = self.peers.values().filter(|p| calm(p));
        let ranked = ranked.filter_map(|p| Some((self.candidates.priority(p.dial_addr().addr()?)?, p.conn)));
        let mut below: Vec<(u32, ConnId)> = ranked.filter(|(rank, _)| *rank < theirs).collect();
        below.sort_unstable();
        below.into_iter().map(|(_, conn)| conn).find(|conn| self.peers.get(conn).is_some_and(|p| !self.needs(p)))
    }

    /// Whether it alone has something that is missing here.
    fn needs(&self, peer: &Peer) -> bool {
        let Some(picker) = &self.picker else { return false };
        peer.has.iter_without(&self.have).any(|piece| picker.availability(piece) <= 1)
    }
}
