//! The choker among peers of one owner (own design): no peer has to give before it gets; all are served by turns.
//!
//! A turn is a round long. Then the peers follow that have waited longest, so that what one has is soon with all of them, and a newcomer
//! is not behind those that have nearly everything.
use super::{Contender, ROUND};
use crate::ids::ConnId;
use crate::time::Time;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// Chooses the peers to unchoke.
pub(crate) fn choose(now: Time, contenders: &[Contender], slots: usize) -> BTreeSet<ConnId> {
    let mut order: Vec<&Contender> = contenders.iter().collect();
    order.sort_by_key(|c| {
        let last = c.changed.unwrap_or(c.since);
        let running = !c.choked && now.since(last) < ROUND;
        // Those in their turn, those that wait, those whose turn is over.
        (if running { 0 } else { 1 + u8::from(!c.choked) }, last, c.conn)
    });
    order.into_iter().take(slots).map(|c| c.conn).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{apply, contender};
    use super::*;
    use core::time::Duration;

    #[test]
    fn everybody_is_served_equally_whatever_he_gives() {
        let mut peers: Vec<Contender> = (0..12).map(|n| contender(n, n * 1_000, 0)).collect();
        let mut turns = [0; 12];
        for second in (0..600u64).step_by(10) {
            let now = Time::ZERO + Duration::from_secs(second);
            let (choke, unchoke) = apply(now, &peers, &choose(now, &peers, 4), 4);
            for (peer, turns) in peers.iter_mut().zip(&mut turns) {
                if choke.contains(&peer.conn) || unchoke.contains(&peer.conn) {
                    (peer.choked, peer.changed) = (choke.contains(&peer.conn), Some(now));
                }
                *turns += usize::from(!peer.choked);
            }
        }
        assert!(turns.iter().all(|t| (19..=21).contains(t)), "{turns:?}");
    }
}
