//! The chokers: which peers are served (BEP 3, "choking"): tit-for-tat while downloading, speed and equal shares in turn while seeding, equal shares alone among friends.
//!
//! The chokers look at [`Contender`]s, figures of the interested peers, and name the peers that should be unchoked; applying that,
//! with the rule of ten seconds between two changes of one peer, is [`apply`].
pub(crate) mod ahead;
pub(crate) mod ledger;
pub mod leech;
pub mod order;
pub(crate) mod round_robin;
pub mod seed;
pub mod slots;

use crate::ids::ConnId;
use crate::time::Time;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;
use teem_wire::holder::Network;

/// How often the slots are given anew.
pub(crate) const ROUND: Duration = Duration::from_secs(10);
/// Strict clients abort on choke changes that follow each other quickly.
const CHANGE_MIN: Duration = Duration::from_secs(10);

/// An interested peer, as a choker sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contender {
    /// Name of its connection.
    pub conn: ConnId,
    /// The network that it comes from.
    pub from: Network,
    /// Whether we choke it.
    pub choked: bool,
    /// When that last changed; `None` before the first unchoke.
    pub changed: Option<Time>,
    /// It may ask and has asked for nothing for a while: it occupies no slot.
    pub(crate) paused: bool,
    /// It has taken nothing for a while of what it asked for.
    pub(crate) stuck: bool,
    /// Payload rate from it over twenty seconds; 0 when it snubs us.
    pub(crate) rate_from: u64,
    /// Payload rate to it over twenty seconds.
    pub(crate) rate_to: u64,
    /// When it came.
    pub since: Time,
}

impl Contender {
    /// Whether the last change is long enough ago for another.
    pub(crate) fn may_change(&self, now: Time) -> bool {
        self.changed.is_none_or(|at| now.since(at) >= CHANGE_MIN)
    }
}

/// The changes that lead to the chosen ones being unchoked and no more than `slots` in all: whom to choke, whom to unchoke.
pub fn apply(
    now: Time,
    contenders: &[Contender],
    chosen: &BTreeSet<ConnId>,
    slots: usize,
) -> (Vec<ConnId>, Vec<ConnId>) {
    let choke: Vec<ConnId> = contenders
        .iter()
        .filter(|c| !c.choked && !chosen.contains(&c.conn) && c.may_change(now))
        .map(|c| c.conn)
        .collect();
    let open = contenders.iter().filter(|c| !c.choked).count() - choke.len();
    let unchoke = contenders.iter().filter(|c| c.choked && chosen.contains(&c.conn) && c.may_change(now));
    let unchoke = unchoke.take(slots.saturating_sub(open)).map(|c| c.conn).collect();
    (choke, unchoke)
}

/// A choked peer in a network of its own, for the tests of the chokers.
#[cfg(test)]
fn contender(n: u64, rate_from: u64, rate_to: u64) -> Contender {
    Contender {
        conn: ConnId(n),
        from: network(n),
        choked: true,
        changed: None,
        paused: false,
        stuck: false,
        rate_from,
        rate_to,
        since: Time::ZERO,
    }
}

#[cfg(test)]
fn network(n: u64) -> Network {
    Network::of(core::net::IpAddr::from([198, 18, n as u8, 1]))
}
