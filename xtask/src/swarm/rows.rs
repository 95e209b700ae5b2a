//! The rows of the table of real swarms: who downloads, from which seeds, and what is aimed at.
use super::clients::Kind;

/// One swarm, with several seeds in turn.
pub(super) struct Row {
    /// Its name in the file of runs.
    pub(super) name: &'static str,
    /// What the table calls it.
    pub(super) title: &'static str,
    /// Downloaders, as they are typed.
    pub(super) get: &'static str,
    /// Seeds; the first is the one that is aimed for.
    pub(super) seeds: &'static [Kind],
    pub(super) goal: Goal,
}

/// What is aimed at with Teem's seed.
#[derive(Default)]
pub(super) struct Goal {
    /// Copies until all blocks are out.
    pub(super) copies: Option<f64>,
    /// The median downloader's end over the bound.
    pub(super) middle: Option<f64>,
    /// The last downloader's end over the bound.
    pub(super) makespan: Option<f64>,
    /// The makespan over that with another seed.
    pub(super) beside: Option<(Kind, f64)>,
}

const TEEM: &[Kind] = &[Kind::Teem, Kind::Plain];

pub(super) const ROWS: &[Row] = &[
    Row { name: "teem-1", title: "1 Teem", get: "teem:1", seeds: TEEM, goal: Goal::of(1.01, 1.04) },
    Row { name: "teem-4", title: "4 Teem", get: "teem:4", seeds: TEEM, goal: Goal::of(1.01, 1.06) },
    Row { name: "teem-8", title: "8 Teem", get: "teem:8", seeds: TEEM, goal: Goal::of(1.01, 1.06) },
    Row { name: "teem-16", title: "16 Teem", get: "teem:16", seeds: TEEM, goal: Goal::of(1.01, 1.08) },
    Row {
        name: "libtorrent-8",
        title: "8 libtorrent",
        get: "libtorrent:8",
        seeds: &[Kind::Teem, Kind::Plain, Kind::Libtorrent, Kind::SuperSeed],
        goal: Goal::of(1.01, 1.12).beside(Kind::Libtorrent, 0.75),
    },
    Row {
        name: "qbittorrent-8",
        title: "8 qBittorrent",
        get: "qbittorrent:8",
        seeds: &[Kind::Teem, Kind::Plain, Kind::Qbittorrent, Kind::SuperSeed],
        goal: Goal::of(1.01, 1.12).beside(Kind::Qbittorrent, 0.75),
    },
    Row {
        name: "aria2-8",
        title: "8 aria2",
        get: "aria2:8",
        seeds: &[Kind::Teem, Kind::Plain, Kind::Aria2, Kind::SuperSeed],
        goal: Goal::of(1.01, 1.12).beside(Kind::Aria2, 0.75),
    },
    Row {
        name: "transmission-8",
        title: "8 Transmission",
        get: "transmission:8",
        seeds: &[Kind::Teem, Kind::Plain, Kind::Transmission, Kind::SuperSeed],
        goal: Goal::of(1.02, 2.0).beside(Kind::Transmission, 0.8),
    },
    Row {
        name: "mixed-8",
        title: "3 libtorrent, 2 aria2, 2 Transmission, 1 rqbit",
        get: "libtorrent:3,aria2:2,transmission:2,rqbit:1",
        seeds: &[Kind::Teem, Kind::Plain, Kind::Libtorrent, Kind::SuperSeed],
        goal: Goal { middle: Some(1.25), ..Goal::of(1.02, 1.45).beside(Kind::Libtorrent, 0.9) },
    },
    Row {
        name: "rqbit-8",
        title: "8 rqbit",
        get: "rqbit:8",
        seeds: &[Kind::Teem, Kind::Plain, Kind::Rqbit, Kind::SuperSeed],
        goal: Goal { copies: None, middle: None, makespan: None, beside: Some((Kind::Rqbit, 1.0)) },
    },
];

impl Goal {
    const fn of(copies: f64, makespan: f64) -> Self {
        Self { copies: Some(copies), middle: None, makespan: Some(makespan), beside: None }
    }

    const fn beside(mut self, seed: Kind, part: f64) -> Self {
        self.beside = Some((seed, part));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::wishes::Wishes;
    use super::*;

    #[test]
    fn every_row_can_be_read_and_has_what_it_is_compared_with() {
        for row in ROWS {
            let wishes = Wishes::read(&["--get", row.get]).unwrap();
            let counted: String =
                row.name.chars().filter(char::is_ascii_digit).filter(|c| *c != '2' || row.name != "aria2-8").collect();
            assert_eq!(wishes.get.len().to_string(), counted, "{}", row.name);
            assert_eq!(row.seeds[0], Kind::Teem);
            assert!(row.goal.beside.is_none_or(|(seed, _)| row.seeds.contains(&seed)), "{}", row.name);
        }
    }
}
