//! Torrents (BEP 3, 9, 47, 52): what they are ([`Info`]), the files that carry them ([`Metainfo`]) and the links that name them.
//!
//! There is one validator, [`Info::parse`], for all ways an info dictionary can come. What it lets through has safe names, sums that
//! do not overflow and exactly the hashes its content needs; the rest of the program relies on that. The info-hash is taken over
//! the bytes as they stand.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod collide;
pub mod create;
mod deceit;
pub mod edit;
mod error;
mod files;
mod info;
mod info_hash;
mod key;
mod layout;
mod limits;
mod link;
mod magnet;
pub mod merkle;
mod metainfo;
mod origin;
pub mod paste;
pub mod path;
mod paths;
pub mod percent;
mod piece_hash;
pub mod redact;
mod secret;
pub mod url;
mod v1;
mod v2;
mod validate;

pub use deceit::deceives;
pub use error::Error;
pub use files::{File, Files};
pub use info::{Info, Version};
pub use info_hash::{BadInfoHash, InfoHash, InfoHashV2};
pub use key::TorrentKey;
pub use layout::{BLOCK_LEN, Extent, Layout};
pub use limits::Limits;
pub use link::{Link, LinkError};
pub use magnet::{Magnet, MagnetError};
pub use metainfo::{Metainfo, Warning};
pub use origin::{AnnounceUrl, AnnounceUrls, Origin};
pub use paths::{Paths, PathsBuilder, TooLong};
pub use piece_hash::PieceHash;
