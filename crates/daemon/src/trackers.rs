//! The trackers of a torrent as its owner wants them, in place of those that it came with (own design). They are kept in its row, so the next run asks the same.
use crate::asker::is_token;
use crate::daemon::Daemon;
use crate::failed::Failed;
use crate::line;
use crate::row::Row;
use crate::tiers::Edit;
use teem_client::Origin;
use teem_client::metainfo::InfoHash;

impl Daemon {
    /// Changes the trackers of these torrents, as far as they are there; of none where one cannot be changed so. What a token names leads nowhere that a stranger's link
    /// would not.
    pub(crate) async fn edit_trackers(&self, hashes: &[InfoHash], edits: Vec<Edit>) -> Result<(), Failed> {
        let _turn = self.0.turn.lock().await;
        let origin = if is_token() { Origin::Stranger } else { Origin::User };
        let rows: Vec<_> = {
            let torrents = self.torrents();
            hashes.iter().filter_map(|hash| Some((*hash, torrents.get(hash)?.row.clone()))).collect()
        };
        let daemon = self.clone();
        let changed = tokio::task::spawn_blocking(move || {
            let of = |(hash, mut row): (InfoHash, Row)| {
                let mut tiers = daemon.source(hash, &row).map(|source| source.trackers).unwrap_or_default();
                for edit in &edits {
                    tiers = edit.apply(tiers, origin)?;
                }
                row.trackers = Some(tiers);
                Ok((hash, row))
            };
            rows.into_iter().map(of).collect::<Result<Vec<_>, String>>()
        });
        let changed = changed.await.unwrap_or_else(|e| Err(e.to_string())).map_err(Failed::Wish)?;
        self.keep_rows(changed.clone()).await?;
        let mut orders = Vec::new();
        for (hash, row) in changed {
            let tiers = row.trackers.unwrap_or_default();
            let mut torrents = self.torrents();
            if let Some(kept) = torrents.get_mut(&hash) {
                kept.line.trackers = line::hosts(&tiers);
                orders.extend(kept.torrent.clone().ok().map(|torrent| (torrent, tiers)));
                torrents.touch(&hash);
            }
        }
        for (torrent, tiers) in orders {
            // One that has ended asks none.
            let _ = torrent.set_trackers(tiers);
        }
        Ok(())
    }
}
