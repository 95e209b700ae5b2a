//! Bound to an interface or to its address, no packet leaves by another (`--bind`; own design): over start, names, trackers over HTTP and UDP with several addresses, a
//! magnet link, the interface going and coming back, and kills. What leaves by the other interface is counted by the kernel.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::process::Process;
use crate::common::teem::Teem;
use teem_rig::two_ways::{FAR_IP, NEAR_IP, NEEDS, TwoWays};

const LIMIT: Duration = Duration::from_secs(120);
/// How long another program may take.
const OTHERS: Duration = Duration::from_secs(60);
/// How long the kernel may go on about a program that has ended.
const OTHERS_AFTER: Duration = Duration::from_secs(5);
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

/// qBittorrent bound to the interface as its settings have it, with what it does by default otherwise.
fn qbittorrent(folder: &Path, link: &str) -> Process {
    let config = folder.join("qbt/qBittorrent/config");
    fs::create_dir_all(&config).expect("the folder is writable");
    let settings = "[LegalNotice]\nAccepted=true\n[BitTorrent]\nSession\\Interface=vpn0\nSession\\InterfaceName=vpn0\n\
        Session\\QueueingSystemEnabled=false\n[Preferences]\nWebUI\\Address=127.0.0.1\nWebUI\\Port=7009\n";
    fs::write(config.join("qBittorrent.conf"), settings).expect("the folder is writable");
    let mut command = Command::new("qbittorrent-nox");
    command.arg(format!("--profile={}", folder.join("qbt").display()));
    command.arg(format!("--save-path={}", folder.join("by-qbittorrent").display()));
    Process::start(command.args(["--skip-dialog=true", "--add-paused=false", link]))
}

/// A session of libtorrent bound by both of its settings.
fn libtorrent(folder: &Path, link: &str) -> Process {
    let script = "import sys, time, libtorrent as lt\n\
        s = lt.session({'listen_interfaces': 'vpn0:0', 'outgoing_interfaces': 'vpn0'})\n\
        p = lt.parse_magnet_uri(sys.argv[1])\n\
        p.save_path = sys.argv[2]\n\
        h = s.add_torrent(p)\n\
        time.sleep(3600)\n";
    let out = folder.join("by-libtorrent");
    fs::create_dir_all(&out).expect("the folder is writable");
    Process::start(Command::new("python3").args(["-c", script, link]).arg(out))
}

/// What `docs/interop.md` says of others: run it by hand with `TEEM_OTHERS=1` and `--nocapture`.
#[test]
#[allow(clippy::print_stdout)] // the figure is what it is for
fn what_others_leak_that_are_bound() {
    if std::env::var_os("TEEM_OTHERS").is_none() {
        println!("skipped: what other programs do is no test of ours; TEEM_OTHERS=1 shows it");
        return;
    }
    isolated("what_others_leak_that_are_bound", &NEEDS, |folder| {
        let scene = Scene::set(folder);
        for (name, start) in
            [("teem", teem as fn(&Path, &str) -> Process), ("qbittorrent", qbittorrent), ("libtorrent", libtorrent)]
        {
            let before = scene.ways.leaked();
            let program = start(folder, &scene.link);
            let there = folder.join(format!("by-{name}/thing"));
            let whole = || fs::metadata(&there).is_ok_and(|meta| meta.len() == SIZE);
            let end = Instant::now() + OTHERS;
            let mut arrived = false;
            while Instant::now() < end && !arrived {
                arrived = whole();
                std::thread::sleep(Duration::from_millis(200));
            }
            drop(program);
            // What the kernel still says of groups that a program had joined is that program's.
            std::thread::sleep(OTHERS_AFTER);
            println!("figure: {name} leaked {} packets, content arrived: {arrived}", scene.ways.leaked() - before);
        }
    });
}

fn teem(folder: &Path, link: &str) -> Process {
    let out = folder.join("by-teem");
    let args = ["get", link, "-o", &out.to_string_lossy(), "--listen", ":0", "--bind", "vpn0", "--seed"];
    Process::start(Teem::command(&folder.join("near-teem"), &args).env_remove("TEEM_NO_DHT").env_remove("TEEM_NO_LSD"))
}
