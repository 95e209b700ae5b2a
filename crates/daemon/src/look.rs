//! How the torrents stand (own design): what is kept of each, joined with what the client knows of it.
use crate::daemon::{Daemon, Kept};
use crate::failed::Failed;
use crate::select::Selector;
use crate::told::{Told, WhyTold};
use std::collections::{BTreeSet, HashMap};
use teem_client::event::Snapshot;
use teem_client::metainfo::InfoHash;
use teem_client::why::Why;
use teem_client::{Torrent, TorrentId};

impl Daemon {
    /// The selected torrents as they stand, in the order in which they were added.
    pub(crate) async fn list(&self, select: &[Selector]) -> Result<Vec<Told>, Failed> {
        let all: Vec<InfoHash> = self.torrents().keys().copied().collect();
        let mut told = self.told(&all).await?;
        told.sort_by(|a, b| (a.added, &a.infohash).cmp(&(b.added, &b.infohash)));
        if select.is_empty() {
            return Ok(told);
        }
        let mut chosen = BTreeSet::new();
        for selector in select {
            chosen.extend(selector.of(&told).map_err(Failed::Select)?);
        }
        Ok(told.into_iter().enumerate().filter(|(i, _)| chosen.contains(i)).map(|(_, told)| told).collect())
    }

    /// Why the selected torrents do not move.
    pub(crate) async fn why(&self, select: &[Selector]) -> Result<Vec<WhyTold>, Failed> {
        let mut all = Vec::new();
        for told in self.list(select).await? {
            let Told { infohash, name, state, error, .. } = told;
            let hash = infohash.parse::<InfoHash>().ok();
            let torrent = hash.and_then(|hash| self.torrents().get(&hash)?.torrent.clone().ok());
            let why = match torrent {
                Some(torrent) => self.0.client.why(&torrent).await.ok(),
                None => None,
            };
            all.push(WhyTold {
                verdict: why.as_ref().map(|why| why.verdict().word().to_owned()),
                why: error.or_else(|| why.as_ref().map(Why::sentence)),
                help: why.as_ref().and_then(Why::help),
                report: why.as_ref().map(Why::report).unwrap_or_default(),
                infohash,
                name,
                state,
            });
        }
        Ok(all)
    }

    pub(crate) async fn select(&self, select: &[Selector]) -> Result<Vec<InfoHash>, Failed> {
        let list = if select.is_empty() { Vec::new() } else { self.list(select).await? };
        Ok(list.iter().filter_map(|told| told.infohash.parse().ok()).collect())
    }

    /// How these torrents stand, as far as they are there.
    pub(crate) async fn told(&self, hashes: &[InfoHash]) -> Result<Vec<Told>, Failed> {
        let ids: Vec<TorrentId> = {
            let torrents = self.torrents();
            hashes.iter().filter_map(|hash| torrents.get(hash)?.torrent.as_ref().ok()).map(Torrent::id).collect()
        };
        let snapshots = self.0.client.snapshots_of(&ids).await.map_err(Failed::Ended)?;
        let snapshots: HashMap<TorrentId, Snapshot> = snapshots.into_iter().map(|s| (s.torrent, s)).collect();
        let torrents = self.torrents();
        Ok(hashes.iter().filter_map(|hash| Some(told(*hash, torrents.get(hash)?, &snapshots))).collect())
    }
}

fn told(hash: InfoHash, kept: &Kept, snapshots: &HashMap<TorrentId, Snapshot>) -> Told {
    let row = &kept.row;
    let mut told = Told {
        infohash: hash.to_string(),
        name: hash.to_string(),
        state: "failed".to_owned(),
        folder: row.folder.to_string_lossy().into_owned(),
        labels: row.labels.iter().cloned().collect(),
        added: row.added,
        up_limit: row.up,
        down_limit: row.down,
        ..Told::default()
    };
    let torrent = match &kept.torrent {
        Ok(torrent) => torrent,
        Err(why) => {
            told.error = Some(why.clone());
            return told;
        }
    };
    let status = torrent.status();
    status.state.word().clone_into(&mut told.state);
    told.complete = status.complete.is_some();
    told.error = status.failed.map(|(why, _)| why).or_else(|| status.disk.map(|error| error.to_string()));
    match &status.info {
        Some(info) => {
            info.name().clone_into(&mut told.name);
            told.size = Some(info.content_size());
        }
        None => {
            if let Some(name) = row.source().and_then(|source| source.name) {
                told.name = name;
            }
        }
    }
    if let Some(s) = snapshots.get(&torrent.id()) {
        (told.wanted, told.have) = (s.wanted, s.have);
        (told.down_rate, told.up_rate) = (s.down_rate, s.up_rate);
        (told.downloaded, told.uploaded) = (s.downloaded, s.uploaded);
        (told.seeds, told.downloaders) = (s.seeds, s.downloaders);
        let left = s.wanted.saturating_sub(s.have);
        told.eta = (left > 0 && s.down_rate > 0).then(|| left.div_ceil(s.down_rate));
    }
    told
}
