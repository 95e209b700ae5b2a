//! Teem and clients of other people on two hosts, every client with the settings that it comes with (BEP 3, 9, 15, 29): `teem share` gives to each by .torrent and
//! by magnet link, and `teem get` gets from each as a seed, where it can be dialled and where it only dials out.
//!
//! How long each took is printed and not judged. What is not played, and why, says `teem_rig::row`.

#![allow(clippy::print_stdout)] // figures are printed for whoever runs this by hand

use std::path::Path;

use crate::common::namespace::isolated;
use teem_rig::row::Row;

fn play(test: &str, row: &str) {
    let row = Row::read(row).expect("a row");
    isolated(test, &row.needs(), |folder| {
        let took = row.play(Path::new(env!("CARGO_BIN_EXE_teem")), folder);
        println!("figure: {:.1} s", took.as_secs_f64());
    });
}

/// A test for each row, by the name of it.
macro_rules! rows {
    ($($(#[$note:meta])* $test:ident: $row:literal,)*) => {
        $($(#[$note])* #[test]
        fn $test() {
            play(stringify!($test), $row);
        })*

        #[test]
        fn every_row_has_a_test() {
            let tested: Vec<_> = [$($row),*].into_iter().map(|row| Row::read(row).expect("a row")).collect();
            let missing: Vec<_> = Row::all().into_iter().filter(|row| !tested.contains(row)).collect();
            assert!(missing.is_empty(), "{missing:?}");
        }
    };
}

rows! {
    /// It waits for encryption or uTP when it dials, and accepts plain TCP: the seed's dial is what it gets its pieces by.
    transmission_takes: "transmission/from-teem/torrent",
    transmission_takes_by_magnet: "transmission/from-teem/magnet",
    transmission_gives: "transmission/to-teem/torrent",
    transmission_gives_by_magnet: "transmission/to-teem/magnet",
    /// It dials by uTP alone, once it hears of us by its next announce.
    transmission_gives_and_only_dials_out: "transmission/dials-out/torrent",
    /// It dials encrypted alone, and accepts plain TCP.
    webtorrent_takes: "webtorrent/from-teem/torrent",
    webtorrent_takes_by_magnet: "webtorrent/from-teem/magnet",
    webtorrent_gives: "webtorrent/to-teem/torrent",
    webtorrent_gives_by_magnet: "webtorrent/to-teem/magnet",
    /// It dials encrypted, once it hears of us by its next announce.
    webtorrent_gives_and_only_dials_out: "webtorrent/dials-out/torrent",
    aria2_takes: "aria2/from-teem/torrent",
    /// Its announces say that nothing is left.
    aria2_takes_by_magnet: "aria2/from-teem/magnet",
    aria2_gives: "aria2/to-teem/torrent",
    aria2_gives_by_magnet: "aria2/to-teem/magnet",
    /// It hears of us by its next announce.
    aria2_gives_and_only_dials_out: "aria2/dials-out/torrent",
    rqbit_takes: "rqbit/from-teem/torrent",
    /// Its announces say that nothing is left.
    rqbit_takes_by_magnet: "rqbit/from-teem/magnet",
    rqbit_gives: "rqbit/to-teem/torrent",
    rqbit_gives_by_magnet: "rqbit/to-teem/magnet",
    /// It hears of us by its next announce.
    rqbit_gives_and_only_dials_out: "rqbit/dials-out/torrent",
    /// It dials by uTP first, and by TCP once it is told that nobody speaks that here.
    libtorrent_takes: "libtorrent/from-teem/torrent",
    libtorrent_takes_by_magnet: "libtorrent/from-teem/magnet",
    libtorrent_gives: "libtorrent/to-teem/torrent",
    libtorrent_gives_by_magnet: "libtorrent/to-teem/magnet",
    qbittorrent_takes: "qbittorrent/from-teem/torrent",
    qbittorrent_takes_by_magnet: "qbittorrent/from-teem/magnet",
    qbittorrent_gives: "qbittorrent/to-teem/torrent",
    qbittorrent_gives_by_magnet: "qbittorrent/to-teem/magnet",
    rtorrent_takes: "rtorrent/from-teem/torrent",
    rtorrent_takes_by_magnet: "rtorrent/from-teem/magnet",
    rtorrent_gives: "rtorrent/to-teem/torrent",
    /// Of two metadata requests it answers one.
    rtorrent_gives_by_magnet: "rtorrent/to-teem/magnet",
}
