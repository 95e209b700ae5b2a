//! The beginning and the end of a daemon (own design), with all that works beside its torrents.
use crate::daemon::Daemon;
use crate::failed::StartError;
use crate::policy::Rules;
use crate::{feed, pulse};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use teem_client::Config;
use teem_client::metainfo::InfoHash;

/// How long the last totals are waited for at the end.
const COUNTED_MAX: Duration = Duration::from_secs(1);

impl Daemon {
    /// Opens what is kept, starts the client, and begins all torrents again. Must be called inside a tokio runtime. `roots` are the folders
    /// that content may go into, absolute and without links; there must be one. What `rules` say is carried out from then on.
    pub async fn start(config: Config, roots: Vec<PathBuf>, rules: Rules) -> Result<Self, StartError> {
        let daemon = Self::open(config, roots, rules).await?;
        let all: Vec<InfoHash> = daemon.torrents().keys().copied().collect();
        for hash in all {
            daemon.enters(hash, false);
        }
        daemon.offer_again().await;
        daemon.look_for_room();
        tokio::spawn(pulse::beat(Arc::downgrade(&daemon.0)));
        daemon.carry_rules_out();
        tokio::spawn(feed::follow(Arc::downgrade(&daemon.0)));
        Ok(daemon)
    }

    /// Ends the streams that go on, so that their server need not wait for them.
    pub fn end_streams(&self) {
        // Where nobody watches nobody hears of it.
        self.0.ending.send_replace(true);
    }

    /// Ends everything in order: what was counted is kept, trackers are told, state is saved.
    pub async fn shutdown(self) {
        // An engine that hangs has nothing to tell.
        let _ = tokio::time::timeout(COUNTED_MAX, self.keep_all_totals()).await;
        self.close().await;
    }
}
