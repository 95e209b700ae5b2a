//! Through a proxy, and no packet past it (`--proxy`; RFC 1928, 1929, RFC 9110 section 9.3.6): peers, trackers and their names, also when the proxy dies. What goes anywhere
//! but to the proxy is counted by the kernel.

use std::path::Path;
use std::time::Duration;

use crate::common::content::{self, Shape};
use crate::common::namespace::{Needs, isolated};
use crate::common::process::Process;
use crate::common::teem::Teem;
use serde_json::Value;
use teem_rig::socks::Relay;
use teem_rig::two_ways::{FAR_IP, NEEDS, TwoWays};

const LIMIT: Duration = Duration::from_secs(30);
const SIZE: u64 = 4 << 20;
const PORT: u16 = 7000;
const PROXY_PORT: u16 = 1080;
/// Where the world's first node of the DHT is.
const NODE_PORT: u16 = 7001;

/// A source in the world, and the link to it, whose trackers are names.
fn source(ways: &TwoWays, folder: &Path) -> (Process, String) {
    content::write(&folder.join("content"), "thing", Shape::Single, SIZE);
    let inner = Teem::command(&folder.join("far"), &["share", "--host", FAR_IP, "--listen"]);
    let mut command = ways.command(inner.get_program());
    command.args(inner.get_args()).arg(format!(":{PORT}")).arg(folder.join("content/thing")).arg("--json");
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut source = Process::start(&mut command);
    let magnet = source.wait_line("link", LIMIT, |line| {
        serde_json::from_str::<Value>(line).ok()?["magnet"].as_str().map(str::to_owned)
    });
    let hash = magnet.split("btih:").nth(1).and_then(|rest| rest.split('&').next()).expect("a hash").to_owned();
    let trackers = ["http", "udp"].map(|scheme| format!("&tr={scheme}%3A%2F%2Fbig.test%3A{PORT}%2Fannounce")).concat();
    (source, format!("magnet:?xt=urn:btih:{hash}{trackers}"))
}

fn get(folder: &Path, link: &str, name: &str, proxy: &str, more: &[&str]) -> Teem {
    let out = folder.join(name);
    let out = out.to_string_lossy();
    Teem::start(&folder.join("near"), &[&["get", link, "-o", &out, "--proxy", proxy], more].concat())
}

fn arrived(folder: &Path, name: &str) {
    content::assert_same(&folder.join("content/thing"), &folder.join(name).join("thing"));
}

#[test]
fn peers_trackers_and_names_go_through_it_and_nothing_past_it() {
    isolated("peers_trackers_and_names_go_through_it_and_nothing_past_it", &NEEDS, |folder| {
        let ways = TwoWays::lay(folder);
        let (_source, link) = source(&ways, folder);
        ways.watch_past(PROXY_PORT);
        let mut proxy = ways.proxy(PROXY_PORT);
        for (name, scheme, more) in [("socks", "socks5", &[][..]), ("http", "http", &["--anonymous"])] {
            let url = format!("{scheme}://me:secret@{FAR_IP}:{PROXY_PORT}");
            let mut teem = get(folder, &link, name, &url, more);
            teem.wait_event("done", LIMIT);
            assert!(!teem.whole_log().contains("secret"), "the password was printed");
            arrived(folder, name);
            let tracker = format!("opened big.test {PORT}");
            proxy.wait_line("name at the proxy", LIMIT, |line| (line == tracker).then_some(()));
            assert_eq!(ways.past(), 0, "{scheme}");
        }
    });
}

#[test]
fn peers_by_name_are_looked_up_by_it() {
    isolated("peers_by_name_are_looked_up_by_it", &NEEDS, |folder| {
        let ways = TwoWays::lay(folder);
        let (_source, link) = source(&ways, folder);
        let hash = link.split('&').next().expect("a link");
        ways.watch_past(PROXY_PORT);
        let _proxy = ways.proxy(PROXY_PORT);
        let url = format!("socks5://me:secret@{FAR_IP}:{PROXY_PORT}");
        let peer = format!("big.test:{PORT}");
        for (name, link, more) in [
            ("of-the-link", format!("{hash}&x.pe={peer}"), &[][..]),
            ("of-the-user", hash.to_owned(), &["--peer", &peer]),
        ] {
            let mut teem = get(folder, &link, name, &url, more);
            teem.wait_event("done", LIMIT);
            arrived(folder, name);
            assert_eq!(ways.past(), 0, "{name}");
        }
    });
}

#[test]
fn a_proxy_that_dies_or_denies_is_named_and_nothing_is_tried_past_it() {
    isolated("a_proxy_that_dies_or_denies_is_named_and_nothing_is_tried_past_it", &NEEDS, |folder| {
        let ways = TwoWays::lay(folder);
        let (_source, link) = source(&ways, folder);
        ways.watch_past(PROXY_PORT);
        let trouble = |teem: &mut Teem, what: &str| {
            teem.wait_line(what, LIMIT, |line| {
                let value: Value = serde_json::from_str(line).ok()?;
                (value["event"] == "proxy" && value["trouble"].as_str()?.contains(what)).then_some(())
            });
        };
        let proxy = ways.proxy(PROXY_PORT);
        let wrong = format!("socks5://me:mistaken@{FAR_IP}:{PROXY_PORT}");
        let mut denied = get(folder, &link, "denied", &wrong, &[]);
        trouble(&mut denied, "user and password");
        assert!(!denied.whole_log().contains("mistaken"), "the password was printed");
        drop(denied);
        let url = format!("socks5://me:secret@{FAR_IP}:{PROXY_PORT}");
        let mut teem = get(folder, &link, "out", &url, &["--down", "200k"]);
        teem.wait_event("metadata", LIMIT);
        drop(proxy);
        trouble(&mut teem, "");
        assert_eq!(ways.past(), 0);
        let _proxy = ways.proxy(PROXY_PORT);
        teem.wait_event("done", LIMIT);
        arrived(folder, "out");
        assert_eq!(ways.past(), 0);
    });
}

/// Two in the world who share and know each other's nodes of the DHT, of which the first is at [`NODE_PORT`], and the hash of what the second shares.
fn networked(ways: &TwoWays, folder: &Path) -> (Process, Process, String) {
    let share = |name: &str, port: u16, more: &[&str]| {
        content::write(&folder.join("content"), name, Shape::Single, SIZE + u64::from(port));
        let (home, listen) = (folder.join(format!("far-{name}")), format!("{FAR_IP}:{port}"));
        let inner = Teem::command(&home, &["share", "--hidden", "--no-tracker", "--listen", &listen]);
        let mut command = ways.command(inner.get_program());
        command.args(inner.get_args()).args(more).arg(folder.join("content").join(name)).arg("--json");
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).env_remove("TEEM_NO_DHT");
        let mut process = Process::start(&mut command);
        let hash = process.wait_line("hash", LIMIT, |line| {
            let value: Value = serde_json::from_str(line).ok()?;
            Some(value["infohash_v1"].as_str().filter(|_| value["event"] == "ready")?.to_owned())
        });
        (process, hash)
    };
    let known = format!("{FAR_IP}:{NODE_PORT}");
    let (node, _) = share("other", NODE_PORT, &[]);
    let (source, hash) = share("thing", PORT, &["--dht-bootstrap", &known]);
    (node, source, hash)
}

/// A download of a bare hash by the DHT and uTP alone.
fn get_by_packets(folder: &Path, hash: &str, name: &str, more: &[&str]) -> Teem {
    let (out, url) = (folder.join(name), format!("socks5://me:secret@{FAR_IP}:{PROXY_PORT}"));
    let (out, node) = (out.to_string_lossy(), format!("big.test:{NODE_PORT}"));
    let args = ["get", hash, "-o", &out, "--proxy", &url, "--transport", "utp", "--dht-bootstrap", &node];
    Teem::start_in_dht(&folder.join("near"), &[&args, more].concat())
}

/// Waits until the proxy does that with packets.
fn packets_are(teem: &mut Teem, udp: &str) {
    teem.wait_line(udp, LIMIT, |line| {
        let value: Value = serde_json::from_str(line).ok()?;
        (value["event"] == "proxy" && value["udp"] == udp).then_some(())
    });
}

#[test]
fn the_dht_its_names_and_utp_go_by_the_relay_however_that_is_named() {
    isolated("the_dht_its_names_and_utp_go_by_the_relay_however_that_is_named", &NEEDS, |folder| {
        let ways = TwoWays::lay(folder);
        let (_node, _source, hash) = networked(&ways, folder);
        ways.watch_past(PROXY_PORT);
        for (name, relay) in [("named", Relay::Named), ("zeros", Relay::Unspecified), ("empty", Relay::NoName)] {
            let proxy = ways.socks(PROXY_PORT, relay);
            get_by_packets(folder, &hash, name, &[]).wait_event("done", LIMIT);
            arrived(folder, name);
            proxy.wait(&format!("udp big.test {NODE_PORT}"), LIMIT);
            proxy.wait(&format!("udp {FAR_IP} {PORT}"), LIMIT);
            assert!(proxy.said().iter().all(|line| !line.starts_with("tcp")), "{:?}", proxy.said());
            assert_eq!(ways.past(), 0, "{relay:?}");
        }
    });
}

#[test]
fn a_relay_that_falls_stops_all_packets_until_it_is_there_again() {
    isolated("a_relay_that_falls_stops_all_packets_until_it_is_there_again", &NEEDS, |folder| {
        let ways = TwoWays::lay(folder);
        let (_node, _source, hash) = networked(&ways, folder);
        ways.watch_past(PROXY_PORT);
        let proxy = ways.socks(PROXY_PORT, Relay::Unspecified);
        let mut teem = get_by_packets(folder, &hash, "out", &["--down", "300k"]);
        teem.wait_event("metadata", LIMIT);
        drop(proxy);
        packets_are(&mut teem, "lost");
        assert_eq!(ways.past(), 0);
        let _proxy = ways.socks(PROXY_PORT, Relay::Unspecified);
        packets_are(&mut teem, "carried");
        teem.wait_event("done", LIMIT);
        arrived(folder, "out");
        assert_eq!(ways.past(), 0);
    });
}

#[test]
fn a_tracker_over_udp_is_asked_by_its_name_through_the_relay() {
    isolated("a_tracker_over_udp_is_asked_by_its_name_through_the_relay", &NEEDS, |folder| {
        let ways = TwoWays::lay(folder);
        let (_source, link) = source(&ways, folder);
        let link = link.replace("&tr=http%3A", "&ignored=");
        ways.watch_past(PROXY_PORT);
        let url = format!("socks5://me:secret@{FAR_IP}:{PROXY_PORT}");
        let proxy = ways.socks(PROXY_PORT, Relay::Named);
        get(folder, &link, "out", &url, &[]).wait_event("done", LIMIT);
        arrived(folder, "out");
        proxy.wait(&format!("udp big.test {PORT}"), LIMIT);
        assert_eq!(ways.past(), 0);
        drop(proxy);
        // Without a relay that tracker is out of reach, which is said.
        let proxy = ways.socks(PROXY_PORT, Relay::Refused);
        let mut teem = get(folder, &link, "none", &url, &[]);
        packets_are(&mut teem, "refused");
        teem.wait_line("a tracker's failure", LIMIT, |line| {
            let value: Value = serde_json::from_str(line).ok()?;
            (value["event"] == "tracker" && value["error"].as_str()?.contains("proxy's relay")).then_some(())
        });
        assert!(!proxy.said().contains(&"relay".to_owned()));
        assert_eq!(ways.past(), 0);
    });
}

/// What dante is told: packets of everybody are relayed, from the same port.
const DANTE: &str = "logoutput: stderr
internal: 198.18.9.2 port = 1080
external: 198.18.9.2
socksmethod: none
clientmethod: none
user.privileged: root
user.unprivileged: root
client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks pass {
  from: 0.0.0.0/0 to: 0.0.0.0/0
  command: bind connect udpassociate udpreply
  udp.portrange: 1080-1080
}
";

#[test]
fn packets_go_by_dante() {
    let needs = [NEEDS[0], NEEDS[1], Needs::Command("danted", "-v")];
    isolated("packets_go_by_dante", &needs, |folder| {
        let ways = TwoWays::lay(folder);
        let (_node, _source, hash) = networked(&ways, folder);
        ways.watch_past(PROXY_PORT);
        let config = folder.join("danted.conf");
        std::fs::write(&config, DANTE).expect("the folder is writable");
        let _proxy = Process::start(ways.command("danted").arg("-f").arg(&config));
        // Without TCP nothing comes but by the relay.
        get_by_packets(folder, &hash, "out", &[]).wait_event("done", LIMIT);
        arrived(folder, "out");
        assert_eq!(ways.past(), 0);
    });
}

#[test]
fn a_proxy_of_others_is_understood() {
    let needs = [NEEDS[0], NEEDS[1], Needs::Command("microsocks", "-h")];
    isolated("a_proxy_of_others_is_understood", &needs, |folder| {
        let ways = TwoWays::lay(folder);
        let (_source, link) = source(&ways, folder);
        ways.watch_past(PROXY_PORT);
        let port = PROXY_PORT.to_string();
        let args = ["-i", FAR_IP, "-p", &port, "-u", "me", "-P", "secret"];
        let _proxy = Process::start(ways.command("microsocks").args(args));
        let url = format!("socks5://me:secret@{FAR_IP}:{PROXY_PORT}");
        get(folder, &link, "out", &url, &[]).wait_event("done", LIMIT);
        arrived(folder, "out");
        assert_eq!(ways.past(), 0);
    });
}

/// The proxy is not there, which hinders nobody from making a torrent.
#[test]
fn what_an_anonymous_one_shares_names_no_program() {
    let folder = std::env::temp_dir().join(format!("teem-anonymous-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    content::write(&folder, "thing", Shape::Single, 1 << 16);
    let (thing, file) = (folder.join("thing"), folder.join("thing.torrent"));
    let (thing, out) = (thing.to_string_lossy(), file.to_string_lossy());
    for (mark, more) in [(true, &[][..]), (false, &["--anonymous"])] {
        let proxy = ["--proxy", "socks5://127.0.0.1:9"];
        let args = [&["share", &thing, "--hidden", "--no-tracker", "-o", &out, "--force"], &proxy[..], more].concat();
        let mut teem = Teem::start(&folder.join("home"), &args);
        teem.wait_event("ready", LIMIT);
        drop(teem);
        let bytes = std::fs::read(&file).expect("the .torrent was written");
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!((text.contains("created by"), text.contains("Teem")), (mark, mark), "{text}");
    }
    std::fs::remove_dir_all(&folder).expect("own folder");
}
