//! How the torrents stand (own design): what is kept of each, joined with what the client knows of it.
use crate::daemon::Daemon;
use crate::failed::Failed;
use crate::line::Figures;
use crate::listing::{Query, Window};
use crate::select::Selector;
use crate::shown::told;
use crate::told::{Told, WhyTold};
use std::collections::HashMap;
use std::time::Duration;
use teem_client::event::Snapshot;
use teem_client::metainfo::InfoHash;
use teem_client::why::Why;
use teem_client::{Torrent, TorrentId};

/// Rows whose figures are asked anew for a window; those of more are a second old.
const FRESH_MAX: usize = 100;

/// How long the engine is waited for.
const FRESH_WAIT: Duration = Duration::from_millis(300);

impl Daemon {
    /// Why the selected torrents do not move.
    pub(crate) async fn why(&self, select: &[Selector]) -> Result<Vec<WhyTold>, Failed> {
        let mut all = Vec::new();
        let query = Query { select: select.to_vec(), ..Query::default() };
        for Told { infohash, name, state, error, .. } in self.window(query).await?.torrents.rows {
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

    /// The same with the figures of this moment, where the window is small and the engine answers at once.
    pub(crate) async fn fresh_window(&self, query: Query) -> Result<Window, Failed> {
        let mut window = self.window(query).await?;
        let rows = &mut window.torrents.rows;
        if rows.len() > FRESH_MAX {
            return Ok(window);
        }
        let hashes: Vec<InfoHash> = rows.iter().filter_map(|row| row.infohash.parse().ok()).collect();
        let moving = self.moving(&hashes);
        if !moving.is_empty()
            && let Ok(Ok(fresh)) = tokio::time::timeout(FRESH_WAIT, self.told(&moving)).await
        {
            for told in fresh {
                if let Some(old) = rows.iter_mut().find(|old| old.infohash == told.infohash) {
                    *old = told;
                }
            }
        }
        Ok(window)
    }

    pub(crate) async fn select(&self, select: &[Selector]) -> Result<Vec<InfoHash>, Failed> {
        let (daemon, select) = (self.clone(), select.to_vec());
        let selected = tokio::task::spawn_blocking(move || daemon.selected(&select));
        selected.await.unwrap_or_else(|e| Err(Failed::Wish(e.to_string())))
    }

    /// How these torrents stand, as far as they are there.
    pub(crate) async fn told(&self, hashes: &[InfoHash]) -> Result<Vec<Told>, Failed> {
        let ids: Vec<TorrentId> = {
            let torrents = self.torrents();
            hashes.iter().filter_map(|hash| torrents.get(hash)?.torrent.as_ref().ok()).map(Torrent::id).collect()
        };
        let snapshots = self.0.client.snapshots_of(&ids).await.map_err(Failed::Ended)?;
        let snapshots: HashMap<TorrentId, Snapshot> = snapshots.into_iter().map(|s| (s.torrent, s)).collect();
        self.refresh();
        let life = self.pulse().life_kept();
        let torrents = self.torrents();
        let of = |hash: &InfoHash| {
            let kept = torrents.get(hash)?;
            let id = kept.torrent.as_ref().ok().map(Torrent::id);
            let figures = id.and_then(|id| snapshots.get(&id)).map(Figures::of);
            Some(told(*hash, kept, figures, life))
        };
        Ok(hashes.iter().filter_map(of).collect())
    }
}
