//! One cell, played in a network of its own: the tracker, who has the content, who wants it, and what came of it. What goes
//! wrong panics; the process ends with it.
use super::cell::Cell;
use std::fs;
use std::path::Path;
use std::time::Duration;
use teem_rig::client::{Client, Job, Seat};
use teem_rig::clients::teem::Teem;
use teem_rig::content::{self, Shape};
use teem_rig::setting::Role;
use teem_rig::torrent::Torrent;
use teem_rig::tracker::Swarm;
use teem_rig::trackers;

/// How long whoever has the content may take until the tracker knows it.
const KNOWN: Duration = Duration::from_secs(60);
/// How long the transfer may take; Transmission alone lets 13 s pass before it asks for the first block.
const LIMIT: Duration = Duration::from_secs(150);
/// And that of many files: for each block Transmission asks the system about every file that the piece has a part of.
pub(super) const LIMIT_OF_MANY: Duration = Duration::from_secs(300);

const NAME: &str = "to be shared";

/// Plays the cell with that binary of Teem; `folder` is for all that is written.
pub(super) fn play(cell: Cell, teem: &Path, folder: &Path) {
    let (protocol, at) = (cell.protocol(), Swarm::place(cell.family()));
    content::write(folder, NAME, cell.shape(), cell.size());
    let torrent = Torrent::create(folder, NAME, cell.piece(), &[&Swarm::url(protocol, at)]);
    let swarm = Swarm { protocol, at, info_hash: torrent.info_hash.clone() };
    let own = trackers::teem::Teem { binary: teem.to_path_buf() };
    let _tracker = cell.stock_tracker().unwrap_or(&own).start(&swarm, &folder.join("tracker"));
    let ours = Teem { binary: teem.to_path_buf(), plain: false };
    let mut others = cell.others();
    let (seed, mut gets): (&dyn Client, Vec<&dyn Client>) = match cell.role() {
        Role::Seeds => (&ours, others),
        Role::Gets => (others.remove(0), vec![&ours]),
    };
    if gets.len() > 1 {
        gets.push(&ours);
    }
    let file = torrent.path.to_string_lossy().into_owned();
    let link = if cell.magnet() { torrent.magnet() } else { file.clone() };
    let seat = |number: usize, client: &dyn Client| {
        Seat::new(number as u16, cell.family(), &folder.join(format!("{number}-{}", client.name())))
    };
    let _seed = seed.start(&seat(0, seed), &Job::seed(&file, folder));
    swarm.wait_seed(KNOWN);
    let mut running: Vec<_> = gets
        .iter()
        .enumerate()
        .map(|(i, client)| {
            let seat = seat(i + 1, *client);
            let out = seat.home.join("out");
            fs::create_dir_all(&out).unwrap_or_else(|e| panic!("{}: {e}", out.display()));
            (client, client.start(&seat, &Job::get(&link, &out)), out)
        })
        .collect();
    let limit = if matches!(cell.shape(), Shape::Many(_)) { LIMIT_OF_MANY } else { LIMIT };
    for (_, get, _) in &mut running {
        get.wait_whole(limit);
    }
    for (client, _, out) in &running {
        let (wanted, got) = (folder.join(NAME), out.join(NAME));
        match cell.shape() {
            Shape::Odd => content::assert_same_bytes(&wanted, &got),
            _ if client.makes_empty_files() => content::assert_same(&wanted, &got),
            _ => content::assert_same_but_empty(&wanted, &got),
        }
    }
}
