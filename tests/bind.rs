//! Bound to an interface or to its address, no packet leaves by another (`--bind`; own design): over start, names, trackers over HTTP and UDP with several addresses, a
//! magnet link, the interface going and coming back, and kills. What leaves by the other interface is counted by the kernel.

mod common;

use std::path::Path;
use std::time::Duration;

use common::content::{self, Shape};
use common::namespace::isolated;
use common::process::Process;
use common::teem::Teem;
use teem_rig::two_ways::{FAR_IP, NEAR_IP, NEEDS, TwoWays};

const LIMIT: Duration = Duration::from_secs(120);
const SIZE: u64 = 6 << 20;
/// Where the world shares and tracks.
const PORT: u16 = 7000;

/// The two ways with a source in the world, and the link to it, whose trackers are names.
struct Scene {
    ways: TwoWays,
    _source: Process,
    link: String,
}

impl Scene {
    fn set(folder: &Path) -> Self {
        let ways = TwoWays::lay(folder);
        content::write(&folder.join("content"), "thing", Shape::Single, SIZE);
        let inner = Teem::command(&folder.join("far"), &["share", "--host", FAR_IP, "--listen"]);
        let mut command = ways.command(inner.get_program());
        command.args(inner.get_args()).arg(format!(":{PORT}")).arg(folder.join("content/thing")).arg("--json");
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut source = Process::start(&mut command);
        let magnet = source.wait_line("link", LIMIT, |line| {
            let value: serde_json::Value = serde_json::from_str(line).ok()?;
            value["magnet"].as_str().map(str::to_owned)
        });
        let hash = magnet.split("btih:").nth(1).and_then(|rest| rest.split('&').next()).expect("a hash").to_owned();
        let tracker = |scheme: &str, name: &str| format!("&tr={scheme}%3A%2F%2F{name}%3A{PORT}%2Fannounce");
        let trackers =
            [("http", "tracker.test"), ("udp", "tracker.test"), ("http", "big.test"), ("udp", "nobody.test")];
        let trackers: String = trackers.iter().map(|(scheme, name)| tracker(scheme, name)).collect();
        Self { ways, _source: source, link: format!("magnet:?xt=urn:btih:{hash}{trackers}") }
    }

    fn get(&self, folder: &Path, name: &str, more: &[&str]) -> Teem {
        let out = folder.join(name);
        let out = out.to_string_lossy();
        Teem::start(&folder.join("near"), &[&["get", &self.link, "-o", &out, "--listen", ":0"], more].concat())
    }
}

fn arrived(folder: &Path, name: &str) {
    content::assert_same(&folder.join("content/thing"), &folder.join(name).join("thing"));
}

fn path(teem: &mut Teem, cut_off: bool) {
    teem.wait_line("word of the path", LIMIT, |line| {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        (value["event"] == "path" && value["cut_off"] == cut_off).then_some(())
    });
}

/// Waits until something has come in.
fn flows(teem: &mut Teem) {
    teem.wait_line("bytes", LIMIT, |line| {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        (value["event"] == "status" && value["downloaded"].as_u64()? > 0).then_some(())
    });
}

#[test]
fn names_trackers_and_peers_go_by_what_is_bound_alone() {
    isolated("names_trackers_and_peers_go_by_what_is_bound_alone", &NEEDS, |folder| {
        let scene = Scene::set(folder);
        for (name, bind) in [("by-interface", "vpn0"), ("by-address", NEAR_IP)] {
            scene.get(folder, name, &["--bind", bind]).wait_event("done", LIMIT);
            arrived(folder, name);
            let show =
                Teem::command(&folder.join("near"), &["show", &scene.link, "--scrape", "--bind", bind, "--json"]);
            let shown = { show }.output().expect("it runs");
            assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
            assert_eq!(scene.ways.leaked(), 0, "bound to {bind}");
        }
        // The count counts: without a bind the way is the system's, whose routes prefer the other.
        scene.get(folder, "free", &["--timeout", "4s"]).wait_exit(LIMIT);
        assert!(scene.ways.leaked() > 0);
    });
}

#[test]
fn an_interface_that_goes_stops_everything_until_it_is_back() {
    isolated("an_interface_that_goes_stops_everything_until_it_is_back", &NEEDS, |folder| {
        let scene = Scene::set(folder);
        let mut teem = scene.get(folder, "out", &["--bind", "vpn0", "--down", "400k"]);
        flows(&mut teem);
        scene.ways.down("vpn0");
        path(&mut teem, true);
        scene.ways.up();
        path(&mut teem, false);
        flows(&mut teem);
        // Made anew it is another interface of that name.
        scene.ways.cut("vpn0");
        path(&mut teem, true);
        scene.ways.cable("vpn0");
        path(&mut teem, false);
        teem.wait_event("done", LIMIT);
        arrived(folder, "out");
        assert_eq!(scene.ways.leaked(), 0);
    });
}

#[test]
fn an_interface_that_is_not_there_is_an_error_with_its_name() {
    isolated("an_interface_that_is_not_there_is_an_error_with_its_name", &NEEDS, |folder| {
        let args = ["get", "magnet:?xt=urn:btih:0123456789012345678901234567890123456789", "--bind", "wg7"];
        let output = Teem::command(folder, &args).current_dir(folder).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("no interface wg7"), "{said}");
    });
}

#[test]
fn ten_kills_leak_nothing() {
    isolated("ten_kills_leak_nothing", &NEEDS, |folder| {
        let scene = Scene::set(folder);
        for n in 0..10 {
            let mut teem = scene.get(folder, "out", &["--bind", "vpn0", "--down", "300k"]);
            // Each at another point: while names are asked for, while trackers are, with peers.
            if n % 3 == 1 {
                teem.wait_event("tracker", LIMIT);
            } else if n % 3 == 2 {
                teem.wait_event("status", LIMIT);
            }
            drop(teem);
        }
        assert_eq!(scene.ways.leaked(), 0);
    });
}
