//! A torrent's own code, or the disk's work for it, has panicked (own design): it ends alone.
//!
//! Nothing of the broken torrent is asked or touched any more, but for the word `stopped` that its trackers are told, behind the same wall; it is let go of whole. What it had pushed in that call is half of something
//! and goes with it. The engine's own tables name it nowhere afterwards, the disk saves what is durable of it, and its owner is told
//! why, by name. It stays in `rests` until it is removed.
//!
//! Invariant: answers to what it had asked find no torrent, and change nothing.
use super::{Engine, resting};
use crate::announces::is_udp;
use crate::asks::Asker;
use alloc::vec::Vec;
use teem_swarm::ask::Question;
use teem_swarm::event::Event;
use teem_swarm::ids::TorrentId;
use teem_swarm::job::Job;
use teem_swarm::output::{CloseReason, Output};
use teem_swarm::torrent::Torrent;
use teem_swarm::torrent::announce::Ask;

impl<B> Engine<B> {
    /// Ends a torrent by a fault of ours; `what` is what the panic said.
    pub(super) fn expel(&mut self, torrent: TorrentId, what: &str) {
        self.pushed.clear();
        let Some(mut broken) = self.torrents.remove(&torrent) else { return };
        let (held, served) = self.wall.behind(|| (broken.held(), broken.served())).unwrap_or_default();
        self.shared.pool.gone(torrent, held, served);
        // What is wrong with it is hardly what it has told its trackers.
        let (now, ids) = (self.now, self.asks.ids());
        let farewell = self.wall.behind(|| broken.farewell(now, ids)).unwrap_or_default();
        // What cannot even be let go of is no more than lost.
        let _ = self.wall.behind(move || drop(broken));
        for conn in self.routes.of_torrent(torrent) {
            self.routes.leave(conn);
            self.outputs.push_back(Output::Close { conn, why: CloseReason::Stopping });
        }
        for conn in self.conns.of(torrent) {
            self.conns.take(conn);
            self.outputs.push_back(Output::Close { conn, why: CloseReason::Stopping });
        }
        self.routes.forget_torrent(torrent);
        self.changed.insert(torrent);
        self.dialler.forget(torrent);
        self.timers.set(torrent, None);
        self.udp.forget(torrent);
        self.announces.forget(torrent);
        for Ask { id, url, announce } in farewell {
            if is_udp(url.reveal()) {
                self.udp.announce(self.now, torrent, id, url, announce);
            } else {
                self.asks.left(id, Asker::Gone);
                self.outputs.push_back(Output::Ask { id, question: Question::Announce { torrent, url, announce } });
            }
        }
        self.shared.forget(torrent);
        self.outputs.push_back(Output::Disk(Job::Close { torrent, facts: None }));
        let leaving = self.removals.get(torrent).is_some();
        self.removals.set(torrent, None);
        let (why, waited) = resting::broken(&mut self.rests, torrent, leaving, what);
        self.outputs.push_back(Output::Event(Event::Fault { torrent, why }));
        if waited {
            self.outputs.push_back(Output::Event(Event::Removed { torrent }));
        }
    }

    /// Asks every torrent the same.
    pub(super) fn ask_each<R>(&mut self, ask: impl Fn(&mut Torrent) -> R) -> Vec<(TorrentId, R)> {
        let all: Vec<_> = self.torrents.keys().copied().collect();
        all.into_iter().filter_map(|id| Some((id, self.ask_torrent(id, &ask)?))).collect()
    }

    /// Asks a torrent something; `None` when it is not there, or no longer because of that.
    pub(super) fn ask_torrent<R>(&mut self, torrent: TorrentId, ask: impl FnOnce(&mut Torrent) -> R) -> Option<R> {
        let one = self.torrents.get_mut(&torrent)?;
        match self.wall.behind(|| ask(one)) {
            Ok(answer) => Some(answer),
            Err(what) => {
                self.expel(torrent, &what);
                None
            }
        }
    }
}
