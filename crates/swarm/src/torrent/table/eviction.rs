//! The peers that make room when there are as many connections as there may be (own design; BEP 40): in a swarm larger than that
//! newcomers would find nobody, and the useless would stay for ever.
use super::Table;
use super::roster::PEERS_WANTED;
use crate::external::External;
use crate::ids::ConnId;
use crate::peer::Peer;
use crate::time::Time;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

/// A peer that neither gave nor took anything for so long may be replaced: longer than anybody waits for a slot by turns.
const IDLE_MIN: Duration = Duration::from_secs(120);
/// One that did not for so long may be replaced by somebody of higher priority who dials us.
const LULL_MIN: Duration = Duration::from_secs(30);
/// That happens no more often than this, whoever comes.
const REPLACE_EVERY: Duration = Duration::from_secs(1);
/// One that has not said a word for so long after its handshake has none to say: a peer that has something shows it at once.
const MUTE_MIN: Duration = Duration::from_secs(10);

impl Table {
    /// While nobody gives anything, those that have held back all that they were asked for, and those that never said a word: fifty of
    /// them would keep us from one that gives.
    pub(in crate::torrent) fn barren(&self, now: Time) -> Vec<ConnId> {
        if self.len() < PEERS_WANTED || self.values().any(|p| p.pipeline().is_delivering(now)) {
            return Vec::new();
        }
        let mute = |p: &Peer| p.clocks().is_mute() && now.since(p.clocks().since()) >= MUTE_MIN;
        let barren = |p: &&Peer| p.clocks().has_never_moved() && (p.pipeline().is_stalled() || mute(p));
        self.values().filter(barren).map(Peer::conn).collect()
    }

    /// The peer that has been of no use for longest, by that test, if there is one.
    pub(in crate::torrent) fn useless(&self, now: Time, is_useless: impl Fn(&Peer) -> bool) -> Option<ConnId> {
        let mut idle: Vec<&Peer> = self.values().filter(|p| now.since(p.clocks().moved()) >= IDLE_MIN).collect();
        idle.sort_by_key(|p| (p.clocks().moved(), p.conn()));
        // Whether one is needed costs a look at all its pieces: mostly the first will do.
        idle.into_iter().find(|p| is_useless(p)).map(Peer::conn)
    }

    /// For somebody who dials us from `comes`: the peer of lowest canonical priority below his with which nothing moves and that is
    /// not needed. `priority` is ours with an address, `external` from where the world sees us.
    pub(in crate::torrent) fn outranked(
        &mut self,
        now: Time,
        comes: SocketAddr,
        external: External,
        priority: impl Fn(SocketAddr) -> Option<u32>,
        is_needed: impl Fn(&Peer) -> bool,
    ) -> Option<ConnId> {
        if self.replaced.is_some_and(|at| now.since(at) < REPLACE_EVERY) {
            return None;
        }
        self.replaced = Some(now);
        // Between neighbours behind one router the ports decide, and the one who dials can choose his.
        if external.iter().any(|ours| ours == comes.ip()) {
            return None;
        }
        let theirs = priority(comes)?;
        let calm = |p: &&Peer| {
            now.since(p.clocks().moved()) >= LULL_MIN && p.pipeline().under_way() == 0 && p.upload().is_idle()
        };
        let ranked = self.values().filter(calm);
        let ranked = ranked.filter_map(|p| Some((priority(p.who().dial_addr().addr()?)?, p.conn())));
        let mut below: Vec<(u32, ConnId)> = ranked.filter(|(rank, _)| *rank < theirs).collect();
        below.sort_unstable();
        below.into_iter().map(|(_, conn)| conn).find(|conn| self.get(*conn).is_some_and(|p| !is_needed(p)))
    }
}
