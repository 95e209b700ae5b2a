//! The trackers of a torrent as its owner wants them, in place of those that it came with (own design). They are kept in its row, so the next run asks the same.
use crate::daemon::Daemon;
use crate::line;
use crate::row::Row;
use crate::tiers::{Edit, Tiers};
use teem_client::Origin;
use teem_client::metainfo::InfoHash;

impl Daemon {
    /// The trackers of a torrent after these changes; what is named for the first time comes from `origin`. Waits for the medium.
    pub(crate) fn edited(&self, hash: InfoHash, row: &Row, edits: &[Edit], origin: Origin) -> Result<Tiers, String> {
        let mut tiers = self.source(hash, row).map(|source| source.trackers).unwrap_or_default();
        for edit in edits {
            tiers = edit.apply(tiers, origin)?;
        }
        Ok(tiers)
    }

    /// Lists find the torrent by these trackers from now on.
    pub(crate) fn shows_trackers(&self, hash: InfoHash, tiers: &Tiers) {
        let mut torrents = self.torrents();
        if let Some(kept) = torrents.get_mut(&hash) {
            kept.line.trackers = line::hosts(tiers);
            torrents.touch(&hash);
        }
    }
}
