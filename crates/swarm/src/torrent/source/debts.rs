//! Grants that came to nothing (own design): each counts against the holder that was shown the piece, for as long as the torrent is a source.
//!
//! A source is kind to newcomers, since each is to have something that others want. With that alone a crowd that asks, takes nothing and comes
//! again would be the newcomer every time. So a grant that was left alone, or not taken whole by one that stands still or goes, is a debt of its
//! holder and, summed, of the network around it; those with less come first, and a piece taken whole halves what its holder owes. Nobody is
//! excluded by debts: with nobody else there, one that owes is shown the next piece as anybody would be. What a holder was given on connections
//! that have ended counts too, so that nobody is a newcomer twice.
use super::Source;
use crate::torrent::table::Peers;
use alloc::collections::BTreeMap;
use teem_wire::holder::Holder;

/// Holders that are remembered; with more, all that they owe and were given is halved until there are fewer.
const HOLDERS_MAX: usize = 4_096;

/// What a peer's holder owes, and what the network around it owes: grants that came to nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(super) struct Debt {
    holder: u16,
    network: u32,
}

/// What one holder owes, and what it was granted on connections that have ended, in pieces.
#[derive(Clone, Copy, Default, Debug)]
struct Account {
    owed: u16,
    given: u16,
}

impl Account {
    fn is_empty(self) -> bool {
        (self.owed, self.given) == (0, 0)
    }
}

/// What holders owe and were given.
#[derive(Clone, Default, Debug)]
pub(super) struct Debts {
    accounts: BTreeMap<Holder, Account>,
    /// Whether somebody owes more or less than when the peers were last ranked.
    changed: bool,
}

impl Debts {
    /// What a holder owes, and its network.
    pub(super) fn of(&self, holder: Holder) -> Debt {
        let network = self.accounts.range(holder.wider().holders()).map(|(_, account)| u32::from(account.owed)).sum();
        Debt { holder: self.accounts.get(&holder).map_or(0, |account| account.owed), network }
    }

    /// Pieces that a holder was granted on connections that have ended.
    pub(super) fn given(&self, holder: Holder) -> u32 {
        self.accounts.get(&holder).map_or(0, |account| u32::from(account.given))
    }

    /// So many grants of a holder have come to nothing.
    pub(super) fn charge(&mut self, holder: Holder, grants: usize) {
        if grants > 0 {
            self.changed = true;
            self.with(holder, |account| account.owed = plus(account.owed, grants));
        }
    }

    /// A connection of a holder has ended on which it was granted so many pieces.
    pub(super) fn gave(&mut self, holder: Holder, pieces: u32) {
        if pieces > 0 {
            self.with(holder, |account| account.given = plus(account.given, pieces as usize));
        }
    }

    /// A holder has taken a piece whole.
    pub(super) fn repay(&mut self, holder: Holder) {
        if self.accounts.get(&holder).is_some_and(|account| account.owed > 0) {
            self.changed = true;
            self.with(holder, |account| account.owed /= 2);
        }
    }

    fn with(&mut self, holder: Holder, change: impl FnOnce(&mut Account)) {
        let account = self.accounts.entry(holder).or_default();
        change(account);
        if account.is_empty() {
            self.accounts.remove(&holder);
        }
        while self.accounts.len() > HOLDERS_MAX {
            self.changed = true;
            self.accounts.retain(|_, account| {
                *account = Account { owed: account.owed / 2, given: account.given / 2 };
                !account.is_empty()
            });
        }
    }
}

fn plus(count: u16, more: usize) -> u16 {
    count.saturating_add(u16::try_from(more).unwrap_or(u16::MAX))
}

impl Source {
    /// Each peer is ranked by what its holder owes now.
    pub(super) fn settle_debts(&mut self, peers: &Peers) {
        if core::mem::take(&mut self.debts.changed) {
            for (conn, grantee) in &mut self.grantees {
                grantee.debt = peers.get(conn).map_or(Debt::default(), |peer| self.debts.of(peer.who().holder()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(n: u16) -> Holder {
        let [high, low] = n.to_be_bytes();
        Holder::of([198, 18 + high / 200, high % 200, low].into())
    }

    #[test]
    fn a_network_owes_what_its_holders_owe_and_a_piece_taken_halves_one_of_them() {
        let mut debts = Debts::default();
        debts.charge(holder(1), 4);
        debts.charge(holder(2), 1);
        assert_eq!(debts.of(holder(1)), Debt { holder: 4, network: 5 });
        assert_eq!(debts.of(holder(3)), Debt { holder: 0, network: 5 });
        assert_eq!(debts.of(holder(256)), Debt::default());
        (1..=3).for_each(|n| debts.repay(holder(n)));
        assert_eq!(debts.of(holder(2)), Debt { holder: 0, network: 2 });
    }

    #[test]
    fn those_that_owe_most_are_remembered_when_there_are_too_many() {
        let mut debts = Debts::default();
        debts.charge(holder(0), 8);
        (1..=HOLDERS_MAX as u16).for_each(|n| debts.charge(holder(n), 1));
        assert!(debts.accounts.len() <= HOLDERS_MAX);
        assert_eq!(debts.of(holder(0)).holder, 4);
    }
}
