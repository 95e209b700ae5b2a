//! Passes what the engine says to whom it concerns (own design): runs on the host's thread, never blocks.
use crate::door::Door;
use crate::registry::Registry;
use std::net::TcpStream;
use std::sync::Arc;
use teem_host::owner::Owner;
use teem_host::packet::Packet;
use teem_swarm::event::Event;
use teem_swarm::ids::TorrentId;
use teem_wire::tracker::announce::Announce;
use tokio::sync::mpsc;

/// Work that the engine asks of the async side.
#[derive(Debug)]
pub(crate) enum Chore {
    /// Announce over HTTP.
    Announce(TorrentId, String, Announce),
    /// Resolve a name.
    Resolve(String, u16),
    /// The metadata came: find it a place.
    Place(TorrentId, Arc<teem_metainfo::Info>),
}

/// The owner that the host calls.
pub(crate) struct Router {
    pub(crate) registry: Arc<Registry>,
    pub(crate) chores: mpsc::Sender<Chore>,
    /// For those who come to the listening port and are no peers.
    pub(crate) door: Door,
}

impl Router {
    fn chore(&self, chore: Chore) {
        // Full means that thousands wait already; the engine asks again when its own time limit is over.
        let _ = self.chores.try_send(chore);
    }
}

impl Owner for Router {
    fn on_event(&mut self, event: Event) {
        if let Event::Metadata { torrent, info } = &event {
            self.chore(Chore::Place(*torrent, info.clone()));
        }
        self.registry.hear(event);
    }

    fn on_announce(&mut self, torrent: TorrentId, url: String, announce: Announce) {
        self.chore(Chore::Announce(torrent, url, announce));
    }

    fn on_resolve(&mut self, host: String, port: u16) {
        self.chore(Chore::Resolve(host, port));
    }

    fn on_http(&mut self, stream: TcpStream) {
        self.door.http(stream);
    }

    fn on_question(&mut self, packet: Packet) {
        self.door.question(packet);
    }
}

impl Drop for Router {
    /// The host has ended.
    fn drop(&mut self) {
        self.registry.end();
    }
}
