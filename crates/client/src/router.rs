//! Passes what the engine says to whom it concerns (own design): runs on the host's thread, never blocks.
use crate::door::Door;
use crate::torrent::{Feed, Status};
use std::collections::HashMap;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};
use teem_host::owner::Owner;
use teem_host::packet::Packet;
use teem_swarm::event::{Event, State};
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

/// The torrents that somebody listens to.
pub(crate) type Feeds = Arc<Mutex<HashMap<TorrentId, Feed>>>;

/// The owner that the host calls.
pub(crate) struct Router {
    pub(crate) feeds: Feeds,
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
        if matches!(event, Event::PieceVerified { .. }) {
            return; // far too many, and the snapshot has their number
        }
        if let Event::Metadata { torrent, info } = &event {
            self.chore(Chore::Place(*torrent, info.clone()));
        }
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(feed) = feeds.get(&torrent_of(&event)) else { return };
        if let Event::Snapshot(snapshot) = event {
            feed.snapshot.send_replace(Some(snapshot));
            return;
        }
        if let Event::Availability { pieces, .. } = event {
            feed.availability.send_replace(Some(pieces));
            return;
        }
        // Nobody listening is fine: the status has what must not be missed. It comes second, so that whoever waits for it
        // finds the event told.
        let _ = feed.events.send(event.clone());
        feed.status.send_if_modified(|status| status.take_in(&event));
        if matches!(event, Event::Removed { .. }) {
            feeds.remove(&torrent_of(&event));
        }
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

fn torrent_of(event: &Event) -> TorrentId {
    match event {
        Event::Metadata { torrent, .. }
        | Event::State { torrent, .. }
        | Event::PieceVerified { torrent, .. }
        | Event::PieceFailed { torrent, .. }
        | Event::Banned { torrent, .. }
        | Event::Complete { torrent, .. }
        | Event::Durable { torrent, .. }
        | Event::AllOut { torrent, .. }
        | Event::Tracker { torrent, .. }
        | Event::External { torrent, .. }
        | Event::Disk { torrent, .. }
        | Event::DiskRecovered { torrent }
        | Event::Failed { torrent, .. }
        | Event::Notice { torrent, .. }
        | Event::Availability { torrent, .. }
        | Event::Removed { torrent } => *torrent,
        Event::Snapshot(snapshot) => snapshot.torrent,
    }
}

impl Status {
    /// Notes what an event says for good; tells whether anything changed.
    fn take_in(&mut self, event: &Event) -> bool {
        match event {
            Event::Metadata { info, .. } => self.info = Some(info.clone()),
            Event::State { state, .. } => {
                self.state = *state;
                if *state == State::Downloading {
                    // More is wanted than was, or something is damaged.
                    (self.complete, self.durable) = (None, false);
                }
            }
            Event::Complete { at_start, .. } => self.complete = Some(*at_start),
            Event::Durable { complete: true, .. } => self.durable = true,
            Event::Failed { why, disk, .. } => {
                self.failed = Some((why.clone(), disk.clone()));
                self.state = State::Failed;
            }
            Event::Disk { error, .. } => self.disk = Some(error.clone()),
            Event::DiskRecovered { .. } => self.disk = None,
            Event::Removed { .. } => self.removed = true,
            _ => return false,
        }
        true
    }
}
