//! Saved state: what is claimed of one torrent in one place (own design; rows 67 and 68 of bad input).
//!
//! | file in the state folder | is |
//! |---|---|
//! | `HASH-PLACE.state` | claims, pieces to be checked, files as they were, facts; replaced as a whole, with a checksum |
//! | `HASH-PLACE.state.old` | the generation before |
//! | `HASH-PLACE.table` | how the files were left where there are many (`table`) |
//! | `HASH-PLACE.journal` | pieces written since; never synced, so it helps after a killed process and is no claim |
//! | `HASH-PLACE.info` | the info dictionary, so that a magnet link resumes without peers |
//! | `HASH-PLACE.lock` | which session works on it now (`lease`) |
//! | `name-NAME.lock` | which session writes to content of that name |
//! | `session-N.lock` | locked by a process as long as it works in this folder |
//! | `*.redb` | the states of all torrents of one owner, in place of `.state` and `.lock` (`database`) |
mod carried;
mod claims;
mod database;
mod format;
mod journal;
mod lease;
mod record_files;
mod records;
mod saved_torrents;
mod store;
mod table;

pub use carried::{Carried, Said, carried, put_carried};
pub(crate) use claims::Claims;
pub use database::{Database, OpenError, Opened, Part};
pub(crate) use format::{About, decode, encode};
pub(crate) use lease::Leases;
pub(crate) use record_files::RecordFiles;
pub use records::{Kind, StateStore};
pub use saved_torrents::{ForgetError, Holder, SavedTorrent, forget, saved_torrents};
pub use store::saved_info;
pub(crate) use store::{Loaded, Saved, forget_stem, stem_of};
pub(crate) use table::{CHUNK, Form, Record};
