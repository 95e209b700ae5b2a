//! The choker of a downloader: the peers that give us most are served, and one at a time is given a chance (BEP 3).
use super::Contender;
use crate::ids::ConnId;
use crate::rng::Rng;
use crate::time::Time;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;
use teem_wire::holder::Network;

/// How long the optimistic unchoke stays with one peer.
const OPTIMISTIC: Duration = Duration::from_secs(30);

/// The peer that has the optimistic slot, and since when.
#[derive(Clone, Copy, Default, Debug)]
pub struct Optimistic(Option<(ConnId, Time)>);

/// Chooses the peers to unchoke: the best givers, and at random one of the others for thirty seconds.
pub fn choose(
    now: Time,
    contenders: &[Contender],
    slots: usize,
    optimistic: &mut Optimistic,
    rng: &mut Rng,
) -> BTreeSet<ConnId> {
    let mut ranked: Vec<&Contender> = contenders.iter().collect();
    // Of equal givers those that are served stay: fewer changes, and no slot jumps about at the start. The others have equal
    // chances: in the order of their coming all would begin with the same few.
    rng.shuffle(&mut ranked);
    ranked.sort_by_key(|c| (core::cmp::Reverse(c.rate_from), c.choked));
    let regular = slots.saturating_sub(1).min(ranked.len());
    let mut chosen: BTreeSet<ConnId> = ranked[..regular].iter().map(|c| c.conn).collect();
    let rest = &ranked[regular..];
    let stays =
        optimistic.0.filter(|(conn, since)| now.since(*since) < OPTIMISTIC && rest.iter().any(|c| c.conn == *conn));
    optimistic.0 = stays.or_else(|| {
        let fresh: Vec<&Contender> = rest.iter().copied().filter(|c| c.choked).collect();
        let pool = if fresh.is_empty() { rest.to_vec() } else { fresh };
        // A network first, then one of it: many connections from one network share one chance.
        let networks: BTreeSet<Network> = pool.iter().map(|c| c.from).collect();
        let chosen = rng.index(networks.len()).and_then(|i| networks.into_iter().nth(i));
        let of_it: Vec<ConnId> = pool.iter().filter(|c| Some(c.from) == chosen).map(|c| c.conn).collect();
        rng.index(of_it.len()).map(|i| (of_it[i], now))
    });
    if slots > 0 {
        chosen.extend(optimistic.0.map(|(conn, _)| conn));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::super::{contender, network};
    use super::*;

    #[test]
    fn a_hundred_from_one_place_have_the_chance_of_one() {
        let mut peers: Vec<Contender> = (0..10).map(|n| contender(n, 0, 0)).collect();
        peers.extend((100..200).map(|n| Contender { from: network(50), ..contender(n, 0, 0) }));
        let (mut rng, mut crowd) = (Rng::new(1), 0);
        for _ in 0..440 {
            let mut optimistic = Optimistic::default();
            let chosen = choose(Time::ZERO, &peers, 1, &mut optimistic, &mut rng);
            crowd += chosen.iter().filter(|c| c.0 >= 100).count();
        }
        assert!((20..80).contains(&crowd), "{crowd}");
    }

    #[test]
    fn the_best_givers_and_one_by_chance_that_moves_every_thirty_seconds() {
        let peers: Vec<Contender> = (0..20).map(|n| contender(n, n * 1_000, 0)).collect();
        let (mut optimistic, mut rng) = (Optimistic::default(), Rng::new(1));
        let mut lucky = BTreeSet::new();
        for second in 0..600u64 {
            let now = Time::ZERO + Duration::from_secs(second);
            let chosen = choose(now, &peers, 4, &mut optimistic, &mut rng);
            assert_eq!(chosen.len(), 4);
            assert!([17, 18, 19].iter().all(|n| chosen.contains(&ConnId(*n))));
            lucky.extend(chosen.into_iter().filter(|c| c.0 < 17));
        }
        assert!((8..=17).contains(&lucky.len()), "{lucky:?}");
    }
}
