//! `teem show --scrape`: what our own tracker and another say of a swarm, over HTTP and UDP (BEP 48, 15).

use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::run::teem;
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use crate::common::trackers::opentracker::Opentracker;
use crate::common::{Family, PEER_PORT, Protocol, Swarm, TEEM_IP};
use serde_json::json;
use std::time::Duration;
use teem_rig::tracker::Tracker;

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn our_own_tracker_tells_by_both_transports_and_for_magnet_links() {
    isolated("our_own_tracker_tells_by_both_transports_and_for_magnet_links", &[], |folder| {
        content::write(folder, "content", Shape::Single, 100_000);
        let (path, at) = (folder.join("content"), format!("{TEEM_IP}:{PEER_PORT}"));
        let mut seed = Teem::start(
            &folder.join("home"),
            &["share", &path.to_string_lossy(), "--listen", &at, "-o", &folder.join("c.torrent").to_string_lossy()],
        );
        let ready = seed.wait_event("ready", LIMIT);
        let magnet = ready["magnet"].as_str().expect("a link");
        for link in ["c.torrent", magnet] {
            let told = teem(folder, &["show", "--scrape", "--json", link]).ended(0).json();
            let swarm = told["scrape"].as_array().expect("a list");
            assert_eq!(swarm.len(), 2, "{told}");
            for tracker in swarm {
                assert_eq!(tracker["seeds"], 1, "{tracker}");
                assert_eq!(tracker["downloaders"], 0, "{tracker}");
            }
        }
        let words = teem(folder, &["show", "--scrape", "c.torrent"]).ended(0).out;
        assert!(words.contains("1 seed, 0 downloaders, completed 0 times"), "{words}");
        seed.terminate();
        seed.wait_exit(LIMIT);
        let none = teem(folder, &["show", "--scrape", "c.torrent"]).ended(1);
        assert!(
            none.out.contains("cannot be reached") && none.err.contains("no tracker told"),
            "{}{}",
            none.out,
            none.err
        );
    });
}

#[test]
fn another_tracker_tells_too_and_who_cannot_says_why() {
    let needs = [Opentracker.needs(Protocol::Http)];
    isolated("another_tracker_tells_too_and_who_cannot_says_why", &needs, |folder| {
        content::write(folder, "content", Shape::Single, 100_000);
        let at = Swarm::place(Family::V4);
        let urls = [Protocol::Http, Protocol::Udp].map(|protocol| Swarm::url(protocol, at));
        let torrent = Torrent::create(folder, "content", 65_536, &[&urls[0], &urls[1], "http://198.18.0.9:9/track"]);
        let swarm = Swarm { protocol: Protocol::Http, at, info_hash: torrent.info_hash.clone() };
        let _tracker = Opentracker.start(&swarm, &folder.join("tracker"));
        let (link, listen) = (torrent.path.to_string_lossy(), format!("{TEEM_IP}:{PEER_PORT}"));
        let data = folder.to_string_lossy();
        let mut seed = Teem::start(&folder.join("home"), &["seed", &link, "--data", &data, "--listen", &listen]);
        seed.wait_event("tracker", LIMIT);
        let told = teem(folder, &["show", "--scrape", "--json", &link]).ended(0).json();
        for n in [0, 1] {
            assert_eq!(
                (&told["scrape"][n]["seeds"], &told["scrape"][n]["downloaders"]),
                (&json!(1), &json!(0)),
                "{told}"
            );
        }
        assert!(told["scrape"][2]["error"].as_str().is_some_and(|why| why.contains("BEP 48")), "{told}");
        assert_eq!(teem(folder, &["show", "--json", &link]).ended(0).json().get("scrape"), None);
    });
}
