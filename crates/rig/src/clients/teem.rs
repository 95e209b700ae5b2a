//! Teem itself, as a user starts it: the binary with `--json`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use crate::client::{Client, Job, Running, Seat, printed_version};
use crate::namespace::Needs;
use crate::setting::{Encryption, Role};

/// A binary of Teem.
#[derive(Clone, Debug)]
pub struct Teem {
    /// Where it lies.
    pub binary: PathBuf,
    /// As a seed: shows everything at once.
    pub plain: bool,
}

impl Client for Teem {
    fn name(&self) -> &'static str {
        if self.plain { "teem-no-granting" } else { "teem" }
    }

    fn needs(&self) -> Needs {
        Needs::Command("true", "")
    }

    fn version(&self) -> String {
        printed_version(Command::new(&self.binary).arg("--version"))
    }

    fn knows(&self, _: Encryption) -> bool {
        true
    }

    fn start(&self, seat: &Seat, job: &Job<'_>) -> Running {
        self.start_at(seat, seat.listen(), job)
    }
}

impl Teem {
    /// The same at another port than that of the seat.
    pub(crate) fn start_at(&self, seat: &Seat, listen: SocketAddr, job: &Job<'_>) -> Running {
        let (hook, whole) = seat.hook();
        let mut command = Command::new(&self.binary);
        // Peers come from where the scenario says alone, as with the other clients here.
        if job.dht.is_empty() {
            command.env("TEEM_NO_DHT", "1");
        }
        if !job.lsd {
            command.env("TEEM_NO_LSD", "1");
        }
        command.arg(if job.role == Role::Seeds { "seed" } else { "get" });
        command.args(["--json", "--listen", &listen.to_string()]);
        if job.up > 0 {
            command.args(["--up", &job.up.to_string()]);
        }
        if self.plain {
            command.arg("--no-granting");
        }
        if let Some(encryption) = job.encryption {
            command.args(["--encryption", encryption.word()]);
        }
        if job.utp {
            command.args(["--transport", "utp"]);
        }
        if let Some(peer) = job.peer {
            command.args(["--peer", &peer.to_string()]);
        }
        for node in job.dht {
            command.args(["--dht-bootstrap", &node.to_string()]);
        }
        match job.role {
            Role::Seeds => command.arg("--data").arg(job.folder),
            Role::Gets => command.arg("--seed").arg("--on-done").arg(hook).arg("-o").arg(job.folder),
        };
        seat.start(command.arg(job.link), whole)
    }
}
