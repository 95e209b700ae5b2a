//! libtorrent 2.1.1 by its Python binding: a short script plays one client with one torrent and tells its state by words
//! on standard output.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Client, Job, Running, Seat, Whole, printed_version};
use crate::namespace::Needs;
use crate::setting::{Asked, Encryption, Role};

const SCRIPT: &str = include_str!("libtorrent_peer.py");
/// Starting, and as a seed checking what is there.
const READY: Duration = Duration::from_secs(60);

/// A session with one torrent.
#[derive(Clone, Copy, Debug)]
pub struct Libtorrent {
    /// As a seed: by BEP 16.
    pub super_seeds: bool,
}

impl Client for Libtorrent {
    fn name(&self) -> &'static str {
        if self.super_seeds { "libtorrent-super" } else { "libtorrent" }
    }

    fn needs(&self) -> Needs {
        Needs::Python("libtorrent")
    }

    fn version(&self) -> String {
        printed_version(Command::new("python3").args(["-c", "import libtorrent; print(libtorrent.__version__)"]))
    }

    fn cannot(&self, asked: Asked) -> Option<&'static str> {
        let renames = asked.odd && asked.role == Role::Seeds;
        renames.then_some("does not find what it would itself have written under another name")
    }

    fn knows(&self, _: Encryption) -> bool {
        true
    }

    fn start(&self, seat: &Seat, job: &Job<'_>) -> Running {
        let mode = if job.role == Role::Seeds { "seed" } else { "get" };
        let at = seat.listen();
        let job = json!({
            "mode": mode, "link": job.link, "dir": job.folder, "at": at.to_string(), "ip": seat.ip.to_string(),
            "up": job.up, "super": self.super_seeds, "stock": false, "encryption": job.encryption.map(Encryption::word),
            "utp": job.utp, "pex": job.pex, "lsd": job.lsd, "peer": job.peer.map(|peer| peer.to_string()),
            "dht": job.dht.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        });
        let mut running = session(seat, &job);
        running.process.wait_line("ready session", READY, |line| (line == "ready").then_some(()));
        running
    }
}

/// The same with all settings as they come; returns at once.
pub(crate) fn stock(seat: &Seat, role: Role, link: &str, folder: &Path) -> Running {
    let mode = if role == Role::Seeds { "seed" } else { "get" };
    session(seat, &json!({ "mode": mode, "link": link, "dir": folder, "stock": true }))
}

fn session(seat: &Seat, job: &Value) -> Running {
    let [program, arguments @ ..] = command(job);
    seat.start(Command::new(program).args(arguments), Whole::Line("done"))
}

/// The words that start a session for that job, which the script describes.
pub fn command(job: &Value) -> [String; 6] {
    ["python3", "-W", "ignore", "-c", SCRIPT, &job.to_string()].map(str::to_owned)
}
