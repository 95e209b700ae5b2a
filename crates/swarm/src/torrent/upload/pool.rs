//! How much peers may hold of the pool that blocks are read into (own design; audit, row 1).
//!
//! A peer that asks and does not read holds what was read for it, and all torrents share one pool. So the last of it is kept: a peer that
//! we serve may always have one block, others only while there is plenty; and where there is not, the peer that has been stuck for
//! longest goes, of the holder with most. The sum is over all torrents, the choice within each.
use super::super::context::Context;
use super::super::ground::Ground;
use crate::ids::ConnId;
use crate::peer::Peer;
use crate::time::Time;
use alloc::collections::BTreeMap;
use core::time::Duration;
use teem_wire::holder::Holder;

/// Up to here nobody is limited: a quarter of the 8 MiB that are for blocks read.
const EASY: u64 = 2 << 20;
/// From here on those that are stuck go, and peers that we choke hold nothing more.
const SCARCE: u64 = 4 << 20;
/// From here on a peer that we serve may have one block; what is left is enough for one of each.
const RESERVE: u64 = 6 << 20;
/// A peer that has taken nothing of what is in flight for so long is stuck: kernels report progress on a slow line seldom.
pub(super) const STUCK_MIN: Duration = Duration::from_secs(15);

/// Whether one more block may be read for a peer that waits for it.
pub(super) fn may_hold<B>(cx: &Context<'_, B>, peer: &Peer) -> bool {
    let (held, nothing) = (cx.shared.held, peer.upload().in_flight() == 0);
    let room =
        if peer.stance().am_choking() { held < EASY || (nothing && held < SCARCE) } else { nothing || held < RESERVE };
    room && peer.upload().is_ready(cx.now)
}

/// Where the pool is scarce, the peer that makes room.
pub(in crate::torrent) fn stuck<B>(cx: &Context<'_, B>, ground: &Ground) -> Option<ConnId> {
    if cx.shared.held < SCARCE {
        return None;
    }
    let mut holders: BTreeMap<Holder, u64> = BTreeMap::new();
    for peer in ground.table.values() {
        *holders.entry(peer.who().holder()).or_default() += peer.upload().in_flight();
    }
    let is_stuck = |since: Time| cx.now.since(since) >= STUCK_MIN;
    let all = ground.table.values().filter_map(|peer| {
        let since = peer.upload().stuck_since().filter(|since| is_stuck(*since))?;
        Some((holders.get(&peer.who().holder()).copied(), core::cmp::Reverse(since), peer.conn()))
    });
    all.max().map(|(.., conn)| conn)
}
