//! aquatic_http and aquatic_udp, from crates.io. Over HTTP it pads the number of its `Content-Length` and keeps connections; aria2
//! then waits for their end, so it is told to close them.

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
        let http = swarm.protocol == Protocol::Http;
        let more = if http { "keep_alive = false\n" } else { "" };
        let text = format!("log_level = \"info\"\n[network]\naddress = \"{at}\"\n{more}");
        fs::write(&file, text).expect("the folder is writable");
        let mut command = Command::new(if http { "aquatic_http" } else { "aquatic_udp" });
        command.arg("-c").arg(file);
        command
    }
}
