//! aquatic_http and aquatic_udp, from crates.io.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::client::printed_version;
use crate::namespace::Needs;
use crate::setting::Protocol;
use crate::tracker::{Swarm, Tracker};

/// The stock tracker: a program for each protocol.
#[derive(Clone, Copy, Debug)]
pub struct Aquatic;

impl Tracker for Aquatic {
    fn name(&self) -> &'static str {
        "aquatic"
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
        fs::write(&file, format!("log_level = \"info\"\n[network]\naddress = \"{at}\"\n")).expect("it is writable");
        let mut command = Command::new(if swarm.protocol == Protocol::Http { "aquatic_http" } else { "aquatic_udp" });
        command.arg("-c").arg(file);
        command
    }
}
