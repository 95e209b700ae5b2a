//! The trackers, one file each.

use crate::tracker::Tracker;

pub mod opentracker;
pub mod teem;

/// All of other people.
pub const STOCK: [&dyn Tracker; 1] = [&opentracker::Opentracker];
