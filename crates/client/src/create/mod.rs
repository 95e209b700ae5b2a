//! Making a torrent of what is on the disk (BEP 3): listing, hashing, writing.
pub mod found;
pub mod hash;
pub mod memory;
pub mod recipe;
pub mod rules;
pub mod walk;
