//! Crate arrows: which crate of the workspace may name which, as ARCHITECTURE.md's table has it. A crate may name what
//! its row names and whatever those may name. Tests obey the same table.

use crate::finding::Finding;
use crate::tree::Package;

/// Crate, and the nearest crates below it.
const TABLE: [(&str, &[&str]); 22] = [
    ("teem-fault", &[]),
    ("teem-path", &[]),
    ("teem-sandbox", &[]),
    ("teem-basis", &[]),
    ("teem-bencode", &[]),
    ("teem-metainfo", &["teem-bencode"]),
    ("teem-wire", &["teem-metainfo"]),
    ("teem-swarm", &["teem-basis", "teem-wire"]),
    ("teem-dht", &["teem-basis", "teem-wire"]),
    ("teem-utp", &["teem-basis"]),
    ("teem-portmap", &[]),
    ("teem-mse", &[]),
    ("teem-web", &["teem-wire", "teem-fault"]),
    ("teem-tracker-server", &["teem-wire", "teem-web", "teem-fault", "teem-path"]),
    ("teem-engine", &["teem-swarm", "teem-dht"]),
    ("teem-disk", &["teem-engine", "teem-fault"]),
    ("teem-host", &["teem-engine", "teem-fault", "teem-path", "teem-utp", "teem-mse"]),
    ("teem-client", &["teem-host", "teem-disk", "teem-tracker-server", "teem-portmap"]),
    ("teem-daemon", &["teem-client"]),
    ("teem-sim", &["teem-engine", "teem-dht", "teem-utp", "teem-mse", "teem-tracker-server"]),
    ("teem-rig", &[]),
    ("teem-faultfs", &["teem-disk"]),
];

/// Packages outside the table: these may name any crate, and none may name them.
const ON_TOP: [&str; 3] = ["teem", "teem-fuzz", "xtask"];

/// Dependencies of tests alone that go beyond the table: (crate, dependency, reason).
const FOR_TESTS: [(&str, &str, &str); 5] = [
    ("teem-swarm", "teem-sim", "one world and one disk for the tests of all core crates"),
    ("teem-engine", "teem-sim", "one world and one disk for the tests of all core crates"),
    ("teem-disk", "teem-faultfs", "the file systems that fail stand on its traits"),
    ("teem-host", "teem-rig", "a network whose device is slow, for a socket that has no room"),
    ("teem-client", "teem-faultfs", "a client is run on a file system that fails"),
];

/// The formats of the wire are not derived from the model, so serde is named here only.
const MAY_SERIALISE: [&str; 8] =
    ["teem-client", "teem-daemon", "teem-web", "teem-sim", "teem-rig", "teem", "xtask", "teem-fuzz"];

pub(super) fn check(package: &Package, findings: &mut Vec<Finding>) {
    let manifest = &package.manifest;
    let name = manifest.name.as_str();
    let mut say = |line, message: String| findings.push(Finding::new(&manifest.path, line, message));
    if name.is_empty() {
        return;
    }
    let on_top = ON_TOP.contains(&name);
    if !on_top && below(name).is_none() {
        say(
            0,
            format!(
                "crate {name} is not in the table of crates: give it a row in ARCHITECTURE.md and in xtask/src/tidy/arrows.rs"
            ),
        );
        return;
    }
    for dependency in &manifest.dependencies {
        let on = dependency.package.as_str();
        let serde = on == "serde" || on.starts_with("serde_") || on.starts_with("serde-");
        if serde && !dependency.dev && !MAY_SERIALISE.contains(&name) {
            say(
                dependency.line,
                format!(
                    "{name} must not name {on}: the wire format is not the model; serialise in client, web, sim or the binary"
                ),
            );
        }
        let ours = on.starts_with("teem-") || ON_TOP.contains(&on);
        let excepted = dependency.dev && FOR_TESTS.iter().any(|&(a, b, _)| (a, b) == (name, on));
        if ours && !excepted && !on_top && !reaches(name, on) {
            let allowed = closure(name);
            let allowed = if allowed.is_empty() { "none".into() } else { allowed.join(", ") };
            say(
                dependency.line,
                format!(
                    "{name} must not depend on {on} (allowed: {allowed}): move what is shared down, or pass it in from above"
                ),
            );
        }
    }
}

fn below(name: &str) -> Option<&'static [&'static str]> {
    TABLE.iter().find(|(of, _)| *of == name).map(|(_, below)| *below)
}

fn closure(name: &str) -> Vec<&'static str> {
    TABLE.iter().map(|(other, _)| *other).filter(|other| *other != name && reaches(name, other)).collect()
}

fn reaches(from: &str, to: &str) -> bool {
    below(from).unwrap_or_default().iter().any(|next| *next == to || reaches(next, to))
}
