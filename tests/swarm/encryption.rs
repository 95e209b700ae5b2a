//! Teem and other clients with every wish for encryption on either side, over TCP and over uTP alone (MSE): each pair gets its content, or stays apart as it must.
//!
//! Each pair has a torrent of its own, so that nobody else can give it what it wants.

#![allow(clippy::print_stdout)] // figures are printed for whoever runs this by hand

use std::time::Duration;

use crate::common::clients::aria2::Aria2;
use crate::common::clients::libtorrent::Libtorrent;
use crate::common::clients::teem::Teem as TeemClient;
use crate::common::clients::transmission::Transmission;
use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use crate::common::{Client, Family, Job, Protocol, Running, Seat, Swarm, tracker_url};
use teem_rig::setting::Encryption;

/// The longest that a client may take: it hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// A client that fetches from a Teem.
struct Pair {
    name: String,
    theirs: Encryption,
    getting: Running,
}

/// Seeds of Teem that want `ours`, and clients that want what they can be told to.
fn play(test: &str, ours: Encryption, utp: bool) {
    let teem = TeemClient { binary: env!("CARGO_BIN_EXE_teem").into(), plain: false };
    let libtorrent = Libtorrent { super_seeds: false };
    let mut clients: Vec<&dyn Client> = vec![&teem, &libtorrent, &Transmission];
    if !utp {
        clients.push(&Aria2);
    }
    let needs: Vec<_> = clients.iter().map(|client| client.needs()).collect();
    isolated(test, &needs, |folder| {
        let _tracker = Teem::track(&folder.join("track"));
        let cases = clients.iter().flat_map(|client| Encryption::ALL.map(|theirs| (*client, theirs)));
        let at = Swarm::place(Family::V4);
        let mut pairs = Vec::new();
        let mut later = Vec::new();
        for (n, (client, theirs)) in (1..).zip(cases.filter(|(client, theirs)| client.knows(*theirs))) {
            let name = format!("{}-{}", client.name(), theirs.word());
            content::write(folder, &name, Shape::Single, (256 << 10) + n);
            let torrent = Torrent::create(folder, &name, 32 << 10, &[&tracker_url()]);
            let link = torrent.path.to_string_lossy();
            let seat = |number| Seat::new(number, Family::V4, &folder.join(format!("seat-{number}")));
            let out = folder.join(format!("out-{n}"));
            let get = Job { encryption: Some(theirs), utp, ..Job::get(&link, &out) };
            pairs.push(Pair { getting: client.start(&seat(2 * n as u16 + 1), &get), name, theirs });
            let swarm = Swarm { protocol: Protocol::Http, at, info_hash: torrent.info_hash.clone() };
            later.push((link.into_owned(), seat(2 * n as u16), swarm));
        }
        // Where only the seed's dial can succeed it has to hear of the other at once, and not with its next announce.
        let seed = |(link, seat, swarm): &(String, Seat, Swarm)| {
            swarm.wait_peer(LIMIT);
            teem.start(seat, &Job { encryption: Some(ours), utp, ..Job::seed(link, folder) })
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

/// Tests for what Teem wants, over TCP and over uTP.
macro_rules! plays {
    ($($tcp:ident, $utp:ident: $ours:ident;)*) => {
        $(#[test]
        fn $tcp() {
            play(stringify!($tcp), Encryption::$ours, false);
        }

        #[test]
        fn $utp() {
            play(stringify!($utp), Encryption::$ours, true);
        })*
    };
}

plays! {
    teems_that_allow_encryption, teems_that_allow_encryption_over_utp: Allow;
    teems_that_prefer_encryption, teems_that_prefer_encryption_over_utp: Prefer;
    teems_that_require_encryption, teems_that_require_encryption_over_utp: Require;
    teems_without_encryption, teems_without_encryption_over_utp: Off;
}
