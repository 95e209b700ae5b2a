//! Torrents come and go (own design; BEP 3 for `stopped`): adding, commands, and an end within 4 s whatever happens.
use super::Engine;
use super::record::Step;
use super::resting::Phase;
use crate::input::PeerSource;
use alloc::boxed::Box;
use alloc::string::String;
use core::net::SocketAddr;
use teem_swarm::command::Command;
use teem_swarm::event::Event;
use teem_swarm::ids::TorrentId;
use teem_swarm::output::Output;
use teem_swarm::torrent::Torrent;

impl<B> Engine<B> {
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Add(add) => self.add(*add, false),
            Command::AddPaused(add) => self.add(*add, true),
            Command::AddAtRest(_) => {} // taken before
            Command::Pause(torrent) => self.pause(torrent),
            Command::Resume(torrent) => self.resume(torrent),
            Command::Recheck(torrent) => self.recheck(torrent),
            Command::Trackers(torrent, change) => self.change_trackers(torrent, change),
            Command::TorrentLimits { torrent, up, down } => self.limit(torrent, up, down),
            Command::GroupLimits { group, up, down } => {
                self.shared.up.set_group(group, self.now, up);
                self.shared.down.set_group(group, self.now, down);
                self.look_at_limits();
            }
            Command::Groups(torrent, groups) => {
                if self.rests.contains_key(&torrent) {
                    self.shared.regroup(torrent, &groups);
                }
                self.with(torrent, |t, cx| t.set_groups(cx, &groups));
            }
            Command::Limits { up, down } => {
                self.shared.up.set_rate(self.now, up);
                self.shared.down.set_rate(self.now, down);
                self.look_at_limits();
            }
            Command::Connections(most) => self.routes.limit(most),
            Command::Listen(port) => {
                self.doors.set(port.into());
                self.port_changed();
            }
            Command::Door(family, door) => {
                if self.doors.set_door(family, door) {
                    self.port_changed();
                }
            }
            Command::Nodes => self.tell_nodes(),
            Command::NodesOf { torrent, nodes } => self.hint_nodes(torrent, &nodes),
            Command::Remove(torrent) => self.remove(torrent),
            Command::Part(torrent) => {
                self.part(torrent);
                self.remove(torrent);
            }
            Command::Read { torrent, id, at } => self.read(torrent, id, at),
            Command::Sync(torrent) => self.with(torrent, Torrent::sync),
            Command::Select(torrent, selection) => {
                self.remember_selection(torrent, &selection);
                self.with(torrent, |t, cx| t.select(cx, selection));
            }
            Command::TellSent { torrent, bytes } => self.tell_sent(torrent, bytes),
            Command::Peers { torrent, source, list } => self.peers(torrent, source, &list),
            Command::Snapshot(torrent) => {
                if let Some(figures) = self.figures(torrent) {
                    self.outputs.push_back(Output::Event(Event::Snapshot(Box::new(figures))));
                }
            }
            Command::Snapshots { ask, torrents } => {
                let torrents = torrents.unwrap_or_else(|| self.rests.keys().copied().collect());
                let list = torrents.into_iter().filter_map(|id| self.figures(id)).collect();
                self.outputs.push_back(Output::Event(Event::Snapshots { ask, list }));
            }
            Command::Busy { ask } => self.tell_busy(ask),
            Command::Verified(torrent) => {
                let pieces = self.ask_torrent(torrent, |one| one.bitfield()).unwrap_or_default();
                self.outputs.push_back(Output::Event(Event::Verified { torrent, pieces }));
            }
            Command::Announce(torrent) => {
                self.with(torrent, Torrent::announce);
                self.rest_step(Step::Hurry(torrent));
            }
            Command::Search(torrent) => self.tell_search(torrent),
            #[cfg(debug_assertions)]
            Command::Panic(Some(torrent)) => self.with(torrent, Torrent::panic),
            #[cfg(debug_assertions)]
            Command::Panic(None) => panic!("planted in the engine"),
            Command::Availability(torrent) => {
                let of_nobody = self.rests.get(&torrent).and_then(|rest| rest.phase.pieces_at_rest());
                let pieces = self.ask_torrent(torrent, |one| one.availability());
                if let Some(pieces) = pieces.or(of_nobody.map(|pieces| alloc::vec![0; pieces as usize].into())) {
                    self.outputs.push_back(Output::Event(Event::Availability { torrent, pieces }));
                }
            }
        }
    }

    /// Peers that the owner knows of. A private torrent takes none that were named by hand (BEP 27).
    fn peers(&mut self, torrent: TorrentId, source: PeerSource, list: &[SocketAddr]) {
        let private = self.ask_torrent(torrent, |one| one.is_private()).unwrap_or(false);
        if private && matches!(source, PeerSource::User | PeerSource::Link | PeerSource::Inbound) {
            let text = String::from("the torrent is private: peers that were named by hand are ignored (BEP 27)");
            return self.outputs.push_back(Output::Event(Event::Notice { torrent, text }));
        }
        // Of a private torrent nobody but its tracker may tell who takes part.
        if !private || !matches!(source, PeerSource::Dht(_) | PeerSource::Pex(_) | PeerSource::Lsd(_)) {
            self.with(torrent, |t, cx| t.add_peers(cx.now, source, list));
        }
    }

    /// Limits are others: torrents that wait for the old ones look at the new ones.
    fn look_at_limits(&mut self) {
        let all: alloc::vec::Vec<_> = self.torrents.keys().copied().collect();
        for torrent in all {
            self.with(torrent, Torrent::tick);
        }
    }

    /// We are reached on another port: all who were told of the former one are told.
    fn port_changed(&mut self) {
        if let Some(dht) = &mut self.dht {
            dht.listens(self.now, self.doors.get());
        }
        let all: alloc::vec::Vec<_> = self.torrents.keys().copied().collect();
        for torrent in all {
            self.with(torrent, Torrent::port_changed);
        }
        self.rest_step(Step::Elsewhere(false));
    }

    /// Our address has changed.
    pub(super) fn moved(&mut self) {
        self.udp.moved(self.now);
        self.votes.forget();
        let all: alloc::vec::Vec<_> = self.torrents.keys().copied().collect();
        for torrent in all {
            self.with(torrent, Torrent::rejoin);
        }
        self.rest_step(Step::Elsewhere(true));
    }

    fn remove(&mut self, torrent: TorrentId) {
        self.shared.regroup(torrent, &[]);
        let lies_down = match self.rests.get(&torrent).map(|rest| &rest.phase) {
            Some(Phase::Asleep(_) | Phase::Leaving { .. }) => {
                return self.rest_step(Step::Leave(torrent, false));
            }
            Some(Phase::LyingDown) => true,
            _ => false,
        };
        if self.removed_at_rest(torrent) || !self.torrents.contains_key(&torrent) {
            // The owner must not wait for the end of a torrent that is not there.
            return self.outputs.push_back(Output::Event(Event::Removed { torrent }));
        }
        if self.removals.get(torrent).is_none() || lies_down {
            self.end(torrent);
        }
    }
}
