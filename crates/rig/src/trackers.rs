//! The trackers, one file each.

use crate::tracker::Tracker;

pub(crate) mod aquatic;
pub(crate) mod bittorrent_tracker;
pub mod opentracker;
pub mod teem;

/// All of other people.
pub const STOCK: [&dyn Tracker; 3] =
    [&opentracker::Opentracker, &bittorrent_tracker::BittorrentTracker, &aquatic::Aquatic];
