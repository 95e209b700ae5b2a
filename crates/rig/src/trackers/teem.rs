//! `teem track`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::client::printed_version;
use crate::namespace::Needs;
use crate::setting::Protocol;
use crate::tracker::{Swarm, Tracker};

/// A binary of Teem.
#[derive(Clone, Debug)]
pub struct Teem {
    /// Where it lies.
    pub binary: PathBuf,
}

impl Tracker for Teem {
    fn name(&self) -> &'static str {
        "teem"
    }

    fn needs(&self, _protocol: Protocol) -> Needs {
        Needs::Command("true", "")
    }

    fn version(&self) -> String {
        printed_version(Command::new(&self.binary).arg("--version"))
    }

    fn command(&self, swarm: &Swarm, folder: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        let at = swarm.at.to_string();
        command.args(["track", "--json", "--http", &at, "--udp", &at]);
        command.env("HOME", folder).env("XDG_STATE_HOME", folder);
        command
    }
}
