//! The programs that can be put into a swarm: how each is started as a seed and as a downloader that stays, with what limit,
//! and how it is seen that its download is whole.
use crate::bench::Failed;
use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where every client listens, each on an address of its own.
const PORT: u16 = 42_000;
/// The first control port; one for each client that has one.
const CONTROL: u16 = 20_000;
const LIBTORRENT: &str = include_str!("../../../tests/common/libtorrent_peer.py");

/// A program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The release build of this tree.
    Teem,
    /// The same as a seed that shows everything at once.
    Plain,
    /// libtorrent by its Python binding.
    Libtorrent,
    /// The same as a seed by BEP 16.
    SuperSeed,
    /// qbittorrent-nox.
    Qbittorrent,
    /// aria2c.
    Aria2,
    /// transmission-daemon.
    Transmission,
    /// rqbit.
    Rqbit,
}

/// All of them.
const ALL: [Kind; 8] = [
    Kind::Teem,
    Kind::Plain,
    Kind::Libtorrent,
    Kind::SuperSeed,
    Kind::Qbittorrent,
    Kind::Aria2,
    Kind::Transmission,
    Kind::Rqbit,
];

impl Kind {
    /// The name that is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Teem => "teem",
            Self::Plain => "teem-no-granting",
            Self::Libtorrent => "libtorrent",
            Self::SuperSeed => "libtorrent-super",
            Self::Qbittorrent => "qbittorrent",
            Self::Aria2 => "aria2",
            Self::Transmission => "transmission",
            Self::Rqbit => "rqbit",
        }
    }

    /// By the name that is typed.
    pub fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What all of a swarm have in common.
pub struct Common<'a> {
    /// The binary of this tree.
    pub teem: &'a Path,
    /// The torrent.
    pub torrent: &'a Path,
    /// Upload limit of each, bytes a second.
    pub up: u64,
}

/// How it is seen that a download is whole.
enum Whole {
    /// A hook makes this file.
    File(PathBuf),
    /// It says so in its output.
    Line(&'static str),
    /// It says so when asked.
    Http(SocketAddr),
}

/// A running client, killed when dropped.
pub struct Running {
    child: Child,
    home: PathBuf,
    whole: Whole,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts a client with its files in `home`, on the address of that number; `data` is the folder of the content, which is
    /// there (for a seed) or will be.
    pub fn start(
        common: &Common<'_>,
        kind: Kind,
        number: u16,
        home: &Path,
        data: &Path,
        seeds: bool,
    ) -> Result<Self, Failed> {
        fs::create_dir_all(home)?;
        fs::create_dir_all(data)?;
        let ip = format!("198.18.{}.{}", 1 + number / 200, 1 + number % 200);
        let control = CONTROL + number;
        let marker = home.join("whole");
        let hook = home.join("hook");
        fs::write(&hook, format!("#!/bin/sh\n: > '{}'\n", marker.display()))?;
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755))?;
        let up = common.up.to_string();
        let torrent = common.torrent;
        let (mut command, whole) = match kind {
            Kind::Teem | Kind::Plain => {
                let mut command = Command::new(common.teem);
                command.args(["--json", "--listen", &format!("{ip}:{PORT}"), "--up", &up]);
                (command, Whole::File(marker))
            }
            Kind::Libtorrent | Kind::SuperSeed => (Command::new("python3"), Whole::Line("done")),
            Kind::Qbittorrent => (Command::new("qbittorrent-nox"), Whole::File(marker)),
            Kind::Aria2 => (Command::new("aria2c"), Whole::File(marker)),
            Kind::Transmission => (Command::new("transmission-daemon"), Whole::File(marker)),
            Kind::Rqbit => (Command::new("rqbit"), Whole::Http(SocketAddr::from(([127, 0, 0, 1], control)))),
        };
        match kind {
            Kind::Teem | Kind::Plain => {
                let mut arranged = Command::new(common.teem);
                arranged.arg(if seeds { "seed" } else { "get" }).args(command.get_args());
                if kind == Kind::Plain {
                    arranged.arg("--no-granting");
                }
                if seeds {
                    arranged.arg("--data").arg(data);
                } else {
                    arranged.arg("--seed").arg("--on-done").arg(&hook).arg("-o").arg(data);
                }
                arranged.arg(torrent);
                command = arranged;
            }
            Kind::Libtorrent | Kind::SuperSeed => {
                let mode = if seeds { "seed" } else { "get" };
                let more = if kind == Kind::SuperSeed { r#","super":true"# } else { "" };
                let job = format!(
                    r#"{{"mode":"{mode}","link":"{}","dir":"{}","ip":"{ip}","port":{PORT},"peers":[],"up":{up}{more}}}"#,
                    torrent.display(),
                    data.display()
                );
                command.args(["-W", "ignore", "-c", LIBTORRENT, &job]);
            }
            Kind::Qbittorrent => {
                let config = home.join("qBittorrent/config");
                fs::create_dir_all(&config)?;
                fs::write(config.join("qBittorrent.conf"), qbittorrent_settings(&ip, control, common.up, &hook))?;
                command.arg(format!("--profile={}", home.display())).arg(format!("--save-path={}", data.display()));
                command.args(["--skip-dialog=true", "--add-paused=false"]).arg(torrent);
            }
            Kind::Aria2 => {
                command.args(["--no-conf", "-q", "--enable-dht=false", "--enable-dht6=false", "--disable-ipv6=true"]);
                command.args(["--enable-peer-exchange=false", "--bt-enable-lpd=false", "--bt-max-peers=0"]);
                command.args(["--file-allocation=none", "--allow-overwrite=true", "--seed-ratio=0.0"]);
                command.args([&format!("--interface={ip}"), &format!("--listen-port={PORT}")]);
                command.arg(format!("--max-upload-limit={up}"));
                command.arg(format!("--on-bt-download-complete={}", hook.display())).arg("--dir").arg(data);
                if seeds {
                    command.arg("--check-integrity=true");
                }
                command.arg(torrent);
            }
            Kind::Transmission => {
                let settings = transmission_settings(&ip, control, common.up, &hook);
                fs::write(home.join("settings.json"), settings)?;
                command.args(["-f", "-g"]).arg(home);
            }
            Kind::Rqbit => {
                // It dials and announces from whatever address the system picks, the same for all: a port of its own tells it apart.
                let port = (PORT + 1 + number).to_string();
                command.args(["-v", "warn", "--disable-dht", "--disable-lsd", "--disable-upnp-port-forward"]);
                command.args([
                    "--ipv4-only",
                    "--listen-ip",
                    "0.0.0.0",
                    "--listen-port",
                    &port,
                    "--announce-port",
                    &port,
                ]);
                command.args(["--http-api-listen-addr", &format!("127.0.0.1:{control}"), "--ratelimit-upload", &up]);
                command.arg("download").arg("-o").arg(data);
                if seeds {
                    command.arg("--overwrite");
                }
                command.arg(torrent);
            }
        }
        let log = File::create(home.join("log"))?;
        command.env("HOME", home).env("XDG_STATE_HOME", home.join("state")).stdin(Stdio::null());
        let child = command.stdout(log.try_clone()?).stderr(log).spawn();
        let child = child.map_err(|e| Failed::new(format!("{}: {e}", command.get_program().display())))?;
        let running = Self { child, home: home.to_path_buf(), whole };
        if kind == Kind::Transmission {
            transmission_add(control, torrent, data, seeds)?;
        }
        Ok(running)
    }

    /// Whether its download is whole; an error when it has ended.
    pub fn is_whole(&mut self) -> Result<bool, Failed> {
        if let Some(status) = self.child.try_wait()? {
            let log = self.log();
            let end = log.lines().rev().take(3).collect::<Vec<_>>().join(" / ");
            return Err(Failed::new(format!("{} ended: {status}: {end}", self.home.display())));
        }
        Ok(match &self.whole {
            Whole::File(marker) => marker.exists(),
            Whole::Line(word) => self.log().lines().any(|line| line == *word),
            Whole::Http(addr) => http(*addr, "/torrents/0/stats/v1").is_some_and(|s| s.contains("\"finished\":true")),
        })
    }

    /// All that it wrote.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

/// The body that an HTTP server answers, if it does.
pub fn http(addr: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&addr, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

fn qbittorrent_settings(ip: &str, control: u16, up: u64, hook: &Path) -> String {
    let (kib, hook) = (up >> 10, hook.display());
    format!(
        r"[LegalNotice]
Accepted=true
[BitTorrent]
Session\DHTEnabled=false
Session\LSDEnabled=false
Session\PeXEnabled=false
Session\Port={PORT}
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
    )
}

fn transmission_settings(ip: &str, control: u16, up: u64, hook: &Path) -> String {
    let off = [
        "dht-enabled",
        "lpd-enabled",
        "pex-enabled",
        "utp-enabled",
        "port-forwarding-enabled",
        "ratio-limit-enabled",
        "rpc-authentication-required",
        "rpc-host-whitelist-enabled",
        "rpc-whitelist-enabled",
        "rename-partial-files",
        "idle-seeding-limit-enabled",
        "download-queue-enabled",
        "queue-stalled-enabled",
    ];
    let off = off.map(|name| format!("\"{name}\": false")).join(", ");
    format!(
        r#"{{{off}, "bind-address-ipv4": "{ip}", "peer-port": {PORT}, "rpc-bind-address": "127.0.0.1", "rpc-port": {control},
        "speed-limit-up-enabled": true, "speed-limit-up": {}, "encryption": 0, "peer-limit-per-torrent": 200,
        "script-torrent-done-enabled": true, "script-torrent-done-filename": "{}"}}"#,
        up / 1000,
        hook.display()
    )
}

/// Adds the torrent by the daemon's own remote control, as soon as it answers.
fn transmission_add(control: u16, torrent: &Path, data: &Path, seeds: bool) -> Result<(), Failed> {
    let remote = |args: &[&str], path: &Path| {
        let mut command = Command::new("transmission-remote");
        command.arg(format!("127.0.0.1:{control}")).args(args).arg(path);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    for _ in 0..100 {
        if remote(&["-w"], data)?.success() && remote(&["-a"], torrent)?.success() {
            if seeds {
                remote(&["-t", "1", "-v", "-w"], data)?;
            }
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(Failed::new("transmission-daemon does not answer".into()))
}
