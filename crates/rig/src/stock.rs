//! Clients as their users start them: a torrent, a folder, and every setting as it comes, uTP, encryption, DHT and the like included.
//! What is set says nothing to the network: where files go, and how it is seen that a download is whole.
//!
//! Each has one control port, so one of a kind runs in a network.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::client::{Client, Running, Seat, Whole};
use crate::clients::{aria2, libtorrent, qbittorrent, rqbit, rtorrent, transmission, webtorrent};
use crate::http;
use crate::namespace::Needs;
use crate::node;
use crate::setting::Role;

/// The control port of rqbit, which takes any free one unless told.
const RQBIT_CONTROL: &str = "127.0.0.1:3030";

/// A client with its default settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stock {
    /// aria2c, one process for one torrent.
    Aria2,
    /// libtorrent by its Python binding.
    Libtorrent,
    /// qbittorrent-nox, its torrent on the command line.
    Qbittorrent,
    /// rqbit, by its subcommand `download`.
    Rqbit,
    /// rtorrent, without a terminal.
    Rtorrent,
    /// transmission-daemon, its torrent added by remote control.
    Transmission,
    /// The library below webtorrent-cli.
    Webtorrent,
}

impl Stock {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Aria2,
        Self::Libtorrent,
        Self::Qbittorrent,
        Self::Rqbit,
        Self::Rtorrent,
        Self::Transmission,
        Self::Webtorrent,
    ];

    fn client(self) -> &'static dyn Client {
        match self {
            Self::Aria2 => &aria2::Aria2,
            Self::Libtorrent => &libtorrent::Libtorrent { super_seeds: false },
            Self::Qbittorrent => &qbittorrent::Qbittorrent,
            Self::Rqbit => &rqbit::Rqbit,
            Self::Rtorrent => &rtorrent::Rtorrent,
            Self::Transmission => &transmission::Transmission,
            Self::Webtorrent => &webtorrent::Webtorrent,
        }
    }

    /// The name that the list of clients knows it by.
    pub fn name(self) -> &'static str {
        self.client().name()
    }

    /// Its version, as it tells itself.
    pub fn version(self) -> String {
        self.client().version()
    }

    /// What has to be installed.
    pub fn needs(self) -> Needs {
        self.client().needs()
    }

    /// The client of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|client| client.name() == name)
    }

    /// Starts a download of the .torrent file or magnet link into `folder`.
    pub fn get(self, seat: &Seat, link: &str, folder: &Path) -> Running {
        fs::create_dir_all(folder).expect("the folder is writable");
        self.start(seat, Role::Gets, link, folder)
    }

    /// Starts it with a .torrent file whose content lies in `folder`. It looks at that first, and seeds it when its tracker counts it as a seed.
    pub fn seed(self, seat: &Seat, torrent: &str, folder: &Path) -> Running {
        self.start(seat, Role::Seeds, torrent, folder)
    }

    fn start(self, seat: &Seat, role: Role, link: &str, folder: &Path) -> Running {
        let seeds = role == Role::Seeds;
        match self {
            Self::Aria2 => {
                let (hook, whole) = seat.hook();
                let mut command = Command::new("aria2c");
                if seeds {
                    command.arg("--check-integrity"); // else it says that the file is there already, and ends
                }
                command.arg(format!("--on-bt-download-complete={}", hook.display())).arg("--dir").arg(folder);
                seat.start(command.arg(link), whole)
            }
            Self::Libtorrent => libtorrent::stock(seat, role, link, folder),
            Self::Qbittorrent => {
                let (hook, whole) = seat.hook();
                let config = seat.home.join("qBittorrent/config");
                fs::create_dir_all(&config).expect("the folder is writable");
                let settings = format!(
                    "[LegalNotice]\nAccepted=true\n[AutoRun]\nenabled=true\nprogram={0}\n\
                     OnTorrentFinished\\Enabled=true\nOnTorrentFinished\\Program={0}\n",
                    hook.display()
                );
                fs::write(config.join("qBittorrent.conf"), settings).expect("the folder is writable");
                let mut command = Command::new("qbittorrent-nox");
                command.arg(format!("--profile={}", seat.home.display()));
                command.arg(format!("--save-path={}", folder.display()));
                seat.start(command.args(["--skip-dialog=true", "--add-paused=false"]).arg(link), whole)
            }
            Self::Rqbit => {
                let ask = || {
                    let answer = http::request(RQBIT_CONTROL, "/torrents/0/stats/v1", &[], None);
                    answer.is_ok_and(|answer| String::from_utf8_lossy(&answer.body).contains("\"finished\":true"))
                };
                let mut command = Command::new("rqbit");
                command.args(["--http-api-listen-addr", RQBIT_CONTROL]);
                command.args(["download", "-o"]).arg(folder);
                if seeds {
                    command.arg("--overwrite"); // else it says that the file is there already, and ends
                }
                seat.start(command.arg(link), Whole::Asked(Box::new(ask)))
            }
            Self::Rtorrent => {
                let (hook, whole) = seat.hook();
                let session = seat.home.join("session");
                fs::create_dir_all(&session).expect("the folder is writable");
                let commands = format!(
                    "system.daemon.set = true\nsession.path.set = \"{}\"\ndirectory.default.set = \"{}\"\n\
                     method.set_key = event.download.finished,mark,\"execute.nothrow={}\"\n\
                     schedule2 = add,0,0,((load.start,\"{link}\"))\n",
                    session.display(),
                    folder.display(),
                    hook.display()
                );
                let file = seat.home.join("commands");
                fs::write(&file, commands).expect("the folder is writable");
                let import = format!("import={}", file.display());
                seat.start(Command::new("rtorrent").args(["-n", "-o", &import]), whole)
            }
            Self::Transmission => transmission::stock(seat, role, link, folder),
            Self::Webtorrent => {
                let told = json!({ "link": link, "folder": folder });
                let mut script = node::script(
                    webtorrent::COMMAND,
                    "const { default: WebTorrent } = await import(modules + '/webtorrent/index.js')\n\
                     const torrent = new WebTorrent().add(o.link, { path: o.folder })\n\
                     for (const name of ['infoHash', 'metadata', 'ready', 'warning', 'noPeers', 'wire']) \
                     torrent.on(name, what => console.error(name, String(what?.remoteAddress ?? what ?? '')))\n\
                     torrent.on('done', () => console.log('done'))\n",
                    &told,
                );
                seat.start(&mut script, Whole::Line("done"))
            }
        }
    }
}
