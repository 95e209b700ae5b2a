//! Teem and the other clients, both ways: each pair of client, direction, shape of the content, piece size, kind of link
//! and tracker meets in at least one of these tests. What arrives is compared by SHA-256.

mod common;

use std::path::Path;
use std::time::Duration;

use common::aria2::Aria2;
use common::content::{self, Shape};
use common::libtorrent::Libtorrent;
use common::namespace::isolated;
use common::opentracker::Opentracker;
use common::teem::Teem;
use common::torrent::Torrent;
use common::transmission::Transmission;
use common::{OTHER_IP, aria2, libtorrent, opentracker, transmission};

use Client::{Libtorrent as Lt, Transmission as Tr};
use Link::{File, Magnet};
use Role::{Gets, Seeds};
use Shape::{Single, Tree};
use Tracker::{OurHttp, OurUdp, StockHttp, StockUdp};

/// The whole of a transfer; Transmission alone lets 13 s pass before it asks for the first block.
const LIMIT: Duration = Duration::from_secs(120);

const KI: usize = 1 << 10;
const MI: usize = 1 << 20;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Client {
    Transmission,
    Libtorrent,
}

/// What Teem does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Seeds,
    Gets,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    File,
    Magnet,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tracker {
    OurHttp,
    OurUdp,
    StockHttp,
    StockUdp,
}

macro_rules! scenarios {
    ($($name:ident: $client:expr, $role:expr, $shape:expr, $piece:expr, $link:expr, $tracker:expr;)*) => {$(
        #[test]
        fn $name() {
            let client = match $client {
                Tr => transmission::NEEDS,
                Lt => libtorrent::NEEDS,
            };
            isolated(stringify!($name), &[client, opentracker::NEEDS], |folder| {
                run(folder, $client, $role, $shape, $piece, $link, $tracker);
            });
        }
    )*};
}

scenarios! {
    seeds_a_tree_to_transmission: Tr, Seeds, Tree, 16 * KI, File, OurHttp;
    seeds_a_file_to_transmission_by_magnet: Tr, Seeds, Single, 256 * KI, Magnet, StockUdp;
    seeds_a_tree_to_libtorrent_by_magnet: Lt, Seeds, Tree, 16 * KI, Magnet, StockHttp;
    seeds_a_file_to_libtorrent: Lt, Seeds, Single, 256 * KI, File, OurUdp;
    seeds_a_tree_to_libtorrent_by_magnet_over_udp: Lt, Seeds, Tree, 256 * KI, Magnet, StockUdp;
    seeds_great_pieces_to_libtorrent_by_magnet: Lt, Seeds, Single, 16 * MI, Magnet, OurHttp;
    seeds_great_pieces_to_libtorrent_over_udp: Lt, Seeds, Single, 16 * MI, Magnet, StockUdp;
    gets_a_file_from_transmission: Tr, Gets, Single, 16 * KI, File, StockUdp;
    gets_a_tree_from_transmission_by_magnet: Tr, Gets, Tree, 256 * KI, Magnet, OurHttp;
    gets_a_file_from_transmission_over_http: Tr, Gets, Single, 256 * KI, File, StockHttp;
    gets_a_tree_of_great_pieces_from_transmission: Tr, Gets, Tree, 16 * MI, Magnet, OurUdp;
    gets_a_file_of_great_pieces_from_transmission: Tr, Gets, Single, 16 * MI, File, StockHttp;
    gets_a_file_from_libtorrent_by_magnet: Lt, Gets, Single, 16 * KI, Magnet, OurUdp;
    gets_a_tree_from_libtorrent: Lt, Gets, Tree, 256 * KI, File, StockHttp;
}

fn run(folder: &Path, client: Client, role: Role, shape: Shape, piece: usize, link: Link, tracker: Tracker) {
    let size = if piece > MI { 20 * MI } else { 3 * MI } + 12_345;
    let name = "to be shared";
    content::write(folder, name, shape, size as u64);
    let url = match tracker {
        OurHttp | StockHttp => Opentracker::http(),
        OurUdp | StockUdp => Opentracker::udp(),
    };
    let torrent = Torrent::create(folder, name, piece, &[&url]);
    let home = folder.join("home");
    let _ours = matches!(tracker, OurHttp | OurUdp).then(|| Teem::track(&home.join("track")));
    let _stock =
        matches!(tracker, StockHttp | StockUdp).then(|| Opentracker::start(&folder.join("opentracker"), &torrent));
    let file = torrent.path.to_string_lossy().into_owned();
    let link = if link == Magnet { torrent.magnet() } else { file };
    let out = folder.join("out");
    let configuration = folder.join("transmission");
    match (role, client) {
        (Seeds, Tr) => {
            let _seed = Teem::seed(&home, &torrent.path, folder);
            let mut other = Transmission::start(&configuration, OTHER_IP);
            other.get(&link, &out);
            other.wait_complete(LIMIT);
        }
        (Seeds, Lt) => {
            let _seed = Teem::seed(&home, &torrent.path, folder);
            Libtorrent::get(&link, &out, OTHER_IP, &[]).wait_complete(LIMIT);
        }
        (Gets, Tr) => {
            let mut other = Transmission::start(&configuration, OTHER_IP);
            other.seed(&torrent.path, folder);
            Teem::get(&home, &link, &out, &[]).wait_complete(LIMIT);
        }
        (Gets, Lt) => {
            let _seed = Libtorrent::seed(&torrent.path, folder, OTHER_IP);
            Teem::get(&home, &link, &out, &[]).wait_complete(LIMIT);
        }
    }
    let (wanted, got) = (folder.join(name), out.join(name));
    if (role, client) == (Seeds, Tr) {
        content::assert_same_but_empty(&wanted, &got);
    } else {
        content::assert_same(&wanted, &got);
    }
}

/// aria2 dials with an encrypted handshake and comes back in plaintext when it is closed on at once.
#[test]
fn seeds_to_aria2_that_dials_encrypted() {
    isolated("seeds_to_aria2_that_dials_encrypted", &[aria2::NEEDS], |folder| {
        content::write(folder, "to be shared", Tree, 1 << 20);
        let torrent = Torrent::create(folder, "to be shared", 64 * KI, &[&Opentracker::http()]);
        let _tracker = Teem::track(&folder.join("track"));
        let _seed = Teem::seed(&folder.join("home"), &torrent.path, folder);
        let out = folder.join("out");
        Aria2::get(&torrent.path.to_string_lossy(), &out, OTHER_IP).wait_complete(LIMIT);
        content::assert_same(&folder.join("to be shared"), &out.join("to be shared"));
    });
}
