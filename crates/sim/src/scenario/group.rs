//! Peers of one kind (own design): how many, on what lines, with what wishes.
use super::presence::{Arrival, Departure};
use super::role::Role;
use crate::link::Rate;
use std::time::Duration;
use teem_swarm::command::Spreading;

/// Peers of one kind.
#[derive(Clone, Debug)]
pub struct Group {
    /// What they are.
    pub role: Role,
    /// How many peers it has.
    pub count: u32,
    /// What the line of each sends.
    pub up: Rate,
    /// What the line of each receives.
    pub down: Rate,
    /// Shortest and longest delay between a peer and the middle of the network; a round trip is twice the sum of two.
    pub(crate) delay: (Duration, Duration),
    /// When they appear.
    pub(crate) arrival: Arrival,
    /// When they go.
    pub(crate) departure: Departure,
    /// The upload limit their users set.
    pub(crate) limit_up: Option<u64>,
    /// The download limit their users set.
    pub(crate) limit_down: Option<u64>,
    /// Whether nobody can dial them.
    pub(crate) nat: bool,
    /// Whether they know only the info-hash.
    pub(crate) magnet: bool,
    /// So many in a thousand pieces lie on their disks from an earlier run that was not saved.
    pub(crate) unclaimed_permille: u32,
    /// How those of them that are complete from the start give the content away.
    pub spreading: Spreading,
    /// Whether they are all of one owner, so that nobody is made to give before he gets.
    pub cooperative: bool,
    /// Most connections that their line bears; dials beyond are refused.
    pub(crate) conns_max: Option<u32>,
}

impl Group {
    /// So many peers with lines of 10 Mbit/s up and 100 Mbit/s down, round trips of 20 to 150 ms, there from the
    /// start, staying, granting when they are the source.
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
            spreading: Spreading::Granting,
            cooperative: false,
            conns_max: None,
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
    pub(crate) fn delayed(self, min: Duration, max: Duration) -> Self {
        Self { delay: (min, max), ..self }
    }

    /// They know only the info-hash.
    #[must_use]
    pub(crate) fn by_magnet(self) -> Self {
        Self { magnet: true, ..self }
    }

    /// Nobody can dial them.
    #[must_use]
    pub fn behind_nat(self) -> Self {
        Self { nat: true, ..self }
    }

    /// Part of the content lies on their disks, unclaimed.
    #[must_use]
    pub(crate) fn with_unclaimed(self, permille: u32) -> Self {
        Self { unclaimed_permille: permille, ..self }
    }

    /// How they give away what they have from the start.
    #[must_use]
    pub fn spreading(self, spreading: Spreading) -> Self {
        Self { spreading, ..self }
    }

    /// They are all of one owner.
    #[must_use]
    pub(crate) fn of_one_owner(self) -> Self {
        Self { cooperative: true, ..self }
    }

    /// Their line bears only so many connections.
    #[must_use]
    pub fn with_connections(self, most: u32) -> Self {
        Self { conns_max: Some(most), ..self }
    }

    /// Whether what they hold stays with the swarm and is of use to it: they play the engine, stay or come back until they have
    /// everything, and need nobody to tell them the metadata (`random`, seed 1090: a copy on disks of whom nobody knew what it was).
    pub(crate) fn keeps(&self) -> bool {
        let stays = matches!(self.departure, Departure::Stays | Departure::Comes { .. });
        self.role == Role::Downloader && stays && !self.magnet
    }

    /// What one of them can send, in bytes a second: the line or the user's limit, 0 for who never gives.
    pub(crate) fn gives(&self) -> u64 {
        let line = self.up.per_second();
        if self.role.gives() { self.limit_up.map_or(line, |limit| line.min(limit)) } else { 0 }
    }

    /// What one of them can receive, in bytes a second: the line or the user's limit.
    pub(crate) fn takes(&self) -> u64 {
        let line = self.down.per_second();
        self.limit_down.map_or(line, |limit| line.min(limit))
    }
}
