//! What we owe to each network (own design after FairTorrent, ToN 2012): bytes received less bytes sent, so that among peers that may
//! ask the one is served first that has given most for what it got.
//!
//! A debt halves in a minute and never exceeds two pieces either way: it orders what is going on, it is no account for life.
//! Invariant: at most `ENTRIES_MAX` networks are remembered.
use crate::time::Time;
use alloc::collections::BTreeMap;
use teem_wire::holder::Network;

/// A debt is half of itself after so many nanoseconds.
const HALF_LIFE_NS: u64 = 60_000_000_000;
/// Pieces that a debt comes to at most.
const PIECES_MAX: i64 = 2;
/// Networks that are remembered: more than there are connections.
const ENTRIES_MAX: usize = 256;

/// Debts in bytes.
#[derive(Clone, Default, Debug)]
pub(crate) struct Ledger(BTreeMap<Network, (i64, Time)>);

impl Ledger {
    /// So many bytes have come from a network (or, negative, gone to it).
    pub(crate) fn add(&mut self, now: Time, who: Network, bytes: i64, piece_len: u32) {
        let most = PIECES_MAX * i64::from(piece_len);
        let owed = (self.owed(now, who) + bytes).clamp(-most, most);
        if self.0.len() >= ENTRIES_MAX && !self.0.contains_key(&who) {
            let oldest = self.0.iter().min_by_key(|(_, (_, at))| *at).map(|(who, _)| *who);
            oldest.map(|who| self.0.remove(&who));
        }
        self.0.insert(who, (owed, now));
    }

    /// What a network is owed now; negative when it owes us.
    pub(crate) fn owed(&self, now: Time, who: Network) -> i64 {
        let Some((owed, at)) = self.0.get(&who) else { return 0 };
        let ns = now.since(*at).as_nanos() as u64;
        let halved = owed / (1i64 << (ns / HALF_LIFE_NS).min(62));
        // Between two halvings in a straight line.
        let part = i128::from(halved) * i128::from(ns % HALF_LIFE_NS) / i128::from(2 * HALF_LIFE_NS);
        halved - part as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::IpAddr;
    use core::time::Duration;

    #[test]
    fn debts_are_capped_decay_and_are_forgotten() {
        let who = |n: u32| Network::of(IpAddr::from((n << 8).to_be_bytes()));
        let at = |s| Time::ZERO + Duration::from_secs(s);
        let mut ledger = Ledger::default();
        ledger.add(at(0), who(1), 10_000_000, 65_536);
        ledger.add(at(0), who(2), -10_000_000, 65_536);
        assert_eq!((ledger.owed(at(0), who(1)), ledger.owed(at(0), who(2))), (131_072, -131_072));
        assert_eq!((ledger.owed(at(60), who(1)), ledger.owed(at(120), who(2))), (65_536, -32_768));
        let (early, late) = (ledger.owed(at(29), who(1)), ledger.owed(at(31), who(1)));
        assert!(early > late && late > 65_536);
        assert_eq!(ledger.owed(at(100_000), who(1)), 0);
        (3..10_000).for_each(|n| ledger.add(at(200), who(n), 1, 65_536));
        assert_eq!(ledger.0.len(), ENTRIES_MAX);
    }
}
