//! opentracker, over HTTP and UDP. As Debian builds it, it serves only the info-hashes on its list, and IPv4 only.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::namespace::Needs;
use crate::setting::{Family, Protocol};
use crate::tracker::{Swarm, Tracker};

/// The stock tracker.
#[derive(Clone, Copy, Debug)]
pub struct Opentracker;

impl Tracker for Opentracker {
    fn name(&self) -> &'static str {
        "opentracker"
    }

    fn needs(&self, _protocol: Protocol) -> Needs {
        Needs::Command("opentracker", "-v")
    }

    fn version(&self) -> String {
        let mut command = Command::new("dpkg-query");
        let output = command.args(["-W", "-f", "${Version}", "opentracker"]).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    }

    fn cannot(&self, _protocol: Protocol, family: Family) -> Option<&'static str> {
        (family == Family::V6).then_some("Debian builds opentracker for IPv4")
    }

    fn command(&self, swarm: &Swarm, folder: &Path) -> Command {
        let (conf, at) = (folder.join("opentracker.conf"), swarm.at);
        let text = format!("listen.udp {at}\nlisten.tcp {at}\ntracker.user nobody\naccess.whitelist /list\n");
        fs::write(&conf, text).expect("the folder is writable");
        // Read after it made the folder its root.
        fs::write(folder.join("list"), format!("{}\n", swarm.info_hash)).expect("the folder is writable");
        let mut command = Command::new("opentracker");
        command.arg("-f").arg(&conf).arg("-d").arg(folder);
        command
    }
}
