//! What becomes of a download once it is complete (own design): when it has given enough ([`Until`]), and what is run then ([`Hook`]).
//!
//! For programs that have many torrents there are functions of what is known of them, of the rules and of the time: [`Goal`], [`turn`] (a queue) and
//! [`SpeedRules`].
//!
//! A policy of one torrent watches it from outside, by its status and its events, and costs nothing between them: for a ratio the engine says when
//! so many bytes were sent, for a time there is one timer. It decides nothing about the torrent: whoever awaited it removes the torrent, pauses
//! it or goes on.
//!
//! ```no_run
//! use teem_client::policy::{Hook, Until};
//!
//! # async fn policy(torrent: teem_client::Torrent) -> Result<(), Box<dyn std::error::Error>> {
//! let finished = torrent.finished().await?;
//! Hook::parse("notify-send 'a download is there'")?.run(&finished).await?;
//! Until::Ratio(1_500).reached(&torrent).await?;
//! torrent.remove().await;
//! # Ok(())
//! # }
//! ```
mod goal;
mod hook;
mod queue;
mod speed;
mod until;

pub use goal::{Given, Goal, Join, Judgement, Then, nearest};
pub use hook::{Hook, HookError};
pub use queue::{Kind, Places, Queued, Turn, turn};
pub use speed::{ByHand, Clock, Hours, Minute, Month, Speed, SpeedRules};
pub use until::Until;

use crate::status::Ended;
use crate::torrent::Torrent;
use std::path::PathBuf;
use teem_metainfo::InfoHash;

/// A download that is complete, with every wanted byte on the disk for good.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Finished {
    /// The torrent's name, as its metadata says: text from outside.
    pub name: String,
    /// Where its content lies: a file or a folder.
    pub path: PathBuf,
    /// The 20 bytes that peers and trackers know it by.
    pub info_hash: InfoHash,
    /// Bytes of the files that are wanted.
    pub size: u64,
    /// Payload received in this run.
    pub downloaded: u64,
    /// Payload sent in this run.
    pub uploaded: u64,
    /// Payload received in this run that was of no use.
    pub wasted: u64,
}

impl Torrent {
    /// Waits until all that is wanted is on the disk for good, as [`Self::durable`] does, and says what is there.
    pub async fn finished(&self) -> Result<Finished, Ended> {
        let info = self.metadata().await?;
        self.durable().await?;
        let figures = self.snapshot().await?;
        Ok(Finished {
            name: info.name().to_owned(),
            path: self.content_path().unwrap_or_else(|| self.folder().join(info.name())),
            info_hash: self.info_hash(),
            size: figures.wanted,
            downloaded: figures.downloaded,
            uploaded: figures.uploaded,
            wasted: figures.wasted,
        })
    }
}
