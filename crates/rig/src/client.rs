//! What every client is asked for: to seed what lies in a folder, or to fetch it there, from one address, with its files in
//! one folder. A new client is one file in [`crate::clients`] that says how it does these two, and a line in its list.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::PEER_PORT;
use crate::namespace::{Needs, apart};
use crate::process::{Process, wait_until};
use crate::setting::{Asked, Encryption, Family, Role};

/// The first control port; one for each client that has one.
const CONTROL_PORT: u16 = 20_000;

/// One client's place: whoever shares a network has another number.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Its number, which its ports follow from.
    pub number: u16,
    /// The address that it uses inside the namespace.
    pub ip: IpAddr,
    /// The folder for all that it writes, except content.
    pub home: PathBuf,
}

impl Seat {
    /// The place of that number, below 30 for IPv6; its folder is made.
    pub fn new(number: u16, family: Family, home: &Path) -> Self {
        let ip = match family {
            Family::V4 => Ipv4Addr::new(198, 18, 1 + (number / 200) as u8, 1 + (number % 200) as u8).into(),
            Family::V6 => Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, number + 1).into(),
        };
        Self::at(number, ip, home)
    }

    /// A place whose address has a network of 24 bits to itself, as DHT nodes of many programs want of each other; below 512.
    pub fn apart(number: u16, home: &Path) -> Self {
        Self::at(number, apart(number).into(), home)
    }

    /// The same on a given address.
    pub fn at(number: u16, ip: IpAddr, home: &Path) -> Self {
        fs::create_dir_all(home).expect("the folder is writable");
        Self { number, ip, home: home.to_path_buf() }
    }

    /// Where it listens for peers. No two have the same port: some clients dial and announce from whatever address the
    /// system picks, so that nothing but the port tells them apart.
    pub fn listen(&self) -> SocketAddr {
        SocketAddr::new(self.ip, PEER_PORT + self.number)
    }

    /// Which kind of address it has.
    pub fn family(&self) -> Family {
        if self.ip.is_ipv6() { Family::V6 } else { Family::V4 }
    }

    /// Where it may listen for remote control.
    pub(crate) fn control(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], CONTROL_PORT + self.number))
    }

    /// A command that leaves a mark when it is run, and what it marks by.
    pub(crate) fn hook(&self) -> (PathBuf, Whole) {
        let (hook, mark) = (self.home.join("hook"), self.home.join("whole"));
        fs::write(&hook, format!("#!/bin/sh\n: > '{}'\n", mark.display())).expect("the folder is writable");
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("own file");
        (hook, Whole::File(mark))
    }

    /// Starts a program that finds nothing of this machine's user.
    pub fn start(&self, command: &mut Command, whole: Whole) -> Running {
        command.env("HOME", &self.home).env("XDG_STATE_HOME", self.home.join("state"));
        command.env("XDG_CONFIG_HOME", self.home.join("config"));
        Running { process: Process::start(command), home: self.home.clone(), whole, known: false }
    }
}

/// What is asked of a client.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// Which side it is on.
    pub role: Role,
    /// The path of a .torrent, or a magnet link (for [`Role::Gets`]).
    pub link: &'a str,
    /// The folder that holds the content, or will.
    pub folder: &'a Path,
    /// Upload limit in bytes a second; 0 for none.
    pub up: u64,
    /// What it is to want of encryption; `None` leaves it as the other scenarios have it.
    pub encryption: Option<Encryption>,
    /// Whether it is to speak uTP alone; Transmission dials by TCP too when nobody answers.
    pub utp: bool,
    /// Whether it exchanges peers with peers (BEP 11).
    pub pex: bool,
    /// Whether it looks for peers in its network (BEP 14).
    pub lsd: bool,
    /// A peer that it is told of; libtorrent and Teem as a downloader can be.
    pub peer: Option<SocketAddr>,
    /// Nodes of the DHT that it begins with; without any it is in no DHT.
    pub dht: &'a [SocketAddr],
}

impl<'a> Job<'a> {
    /// Seeds what lies in `folder`.
    pub fn seed(torrent: &'a str, folder: &'a Path) -> Self {
        Self {
            role: Role::Seeds,
            link: torrent,
            folder,
            up: 0,
            encryption: None,
            utp: false,
            pex: false,
            lsd: false,
            peer: None,
            dht: &[],
        }
    }

    /// Fetches into `folder`.
    pub fn get(link: &'a str, folder: &'a Path) -> Self {
        Self { role: Role::Gets, ..Self::seed(link, folder) }
    }
}

/// A BitTorrent client that can be started in a seat and be told to seed or download.
pub trait Client: Sync {
    /// The name that is typed.
    fn name(&self) -> &'static str;

    /// What has to be installed.
    fn needs(&self) -> Needs;

    /// As it tells itself; empty when it cannot be asked.
    fn version(&self) -> String;

    /// Why it cannot do what is asked, if so: something that holds whoever is at the other end.
    fn cannot(&self, _asked: Asked) -> Option<&'static str> {
        None
    }

    /// Whether it can be told to want that of encryption.
    fn knows(&self, _encryption: Encryption) -> bool {
        false
    }

    /// The most files that a torrent for it may have.
    fn files_max(&self) -> usize {
        usize::MAX
    }

    /// Whether it makes files that are empty.
    fn makes_empty_files(&self) -> bool {
        true
    }

    /// Starts the client; it works from then on.
    fn start(&self, seat: &Seat, job: &Job<'_>) -> Running;
}

/// How it is seen that a download is whole.
pub enum Whole {
    /// This file is there.
    File(PathBuf),
    /// It says this line on standard output.
    Line(&'static str),
    /// It says so when it is asked.
    Asked(Box<dyn FnMut() -> bool>),
}

/// A running client, killed when dropped.
pub struct Running {
    /// The running program with what it writes.
    pub process: Process,
    home: PathBuf,
    whole: Whole,
    known: bool,
}

impl Running {
    /// Whether its download is whole. Panics when it has ended.
    pub fn is_whole(&mut self) -> bool {
        let process = &mut self.process;
        self.known = self.known
            || match &mut self.whole {
                Whole::File(mark) => mark.exists(),
                Whole::Line(word) => process.poll_line(Instant::now(), |line| (line == *word).then_some(())).is_some(),
                Whole::Asked(ask) => ask(),
            };
        if !self.known {
            process.assert_runs();
        }
        self.known
    }

    /// Waits until its download is whole.
    pub fn wait_whole(&mut self, limit: Duration) {
        let what = format!("whole download by {}", self.process.name());
        wait_until(&what, limit, || self.is_whole().then_some(()));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = fs::write(self.home.join("log"), self.process.log());
    }
}

/// The first word with a digit and a dot that a command prints: a version, as all of them have it.
pub(crate) fn printed_version(command: &mut Command) -> String {
    let Ok(output) = command.output() else { return String::new() };
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let words = text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let is_version = |word: &&str| word.contains('.') && digit(word.trim_start_matches('v').chars().next());
    words.into_iter().find(is_version).unwrap_or_default().trim_start_matches('v').to_string()
}
