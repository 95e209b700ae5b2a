//! The peers that a client unchokes, round by round (BEP 3).
use super::habits::{Seeding, Slots};
use super::peer::Peer;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;
use teem_swarm::ids::ConnId;
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;

/// A slot is kept this long at least when they go round.
const TURN_MIN: Duration = Duration::from_secs(60);
/// For so long it counts that somebody was unchoked last, or gave a block.
const LATELY: Duration = Duration::from_secs(20);

/// The rounds of one client.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    number: u32,
    /// The peers that have a slot by chance.
    chance: Vec<ConnId>,
}

impl Rounds {
    /// A round: who is unchoked from now on, of the peers that have greeted.
    pub(super) fn next(
        &mut self,
        now: Time,
        slots: Slots,
        complete: bool,
        piece_len: u64,
        peers: &BTreeMap<ConnId, Peer>,
        rng: &mut Rng,
    ) -> Vec<ConnId> {
        let greeted = peers.iter().filter(|(_, peer)| peer.id.is_some());
        let Slots::Rounds { earned, random, random_rounds, open_handed, seeding, .. } = slots else {
            return greeted
                .filter(|(_, peer)| slots == Slots::Everybody || peer.wants)
                .map(|(conn, _)| *conn)
                .collect();
        };
        let mut order: Vec<_> = greeted
            .filter(|(_, peer)| peer.wants || open_handed)
            .map(|(conn, peer)| {
                let key = if complete { serving(now, seeding, piece_len, peer) } else { earning(now, peer) };
                ((key, rng.next_u64()), *conn)
            })
            .collect();
        order.sort_unstable();
        let mut chosen = Vec::new();
        let mut wanting = 0;
        for (_, conn) in order {
            if wanting == earned {
                break;
            }
            chosen.push(conn);
            wanting += usize::from(peers[&conn].wants);
        }
        if self.number.is_multiple_of(random_rounds.max(1)) {
            self.chance.clear();
        }
        self.number += 1;
        self.chance.retain(|conn| peers.get(conn).is_some_and(|peer| peer.wants) && !chosen.contains(conn));
        let mut others: Vec<ConnId> = peers
            .iter()
            .filter(|(conn, peer)| peer.wants && !chosen.contains(conn) && !self.chance.contains(conn))
            .map(|(conn, _)| *conn)
            .collect();
        rng.shuffle(&mut others);
        let free = (earned + random).saturating_sub(wanting + self.chance.len());
        self.chance.extend(others.into_iter().take(free));
        chosen.extend(&self.chance);
        chosen
    }
}

/// The order of those who give: the fastest of the last round first; who gave nothing lately has earned nothing.
fn earning(now: Time, peer: &Peer) -> (u64, Reverse<u64>, Reverse<Time>) {
    let lately = peer.gave_at.is_some_and(|at| now.since(at) < LATELY);
    (u64::from(!lately), Reverse(peer.gave), Reverse(peer.since))
}

/// The order of those who are served.
fn serving(now: Time, seeding: Seeding, piece_len: u64, peer: &Peer) -> (u64, Reverse<u64>, Reverse<Time>) {
    match seeding {
        Seeding::InTurn(pieces) => {
            let had_enough =
                peer.unchoked && peer.taken >= u64::from(pieces) * piece_len && now.since(peer.since) >= TURN_MIN;
            // Of those who wait, the one that waits longest.
            let waited = if peer.unchoked { 0 } else { now.since(peer.since).as_millis() as u64 };
            (u64::from(had_enough) * 2 + u64::from(!peer.unchoked), Reverse(peer.took.max(waited)), Reverse(Time::ZERO))
        }
        Seeding::Fastest => (0, Reverse(peer.took), Reverse(Time::ZERO)),
        Seeding::Latest => {
            let lately = peer.unchoked && now.since(peer.since) < LATELY;
            let at = if lately { peer.since } else { Time::ZERO };
            (u64::from(!lately), Reverse(if lately { 0 } else { peer.took }), Reverse(at))
        }
    }
}
