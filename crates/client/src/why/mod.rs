//! Why nothing moves (own design): what is known of a torrent's search for peers and of this machine, what that amounts to, and one sentence that says what
//! would help.
//!
//! [`Why`] is collected when somebody asks. What it amounts to is judged by a pure function of it ([`Why::verdict`], in `verdict`), and all words stand
//! in `words`, for whoever shows them.
mod verdict;
mod words;

use crate::mapping::Mapping;
use crate::reach::Reached;
use crate::status::Ended;
use crate::{Client, Torrent};
use teem_host::account::Datagrams;
use teem_host::strangers::Unasked;
use teem_path::Barred;
use teem_swarm::event::{Snapshot, State};
use teem_swarm::search::Search;
use teem_wire::compact::Family;

pub use verdict::Verdict;

/// What is known of why a torrent does not move.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Why {
    /// What its peers and its content are doing at that moment.
    pub figures: Snapshot,
    /// How the search for its peers went.
    pub search: Search,
    /// What is true of this machine.
    pub us: Us,
    /// What is said of URLs in the link that are of no use; the caller knows the link.
    pub left_out: Vec<String>,
}

/// What is true of this machine, for all torrents alike.
#[derive(Clone, Default, Debug)]
#[non_exhaustive]
pub struct Us {
    /// The port that peers reach us on.
    pub port: u16,
    /// A tracker of our own is told of what we give.
    pub(crate) tracks: bool,
    /// What we are bound to and is not there.
    pub gone: Vec<String>,
    /// Nothing of what we are bound to is there.
    pub cut_off: bool,
    /// The proxy that all goes through, without its password.
    pub proxy: Option<String>,
    /// What is wrong with it.
    pub proxy_trouble: Option<String>,
    /// Ranges of addresses that are kept out.
    pub ranges: usize,
    /// What was kept out so far.
    pub barred: Barred,
    /// Packets of UDP that the system did not carry.
    pub datagrams: Datagrams,
    /// How others reach us over IPv4.
    pub v4: Door,
    /// How others reach us over IPv6.
    pub v6: Door,
}

/// How others reach us, of one family.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Door {
    /// What that amounts to.
    pub reached: Reached,
    /// What came unasked.
    pub unasked: Unasked,
    /// What the router does.
    pub mapping: Mapping,
}

impl Default for Door {
    fn default() -> Self {
        Self { reached: Reached::Absent, unasked: Unasked::default(), mapping: Mapping::Off }
    }
}

impl Us {
    /// That of a family.
    pub fn of(&self, family: Family) -> &Door {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }
}

impl Why {
    /// Of a torrent of which nothing is known, on a machine of which nothing is.
    pub fn new(figures: Snapshot, search: Search) -> Self {
        Self { figures, search, us: Us::default(), left_out: Vec::new() }
    }

    /// Peers that are connected.
    fn connected(&self) -> u32 {
        self.figures.seeds.saturating_add(self.figures.downloaders)
    }

    /// Whether the torrent gives, and asks nobody for anything.
    fn gives(&self) -> bool {
        self.figures.state == State::Seeding
    }
}

impl Client {
    /// What is known of why one of its torrents does not move.
    pub async fn why(&self, torrent: &Torrent) -> Result<Why, Ended> {
        let mut why = Why::new(torrent.snapshot().await?, torrent.search().await?);
        let (path, standing) = (self.http().path(), self.standing());
        let door = |family| Door {
            reached: self.reached(family, &why.figures.external),
            unasked: self.unasked(family),
            mapping: self.mappings().borrow().of(family).clone(),
        };
        why.us = Us {
            port: self.port(),
            tracks: self.tracks(),
            gone: standing.gone().to_vec(),
            cut_off: standing.is_cut_off(),
            proxy: path.proxy().map(ToString::to_string),
            proxy_trouble: path.proxy_trouble(),
            ranges: path.ranges(),
            barred: path.barred(),
            datagrams: self.datagrams(),
            v4: door(Family::V4),
            v6: door(Family::V6),
        };
        Ok(why)
    }
}
