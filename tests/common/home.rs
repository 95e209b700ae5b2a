//! A daemon of a test's own: a folder with its state, its root `files`, its file and its socket.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::namespace::Folder;
use super::process::Process;
use super::run::{Ran, command, teem_with};
use super::torrent::Torrent;

/// Starting in a debug build, on a machine with much else to do.
pub const READY: Duration = Duration::from_secs(60);

/// A folder of its own under the system's for what is temporary; it goes with this.
pub struct Home {
    folder: Folder,
}

impl Home {
    pub fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        fs::create_dir(folder.0.join("files")).expect("the folder is writable");
        Self { folder }
    }

    pub fn at(&self) -> &Path {
        &self.folder.0
    }

    pub fn socket(&self) -> PathBuf {
        self.at().join("run/daemon.sock")
    }

    pub fn named(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    /// Writes the file that the daemon is set up by: its root is `files`, and nobody is listened to but on loopback.
    pub fn configure(&self, more: &str) -> PathBuf {
        let path = self.at().join("daemon.toml");
        let root = self.at().join("files");
        let text =
            format!("roots = [{:?}]\nlisten = '127.0.0.1:0'\napi = ['none']\n{more}\n", root.display().to_string());
        fs::write(&path, text).expect("the folder is writable");
        path
    }

    /// The command that starts a daemon with that file.
    pub fn daemon(&self, args: &[&str]) -> Command {
        let mut command = command(self.at(), &[&["daemon", "--config", "daemon.toml", "--json"], args].concat());
        command.env("TEEM_DAEMON", self.named());
        command
    }

    /// A daemon with that file, once it is ready.
    pub fn start(&self, args: &[&str]) -> Process {
        Self::started(&mut self.daemon(args))
    }

    /// Starts this one, and waits until it is ready.
    pub fn started(command: &mut Command) -> Process {
        let mut daemon = Process::start(command);
        wait_event(&mut daemon, "ready");
        daemon
    }

    /// A command to the daemon.
    pub fn run(&self, args: &[&str]) -> Ran {
        teem_with(self.at(), args, &[("TEEM_DAEMON", &self.named())], b"")
    }

    /// The same, for one that runs on.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = command(self.at(), args);
        command.env("TEEM_DAEMON", self.named());
        command
    }

    pub fn list(&self, args: &[&str]) -> Vec<Value> {
        self.run(&[&["list", "--json"], args].concat()).ended(0).lines()
    }

    /// A torrent of content that lies beside the root.
    pub fn torrent(&self, name: &str) -> Torrent {
        fs::write(self.at().join(name), vec![name.len() as u8; 100_000]).expect("the folder is writable");
        Torrent::create(self.at(), name, 16 << 10, &[])
    }

    /// What a request as bytes is answered with.
    pub fn ask(&self, request: &str) -> String {
        let mut stream = UnixStream::connect(self.socket()).expect("a daemon");
        stream.write_all(request.as_bytes()).expect("a reader");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

/// Waits for a JSON line of this event.
pub fn wait_event(daemon: &mut Process, event: &str) -> Value {
    daemon.wait_line(event, READY, |line| {
        let value: Value = serde_json::from_str(line).ok()?;
        (value["event"] == event).then_some(value)
    })
}

/// Sends a signal.
pub fn signal(daemon: &Process, signal: &str) {
    let sent = Command::new("kill").args([signal, &daemon.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

/// A manager of services, as far as it hears what its services say.
pub struct Manager(UnixDatagram);

impl Manager {
    pub fn new(at: impl AsRef<Path>) -> Self {
        let heard = UnixDatagram::bind(at).expect("a socket");
        heard.set_read_timeout(Some(READY)).expect("a time");
        Self(heard)
    }

    /// The next word.
    pub fn word(&self) -> String {
        let mut bytes = [0; 256];
        let len = self.0.recv(&mut bytes).expect("a word in time");
        String::from_utf8_lossy(&bytes[..len]).trim().to_owned()
    }
}

/// Whether a program is there; says that a test is skipped where it is not.
pub fn is_there(program: impl AsRef<OsStr>) -> bool {
    let there = Command::new(program.as_ref()).arg("--version").output().is_ok();
    if !there {
        eprintln!("skipped: {} is not installed", program.as_ref().to_string_lossy());
    }
    there
}
