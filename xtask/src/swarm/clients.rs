//! The programs that can be put into a swarm, and what is the same for all of one swarm.
use crate::bench::Failed;
use std::path::Path;
use teem_rig::client::{Client, Job, Running, Seat};
use teem_rig::clients::{OTHERS, libtorrent::Libtorrent, teem::Teem};
use teem_rig::setting::{Family, Role};

/// A program that can take part in a swarm.
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
    /// qBittorrent without its window (`qbittorrent-nox`).
    Qbittorrent,
    /// aria2 by its command line (`aria2c`).
    Aria2,
    /// Transmission without its window (`transmission-daemon`).
    Transmission,
    /// rqbit by its command line (`rqbit`).
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
    /// The .torrent file that all of them are given.
    pub torrent: &'a Path,
    /// Upload limit of each, bytes a second.
    pub up: u64,
}

impl Common<'_> {
    /// Starts a client with its files in `home`, on the address of that number; `data` is the folder of the content, which is
    /// there (for a seed) or will be.
    pub fn start(&self, kind: Kind, number: u16, home: &Path, data: &Path, role: Role) -> Result<Running, Failed> {
        std::fs::create_dir_all(data)?;
        let link = self.torrent.to_string_lossy();
        let job = Job { role, up: self.up, ..Job::get(&link, data) };
        let seat = Seat::new(number, Family::V4, home);
        let binary = self.teem.to_path_buf();
        let start = |client: &dyn Client| client.start(&seat, &job);
        Ok(match kind {
            Kind::Teem | Kind::Plain => start(&Teem { binary, plain: kind == Kind::Plain }),
            Kind::SuperSeed => start(&Libtorrent { super_seeds: true }),
            kind => {
                let client = OTHERS.into_iter().find(|client| client.name() == kind.name());
                start(client.ok_or_else(|| Failed::new(format!("there is no {}", kind.name())))?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_a_client_that_can_be_started() {
        let own = [Kind::Teem, Kind::Plain, Kind::SuperSeed];
        for kind in ALL.into_iter().filter(|kind| !own.contains(kind)) {
            assert!(OTHERS.iter().any(|client| client.name() == kind.name()), "{}", kind.name());
        }
    }
}
