//! The choker of a seed: turns of a minute, half of the slots that come free go to the peers that take fastest (BEP 3).
//!
//! The turn of a peer that takes nothing ends at once. Speed alone would feed the same few for ever, turns alone would give slots to peers that cannot use them.
use super::Contender;
use crate::ids::ConnId;
use crate::time::Time;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;

/// How long a slot stays with one peer when others wait.
const TURN: Duration = Duration::from_secs(60);

/// Chooses the peers to unchoke.
pub fn choose(now: Time, contenders: &[Contender], slots: usize) -> BTreeSet<ConnId> {
    let (served, mut waiting): (Vec<&Contender>, Vec<&Contender>) = contenders.iter().partition(|c| !c.choked);
    let (mut running, mut over): (Vec<&Contender>, Vec<&Contender>) =
        served.into_iter().partition(|c| !c.stuck && c.changed.is_none_or(|since| now.since(since) < TURN));
    running.sort_by_key(|c| (Reverse(c.rate_to), c.conn));
    over.sort_by_key(|c| (Reverse(c.rate_to), c.conn));
    waiting.sort_by_key(|c| (c.changed.unwrap_or(c.since), c.conn));
    let free = slots.saturating_sub(running.len());
    let fast = over.len().min(free / 2);
    let order = running.iter().chain(&over[..fast]).chain(&waiting).chain(&over[fast..]);
    order.take(slots).map(|c| c.conn).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{apply, contender};
    use super::*;

    #[test]
    fn everybody_gets_a_turn_and_nobody_is_changed_twice_in_ten_seconds() {
        let mut peers: Vec<Contender> = (0..12).map(|n| contender(n, 0, n * 1_000)).collect();
        let mut served = BTreeSet::new();
        for second in (0..600u64).step_by(10) {
            let now = Time::ZERO + Duration::from_secs(second);
            let (choke, unchoke) = apply(now, &peers, &choose(now, &peers, 4), 4);
            for peer in &mut peers {
                if choke.contains(&peer.conn) || unchoke.contains(&peer.conn) {
                    assert!(peer.changed.is_none_or(|at| now.since(at) >= Duration::from_secs(10)));
                    peer.choked = choke.contains(&peer.conn);
                    peer.changed = Some(now);
                }
            }
            let open = peers.iter().filter(|p| !p.choked).map(|p| p.conn).collect::<Vec<_>>();
            assert_eq!(open.len(), 4);
            served.extend(open);
        }
        assert_eq!(served.len(), 12);
    }
}
