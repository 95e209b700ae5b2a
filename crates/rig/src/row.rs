//! One transfer between Teem and a client as it comes, on two hosts (own design): who has the content, what the other is given of the torrent,
//! and how long it took from the start of the downloader to its word that all is there.
//!
//! The client is on the near host. Teem is on the far one, and so is the tracker: its own where it shares, `teem track` where it gets.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::TRACKER_PORT;
use crate::client::Seat;
use crate::content::{self, Shape};
use crate::hosts::{FAR_IP, Hosts};
use crate::namespace::Needs;
use crate::process::Process;
use crate::setting::{Family, Protocol};
use crate::stock::Stock;
use crate::torrent::Torrent;
use crate::tracker::Swarm;

/// Bytes of content.
pub const SIZE: u64 = 16 << 20;
/// Bytes of a piece where we make the torrent: so short that the metadata has two pieces, as that of most torrents has several.
const PIECE_LEN: usize = 16 << 10;
/// The longest that a transfer may take: it hangs.
const LIMIT: Duration = Duration::from_secs(170);
/// Starting, and checking the content.
const READY: Duration = Duration::from_secs(60);

/// The side that has the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// `teem share` gives.
    FromTeem,
    /// The client gives to `teem get`.
    ToTeem,
    /// The client gives, from behind a firewall that it can only dial out of.
    DialsOut,
}

/// What the one that gets is given of the torrent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// The .torrent file.
    File,
    /// The magnet link.
    Magnet,
}

/// One transfer of [`SIZE`] bytes between Teem and another client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The other client.
    pub client: Stock,
    /// The side that has the content.
    pub way: Way,
    /// What is given of the torrent.
    pub by: By,
}

impl Way {
    const ALL: [(Self, &'static str); 3] =
        [(Self::FromTeem, "from-teem"), (Self::ToTeem, "to-teem"), (Self::DialsOut, "dials-out")];
}

impl By {
    const ALL: [(Self, &'static str); 2] = [(Self::File, "torrent"), (Self::Magnet, "magnet")];
}

/// The word that a value is typed as.
fn word<T: PartialEq>(all: &[(T, &'static str)], of: &T) -> &'static str {
    all.iter().find(|(value, _)| value == of).map_or("", |(_, word)| word)
}

/// The value that is typed so.
fn value<T: Copy>(all: &[(T, &str)], word: &str) -> Option<T> {
    all.iter().find(|(_, name)| *name == word).map(|(value, _)| *value)
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.client.name(), word(&Way::ALL, &self.way), word(&By::ALL, &self.by))
    }
}

impl Row {
    /// All that are played.
    pub fn all() -> Vec<Self> {
        let every = |client| {
            Way::ALL
                .into_iter()
                .flat_map(move |(way, _)| By::ALL.into_iter().map(move |(by, _)| Self { client, way, by }))
        };
        Stock::ALL.into_iter().flat_map(every).filter(|row| row.why_not().is_none()).collect()
    }

    /// Why it is not played, if so.
    fn why_not(self) -> Option<&'static str> {
        if self.way != Way::DialsOut {
            return None;
        }
        match self.client {
            Stock::Libtorrent | Stock::Qbittorrent | Stock::Rtorrent => {
                Some("asks its tracker again after five minutes at the soonest")
            }
            Stock::Aria2 | Stock::Rqbit | Stock::Transmission | Stock::Webtorrent => {
                (self.by == By::Magnet).then_some("dials the same, whatever we were given")
            }
        }
    }

    /// As it is written.
    pub fn read(text: &str) -> Option<Self> {
        let mut words = text.split('/');
        let client = Stock::named(words.next()?)?;
        let (way, by) = (value(&Way::ALL, words.next()?)?, value(&By::ALL, words.next()?)?);
        words.next().is_none().then_some(Self { client, way, by })
    }

    /// What has to be installed.
    pub fn needs(self) -> Vec<Needs> {
        let firewall = (self.way == Way::DialsOut).then_some(Hosts::SHUT_NEEDS);
        [self.client.needs()].into_iter().chain(firewall).collect()
    }

    /// Plays it with that binary of Teem and returns how long the transfer took; `folder` is for all that is written. It must run in a
    /// namespace of its own, and panics when something else arrives, or nothing.
    pub fn play(self, teem: &Path, folder: &Path) -> Duration {
        let hosts = Hosts::join();
        content::write(folder, "content", Shape::Single, SIZE);
        let far = Far { hosts, teem: teem.to_path_buf(), folder: folder.to_path_buf() };
        let took = if self.way == Way::FromTeem { self.take(&far) } else { self.give(&far) };
        content::assert_same(&folder.join("content"), &folder.join("out/content"));
        took
    }

    /// The client fetches what Teem shares.
    fn take(self, far: &Far) -> Duration {
        let (content, file) = (far.folder.join("content"), far.folder.join("content.torrent"));
        let mut share = far.start("share", &["share", &content.to_string_lossy(), "-o", &file.to_string_lossy()]);
        let magnet = share.wait_line("magnet link", READY, |line| {
            let told: Value = serde_json::from_str(line).ok()?;
            (told["event"] == "ready").then(|| told["magnet"].as_str().map(str::to_string))?
        });
        let link = if self.by == By::File { file.to_string_lossy().into_owned() } else { magnet };
        let begun = Instant::now();
        let mut client = self.client.get(&self.seat(far), &link, &far.folder.join("out"));
        client.wait_whole(LIMIT);
        let took = begun.elapsed();
        share.assert_runs();
        took
    }

    /// Teem fetches what the client seeds.
    fn give(self, far: &Far) -> Duration {
        let at = (FAR_IP.parse::<std::net::IpAddr>().expect("an address"), TRACKER_PORT).into();
        let torrent = Torrent::create(&far.folder, "content", PIECE_LEN, &[&Swarm::url(Protocol::Http, at)]);
        let swarm = Swarm { protocol: Protocol::Http, at, info_hash: torrent.info_hash.clone() };
        let mut track = far.start("track", &["track", "--http", &at.to_string()]);
        track.wait_line("listening tracker", READY, |line| line.contains("\"listening\"").then_some(()));
        if self.way == Way::DialsOut {
            far.hosts.shut();
        }
        let file = torrent.path.to_string_lossy().into_owned();
        let mut client = self.client.seed(&self.seat(far), &file, &far.folder);
        swarm.wait_seed(READY);
        client.process.assert_runs();
        let link = if self.by == By::File { file } else { torrent.magnet() };
        let begun = Instant::now();
        let mut get = far.start("get", &["get", &link, "-o", &far.folder.join("out").to_string_lossy()]);
        let status = get.wait_exit(LIMIT);
        assert!(status.success(), "teem get: {status}");
        begun.elapsed()
    }

    fn seat(self, far: &Far) -> Seat {
        Seat::new(0, Family::V4, &far.folder.join(self.client.name()))
    }
}

/// The far host, and what runs there.
struct Far {
    hosts: Hosts,
    teem: PathBuf,
    folder: PathBuf,
}

impl Far {
    /// Starts Teem there, with all of its default settings and a state folder of its own.
    fn start(&self, home: &str, args: &[&str]) -> Process {
        let [program, before @ ..] = self.hosts.far();
        let home = self.folder.join(home);
        let mut command = Command::new(program);
        command.args(before).arg(&self.teem).args(args).arg("--json");
        Process::start(command.env("HOME", &home).env("XDG_STATE_HOME", home.join("state")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_as_it_is_written() {
        let all = Row::all();
        for row in &all {
            assert_eq!(Row::read(&row.to_string()), Some(*row));
        }
        assert_eq!(all.len(), 7 * 4 + 4);
        for nothing in ["", "aria2", "aria2/from-teem", "aria2/from-teem/torrent/", "teem/from-teem/torrent"] {
            assert_eq!(Row::read(nothing), None, "{nothing}");
        }
    }
}
