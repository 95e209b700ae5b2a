//! What a world consists of, as data (own design): content, groups of peers, their lines, when they come and go.
//!
//! A scenario and a seed determine a run; everything drawn at random is drawn from the seed. Rates are in bytes a
//! second, as the lines carry them; a peer's limits are what its user set, in payload bytes a second.
use crate::link::Rate;
use std::time::Duration;

/// What a peer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The engine, with the whole content from the start.
    Seed,
    /// The engine, with nothing.
    Downloader,
    /// The engine, but nothing it wants to give reaches anybody: it never unchokes.
    FreeRider,
    /// Claims everything, unchokes, and never sends a block.
    Liar,
    /// Claims everything and sends blocks of which so many in a thousand are wrong.
    Corrupter(u32),
    /// Claims everything and serves, but chokes and unchokes all the time.
    Flapper,
    /// Claims everything, unchokes, and rejects every request.
    Rejecter,
    /// Accepts connections and never says a word.
    Mute,
}

impl Role {
    /// Whether the engine itself decides for it, so that all rules hold for it.
    pub fn honest(self) -> bool {
        matches!(self, Self::Seed | Self::Downloader)
    }

    /// Whether it wants the content.
    pub fn wants(self) -> bool {
        matches!(self, Self::Downloader | Self::FreeRider)
    }
}

/// When peers of a group appear.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// All at that time.
    At(Duration),
    /// Each at a time of its own between these.
    Between(Duration, Duration),
}

/// When peers of a group go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Departure {
    /// Never.
    Stays,
    /// Orderly, so long after it is complete.
    WhenComplete(Duration),
    /// At that time after its arrival, orderly.
    After(Duration),
    /// Lives about as long as the first, is away about as long as the second, and comes back, again and again until it
    /// is complete; so many in a thousand departures are crashes.
    Comes {
        /// Mean of a life.
        life: Duration,
        /// Mean of an absence.
        away: Duration,
        /// How many departures in a thousand are crashes.
        crash_permille: u32,
    },
}

/// Peers of one kind.
#[derive(Clone, Debug)]
pub struct Group {
    /// What they are.
    pub role: Role,
    /// How many.
    pub count: u32,
    /// What their line sends.
    pub up: Rate,
    /// What their line receives.
    pub down: Rate,
    /// Shortest and longest delay between a peer and the middle of the network; a round trip is twice the sum of two.
    pub delay: (Duration, Duration),
    /// When they appear.
    pub arrival: Arrival,
    /// When they go.
    pub departure: Departure,
    /// The upload limit their users set.
    pub limit_up: Option<u64>,
    /// The download limit their users set.
    pub limit_down: Option<u64>,
    /// Whether nobody can dial them.
    pub nat: bool,
    /// Whether they know only the info-hash.
    pub magnet: bool,
    /// So many in a thousand pieces lie on their disks from an earlier run that was not saved.
    pub unclaimed_permille: u32,
}

impl Group {
    /// So many peers with lines of 10 Mbit/s up and 100 Mbit/s down, round trips of 20 to 150 ms, there from the
    /// start, staying.
    pub fn new(role: Role, count: u32) -> Self {
        Self {
            role,
            count,
            up: Rate::bytes(1_250_000),
            down: Rate::bytes(12_500_000),
            delay: (Duration::from_millis(5), Duration::from_micros(37_500)),
            arrival: Arrival::At(Duration::ZERO),
            departure: Departure::Stays,
            limit_up: None,
            limit_down: None,
            nat: false,
            magnet: false,
            unclaimed_permille: 0,
        }
    }

    /// Sets the line's rates in bytes a second.
    #[must_use]
    pub fn rates(self, up: u64, down: u64) -> Self {
        Self { up: Rate::bytes(up), down: Rate::bytes(down), ..self }
    }

    /// Sets the limits that the users set, in payload bytes a second.
    #[must_use]
    pub fn limits(self, up: Option<u64>, down: Option<u64>) -> Self {
        Self { limit_up: up, limit_down: down, ..self }
    }

    /// Sets when they appear.
    #[must_use]
    pub fn arriving(self, arrival: Arrival) -> Self {
        Self { arrival, ..self }
    }

    /// Sets when they go.
    #[must_use]
    pub fn leaving(self, departure: Departure) -> Self {
        Self { departure, ..self }
    }

    /// Sets the delays.
    #[must_use]
    pub fn delayed(self, min: Duration, max: Duration) -> Self {
        Self { delay: (min, max), ..self }
    }

    /// They know only the info-hash.
    #[must_use]
    pub fn by_magnet(self) -> Self {
        Self { magnet: true, ..self }
    }

    /// Nobody can dial them.
    #[must_use]
    pub fn behind_nat(self) -> Self {
        Self { nat: true, ..self }
    }

    /// Part of the content lies on their disks, unclaimed.
    #[must_use]
    pub fn with_unclaimed(self, permille: u32) -> Self {
        Self { unclaimed_permille: permille, ..self }
    }
}

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
    /// The peers.
    pub groups: Vec<Group>,
    /// The tracker's interval.
    pub interval: Duration,
    /// When the run ends at the latest; whoever stays and wants the content must have it then.
    pub limit: Duration,
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
            interval: Duration::from_secs(120),
            limit: Duration::from_secs(3600),
        }
    }

    /// Sets number and size of the pieces.
    #[must_use]
    pub fn content(self, pieces: u32, piece_len: u32, short: u32) -> Self {
        Self { pieces, piece_len, short, ..self }
    }

    /// Adds peers.
    #[must_use]
    pub fn with(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    /// Sets when the run ends at the latest.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Size of the content in bytes.
    pub fn total(&self) -> u64 {
        u64::from(self.pieces) * u64::from(self.piece_len) - u64::from(self.short)
    }
}
