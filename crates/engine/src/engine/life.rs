//! Torrents come and go (own design; BEP 3 for `stopped`): adding, commands, and an end within 4 s whatever happens.
use super::Engine;
use crate::input::PeerSource;
use alloc::boxed::Box;
use alloc::string::String;
use core::net::SocketAddr;
use core::time::Duration;
use teem_swarm::command::{AddTorrent, Command};
use teem_swarm::event::Event;
use teem_swarm::ids::TorrentId;
use teem_swarm::output::{CloseReason, Output};
use teem_swarm::torrent::Torrent;
use teem_swarm::torrent::announce::Identity;

/// A torrent that is being removed is let go after this, even if trackers and disk are silent.
const REMOVAL_MAX: Duration = Duration::from_secs(4);

impl<B> Engine<B> {
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Add(add) => self.add(*add),
            Command::Limits { up, down } => {
                self.shared.up.set_rate(self.now, up);
                self.shared.down.set_rate(self.now, down);
                // Everybody is concerned: who waited for the old limits has to look at the new ones.
                let all: alloc::vec::Vec<_> = self.torrents.keys().copied().collect();
                for torrent in all {
                    self.with(torrent, Torrent::tick);
                }
            }
            Command::Listen(port) => {
                self.port.set(port);
                let all: alloc::vec::Vec<_> = self.torrents.keys().copied().collect();
                for torrent in all {
                    self.with(torrent, Torrent::port_changed);
                }
            }
            Command::Remove(torrent) => self.remove(torrent),
            Command::Read { torrent, id, at } => self.read(torrent, id, at),
            Command::Sync(torrent) => self.with(torrent, Torrent::sync),
            Command::Select(torrent, selection) => self.with(torrent, |t, cx| t.select(cx, selection)),
            Command::Peers { torrent, source, list } => self.peers(torrent, source, &list),
            Command::Snapshot(torrent) => {
                if let Some(one) = self.torrents.get(&torrent) {
                    let snapshot = Box::new(one.snapshot(self.now));
                    self.outputs.push_back(Output::Event(Event::Snapshot(snapshot)));
                }
            }
            Command::Snapshots { ask, torrents } => {
                let of = |id: &TorrentId| self.torrents.get(id).map(|one| one.snapshot(self.now));
                let list = match torrents {
                    Some(torrents) => torrents.iter().filter_map(of).collect(),
                    None => self.torrents.values().map(|one| one.snapshot(self.now)).collect(),
                };
                self.outputs.push_back(Output::Event(Event::Snapshots { ask, list }));
            }
            Command::Availability(torrent) => {
                if let Some(one) = self.torrents.get(&torrent) {
                    let pieces = one.availability();
                    self.outputs.push_back(Output::Event(Event::Availability { torrent, pieces }));
                }
            }
        }
    }

    /// Peers that the owner knows of. A private torrent takes none that were named by hand (BEP 27).
    fn peers(&mut self, torrent: TorrentId, source: PeerSource, list: &[SocketAddr]) {
        let private = self.torrents.get(&torrent).is_some_and(Torrent::is_private);
        if private && matches!(source, PeerSource::User | PeerSource::Inbound) {
            let text = String::from("the torrent is private: peers that were named by hand are ignored (BEP 27)");
            return self.outputs.push_back(Output::Event(Event::Notice { torrent, text }));
        }
        self.with(torrent, |t, cx| t.add_peers(cx.now, source, list));
    }

    /// We are reached elsewhere than before.
    pub(super) fn moved(&mut self) {
        self.udp.moved(self.now);
        self.votes.forget();
        let all: alloc::vec::Vec<_> = self.torrents.keys().copied().collect();
        for torrent in all {
            self.with(torrent, Torrent::rejoin);
        }
    }

    fn add(&mut self, add: AddTorrent) {
        let torrent = add.torrent;
        if self.torrents.contains_key(&torrent) || !self.routes.enter_torrent(add.key, torrent) {
            let why = String::from("this torrent is there already: the same info-hash cannot be added twice");
            return self.outputs.push_back(Output::Event(Event::Failed { torrent, why, disk: None }));
        }
        let me = Identity {
            torrent: add.key,
            peer_id: self.config.peer_id(&mut self.rng),
            port: self.port.clone(),
            key: self.rng.next_u64() as u32,
        };
        let one = Torrent::new(add, me, self.rng.fork());
        self.torrents.insert(torrent, one);
        let seen = self.external;
        self.with(torrent, |t, cx| t.seen_from_outside(cx, seen));
        self.with(torrent, Torrent::start);
    }

    fn remove(&mut self, torrent: TorrentId) {
        let Some(one) = self.torrents.get(&torrent) else {
            // Nobody shall wait for the end of what is not there.
            return self.outputs.push_back(Output::Event(Event::Removed { torrent }));
        };
        if self.removals.get(torrent).is_some() {
            return;
        }
        self.routes.leave_torrent(one.key(), torrent);
        self.dialler.forget(torrent);
        self.removals.set(torrent, Some(self.now + REMOVAL_MAX));
        for conn in self.conns.of(torrent) {
            self.conns.take(conn);
            self.close(conn, CloseReason::Stopping);
        }
        self.with(torrent, Torrent::remove);
    }
}
