//! One transfer over a line (own design): the far host seeds, the near one downloads, a [`crate::relay`] is between them. It says how long that took and what
//! the line saw.

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::PEER_PORT;
use crate::clients::libtorrent;
use crate::content::{self, Shape};
use crate::hosts::{FAR_IP, Hosts, NEAR_IP};
use crate::line::Nature;
use crate::namespace::Needs;
use crate::process::Process;
use crate::relay::Passed;
use crate::torrent::Torrent;

/// Bytes of a piece.
const PIECE_LEN: usize = 1 << 20;
/// Starting, and checking the content.
const READY: Duration = Duration::from_secs(60);
/// The longest that a transfer may take: it hangs.
const LIMIT: Duration = Duration::from_secs(240);

/// What seeds and what downloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Teem with `--transport utp`.
    TeemUtp,
    /// Teem with `--transport tcp`: the system's own TCP.
    TeemTcp,
    /// libtorrent by its Python binding, uTP alone.
    LibtorrentUtp,
}

impl Program {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::TeemUtp, Self::TeemTcp, Self::LibtorrentUtp];

    /// The word that it is typed as.
    pub fn word(self) -> &'static str {
        match self {
            Self::TeemUtp => "teem-utp",
            Self::TeemTcp => "teem-tcp",
            Self::LibtorrentUtp => "libtorrent-utp",
        }
    }

    /// The one of that word.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|program| program.word() == word)
    }

    /// What has to be installed.
    pub fn needs(self) -> Option<Needs> {
        (self == Self::LibtorrentUtp).then_some(Needs::Python("libtorrent"))
    }
}

/// As a table names it.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TeemUtp => "Teem, uTP",
            Self::TeemTcp => "Teem, TCP",
            Self::LibtorrentUtp => "libtorrent, uTP",
        })
    }
}

/// What a transfer came to.
#[derive(Clone, Copy, Debug)]
pub struct Carried {
    /// From the start of the downloader until it has all; where that is libtorrent, from when its session is ready.
    pub took: Duration,
    /// What the relay saw of both directions.
    pub passed: Passed,
}

/// Has `bytes` of content carried over a line of that nature; `folder` is for all that is written. It must run in a namespace of its own, and panics when something
/// else arrives, or nothing.
pub fn play(program: Program, nature: Nature, bytes: u64, teem: &Path, folder: &Path) -> Carried {
    let mut hosts = Hosts::join_by_relay(nature);
    content::write(folder, "content", Shape::Single, bytes);
    let torrent = Torrent::create(folder, "content", PIECE_LEN, &[]);
    let ends = Ends { far: hosts.far(), teem, folder, torrent: torrent.path.to_string_lossy().into_owned() };
    let took = match program {
        Program::TeemUtp => ends.teem("utp"),
        Program::TeemTcp => ends.teem("tcp"),
        Program::LibtorrentUtp => ends.libtorrent(),
    };
    let passed = hosts.part().unwrap_or_default();
    content::assert_same(&folder.join("content"), &folder.join("out/content"));
    Carried { took, passed }
}

/// Both hosts, and what lies there.
struct Ends<'a> {
    far: [String; 3],
    teem: &'a Path,
    folder: &'a Path,
    torrent: String,
}

impl Ends<'_> {
    /// A program on the far host.
    fn far(&self, home: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(&self.far[0]);
        command.args(&self.far[1..]).arg(program);
        self.at_home(home, command)
    }

    fn at_home(&self, home: &str, mut command: Command) -> Command {
        let home = self.folder.join(home);
        command.env("HOME", &home).env("XDG_STATE_HOME", home.join("state"));
        command
    }

    fn out(&self) -> String {
        self.folder.join("out").to_string_lossy().into_owned()
    }

    fn teem(&self, transport: &str) -> Duration {
        let seat = |ip: &str| format!("{ip}:{PEER_PORT}");
        let mut seed = self.far("seed", self.teem);
        seed.args(["seed", "--json", "--transport", transport, "--listen", &seat(FAR_IP), "--data"]);
        let mut seed = Process::start(seed.arg(self.folder).arg(&self.torrent));
        seed.wait_line("listening seed", READY, |line| line.contains("\"port\":").then_some(()));
        let mut get = self.at_home("get", Command::new(self.teem));
        get.args(["get", "--json", "--transport", transport, "--listen", &seat(NEAR_IP), "--peer", &seat(FAR_IP)]);
        let begun = Instant::now();
        let mut get = Process::start(get.args(["-o", &self.out(), &self.torrent]));
        let status = get.wait_exit(LIMIT);
        let took = begun.elapsed();
        assert!(status.success(), "teem get: {status}");
        seed.assert_runs();
        took
    }

    fn libtorrent(&self) -> Duration {
        let job = |mode: &str, ip: &str, dir: &str, peer: &str| {
            libtorrent::command(&json!({
                "mode": mode, "link": self.torrent, "dir": dir, "at": format!("{ip}:{PEER_PORT}"), "ip": ip, "up": 0,
                "super": false, "stock": false, "utp": true, "peer": peer,
            }))
        };
        let [program, arguments @ ..] = job("seed", FAR_IP, &self.folder.to_string_lossy(), "");
        let mut seed = Process::start(self.far("seed", program).args(arguments));
        seed.wait_line("ready seed", READY, |line| (line == "ready").then_some(()));
        let [program, arguments @ ..] = job("get", NEAR_IP, &self.out(), FAR_IP);
        let mut get = Process::start(self.at_home("get", Command::new(program)).args(arguments));
        get.wait_line("ready session", READY, |line| (line == "ready").then_some(()));
        let begun = Instant::now();
        get.wait_line("whole download", LIMIT, |line| (line == "done").then_some(()));
        let took = begun.elapsed();
        seed.assert_runs();
        took
    }
}
