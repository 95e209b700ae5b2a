//! webtorrent, the library below webtorrent-cli, by a short script: the command itself cannot seed a given .torrent without its
//! own choice of trackers. It listens and announces on all addresses.

use serde_json::json;

use crate::client::{Client, Job, Running, Seat, Whole};
use crate::namespace::Needs;
use crate::node;
use crate::setting::{Asked, Family, Protocol, Role};

const SCRIPT: &str = include_str!("webtorrent_peer.mjs");
pub(crate) const COMMAND: &str = "webtorrent";

/// One process with one torrent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Webtorrent;

impl Client for Webtorrent {
    fn name(&self) -> &'static str {
        COMMAND
    }

    fn needs(&self) -> Needs {
        Needs::Command(COMMAND, "--version")
    }

    fn version(&self) -> String {
        node::version(COMMAND, COMMAND)
    }

    fn cannot(&self, asked: Asked) -> Option<&'static str> {
        let seeds_odd = asked.odd && asked.role == Role::Seeds;
        let udp6 = asked.protocol == Protocol::Udp && asked.family == Family::V6;
        let why = seeds_odd.then_some("as a seed of odd names never announces that it is complete");
        why.or(udp6.then_some("asks UDP trackers over IPv4 only"))
    }

    /// It opens all of them at once.
    fn files_max(&self) -> usize {
        2_000
    }

    fn start(&self, seat: &Seat, job: &Job<'_>) -> Running {
        let port = seat.listen().port();
        let told = json!({ "port": port, "up": job.up, "link": job.link, "folder": job.folder });
        seat.start(&mut node::script(COMMAND, SCRIPT, &told), Whole::Line("done"))
    }
}
