//! `teem`: publish, download, seed and track with `BitTorrent`.
fn main() {}
