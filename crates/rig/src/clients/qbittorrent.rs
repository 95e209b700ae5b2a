//! qbittorrent-nox 4.5: configured by a file, given its torrent on the command line; runs a program when it has all. The names of the nodes that it begins
//! with in the DHT are fixed ([`NAMES`]), so a scenario says what they mean.

use std::fs;
use std::process::Command;

use crate::client::{Client, Job, Running, Seat, printed_version};
use crate::namespace::Needs;
use crate::setting::{Asked, Role};

/// The hosts that it begins with in the DHT, at port 6881.
pub const NAMES: [&str; 4] =
    ["router.bittorrent.com", "router.utorrent.com", "dht.transmissionbt.com", "dht.libtorrent.org"];

/// One process with one torrent.
#[derive(Clone, Copy, Debug)]
pub struct Qbittorrent;

impl Client for Qbittorrent {
    fn name(&self) -> &'static str {
        "qbittorrent"
    }

    fn needs(&self) -> Needs {
        Needs::Command("qbittorrent-nox", "--version")
    }

    fn version(&self) -> String {
        printed_version(Command::new("qbittorrent-nox").arg("--version"))
    }

    fn cannot(&self, asked: Asked) -> Option<&'static str> {
        let renames = asked.odd && asked.role == Role::Seeds;
        renames.then_some("does not find what it would itself have written under another name")
    }

    fn start(&self, seat: &Seat, job: &Job<'_>) -> Running {
        let (hook, whole) = seat.hook();
        let config = seat.home.join("qBittorrent/config");
        fs::create_dir_all(&config).expect("the folder is writable");
        let (ip, port, control) = (seat.ip, seat.listen().port(), seat.control().port());
        let (kib, hook, dht) = (job.up >> 10, hook.display(), !job.dht.is_empty());
        let settings = format!(
            r"[LegalNotice]
Accepted=true
[BitTorrent]
Session\DHTEnabled={dht}
Session\LSDEnabled=false
Session\PeXEnabled=false
Session\Port={port}
Session\Interface=lo
Session\InterfaceAddress={ip}
Session\BTProtocol=TCP
Session\Encryption=2
Session\QueueingSystemEnabled=false
Session\GlobalUPSpeedLimit={kib}
Session\MultiConnectionsPerIp=true
Session\IgnoreLimitsOnLAN=false
Session\GlobalMaxRatio=-1
[AutoRun]
enabled=true
program={hook}
[Network]
PortForwardingEnabled=false
[Preferences]
WebUI\Address=127.0.0.1
WebUI\Port={control}
WebUI\UPnP=false
Connection\UPnP=false
Connection\ResolvePeerCountries=false
"
        );
        fs::write(config.join("qBittorrent.conf"), settings).expect("the folder is writable");
        let mut command = Command::new("qbittorrent-nox");
        command.arg(format!("--profile={}", seat.home.display()));
        command.arg(format!("--save-path={}", job.folder.display()));
        seat.start(command.args(["--skip-dialog=true", "--add-paused=false"]).arg(job.link), whole)
    }
}
