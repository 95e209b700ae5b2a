//! Peers that told of an address (BEP 11), and what they said of it: each may help to reach it (BEP 55).
//!
//! Invariants: an address has at most [`INTRODUCERS_MAX`] introducers; a party has introduced at most [`OF_ONE_MAX`] addresses that are kept.
use crate::ids::ConnId;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::SocketAddr;
use teem_wire::holder::Holder;
use teem_wire::peer::message::PexFlags;

/// Introducers kept for an address; the oldest makes room.
const INTRODUCERS_MAX: usize = 4;
/// Addresses kept of one party: a tenth of the table, so that no one decides whom we dial.
const OF_ONE_MAX: usize = 200;

/// One that told of others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Introducer {
    /// Its connection, by which it can be asked for help.
    pub(crate) conn: ConnId,
    /// The party that its addresses are counted for; on this machine each connection is one.
    pub(crate) party: Holder,
}

/// What is known of an address by hearsay.
#[derive(Debug)]
struct Hearsay {
    flags: PexFlags,
    by: Vec<Introducer>,
}

/// The addresses that peers have told of.
#[derive(Default, Debug)]
pub(super) struct Introduced(BTreeMap<SocketAddr, Hearsay>);

impl Introduced {
    /// How many more a party may introduce.
    pub(super) fn room(&self, party: Holder) -> usize {
        let of_it = self.0.values().filter(|known| known.by.iter().any(|one| one.party == party)).count();
        OF_ONE_MAX.saturating_sub(of_it)
    }

    /// Whether it has introduced that address already.
    pub(super) fn has(&self, addr: SocketAddr, party: Holder) -> bool {
        self.0.get(&addr).is_some_and(|known| known.by.iter().any(|one| one.party == party))
    }

    /// An address is told of; what is said last of it holds.
    pub(super) fn add(&mut self, addr: SocketAddr, flags: PexFlags, by: Introducer) {
        let known = self.0.entry(addr).or_insert_with(|| Hearsay { flags, by: Vec::new() });
        known.flags = flags;
        known.by.retain(|one| *one != by);
        if known.by.len() >= INTRODUCERS_MAX {
            known.by.remove(0);
        }
        known.by.push(by);
    }

    /// What was said of an address.
    pub(super) fn flags(&self, addr: SocketAddr) -> Option<PexFlags> {
        self.0.get(&addr).map(|known| known.flags)
    }

    /// The connections of those that told of an address, the latest first.
    pub(super) fn of(&self, addr: SocketAddr) -> impl Iterator<Item = ConnId> {
        self.0.get(&addr).into_iter().flat_map(|known| known.by.iter().rev().map(|one| one.conn))
    }

    /// A peer is not connected with that address any more.
    pub(super) fn departed(&mut self, addr: SocketAddr, by: ConnId) {
        if let Some(known) = self.0.get_mut(&addr) {
            known.by.retain(|one| one.conn != by);
        }
    }

    /// An introducer is gone. What it said stays, and counts for it no more.
    pub(super) fn gone(&mut self, conn: ConnId) {
        self.0.values_mut().for_each(|known| known.by.retain(|one| one.conn != conn));
    }

    /// Nobody is there any more.
    pub(super) fn forget(&mut self, addr: SocketAddr) {
        self.0.remove(&addr);
    }

    /// Nothing was said of any.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
