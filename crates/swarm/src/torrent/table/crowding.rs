//! When all places are taken, the most crowded network makes room for a newcomer (own design, after Bitcoin Core's eviction by network
//! group): so nobody is kept out by others in any number, as long as they come from fewer networks than there are places.
//!
//! The one of that network, and within it of the holder with most connections, that has been of no use for longest yields. Some are
//! kept whatever network they are of, by several measures of which no crowd can fake all at once without being of use: giving, being
//! served, having been dialled by us, having been of use for long. Each measure keeps so few that half of all places can always be had.
//! Invariant: an exchange makes the places more even. A newcomer whose own network would be as crowded as the one that yields is not
//! let in by this rule, so that two crowds never push each other out in turn.
use super::Table;
use crate::ids::ConnId;
use crate::peer::Peer;
use crate::rate::DISPLAY_SLOTS;
use crate::time::Time;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;
use teem_wire::holder::{Holder, Network};

/// Peers that each measure keeps: an eighth of the places at most, with four measures half of them.
const KEPT_EACH: usize = super::roster::PEERS_MAX / 8;

/// A peer with which nothing has moved for so long has had its turn.
const CALM_MIN: Duration = Duration::from_secs(60);
/// One with which nothing ever has, and for whom another network comes, has had it after this: a crowd that comes again and again from
/// as many networks as there are places must leave somebody else a chance at each dial.
const UNPROVEN_MIN: Duration = Duration::from_secs(20);
/// Turns are given no more often than this.
const TURN_EVERY: Duration = Duration::from_millis(250);
/// Peers of which it is looked whether they are needed: for each that costs a look at all its pieces.
const NEEDED_MAX: usize = 8;

/// How many connections each party has.
#[derive(Clone, Default, Debug)]
pub struct Crowds {
    holders: BTreeMap<Holder, usize>,
    networks: BTreeMap<Network, usize>,
}

impl Crowds {
    /// Of these, one for each connection.
    pub fn of(all: impl Iterator<Item = Holder>) -> Self {
        let mut crowds = Self::default();
        for holder in all {
            *crowds.holders.entry(holder).or_default() += 1;
            *crowds.networks.entry(holder.wider()).or_default() += 1;
        }
        crowds
    }

    /// How many are of the network of that holder, and of these of the holder itself.
    fn around(&self, holder: Holder) -> (usize, usize) {
        let network = self.networks.get(&holder.wider()).copied().unwrap_or(0);
        (network, self.holders.get(&holder).copied().unwrap_or(0))
    }

    /// Whether a newcomer takes the place of one of a holder that is at least as crowded as his own comes to be.
    fn allows(&self, holder: Holder, comes: Holder) -> bool {
        let (theirs, his) = (self.around(holder), self.around(comes));
        if holder.wider() == comes.wider() { theirs.1 > his.1 } else { theirs.0 > his.0 }
    }

    /// How crowded a holder is, if one of it making room for a newcomer makes the places more even; the greatest yields first.
    pub fn excess(&self, holder: Holder, comes: Holder) -> Option<(usize, usize)> {
        let (theirs, his) = (self.around(holder), self.around(comes));
        let same_network = holder.wider() == comes.wider();
        let evener = if same_network { theirs.1 > his.1 + 1 } else { theirs.0 > his.0 + 1 };
        evener.then_some(theirs)
    }
}

/// A peer that may make room; the greatest is the first to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Yield((usize, usize), Reverse<Time>, Reverse<ConnId>);

impl Yield {
    /// The name of its connection.
    pub fn conn(&self) -> ConnId {
        self.2.0
    }
}

impl Table {
    /// For a newcomer of that holder: the peer of the most crowded network that has been of no use for longest.
    pub(in crate::torrent) fn most_crowded(&self, now: Time, comes: Holder) -> Option<ConnId> {
        let crowds = Crowds::of(self.holders());
        self.yielding(now, |holder| crowds.excess(holder, comes)).map(|rank| rank.conn())
    }

    /// The same where all networks are as crowded as that of the newcomer: they take turns. The one with which nothing has moved for
    /// longest yields, if that is a minute, or if nothing ever has and another network comes; four a second do, however many come.
    pub(in crate::torrent) fn next_turn(
        &mut self,
        now: Time,
        comes: Holder,
        is_needed: impl Fn(&Peer) -> bool,
    ) -> Option<ConnId> {
        if self.turned.is_some_and(|at| now.since(at) < TURN_EVERY) {
            return None;
        }
        self.turned = Some(now);
        let crowds = Crowds::of(self.holders());
        let calm = |p: &&Peer| {
            let unproven = p.clocks().has_never_moved() && p.network() != comes.wider();
            let least = if unproven { UNPROVEN_MIN } else { CALM_MIN };
            let is_calm = now.since(p.clocks().moved()) >= least && p.pipeline().under_way() == 0;
            // One that does not take what it asked for is no busier than one that asks for nothing.
            let takes = p.upload().stuck_since().is_some_and(|since| now.since(since) < least);
            let waits = p.upload().in_flight() == 0 && !p.upload().is_idle();
            is_calm && !takes && !waits && crowds.allows(p.who().holder(), comes)
        };
        let mut calm: Vec<&Peer> = self.values().filter(calm).collect();
        calm.sort_by_key(|p| (!p.clocks().has_never_moved(), p.clocks().moved(), p.conn()));
        calm.into_iter().take(NEEDED_MAX).find(|p| !is_needed(p)).map(Peer::conn)
    }

    /// The holders of all connections.
    pub(in crate::torrent) fn holders(&self) -> impl Iterator<Item = Holder> {
        self.values().map(|peer| peer.who().holder())
    }

    /// The first to yield by that measure of crowding; those without one, and those that are kept, do not.
    pub(in crate::torrent) fn yielding(
        &self,
        now: Time,
        crowding: impl Fn(Holder) -> Option<(usize, usize)>,
    ) -> Option<Yield> {
        let kept = self.kept(now);
        let yields = self.values().filter(|peer| !kept.contains(&peer.conn()));
        let ranked = yields.filter_map(|peer| {
            let excess = crowding(peer.who().holder())?;
            Some(Yield(excess, Reverse(peer.clocks().moved()), Reverse(peer.conn())))
        });
        ranked.max()
    }

    /// Those that are kept, whatever network they are of.
    fn kept(&self, now: Time) -> BTreeSet<ConnId> {
        let mut kept = BTreeSet::new();
        let mut keep = |mut ranked: Vec<(u64, ConnId)>| {
            ranked.retain(|(worth, _)| *worth > 0);
            ranked.sort_unstable_by_key(|(worth, conn)| (Reverse(*worth), *conn));
            kept.extend(ranked.into_iter().take(KEPT_EACH).map(|(_, conn)| conn));
        };
        let of = |worth: &dyn Fn(&Peer) -> u64| self.values().map(|peer| (worth(peer), peer.conn())).collect();
        let age = |peer: &Peer| now.since(peer.clocks().since()).as_nanos() as u64;
        let used = |peer: &Peer| if peer.clocks().has_never_moved() { 0 } else { age(peer) };
        keep(of(&|peer| peer.pipeline().meter().rate(now, DISPLAY_SLOTS)));
        keep(of(&|peer| peer.upload().meter().rate(now, DISPLAY_SLOTS)));
        keep(of(&|peer| if peer.who().is_outgoing() { used(peer) } else { 0 }));
        keep(of(&|peer| used(peer)));
        kept
    }
}
