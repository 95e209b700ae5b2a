//! Holepunch (BEP 55) through two real routers that let in nothing unasked, with libtorrent and Teem in each of the three roles: the two behind them meet
//! over uTP, with the help of a third that both are connected with.

#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
#![allow(clippy::print_stdout)] // figures are printed for whoever runs this by hand

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::clients::libtorrent;
use crate::common::content::{self, Shape};
use crate::common::namespace::{Needs, isolated};
use crate::common::nat::{INSIDE, Nats, OUTSIDE, THIRD_IP};
use crate::common::process::Process;
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(100);
const PORT: u16 = 42_000;
const NEEDS: [Needs; 2] = [Needs::Command("nft", "--version"), Needs::Python("libtorrent")];

/// Whose program plays a part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Teem,
    Libtorrent,
}

/// A party that runs.
enum Party {
    Teem(Teem),
    Libtorrent { _runs: Process },
}

struct Scene<'a> {
    folder: &'a Path,
    torrent: Torrent,
}

impl Scene<'_> {
    /// Starts a party at that address, on the host that `wrapper` leads to; it fetches, or gives slowly what lies in the scene's folder.
    fn start(&self, who: Who, wrapper: &[String], ip: &str, gives: bool) -> Party {
        let home = self.folder.join(format!("home-{ip}"));
        std::fs::create_dir_all(&home).unwrap();
        let (listen, third) = (format!("{ip}:{PORT}"), format!("{THIRD_IP}:{PORT}"));
        let into = if gives { self.folder.to_path_buf() } else { home.join("out") };
        let (link, into) = (self.torrent.path.to_string_lossy(), into.to_string_lossy());
        let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
        match who {
            Who::Teem => {
                let mut args = vec!["get", &link, "-o", &into, "--seed", "--listen", &listen];
                if ip != THIRD_IP {
                    args.extend(["--peer", &third]);
                }
                if gives {
                    args.extend(["--up", "100kB"]);
                }
                Party::Teem(Teem::start_under(&[&["env"], &wrapper[..]].concat(), &home, &args))
            }
            Who::Libtorrent => {
                let job = json!({
                    "mode": if gives { "seed" } else { "get" }, "link": link, "dir": into, "at": listen, "ip": ip, "up": if gives { 100_000 } else { 0 },
                    "super": false, "stock": false, "utp": "too", "encryption": "prefer", "pex": true, "peer": (ip != THIRD_IP).then_some(third),
                });
                let words: Vec<String> =
                    wrapper.iter().map(ToString::to_string).chain(libtorrent::command(&job)).collect();
                let mut process = Process::start(Command::new(&words[0]).args(&words[1..]));
                process.wait_line("ready session", LIMIT, |line| (line == "ready").then_some(()));
                Party::Libtorrent { _runs: process }
            }
        }
    }
}

/// Waits until one of ours is connected with somebody at that address; whether a third had helped.
fn wait_met(teem: &mut Teem, ip: &str) -> bool {
    let at = format!("{ip}:");
    teem.wait_line(&format!("a connection with {ip}"), LIMIT, |line| {
        let told: Value = serde_json::from_str(line).ok().filter(|told: &Value| told["event"] == "status")?;
        let there =
            told["peers"].as_array()?.iter().find(|peer| peer["addr"].as_str().is_some_and(|a| a.starts_with(&at)));
        there.map(|peer| peer["punched"] == true)
    })
}

fn scene(folder: &Path) -> Scene<'_> {
    content::write(folder, "content", Shape::Single, 32 << 20);
    Scene { folder, torrent: Torrent::create(folder, "content", 64 << 10, &[]) }
}

/// The one behind the second router has met the third when the one behind the first comes: how both meet is seen at one of ours.
fn play(test: &str, third: Who, first: Who, second: Who) {
    isolated(test, &NEEDS, |folder| {
        let (nats, scene) = (Nats::join(false), scene(folder));
        let _third = scene.start(third, &[], THIRD_IP, false);
        let mut gives = scene.start(second, &nats.host(1), INSIDE[1], true);
        if let Party::Teem(gives) = &mut gives {
            wait_met(gives, THIRD_IP);
        }
        let mut gets = scene.start(first, &nats.host(0), INSIDE[0], false);
        if let Party::Teem(gets) = &mut gets {
            wait_met(gets, THIRD_IP);
        }
        let begun = Instant::now();
        let helped = match (&mut gets, &mut gives) {
            (Party::Teem(gets), _) => wait_met(gets, OUTSIDE[1]),
            (_, Party::Teem(gives)) => wait_met(gives, OUTSIDE[0]),
            _ => unreachable!("one of both is ours"),
        };
        println!("figure: {:.1} s, helped: {helped}", begun.elapsed().as_secs_f64());
    });
}

/// A test for each cast.
macro_rules! casts {
    ($($test:ident: $third:ident between $first:ident and $second:ident;)*) => {
        $(#[test]
        fn $test() {
            play(stringify!($test), Who::$third, Who::$first, Who::$second);
        })*
    };
}

casts! {
    two_of_ours_by_libtorrent: Libtorrent between Teem and Teem;
    two_of_ours_by_ours: Teem between Teem and Teem;
    we_come_to_libtorrent: Teem between Teem and Libtorrent;
    libtorrent_comes_to_us: Teem between Libtorrent and Teem;
    we_come_to_libtorrent_by_libtorrent: Libtorrent between Teem and Libtorrent;
}

#[test]
fn where_both_routers_choose_ports_by_chance_it_is_given_up_and_said() {
    isolated("where_both_routers_choose_ports_by_chance_it_is_given_up_and_said", &NEEDS, |folder| {
        let (nats, scene) = (Nats::join(true), scene(folder));
        let _third = scene.start(Who::Teem, &[], THIRD_IP, false);
        let Party::Teem(mut gives) = scene.start(Who::Teem, &nats.host(1), INSIDE[1], true) else { unreachable!() };
        wait_met(&mut gives, THIRD_IP);
        let Party::Teem(mut gets) = scene.start(Who::Teem, &nats.host(0), INSIDE[0], false) else { unreachable!() };
        gets.wait_line("a word on it", LIMIT, |line| {
            let told: Value = serde_json::from_str(line).ok()?;
            (told["event"] == "notice" && told["text"].as_str()?.contains("behind a router")).then_some(())
        });
    });
}
