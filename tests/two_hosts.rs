//! `teem share` and clients of other people on two hosts, every client with the settings that it comes with (BEP 3, 9, 15, 29).
//!
//! How long each took is printed and not judged.

#![allow(clippy::print_stdout)] // figures are printed for whoever runs this by hand
mod common;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::content::{self, Shape};
use common::hosts::{FAR_IP, Hosts};
use common::namespace::isolated;
use common::process::wait_until;
use common::stock::Stock;
use common::teem::Teem;
use common::torrent::Torrent;
use common::{Family, Seat, TRACKER_PORT};
use serde_json::Value;

/// The longest that a client may take: it hangs.
const LIMIT: Duration = Duration::from_secs(150);
/// Bytes of content.
const SIZE: u64 = 16 << 20;

/// What a client is given of a torrent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    File,
    Magnet,
}

/// A `teem share` of [`SIZE`] bytes on the far host.
struct Source {
    teem: Teem,
    /// The path of the .torrent.
    file: PathBuf,
    magnet: String,
    content: PathBuf,
}

impl Source {
    fn start(hosts: &Hosts, folder: &Path) -> Self {
        let (content, file) = (folder.join("content"), folder.join("content.torrent"));
        content::write(folder, "content", Shape::Single, SIZE);
        let far = hosts.far();
        let args = ["share", &content.to_string_lossy(), "-o", &file.to_string_lossy()];
        let mut teem = Teem::start_under(&far.each_ref().map(String::as_str), &folder.join("teem"), &args);
        let ready: Value = teem.wait_event("ready", LIMIT);
        let magnet = ready["magnet"].as_str().expect("a link").to_string();
        Self { teem, file, magnet, content }
    }

    /// A client on the near host fetches the content; returns how long that took.
    fn give_to(&mut self, client: Stock, by: By, folder: &Path) -> Duration {
        let out = folder.join("out");
        let link = if by == By::File { self.file.to_string_lossy().into_owned() } else { self.magnet.clone() };
        let seat = Seat::new(0, Family::V4, &folder.join(client.name()));
        let begun = Instant::now();
        let mut running = client.get(&seat, &link, &out);
        running.wait_whole(LIMIT);
        let took = begun.elapsed();
        content::assert_same(&self.content, &out.join("content"));
        self.teem.assert_runs();
        took
    }
}

fn given(test: &str, client: Stock, by: By) {
    isolated(test, &[client.needs()], |folder| {
        let hosts = Hosts::join();
        let took = Source::start(&hosts, folder).give_to(client, by, folder);
        println!("figure: {:.1} s", took.as_secs_f64());
    });
}

/// It waits for encryption or uTP when it dials, and accepts plain TCP: the seed's dial is what it gets its pieces by.
#[test]
fn transmission_by_torrent() {
    given("transmission_by_torrent", Stock::Transmission, By::File);
}

#[test]
fn webtorrent_by_torrent() {
    given("webtorrent_by_torrent", Stock::Webtorrent, By::File);
}

#[test]
fn aria2_by_torrent() {
    given("aria2_by_torrent", Stock::Aria2, By::File);
}

/// Its announces say that nothing is left.
#[test]
fn aria2_by_magnet() {
    given("aria2_by_magnet", Stock::Aria2, By::Magnet);
}

#[test]
fn rqbit_by_torrent() {
    given("rqbit_by_torrent", Stock::Rqbit, By::File);
}

/// Its announces say that nothing is left.
#[test]
fn rqbit_by_magnet() {
    given("rqbit_by_magnet", Stock::Rqbit, By::Magnet);
}

#[test]
fn rtorrent_by_torrent() {
    given("rtorrent_by_torrent", Stock::Rtorrent, By::File);
}

#[test]
fn qbittorrent_by_torrent() {
    given("qbittorrent_by_torrent", Stock::Qbittorrent, By::File);
}

/// It dials by uTP first.
#[test]
fn libtorrent_by_torrent() {
    given("libtorrent_by_torrent", Stock::Libtorrent, By::File);
}

/// The same two the other way round: libtorrent has the content, and the far host's Teem hears of it from a tracker.
#[test]
fn from_libtorrent_by_torrent() {
    isolated("from_libtorrent_by_torrent", &[Stock::Libtorrent.needs()], |folder| {
        let hosts = Hosts::join();
        let far = hosts.far();
        let wrapper = far.each_ref().map(String::as_str);
        let tracker = format!("{FAR_IP}:{TRACKER_PORT}");
        let _tracker = Teem::start_under(&wrapper, &folder.join("track"), &["track", "--http", &tracker]);
        content::write(folder, "content", Shape::Single, SIZE);
        let torrent = Torrent::create(folder, "content", 64 << 10, &[&format!("http://{tracker}/announce")]);
        let (file, out) = (torrent.path.to_string_lossy(), folder.join("out"));
        let seat = Seat::new(0, Family::V4, &folder.join("seed"));
        let seed = Stock::Libtorrent.seed(&seat, &file, folder);
        wait_until("announce by libtorrent", LIMIT, || {
            seed.process.log().contains("tracker_reply_alert").then_some(())
        });
        let begun = Instant::now();
        let get = ["get", &file, "-o", &out.to_string_lossy()];
        Teem::start_under(&wrapper, &folder.join("get"), &get).wait_complete(LIMIT);
        println!("figure: {:.1} s", begun.elapsed().as_secs_f64());
        content::assert_same(&folder.join("content"), &out.join("content"));
    });
}
