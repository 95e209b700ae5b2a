//! aria2 1.36: one process a torrent. It dials with MSE first, bans an address after one bad piece, and asks UDP trackers only
//! where its DHT is on.

use std::process::Command;

use crate::client::{Client, Job, Running, Seat, printed_version};
use crate::namespace::Needs;
use crate::setting::{Asked, Encryption, Family, Protocol, Role};
use crate::trackers::aquatic;

/// One download or seed.
#[derive(Clone, Copy, Debug)]
pub struct Aria2;

impl Client for Aria2 {
    fn name(&self) -> &'static str {
        "aria2"
    }

    fn needs(&self) -> Needs {
        Needs::Command("aria2c", "--version")
    }

    fn version(&self) -> String {
        printed_version(Command::new("aria2c").arg("--version"))
    }

    fn cannot(&self, asked: Asked) -> Option<&'static str> {
        let udp6 = asked.family == Family::V6 && asked.protocol == Protocol::Udp;
        let key = asked.tracker == aquatic::NAME && asked.protocol == Protocol::Http;
        let why = udp6.then_some("asks UDP trackers over IPv4 only");
        why.or(key.then_some("announces a `key` of eight random bytes, where that tracker takes UTF-8 alone"))
    }

    fn knows(&self, encryption: Encryption) -> bool {
        matches!(encryption, Encryption::Prefer | Encryption::Require)
    }

    fn start(&self, seat: &Seat, job: &Job<'_>) -> Running {
        let (hook, whole) = seat.hook();
        let mut command = Command::new("aria2c");
        command.args(["--no-conf", "--console-log-level=notice", "--summary-interval=0", "--enable-dht6=false"]);
        command.args(["--bt-max-peers=0".to_owned(), format!("--enable-peer-exchange={}", job.pex)]);
        command.args([format!("--bt-enable-lpd={}", job.lsd), format!("--bt-lpd-interface={}", seat.ip)]);
        command.args([
            "--file-allocation=none",
            "--allow-overwrite=true",
            "--bt-tracker-interval=5",
            "--seed-ratio=0.0",
        ]);
        command.arg(format!("--disable-ipv6={}", seat.family() == Family::V4));
        command.args([format!("--interface={}", seat.ip), format!("--listen-port={}", seat.listen().port())]);
        let (dht, kept) = (seat.listen().port(), seat.home.join("dht").display().to_string());
        command.args([format!("--enable-dht={}", seat.family() == Family::V4), format!("--dht-listen-port={dht}")]);
        command.args([format!("--dht-file-path={kept}"), format!("--max-upload-limit={}", job.up)]);
        if let Some(node) = job.dht.first() {
            command.args([format!("--dht-entry-point={node}"), format!("--dht-listen-addr={}", seat.ip)]);
        }
        command.arg(format!("--on-bt-download-complete={}", hook.display())).arg("--dir").arg(job.folder);
        if job.encryption == Some(Encryption::Require) {
            command.args(["--bt-require-crypto=true", "--bt-min-crypto-level=arc4"]);
        }
        if job.role == Role::Seeds {
            command.arg("--check-integrity=true");
        }
        seat.start(command.arg(job.link), whole)
    }
}
