//! Which torrents a request is for (Transmission's rpc-spec, `ids`).
use super::args::{Id, Ids};
use crate::daemon::{Daemon, now};
use crate::failed::Failed;
use std::collections::BTreeSet;
use std::time::Instant;
use teem_client::metainfo::InfoHash;

/// The torrents that a request is for, by number, and those that are told as removed.
pub(super) struct Chosen {
    pub(super) torrents: Vec<(u64, InfoHash)>,
    pub(super) removed: Option<Vec<u64>>,
}

/// The torrents of these ids, as far as there are any. Beside those that are named it costs what has changed since somebody asked.
pub(super) async fn choose(daemon: &Daemon, ids: &Ids) -> Result<Chosen, Failed> {
    daemon.refresh();
    let busy: Vec<InfoHash> = if *ids == Ids::RecentlyActive {
        let figures = daemon.client().busy().await.map_err(Failed::Ended)?;
        let pulse = daemon.pulse();
        figures.iter().filter_map(|figures| pulse.hashes.get(&figures.torrent).copied()).collect()
    } else {
        Vec::new()
    };
    let mut numbers = daemon.transmission().numbers();
    numbers.follow(Instant::now(), now(), &daemon.torrents());
    Ok(match ids {
        Ids::All => Chosen { torrents: numbers.all(), removed: None },
        Ids::RecentlyActive => {
            let recent: BTreeSet<InfoHash> = numbers.recent().chain(busy).collect();
            let mut torrents: Vec<_> = recent.iter().filter_map(|hash| Some((numbers.of(hash)?, *hash))).collect();
            torrents.sort_unstable();
            Chosen { torrents, removed: Some(numbers.removed()) }
        }
        Ids::These(ids) => {
            let one = |id: &Id| match id {
                Id::Number(number) => Some((*number, numbers.hash(*number)?)),
                Id::Hash(hash) => Some((numbers.of(hash)?, *hash)),
            };
            let torrents = ids.iter().filter_map(one).collect::<BTreeSet<_>>().into_iter().collect();
            Chosen { torrents, removed: None }
        }
    })
}
