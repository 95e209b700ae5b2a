//! The page of `share` in a real browser: what somebody sees who opens the printed address.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use crate::common::content::{self, Shape};
use crate::common::namespace::{Needs, isolated};
use crate::common::teem::Teem;
use crate::common::{PEER_PORT, TEEM_IP};

const LIMIT: Duration = Duration::from_secs(60);

/// Opens a page in Chromium, with a profile of its own: what it made of it on standard output, what it complained about on the other.
fn chromium(folder: &Path, url: &str) -> Output {
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
    let ways = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--enable-logging=stderr", "--v=0"];
    let output = Command::new("chromium")
        .args(ways)
        .args(quiet)
        .args([&profile, "--dump-dom", url])
        .env("HOME", folder)
        .output();
    output.expect("chromium runs")
}

#[test]
fn a_browser_shows_the_download_and_refuses_nothing_of_it() {
    let needs = [Needs::Command("chromium", "--version")];
    isolated("a_browser_shows_the_download_and_refuses_nothing_of_it", &needs, |folder| {
        let name = "what & who <b>";
        content::write(folder, name, Shape::Single, 1 << 20);
        let (path, listen) = (folder.join(name), format!("{TEEM_IP}:{PEER_PORT}"));
        let args = ["share", &path.to_string_lossy(), "--listen", &listen];
        let mut teem = Teem::start(&folder.join("home"), &args);
        let ready = teem.wait_event("ready", LIMIT);
        let url = ready["page_url"].as_str().expect("a page");
        let seen = chromium(folder, url);
        let (dom, log) = (String::from_utf8_lossy(&seen.stdout), String::from_utf8_lossy(&seen.stderr));
        let hash = ready["infohash_v1"].as_str().expect("a hash");
        for part in ["what &amp; who", hash, "href=\"magnet:?xt=", "1.0 MiB", "Downloaders", ".torrent\""] {
            assert!(dom.contains(part), "no {part} in\n{dom}\n{log}");
        }
        assert!(!dom.contains("<b>"), "a name is no markup: {dom}");
        assert!(!log.contains("Refused to"), "its own policy forbids a part of the page:\n{log}");
    });
}
