//! Teem over uTP alone (BEP 29), with itself and with libtorrent, both ways, in the clear and encrypted (MSE).

#![allow(clippy::print_stdout)] // figures are printed for whoever runs this by hand

use std::time::{Duration, Instant};

use crate::common::clients::libtorrent::Libtorrent;
use crate::common::clients::rqbit::Rqbit;
use crate::common::clients::teem::Teem as TeemClient;
use crate::common::clients::transmission::Transmission;
use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use crate::common::{Client, Family, Job, Seat, tracker_url};
use teem_rig::setting::Encryption;

/// The longest that a client may take: it hangs.
const LIMIT: Duration = Duration::from_secs(120);

fn teem() -> TeemClient {
    TeemClient { binary: env!("CARGO_BIN_EXE_teem").into(), plain: false }
}

#[test]
fn both_ways_with_itself_and_with_libtorrent() {
    let teem = teem();
    let libtorrent = Libtorrent { super_seeds: false };
    let needs = [libtorrent.needs()];
    isolated("both_ways_with_itself_and_with_libtorrent", &needs, |folder| {
        let _tracker = Teem::track(&folder.join("track"));
        let pairs: [(&dyn Client, &dyn Client); 3] = [(&teem, &teem), (&teem, &libtorrent), (&libtorrent, &teem)];
        let cases = pairs.iter().flat_map(|pair| [Encryption::Allow, Encryption::Require].map(|wish| (*pair, wish)));
        let mut plays = Vec::new();
        for (n, ((seeds, gets), wish)) in (1u16..).zip(cases) {
            let name = format!("content-{n}");
            content::write(folder, &name, Shape::Single, (4 << 20) + u64::from(n));
            let torrent = Torrent::create(folder, &name, 64 << 10, &[&tracker_url()]);
            let link = torrent.path.to_string_lossy();
            let seat = |number| Seat::new(number, Family::V4, &folder.join(format!("seat-{number}")));
            let seed = Job { encryption: Some(wish), utp: true, ..Job::seed(&link, folder) };
            let out = folder.join(format!("out-{n}"));
            let get = Job { encryption: Some(wish), utp: true, ..Job::get(&link, &out) };
            let seeding = seeds.start(&seat(2 * n), &seed);
            plays.push((seeding, gets.start(&seat(2 * n + 1), &get), name, out));
        }
        for (_, getting, name, out) in &mut plays {
            getting.wait_whole(LIMIT);
            content::assert_same(&folder.join(&*name), &out.join(&*name));
        }
    });
}

/// Packets that come while the program stands still are more than the system keeps for it.
#[test]
fn what_the_system_drops_is_told() {
    isolated("what_the_system_drops_is_told", &[], |folder| {
        content::write(folder, "content", Shape::Single, 1 << 20);
        let torrent = Torrent::create(folder, "content", 64 << 10, &[]);
        let seat = Seat::new(1, Family::V4, &folder.join("seat"));
        let link = torrent.path.to_string_lossy();
        let mut running = teem().start(&seat, &Job::seed(&link, folder));
        let id = running.process.id().to_string();
        let seed = &mut running.process;
        let status = |line: &str| {
            let told: serde_json::Value = serde_json::from_str(line).ok()?;
            (told["event"] == "status").then(|| (told["udp_dropped"].as_u64(), told["udp_refused"].as_u64()))
        };
        assert_eq!(seed.wait_line("status", LIMIT, status), (Some(0), Some(0)));
        let signal = |name: &str| {
            let sent = std::process::Command::new("kill").args([name, &id]).status();
            assert!(sent.is_ok_and(|sent| sent.success()), "kill {name}");
        };
        signal("-STOP");
        let stranger = std::net::UdpSocket::bind(("198.18.0.9", 0)).expect("an address of the namespace");
        for _ in 0..20_000 {
            stranger.send_to(&[0; 1_000], seat.listen()).expect("loopback takes it");
        }
        signal("-CONT");
        let much = |line: &str| status(line).filter(|(dropped, _)| *dropped >= Some(1_000));
        assert_eq!(seed.wait_line("dropped packets", LIMIT, much).1, Some(0));
    });
}

/// 64 MiB from `seeds` to `gets`, of which one is Teem.
fn play(test: &str, seeds: &dyn Client, gets: &dyn Client) {
    isolated(test, &[seeds.needs(), gets.needs()], |folder| {
        let _tracker = Teem::track(&folder.join("track"));
        content::write(folder, "content", Shape::Single, 64 << 20);
        let torrent = Torrent::create(folder, "content", 256 << 10, &[&tracker_url()]);
        let link = torrent.path.to_string_lossy();
        let seat = |number| Seat::new(number, Family::V4, &folder.join(format!("seat-{number}")));
        let _seeding = seeds.start(&seat(0), &Job { utp: true, ..Job::seed(&link, folder) });
        let out = folder.join("out");
        let begun = Instant::now();
        let mut getting = gets.start(&seat(1), &Job { utp: true, ..Job::get(&link, &out) });
        getting.wait_whole(LIMIT);
        println!("figure: {:.1} s", begun.elapsed().as_secs_f64());
        content::assert_same(&folder.join("content"), &out.join("content"));
    });
}

/// A test for each client that Teem gives to and gets from.
macro_rules! plays {
    ($($gives:ident, $takes:ident: $client:expr;)*) => {
        $(#[test]
        fn $gives() {
            play(stringify!($gives), &$client, &teem());
        }

        #[test]
        fn $takes() {
            play(stringify!($takes), &teem(), &$client);
        })*
    };
}

plays! {
    libtorrent_gives_over_utp, libtorrent_takes_over_utp: Libtorrent { super_seeds: false };
    transmission_gives_over_utp, transmission_takes_over_utp: Transmission;
    rqbit_gives_over_utp, rqbit_takes_over_utp: Rqbit;
}
