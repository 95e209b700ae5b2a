//! Through a proxy, and no packet past it (`--proxy`; RFC 1928, 1929, RFC 9110 section 9.3.6): peers, trackers and their names, also when the proxy dies. What goes anywhere
//! but to the proxy is counted by the kernel.

mod common;

use std::path::Path;
use std::time::Duration;

use common::content::{self, Shape};
use common::namespace::{Needs, isolated};
use common::process::Process;
use common::teem::Teem;
use serde_json::Value;
use teem_rig::two_ways::{FAR_IP, NEEDS, TwoWays};

const LIMIT: Duration = Duration::from_secs(120);
const SIZE: u64 = 4 << 20;
const PORT: u16 = 7000;
const PROXY_PORT: u16 = 1080;

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
