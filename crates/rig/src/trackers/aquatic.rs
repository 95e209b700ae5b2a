//! aquatic_http and aquatic_udp, from crates.io. Over HTTP it answers nothing to a request in which anything but an info-hash
//! or a peer id is not UTF-8.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::client::printed_version;
use crate::namespace::Needs;
use crate::setting::Protocol;
use crate::tracker::{Swarm, Tracker};

/// As it is typed.
pub(crate) const NAME: &str = "aquatic";

/// The stock tracker: a program for each protocol.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aquatic;

impl Tracker for Aquatic {
    fn name(&self) -> &'static str {
        NAME
    }

    fn needs(&self, protocol: Protocol) -> Needs {
        match protocol {
            Protocol::Http => Needs::Command("aquatic_http", "--version"),
            Protocol::Udp => Needs::Command("aquatic_udp", "--version"),
        }
    }

    fn version(&self) -> String {
        printed_version(Command::new("aquatic_udp").arg("--version"))
    }

    fn command(&self, swarm: &Swarm, folder: &Path) -> Command {
        let (file, at) = (folder.join("aquatic.toml"), swarm.at);
        let http = swarm.protocol == Protocol::Http;
        let text = format!("log_level = \"info\"\n[network]\naddress = \"{at}\"\n");
        fs::write(&file, text).expect("the folder is writable");
        let mut command = Command::new(if http { "aquatic_http" } else { "aquatic_udp" });
        command.arg("-c").arg(file);
        command
    }
}
