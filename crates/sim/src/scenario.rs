//! What a world consists of, as data (own design): content, groups of peers, their lines, when they come and go.
//!
//! A scenario and a seed determine a run; everything drawn at random is drawn from the seed. Rates are in bytes a
//! second, as the lines carry them; a peer's limits are what its user set, in payload bytes a second.
mod finding;
mod group;
mod presence;
mod role;

pub use finding::Finding;
pub use group::Group;
pub use presence::{Arrival, Departure};
pub use role::{Kind, Role};
use std::time::Duration;
use teem_swarm::command::Spreading;

/// A world to be run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it shows, in a line.
    pub about: &'static str,
    /// Number of pieces.
    pub pieces: u32,
    /// Bytes of a piece.
    pub piece_len: u32,
    /// By how many bytes the last piece is shorter.
    pub short: u32,
    /// The peers, one group for each kind.
    pub groups: Vec<Group>,
    /// Shortest and longest round trip, drawn evenly for each pair; `None`: what the peers' own delays add up to.
    pub rtt: Option<(Duration, Duration)>,
    /// When the run ends at the latest; whoever stays and wants the content must have it then.
    pub limit: Duration,
    /// How peers find each other.
    pub finding: Finding,
}

impl Scenario {
    /// One without peers: 64 pieces of four blocks, the last one shorter.
    pub fn new(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            pieces: 64,
            piece_len: 65_536,
            short: 20_000,
            groups: Vec::new(),
            rtt: None,
            limit: Duration::from_secs(3600),
            finding: Finding::Tracker,
        }
    }

    /// Sets number and size of the pieces.
    #[must_use]
    pub fn content(self, pieces: u32, piece_len: u32, short: u32) -> Self {
        Self { pieces, piece_len, short, ..self }
    }

    /// Adds a group of peers.
    #[must_use]
    pub fn with(mut self, group: Group) -> Self {
        if group.count > 0 {
            self.groups.push(group);
        }
        self
    }

    /// Sets the shortest and the longest round trip.
    #[must_use]
    pub(crate) fn round_trips(self, min: Duration, max: Duration) -> Self {
        Self { rtt: Some((min, max)), ..self }
    }

    /// Sets when the run ends at the latest.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// The same peers without a tracker: a DHT is there before they come, whose nodes are the last group, and they tell each other of peers (BEP 11).
    #[must_use]
    pub fn without_tracker(mut self) -> Self {
        for group in &mut self.groups {
            group.arrival = group.arrival.later(finding::GROWN);
        }
        self.limit += finding::GROWN;
        self.finding = Finding::Dht;
        self.with(Group::new(Role::Node, finding::NODES))
    }

    /// Sets how peers spread that are complete from the start.
    #[must_use]
    pub fn spreading(mut self, spreading: Spreading) -> Self {
        self.groups.iter_mut().for_each(|group| group.spreading = spreading);
        self
    }

    /// Sets how peers leave that want the content.
    #[must_use]
    pub fn leaving(mut self, departure: Departure) -> Self {
        let wanting = self.groups.iter_mut().filter(|group| group.role.wants());
        wanting.for_each(|group| group.departure = departure);
        self
    }

    /// Size of the content in bytes.
    pub fn total(&self) -> u64 {
        u64::from(self.pieces) * u64::from(self.piece_len) - u64::from(self.short)
    }

    /// How many peers want the content.
    pub(crate) fn wanting(&self) -> u32 {
        self.groups.iter().filter(|group| group.role.wants()).map(|group| group.count).sum()
    }
}
