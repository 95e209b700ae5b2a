//! Which torrents a request is for (Transmission's rpc-spec, `ids`).
use super::args::{Id, Ids};
use crate::daemon::Daemon;
use crate::failed::Failed;
use crate::kept::Kept;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;
use teem_client::TorrentId;
use teem_client::metainfo::InfoHash;

/// The torrents that a request is for, by number, and those that are told as removed.
pub(super) struct Chosen {
    pub(super) torrents: Vec<(u64, InfoHash)>,
    pub(super) removed: Option<Vec<u64>>,
}

/// The torrents of these ids, as far as there are any.
pub(super) async fn choose(daemon: &Daemon, ids: &Ids) -> Result<Chosen, Failed> {
    let added: BTreeMap<InfoHash, u64> = daemon.torrents().iter().map(|(hash, kept)| (*hash, kept.row.added)).collect();
    let all = {
        let mut numbers = daemon.transmission().numbers();
        numbers.follow(Instant::now(), &added);
        match ids {
            Ids::All | Ids::RecentlyActive => numbers.all(),
            Ids::These(ids) => {
                let one = |id: &Id| match id {
                    Id::Number(number) => Some((*number, numbers.hash(*number)?)),
                    Id::Hash(hash) => Some((numbers.of(hash)?, *hash)),
                };
                ids.iter().filter_map(one).collect::<BTreeSet<_>>().into_iter().collect()
            }
        }
    };
    if *ids != Ids::RecentlyActive {
        return Ok(Chosen { torrents: all, removed: None });
    }
    let busy = daemon.client().busy().await.map_err(Failed::Ended)?;
    let busy: BTreeSet<TorrentId> = busy.into_iter().map(|figures| figures.torrent).collect();
    let busy: BTreeSet<InfoHash> = {
        let torrents = daemon.torrents();
        let is_busy = |kept: &Kept| kept.torrent.as_ref().is_ok_and(|torrent| busy.contains(&torrent.id()));
        torrents.iter().filter(|(_, kept)| is_busy(kept)).map(|(hash, _)| *hash).collect()
    };
    let mut numbers = daemon.transmission().numbers();
    let rows = daemon.client().rows(numbers.revision());
    numbers.changed(Instant::now(), rows.revision, rows.rows.iter().map(|row| row.key.wire()));
    let torrents = all.into_iter().filter(|(_, hash)| busy.contains(hash) || numbers.is_recent(hash)).collect();
    Ok(Chosen { torrents, removed: Some(numbers.removed()) })
}
