//! One cell of the matrix: who talks to Teem about what, through which tracker. It is written as its values, in the order of the
//! dimensions, with slashes between them.
use super::cover::cover;
use std::fmt;
use teem_rig::client::Client;
use teem_rig::clients::OTHERS;
use teem_rig::content::Shape;
use teem_rig::setting::{Asked, Family, Protocol, Role};
use teem_rig::tracker::Tracker;
use teem_rig::trackers::STOCK;

const KI: usize = 1 << 10;
const MI: usize = 1 << 20;

/// The most files that a torrent here has.
const FILES: usize = 20_000;

/// How many things about a cell can differ from other cells.
const COUNT: usize = 8;
/// Their names, as columns of a table.
pub(super) const NAMES: [&str; COUNT] = ["client", "Teem", "content", "piece", "link", "tracker", "protocol", "family"];
/// In place of a client: all of them at once, from one Teem.
const EVERYONE: &str = "everyone";
/// All at once, in so many ways.
const SWARMS: [&str; 4] = [
    "everyone/seeds/single/256K/torrent/teem/http/v4",
    "everyone/seeds/tree/16K/torrent/opentracker/udp/v4",
    "everyone/seeds/many/4M/torrent/teem/http/v4",
    "everyone/seeds/tree/256K/magnet/teem/http/v4",
];

/// One cell: a value of each dimension, by its index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell([u8; COUNT]);

/// The words for the values of a dimension.
pub(super) fn words(dimension: usize) -> Vec<&'static str> {
    match dimension {
        0 => OTHERS.iter().map(|client| client.name()).chain([EVERYONE]).collect(),
        1 => vec!["seeds", "gets"],
        2 => vec!["single", "tree", "odd", "many"],
        3 => vec!["16K", "256K", "4M", "16M"],
        4 => vec!["torrent", "magnet"],
        5 => std::iter::once("teem").chain(STOCK.iter().map(|tracker| tracker.name())).collect(),
        6 => vec!["http", "udp"],
        _ => vec!["v4", "v6"],
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&(0..COUNT).map(|i| self.word(i)).collect::<Vec<_>>().join("/"))
    }
}

impl Cell {
    /// Reads what is written.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut cell = [0; COUNT];
        let mut parts = text.split('/');
        for (i, value) in cell.iter_mut().enumerate() {
            let part = parts.next()?;
            *value = words(i).iter().position(|word| *word == part)? as u8;
        }
        parts.next().is_none().then_some(Self(cell))
    }

    /// The word for its value of a dimension.
    pub(super) fn word(self, dimension: usize) -> &'static str {
        words(dimension).get(self.0[dimension] as usize).copied().unwrap_or("?")
    }

    /// The other clients in it.
    pub(super) fn others(self) -> Vec<&'static dyn Client> {
        OTHERS.into_iter().filter(|client| [client.name(), EVERYONE].contains(&self.word(0))).collect()
    }

    /// What Teem does.
    pub(super) fn role(self) -> Role {
        if self.0[1] == 0 { Role::Seeds } else { Role::Gets }
    }

    /// What the content looks like.
    pub(super) fn shape(self) -> Shape {
        let files = self.others().iter().map(|client| client.files_max()).min().unwrap_or(FILES).min(FILES);
        [Shape::Single, Shape::Tree, Shape::Odd, Shape::Many(files)][self.0[2] as usize]
    }

    /// Bytes of a piece.
    pub(super) fn piece(self) -> usize {
        [16 * KI, 256 * KI, 4 * MI, 16 * MI][self.0[3] as usize]
    }

    /// Bytes of content, about: more than one piece.
    pub(super) fn size(self) -> u64 {
        (self.piece() + 3 * MI + 12_345) as u64
    }

    /// Whether the downloader has nothing but a magnet link.
    pub(super) fn magnet(self) -> bool {
        self.0[4] == 1
    }

    /// The tracker, if it is not ours.
    pub(super) fn stock_tracker(self) -> Option<&'static dyn Tracker> {
        STOCK.into_iter().find(|tracker| tracker.name() == self.word(5))
    }

    /// How the tracker is spoken to.
    pub(super) fn protocol(self) -> Protocol {
        if self.0[6] == 0 { Protocol::Http } else { Protocol::Udp }
    }

    /// The address family that the cell's packets use.
    pub(super) fn family(self) -> Family {
        if self.0[7] == 0 { Family::V4 } else { Family::V6 }
    }

    /// Why there is no such cell, if so: what another client or tracker cannot do, whoever it talks to.
    pub(super) fn cannot(self) -> Option<(&'static str, &'static str)> {
        let (protocol, family) = (self.protocol(), self.family());
        let role = if self.role() == Role::Seeds { Role::Gets } else { Role::Seeds };
        let (odd, many) = (self.shape() == Shape::Odd, matches!(self.shape(), Shape::Many(_)));
        let asked = Asked { role, magnet: self.magnet(), odd, many, tracker: self.word(5), protocol, family };
        let client = |client: &dyn Client| Some((client.name(), client.cannot(asked)?));
        let tracker =
            self.stock_tracker().and_then(|tracker| Some((tracker.name(), tracker.cannot(protocol, family)?)));
        self.others().into_iter().find_map(client).or(tracker)
    }
}

/// All that can be, one client at a time.
fn all() -> Vec<Cell> {
    let mut cells = vec![[0; COUNT]];
    for dimension in 0..COUNT {
        let count = if dimension == 0 { OTHERS.len() } else { words(dimension).len() };
        let with = |cell: &[u8; COUNT], value: usize| {
            let mut cell = *cell;
            cell[dimension] = value as u8;
            cell
        };
        cells = cells.iter().flat_map(|cell| (0..count).map(move |value| with(cell, value))).collect();
    }
    cells.into_iter().map(Cell).filter(|cell| cell.cannot().is_none()).collect()
}

/// Of those without these clients and trackers: the cells in which any so many settings meet that can meet at all, and all clients at once: in one way for pairs, in all of
/// [`SWARMS`] for more. In the order of clients.
pub(super) fn chosen(strength: u32, without: &[String]) -> Vec<Cell> {
    let named = |cell: &Cell| without.iter().any(|name| [cell.word(0), cell.word(5)].contains(&name.as_str()));
    let all: Vec<Cell> = all().into_iter().filter(|cell| !named(cell)).collect();
    let plain: Vec<[u8; COUNT]> = all.iter().map(|cell| cell.0).collect();
    let mut cells: Vec<Cell> = cover(&plain, strength).into_iter().map(|i| all[i]).collect();
    cells.sort();
    let swarms = if strength > 2 { &SWARMS[..] } else { &SWARMS[..1] };
    cells.extend(swarms.iter().filter_map(|text| Cell::read(text)));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_read_as_it_is_written() {
        for text in SWARMS.iter().copied().chain(["aria2/gets/odd/16M/magnet/opentracker/udp/v4"]) {
            assert_eq!(Cell::read(text).unwrap().to_string(), text);
        }
        for wrong in ["", "aria2", "aria2/gets/odd/16M/magnet/opentracker/udp/v5", &format!("{}/v4", SWARMS[0])] {
            assert!(Cell::read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn every_client_is_held_against_every_tracker_in_both_roles() {
        let cells = chosen(2, &[]);
        for client in OTHERS {
            for value in ["seeds", "gets", "teem", "opentracker", "odd", "many", "16M", "magnet", "udp"] {
                let met = |cell: &Cell| cell.word(0) == client.name() && cell.to_string().contains(value);
                assert!(cells.iter().any(met), "{} and {value}", client.name());
            }
        }
    }
}
