//! Teem and other clients with every wish for encryption on either side, over TCP (MSE): each pair gets its content, or stays apart as it must.
//!
//! Each pair has a torrent of its own, so that nobody else can give it what it wants.

#![allow(clippy::print_stdout)] // figures are printed for whoever runs this by hand
mod common;

use std::time::Duration;

use common::clients::aria2::Aria2;
use common::clients::libtorrent::Libtorrent;
use common::clients::teem::Teem as TeemClient;
use common::clients::transmission::Transmission;
use common::content::{self, Shape};
use common::namespace::isolated;
use common::teem::Teem;
use common::torrent::Torrent;
use common::{Client, Family, Job, Running, Seat, tracker_url};
use teem_rig::setting::Encryption;

/// The longest that a client may take: it hangs. Where only the dial of a seed can succeed, that waits for its next announce.
const LIMIT: Duration = Duration::from_secs(200);

/// A client that fetches from a Teem.
struct Pair {
    name: String,
    theirs: Encryption,
    getting: Running,
}

/// Seeds of Teem that want `ours`, and clients that want what they can be told to.
fn play(test: &str, ours: Encryption) {
    let teem = TeemClient { binary: env!("CARGO_BIN_EXE_teem").into(), plain: false };
    let libtorrent = Libtorrent { super_seeds: false };
    let clients: [&dyn Client; 4] = [&teem, &libtorrent, &Transmission, &Aria2];
    let needs: Vec<_> = clients.iter().map(|client| client.needs()).collect();
    isolated(test, &needs, |folder| {
        let _tracker = Teem::track(&folder.join("track"));
        let cases = clients.iter().flat_map(|client| Encryption::ALL.map(|theirs| (*client, theirs)));
        let mut pairs = Vec::new();
        let mut later = Vec::new();
        for (n, (client, theirs)) in (1..).zip(cases.filter(|(client, theirs)| client.knows(*theirs))) {
            let name = format!("{}-{}", client.name(), theirs.word());
            content::write(folder, &name, Shape::Single, (256 << 10) + n);
            let torrent = Torrent::create(folder, &name, 32 << 10, &[&tracker_url()]);
            let link = torrent.path.to_string_lossy();
            let seat = |number| Seat::new(number, Family::V4, &folder.join(format!("seat-{number}")));
            let out = folder.join(format!("out-{n}"));
            let get = Job { encryption: Some(theirs), ..Job::get(&link, &out) };
            pairs.push(Pair { getting: client.start(&seat(2 * n as u16 + 1), &get), name, theirs });
            later.push((link.into_owned(), seat(2 * n as u16)));
        }
        // Where only the seed's dial can succeed it has to hear of the other at once, and not with its next announce.
        let seed = |(link, seat): &(String, Seat)| {
            teem.start(seat, &Job { encryption: Some(ours), ..Job::seed(link, folder) })
        };
        let _seeds: Vec<Running> = later.iter().map(seed).collect();
        let (meeting, apart): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|pair| pair.theirs.meets(ours));
        for mut pair in meeting {
            let begun = std::time::Instant::now();
            pair.getting.wait_whole(LIMIT);
            println!("figure: {} after {:.1} s more", pair.name, begun.elapsed().as_secs_f64());
        }
        for mut pair in apart {
            assert!(!pair.getting.is_whole(), "{} got something over a connection that neither wants", pair.name);
        }
    });
}

#[test]
fn teems_that_allow_encryption() {
    play("teems_that_allow_encryption", Encryption::Allow);
}

#[test]
fn teems_that_prefer_encryption() {
    play("teems_that_prefer_encryption", Encryption::Prefer);
}

#[test]
fn teems_that_require_encryption() {
    play("teems_that_require_encryption", Encryption::Require);
}

#[test]
fn teems_without_encryption() {
    play("teems_without_encryption", Encryption::Off);
}
