//! Peer exchange (BEP 11) with other clients: the only peer that both know tells the one that fetches of the one that has it, and they meet. The seed sends
//! slowly, so that the third keeps it all the while; there is no tracker.

#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no

use std::path::Path;
use std::time::Duration;

use crate::common::clients::aria2::Aria2;
use crate::common::clients::libtorrent::Libtorrent;
use crate::common::clients::teem::Teem as TeemClient;
use crate::common::clients::transmission::Transmission;
use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use crate::common::{Client, Family, Job, Seat};

/// Some send their first list after a minute, or after a minute and a half.
const LIMIT: Duration = Duration::from_secs(200);
/// What the seed sends, in bytes a second: nobody is complete before the end.
const TRICKLE: &str = "50kB";
const SIZE: u64 = 32 << 20;

fn teem() -> TeemClient {
    TeemClient { binary: env!("CARGO_BIN_EXE_teem").into(), plain: false }
}

/// Teem on a seat, which knows the third alone, and has the content where there is some.
fn start_teem(seat: &Seat, torrent: &Torrent, folder: &Path, third: &Seat, more: &[&str]) -> Teem {
    let (link, folder, peer) = (torrent.path.to_string_lossy(), folder.to_string_lossy(), third.listen().to_string());
    let listen = seat.listen().to_string();
    let args = ["get", &link, "-o", &folder, "--seed", "--listen", &listen, "--peer", &peer];
    Teem::start(&seat.home, &[&args[..], more].concat())
}

/// Waits until one of ours is connected with somebody at that address.
fn wait_met(teem: &mut Teem, other: &Seat) {
    let ip = format!("{}:", other.ip);
    teem.wait_line(&format!("a connection with {ip}"), LIMIT, |line| {
        let told: serde_json::Value = serde_json::from_str(line).ok()?;
        let at = |peer: &serde_json::Value| peer["addr"].as_str().is_some_and(|addr| addr.starts_with(&ip));
        (told["event"] == "status" && told["peers"].as_array()?.iter().any(at)).then_some(())
    });
}

/// The places of the third, of the one that has the content, and of the one that fetches it.
fn seats(folder: &Path) -> [Seat; 3] {
    [0, 1, 2].map(|number| Seat::new(number, Family::V4, &folder.join(format!("seat-{number}"))))
}

fn torrent(folder: &Path) -> Torrent {
    content::write(folder, "content", Shape::Single, SIZE);
    Torrent::create(folder, "content", 64 << 10, &[])
}

/// A third of another kind between two of ours.
fn through(test: &str, third: &dyn Client) {
    isolated(test, &[third.needs()], |folder| {
        let (torrent, [middle, has, gets]) = (torrent(folder), seats(folder));
        let link = torrent.path.to_string_lossy();
        let _middle = third.start(&middle, &Job { pex: true, ..Job::get(&link, &folder.join("middle")) });
        let mut seed = start_teem(&has, &torrent, folder, &middle, &["--up", TRICKLE]);
        wait_met(&mut seed, &middle);
        let mut get = start_teem(&gets, &torrent, &folder.join("out"), &middle, &[]);
        wait_met(&mut get, &has);
    });
}

#[test]
fn libtorrent_tells_us_of_a_third() {
    through("libtorrent_tells_us_of_a_third", &Libtorrent { super_seeds: false });
}

#[test]
fn transmission_tells_us_of_a_third() {
    through("transmission_tells_us_of_a_third", &Transmission);
}

#[test]
fn aria2_tells_us_of_a_third() {
    through("aria2_tells_us_of_a_third", &Aria2);
}

#[test]
fn we_tell_each_other_of_a_third() {
    through("we_tell_each_other_of_a_third", &teem());
}

/// The seed takes no part in the exchange, so only the one that fetches can have heard.
#[test]
fn we_tell_libtorrent_of_a_third() {
    let libtorrent = Libtorrent { super_seeds: false };
    isolated("we_tell_libtorrent_of_a_third", &[libtorrent.needs()], |folder| {
        let (torrent, [middle, has, gets]) = (torrent(folder), seats(folder));
        let (link, out) = (torrent.path.to_string_lossy(), folder.join("out"));
        let _middle = teem().start(&middle, &Job::get(&link, &folder.join("middle")));
        let mut seed = start_teem(&has, &torrent, folder, &middle, &["--up", TRICKLE, "--no-pex"]);
        wait_met(&mut seed, &middle);
        let job = Job { pex: true, peer: Some(middle.listen()), ..Job::get(&link, &out) };
        let _get = libtorrent.start(&gets, &job);
        wait_met(&mut seed, &gets);
    });
}

#[test]
fn without_the_exchange_nobody_else_is_known() {
    isolated("without_the_exchange_nobody_else_is_known", &[], |folder| {
        let (torrent, [middle, has, gets]) = (torrent(folder), seats(folder));
        let mut third = start_teem(&middle, &torrent, &folder.join("middle"), &middle, &[]);
        let mut seed = start_teem(&has, &torrent, folder, &middle, &["--up", TRICKLE, "--no-pex"]);
        wait_met(&mut seed, &middle);
        let mut get = start_teem(&gets, &torrent, &folder.join("out"), &middle, &["--no-pex"]);
        wait_met(&mut get, &middle);
        wait_met(&mut third, &gets);
        let known = get.wait_line("its figures", LIMIT, |line| {
            let told: serde_json::Value = serde_json::from_str(line).ok()?;
            (told["event"] == "status" && told["downloaded"].as_u64()? > 0).then(|| told["peers_known"].as_u64())?
        });
        assert_eq!(known, 1, "the one that it was told of by hand");
    });
}
