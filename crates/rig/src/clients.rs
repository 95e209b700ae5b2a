//! The clients that Teem is held against, one file each, and Teem itself as whoever runs it sees it.

use crate::client::Client;

pub mod aria2;
pub mod libtorrent;
pub mod qbittorrent;
pub mod rqbit;
pub(crate) mod rtorrent;
pub mod teem;
pub mod transmission;
pub(crate) mod webtorrent;

/// All of other people.
pub const OTHERS: [&dyn Client; 7] = [
    &transmission::Transmission,
    &libtorrent::Libtorrent { super_seeds: false },
    &aria2::Aria2,
    &qbittorrent::Qbittorrent,
    &rqbit::Rqbit,
    &rtorrent::Rtorrent,
    &webtorrent::Webtorrent,
];
