//! How much peers may hold of the pool that blocks are read into (own design; audit, row 1).
//!
//! A peer that asks and does not read holds what was read for it, and all torrents share one pool. So the last of it is kept: a peer that
//! we serve may always have one block, others only while there is plenty; and where there is not, the peer that has been stuck for
//! longest goes, of the holder with most. Sum and choice are over all torrents ([`crate::pool`]).
use super::super::context::Context;
use super::super::ground::Ground;
use crate::ids::ConnId;
use crate::peer::Peer;
use crate::pool::{Holding, Report};
use core::time::Duration;
use teem_wire::peer::block::BLOCK_LEN;

/// Up to here nobody is limited: a quarter of the 8 MiB that are for blocks read.
const EASY: u64 = 2 << 20;
/// From here on those that are stuck go, and peers that we choke hold nothing more.
const SCARCE: u64 = 4 << 20;
/// From here on a peer that we serve may have one block, or from where a block for each of those that we serve is all that is left.
const RESERVE: u64 = 6 << 20;
/// What is for blocks read.
const ALL: u64 = 8 << 20;
/// A peer that has taken nothing of what is in flight for so long is stuck: kernels report progress on a slow line seldom.
pub(super) const STUCK_MIN: Duration = Duration::from_secs(15);

/// Whether one more block may be read for a peer that waits for it.
pub(super) fn may_hold<B>(cx: &Context<'_, B>, peer: &Peer) -> bool {
    let (held, nothing) = (cx.shared.pool.held, peer.upload().in_flight() == 0);
    let kept = ALL.saturating_sub(cx.shared.pool.served * u64::from(BLOCK_LEN)).clamp(EASY, RESERVE);
    let room =
        if peer.stance().am_choking() { held < EASY || (nothing && held < SCARCE) } else { nothing || held < kept };
    room && peer.upload().is_ready(cx.now)
}

/// Where the pool is scarce, the peer of this torrent that makes room, if it is the first of all torrents' to do so.
pub(in crate::torrent) fn stuck<B>(cx: &mut Context<'_, B>, ground: &Ground) -> Option<ConnId> {
    let of = |peer: &Peer| {
        let since = peer.upload().stuck_since()?;
        Some(Holding { holder: peer.who().holder(), conn: peer.conn(), bytes: peer.upload().in_flight(), since })
    };
    let holdings = ground.table.values().filter_map(of).collect();
    cx.shared.pool.report(ground.id, Report { at: cx.now, holdings });
    if cx.shared.pool.held < SCARCE { None } else { cx.shared.pool.first_to_go(cx.now, ground.id, STUCK_MIN) }
}
