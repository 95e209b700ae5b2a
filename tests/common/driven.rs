//! A daemon that others' programs drive over HTTP: its folders, a token for them, and what came of it on the disk.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use teem_rig::http::{self, Answer};
use teem_rig::namespace::Folder;
use teem_rig::process::{Process, wait_until};
use teem_rig::torrent::Torrent;

use super::run::{Ran, command, teem_with};

/// Starting in a debug build, on a machine with much else to do.
pub const READY: Duration = Duration::from_secs(60);

/// A running daemon with its root `files`.
pub struct Driven {
    folder: Folder,
    daemon: Process,
    /// Where it is asked.
    pub api: SocketAddr,
    /// A token that may change torrents.
    pub token: String,
}

impl Driven {
    /// Starts one in a folder of its own.
    pub fn start(name: &str) -> Self {
        let folder = Folder::new(name);
        fs::create_dir(folder.0.join("files")).expect("the folder is writable");
        let (daemon, api) = start(&folder.0);
        let mut driven = Self { folder, daemon, api, token: String::new() };
        driven.token = driven.make_token("driver", "control");
        driven
    }

    /// Kills it, and starts it again.
    pub fn again(&mut self) {
        let killed = Command::new("kill").args(["-KILL", &self.daemon.id().to_string()]).status().expect("kill");
        assert!(killed.success());
        self.daemon.wait_exit(READY);
        (self.daemon, self.api) = start(&self.folder.0);
    }

    /// The folder with all of it.
    pub fn at(&self) -> &Path {
        &self.folder.0
    }

    /// The daemon's root, as it calls it.
    pub fn root(&self) -> PathBuf {
        fs::canonicalize(self.at().join("files")).expect("own folder")
    }

    /// A new token of that scope.
    pub fn make_token(&self, name: &str, scope: &str) -> String {
        self.run(&["token", "create", name, "--scope", scope]).ended(0).out.trim().to_owned()
    }

    /// Its socket, as commands are told it.
    pub fn named(&self) -> String {
        named(self.at())
    }

    /// A command of `teem`'s to it.
    pub fn run(&self, args: &[&str]) -> Ran {
        teem_with(self.at(), args, &[("TEEM_DAEMON", &self.named())], b"")
    }

    /// Its torrents, as `teem list` tells them.
    pub fn list(&self) -> Vec<Value> {
        self.run(&["list", "--json"]).ended(0).lines()
    }

    /// Waits until what `teem list` tells of a torrent fits.
    pub fn wait(&self, what: &str, info_hash: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let found = |torrents: Vec<Value>| torrents.into_iter().find(|one| one["infohash"] == *info_hash);
        wait_until(what, READY, || found(self.list()).filter(|one| fits(one)))
    }

    /// A torrent of content that lies in its root already; other names have other content.
    pub fn complete(&self, name: &str) -> Torrent {
        let content: Vec<u8> = (0..100_000_usize).map(|n| (n * (name.len() + 1) / 7) as u8).collect();
        fs::write(self.at().join("files").join(name), content).expect("the folder is writable");
        Torrent::create(&self.at().join("files"), name, 16 << 10, &["http://127.0.0.1:9/announce"])
    }

    /// A torrent of three files, which lie in its root already.
    pub fn album(&self) -> Torrent {
        let at = self.at().join("files/album");
        fs::create_dir(&at).expect("the folder is writable");
        for name in ["a", "b", "c"] {
            fs::write(at.join(name), vec![name.as_bytes()[0]; 40_000]).expect("the folder is writable");
        }
        Torrent::create(&self.at().join("files"), "album", 16 << 10, &["http://127.0.0.1:9/announce"])
    }

    /// What a request with these headers is answered with; POST where there is a body.
    pub fn ask(&self, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
        http::request(&self.api.to_string(), path, headers, body).expect("an answer")
    }

    /// What is posted with these headers is answered with.
    pub fn post_bytes(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        http::request_of_bytes(&self.api.to_string(), path, headers, Some(body)).expect("an answer")
    }

    /// Somebody's program: its output, once it has ended well.
    #[track_caller]
    pub fn drive(&self, program: &mut Command) -> String {
        let ran = program.current_dir(self.at()).output().expect("the program is there");
        let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(ran.status.success(), "{program:?}: {}\n{out}\n{err}", ran.status);
        out.into_owned()
    }

    /// A script of ours in somebody's language, which finds the daemon, the token and its root in its environment.
    pub fn script(&self, interpreter: &str, script: &str) -> Command {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/drivers").join(script);
        let mut command = Command::new(interpreter);
        command.arg(path);
        command.env("HOST", self.api.ip().to_string()).env("PORT", self.api.port().to_string());
        command.env("TOKEN", &self.token).env("ROOT", self.root()).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

/// Runs a driver of ours with a film and an album, which lie there already, and a song. It looks at the disk as it goes, and removes all in the end.
pub fn driven_by(test: &str, interpreter: &str, needs: teem_rig::namespace::Needs, script: &str) {
    if !is_there(test, needs) {
        return;
    }
    let daemon = Driven::start(test);
    let (film, album, song) = (daemon.complete("film"), daemon.album(), daemon.complete("the song"));
    let mut command = daemon.script(interpreter, script);
    command.env("TORRENT", &film.path).env("NAME", "film").env("ALBUM", &album.path).env("MAGNET", song.magnet());
    daemon.drive(&mut command);
    assert_eq!(daemon.list().len(), 0, "all were removed");
    assert!(daemon.root().join("the song").exists() && !daemon.root().join("film").exists());
}

fn named(folder: &Path) -> String {
    format!("unix:{}", folder.join("run/daemon.sock").display())
}

fn start(folder: &Path) -> (Process, SocketAddr) {
    let args = ["daemon", "--root", "files", "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0", "--json"];
    let mut daemon = Process::start(command(folder, &args).env("TEEM_DAEMON", named(folder)));
    let api = daemon.wait_line("ready", READY, |line| {
        let value: Value = serde_json::from_str(line).ok()?;
        value["api"][0].as_str().filter(|_| value["event"] == "ready")?.parse().ok()
    });
    (daemon, api)
}

/// Whether a program is there; where it is not, that is said, unless nothing may be skipped.
pub fn is_there(test: &str, needs: teem_rig::namespace::Needs) -> bool {
    let there = needs.is_there();
    assert!(there || !teem_rig::namespace::all_wanted(), "{needs:?} is missing");
    if !there {
        eprintln!("skipped: {test} needs {needs:?}");
    }
    there
}
