//! What is done to torrents that are kept (own design): each change is on the disk before it is answered.
use crate::daemon::Daemon;
use crate::events::Happened;
use crate::failed::Failed;
use crate::kept::Kept;
use crate::line::Sending;
use crate::row::{Course, Row};
use crate::select::Selector;
use crate::told::Told;
use teem_client::metainfo::InfoHash;
use teem_client::policy::Goal;
use teem_disk::Kind;

impl Daemon {
    /// Has the selected torrents rest, or work again; how they stand then.
    pub(crate) async fn set_paused(&self, select: &[Selector], paused: bool) -> Result<Vec<Told>, Failed> {
        let hashes = self.select(select).await?;
        self.set_paused_of(&hashes, paused).await?;
        self.told(&hashes).await
    }

    /// The same with these torrents, as far as they are there.
    pub(crate) async fn set_paused_of(&self, hashes: &[InfoHash], paused: bool) -> Result<(), Failed> {
        let _turn = self.0.turn.lock().await;
        let mut rows = Vec::new();
        let (mut torrents, mut released, mut pending) = (Vec::new(), Vec::new(), Vec::new());
        for hash in hashes {
            if let Some(kept) = self.torrents().get_mut(hash) {
                if !paused && kept.line.sending == Sending::Failed {
                    // Where it is to be moved is tried again.
                    kept.line.sending = Sending::Due;
                }
                let mut row = Row { paused, ..kept.row.clone() };
                if !paused && kept.row.course.ended {
                    // An owner who wants it to work on wants more of it than its goal.
                    row.course = Course { ended: false, until: Some(Goal::default()), ..row.course };
                    released.push(*hash);
                }
                rows.push((*hash, row));
                if !paused && kept.line.job_pending {
                    pending.extend(kept.torrent.clone().ok().map(|torrent| (*hash, torrent)));
                    continue;
                }
                // One that waits for a place begins when it has one.
                if paused || released.last() == Some(hash) || self.0.policy.held(hash).is_none() {
                    torrents.extend(kept.torrent.clone());
                }
            }
        }
        self.keep_rows(rows).await?;
        for hash in released {
            self.let_go(&hash);
        }
        for (hash, torrent) in pending {
            self.go_on(hash, torrent);
        }
        self.0.policy.look_at(hashes);
        // Each takes as long as its trackers do, up to four seconds: all at once.
        let waits = torrents.into_iter().map(|torrent| {
            tokio::spawn(async move { if paused { torrent.pause().await } else { torrent.resume().await } })
        });
        for wait in waits.collect::<Vec<_>>() {
            // A torrent that has failed cannot rest, and is told as failed.
            let _ = wait.await;
        }
        Ok(())
    }

    /// Removes the selected torrents; their files stay. What they were.
    pub(crate) async fn remove(&self, select: &[Selector]) -> Result<Vec<Told>, Failed> {
        let hashes = self.select(select).await?;
        let told = self.told(&hashes).await?;
        self.remove_these(&hashes).await?;
        Ok(told)
    }

    /// Removes these torrents, as far as they are there; their files stay.
    pub(crate) async fn remove_these(&self, hashes: &[InfoHash]) -> Result<(), Failed> {
        let _turn = self.0.turn.lock().await;
        let rows = hashes.iter().map(|hash| (hash.to_string(), None)).collect();
        self.keep(Kind::Row, rows).await.map_err(Failed::Store)?;
        let gone: Vec<(InfoHash, Box<Kept>)> = {
            let mut torrents = self.torrents();
            hashes.iter().filter_map(|hash| Some((*hash, torrents.leave(hash)?))).collect()
        };
        self.offers().retain(|hash, _| !hashes.contains(hash));
        for (hash, kept) in &gone {
            self.happened(*hash, kept.name(*hash), Happened::Removed);
        }
        // What was counted goes with them; where that cannot be done a torrent that is added again counts on.
        let counts = gone.iter().map(|(hash, _)| (hash.to_string(), None)).collect();
        let _ = self.keep(Kind::Totals, counts).await;
        // The same is true of what else was kept of them.
        for kind in [Kind::Rest, Kind::Facts, Kind::File] {
            let _ = self.keep(kind, gone.iter().map(|(hash, _)| (hash.to_string(), None)).collect()).await;
        }
        let end = |(hash, kept): (InfoHash, Box<Kept>)| {
            let client = self.0.client.clone();
            tokio::spawn(async move {
                let torrent = kept.torrent.ok();
                match torrent.filter(|torrent| torrent.place().is_some()) {
                    Some(torrent) => torrent.forget().await,
                    // One that has failed has no place any more.
                    None => client.forget_at(hash, kept.row.place()).await,
                }
            })
        };
        let ends: Vec<_> = gone.into_iter().map(end).collect();
        for end in ends {
            // What cannot be forgotten is looked at when the torrent comes again.
            let _ = end.await;
        }
        for hash in hashes {
            self.0.client.forget(*hash).await;
        }
        Ok(())
    }
}
