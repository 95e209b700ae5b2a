//! The disk: pool, assembly, hashing, files, checking, saved state (BEP 3; own design).
//!
//! [`Disk`] implements the engine's `Storage`; its workers are the only threads that touch files. A block received goes
//! from the pool into its piece, is hashed while hot when the piece is whole, and is written in large extents. Blocks for
//! peers are read in runs. What is verified is claimed in saved state only after it is durable.
pub mod create;
pub mod fs;
pub mod hash;
#[cfg(debug_assertions)]
pub mod hooked;
pub mod jobs;
pub mod root;
pub mod verify;

mod apart;
mod batch;
mod believe;
mod bits;
mod check;
mod claiming;
mod containment;
mod content;
mod disk;
mod empty;
mod error;
mod files;
mod folders;
mod hole;
mod judge;
mod lane;
mod last_look;
mod look;
mod mailbox;
mod metadata;
mod open;
mod part;
mod piece;
mod place;
mod pool;
mod queue;
mod read;
mod schedule;
mod select;
mod served;
mod shared;
mod space;
mod span;
mod state;
mod sweep;
mod sync;
mod task;
mod told;
mod torrent;
mod unshare;
mod worker;
mod write;

pub use disk::{Disk, DiskConfig, DiskHandle};
pub use place::Place;
pub use pool::Block;
pub use state::{
    Carried, Database, ForgetError, Holder, Kind, OpenError, Opened, Part, Said, SavedTorrent, StateStore, carried,
    forget, put_carried, saved_info, saved_torrents,
};
pub use told::{Left, Told};
