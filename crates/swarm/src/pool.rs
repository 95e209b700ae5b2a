//! How much the peers of all torrents hold of the pool that blocks are read into, and which of them makes room (own design; audit, row 1).
//!
//! Torrents do not know each other. Each reports, whenever it looks at its peers, what each of them holds and since when; where the pool
//! is scarce the one that is to go is the first by all reports, and its own torrent finds that at its next look.
//! Invariant: a torrent that is gone, or whose peers hold nothing, has no report.
use crate::ids::{ConnId, TorrentId};
use crate::time::Time;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::time::Duration;
use teem_wire::holder::Holder;

/// A report that is older than this is of a torrent that has not looked since: each looks at its peers every ten seconds at least.
const STALE: Duration = Duration::from_secs(15);

/// What one peer holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holding {
    pub(crate) holder: Holder,
    pub(crate) conn: ConnId,
    pub(crate) bytes: u64,
    /// Since when it has taken nothing of it.
    pub(crate) since: Time,
}

/// What the peers of one torrent hold.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) at: Time,
    pub(crate) holdings: Vec<Holding>,
}

/// What the peers of all torrents hold.
#[derive(Clone, Default, Debug)]
pub struct Pool {
    /// Bytes of blocks that were read for peers and have not gone to the kernel.
    pub held: u64,
    /// Peers that are not choked: there is to be a block for each.
    pub served: u64,
    reports: BTreeMap<TorrentId, Report>,
}

impl Pool {
    /// What a torrent's peers hold now.
    pub(crate) fn report(&mut self, torrent: TorrentId, report: Report) {
        if report.holdings.is_empty() {
            self.reports.remove(&torrent);
        } else {
            self.reports.insert(torrent, report);
        }
    }

    /// The pool is scarce: the peer of a torrent that makes room, if it is the first of all that have taken nothing for so long. A torrent that has
    /// not looked for a while may have one no more that it reported; then nobody goes before its next look.
    pub(crate) fn first_to_go(&mut self, now: Time, torrent: TorrentId, stuck: Duration) -> Option<ConnId> {
        self.reports.retain(|_, known| now.since(known.at) < STALE);
        let mut holders: BTreeMap<Holder, u64> = BTreeMap::new();
        for one in self.reports.values().flat_map(|report| &report.holdings) {
            *holders.entry(one.holder).or_default() += one.bytes;
        }
        let all = self.reports.iter().flat_map(|(of, report)| report.holdings.iter().map(move |one| (*of, one)));
        let all = all.filter(|(_, one)| now.since(one.since) >= stuck);
        let rank = |of: TorrentId, one: &Holding| (holders.get(&one.holder).copied(), Reverse(one.since), of, one.conn);
        let (of, conn) = all.max_by_key(|(of, one)| rank(*of, one)).map(|(of, one)| (of, one.conn))?;
        (of == torrent).then_some(conn)
    }

    /// A torrent is gone whose peers held so many bytes and were served in that number.
    pub fn gone(&mut self, torrent: TorrentId, held: u64, served: u64) {
        self.held = self.held.saturating_sub(held);
        self.served = self.served.saturating_sub(served);
        self.reports.remove(&torrent);
    }
}
