//! Torrents of which all that is wanted is there, told to those who have something run then (own design).
use crate::daemon::Daemon;
use crate::finished::Done;
use std::sync::PoisonError;
use teem_client::metainfo::InfoHash;
use tokio::sync::mpsc;

/// Torrents that wait to be heard of; what is beyond is told to nobody.
const WAITING_MAX: usize = 10_000;

impl Daemon {
    /// Each torrent that comes to be done from now on. There is one that hears: the last that asked.
    pub fn done(&self) -> mpsc::Receiver<Done> {
        let (tell, told) = mpsc::channel(WAITING_MAX);
        *self.0.done.lock().unwrap_or_else(PoisonError::into_inner) = Some(tell);
        told
    }

    /// A torrent is complete where it stays: whoever hears is told once all of it is on the disk for good.
    pub(crate) fn is_done(&self, hash: InfoHash) {
        let tell = self.0.done.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let torrent = self.torrents().get(&hash).and_then(|kept| {
            let labels = kept.row.labels.iter().cloned().collect::<Vec<_>>();
            Some((kept.torrent.clone().ok()?, labels))
        });
        let (Some(tell), Some((torrent, labels))) = (tell, torrent) else { return };
        tokio::spawn(async move {
            // One that was removed meanwhile is nothing to be told of.
            let Ok(finished) = torrent.finished().await else { return };
            let done = Done {
                name: finished.name,
                folder: torrent.folder().to_path_buf(),
                path: finished.path,
                info_hash: hash.to_string(),
                size: finished.size,
                labels,
            };
            let _ = tell.send(done).await;
        });
    }
}
