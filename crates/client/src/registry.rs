//! The torrents of a client (own design): what is true of each, who waits for that, and which answers of the engine are waited for.
//!
//! A torrent costs one row of the table here (`rows`), whose changing part is its `Entry`. Everything else is made when somebody asks, and goes when he is answered.
use crate::bus::{Bus, Changes};
use crate::entry::Entry;
use crate::places::Places;
use crate::rows::Table;
use crate::status::{Ended, Status};
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use teem_host::error::HostError;
use teem_host::host::HostHandle;
use teem_metainfo::{AnnounceUrl, AnnounceUrls};
use teem_path::Standing;
use teem_swarm::event::{Event, NodeFigures, Snapshot};
use teem_swarm::ids::{ReadId, TorrentId};
use teem_swarm::job::ReadError;
use teem_swarm::search::Search;
use tokio::sync::{Semaphore, oneshot, watch};

/// All torrents of a client.
#[derive(Default)]
pub(crate) struct Registry {
    table: Mutex<Table>,
    pub(crate) bus: Bus,
    pub(crate) places: Places,
    /// Trackers that thousands of torrents may have.
    urls: Mutex<AnnounceUrls>,
    asks: Mutex<Asks>,
    pub(crate) readers: Readers,
    pub(crate) movers: Movers,
    /// What of that which the user bound us to is there.
    standing: Mutex<Standing>,
    /// Why the client has failed, by a fault of ours.
    fault: watch::Sender<Option<String>>,
    /// The next question panics: see [`crate::Planted`].
    #[cfg(debug_assertions)]
    pub(crate) planted: std::sync::atomic::AtomicBool,
}

/// Room for those who read content at once: half of what the engine lets be under way, so that it refuses nobody who waits here.
pub(crate) struct Readers(pub(crate) Semaphore);

impl Default for Readers {
    fn default() -> Self {
        Self(Semaphore::new(16))
    }
}

/// Room for moves: more at once would only be in each other's way on the media.
pub(crate) struct Movers(pub(crate) Semaphore);

impl Default for Movers {
    fn default() -> Self {
        Self(Semaphore::new(2))
    }
}

/// Id and address of a node of the DHT.
pub(crate) type NodeAddr = ([u8; 20], SocketAddr);

/// The callers that wait for an answer of the engine.
#[derive(Default)]
struct Asks {
    next: u64,
    snapshots: HashMap<u64, oneshot::Sender<Vec<Snapshot>>>,
    availability: HashMap<TorrentId, Vec<oneshot::Sender<Box<[u16]>>>>,
    searches: HashMap<TorrentId, Vec<oneshot::Sender<Search>>>,
    verified: HashMap<TorrentId, Vec<oneshot::Sender<Box<[u8]>>>>,
    nodes: Vec<oneshot::Sender<(Vec<NodeFigures>, Vec<NodeAddr>)>>,
    reads: HashMap<ReadId, oneshot::Sender<Result<Vec<u8>, ReadError>>>,
    ended: bool,
}

impl Registry {
    /// What we are bound to has gone or come back.
    pub(crate) fn stands(&self, standing: &Standing) {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone_from(standing);
    }

    pub(crate) fn standing(&self) -> Standing {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has the trackers of a torrent be held once for all torrents that have the same.
    pub(crate) fn share(&self, trackers: &mut [Vec<AnnounceUrl>]) {
        let mut urls = self.urls.lock().unwrap_or_else(PoisonError::into_inner);
        trackers.iter_mut().flatten().for_each(|url| urls.share(url));
    }

    pub(crate) fn enter(&self, entry: Arc<Entry>) {
        let id = entry.id;
        self.table().enter(entry);
        self.bus.tell([(id, Changes::ADDED, None)]);
    }

    /// Changes a torrent's row otherwise than by an event.
    pub(crate) fn change(&self, entry: &Entry, change: impl FnOnce(&mut Status)) {
        self.bus.tell([(entry.id, Changes::STATE, None)]);
        entry.modify(|status| {
            change(status);
            true
        });
        self.table().touch(entry.id);
    }

    /// A torrent is gone: nothing of it stays but what its handles hold.
    pub(crate) fn forget(&self, id: TorrentId) {
        self.table().remove(id);
        self.let_go(id);
    }

    /// What is kept for it besides its row.
    fn let_go(&self, id: TorrentId) {
        self.places.forget(id);
        let mut asks = self.asks();
        asks.availability.remove(&id);
        asks.searches.remove(&id);
        asks.verified.remove(&id);
    }

    pub(crate) fn get(&self, id: TorrentId) -> Option<Arc<Entry>> {
        self.table().get(id).cloned()
    }

    /// All, in the order in which they were added.
    pub(crate) fn all(&self) -> Vec<Arc<Entry>> {
        self.table().all()
    }

    /// A question for figures: its number, and where they will come.
    pub(crate) fn ask_snapshots(&self) -> (u64, oneshot::Receiver<Vec<Snapshot>>) {
        let (sender, answer) = oneshot::channel();
        let mut asks = self.asks();
        asks.next += 1;
        let ask = asks.next;
        if !asks.ended {
            asks.snapshots.insert(ask, sender);
        }
        (ask, answer)
    }

    /// A question for the availability of a torrent's pieces.
    pub(crate) fn ask_availability(&self, id: TorrentId) -> oneshot::Receiver<Box<[u16]>> {
        let (sender, answer) = oneshot::channel();
        let mut asks = self.asks();
        if !asks.ended {
            asks.availability.entry(id).or_default().push(sender);
        }
        answer
    }

    /// A question for the verified pieces of a torrent.
    pub(crate) fn ask_verified(&self, id: TorrentId) -> oneshot::Receiver<Box<[u8]>> {
        let (sender, answer) = oneshot::channel();
        let mut asks = self.asks();
        if !asks.ended {
            asks.verified.entry(id).or_default().push(sender);
        }
        answer
    }

    /// A question for how the search for a torrent's peers went.
    pub(crate) fn ask_search(&self, id: TorrentId) -> oneshot::Receiver<Search> {
        let (sender, answer) = oneshot::channel();
        let mut asks = self.asks();
        if !asks.ended {
            asks.searches.entry(id).or_default().push(sender);
        }
        answer
    }

    /// A question for our nodes of the DHT and those that they know.
    pub(crate) fn ask_nodes(&self) -> oneshot::Receiver<(Vec<NodeFigures>, Vec<NodeAddr>)> {
        let (sender, answer) = oneshot::channel();
        let mut asks = self.asks();
        if !asks.ended {
            asks.nodes.push(sender);
        }
        answer
    }

    /// A question for a block of content.
    pub(crate) fn ask_read(&self) -> (ReadId, oneshot::Receiver<Result<Vec<u8>, ReadError>>) {
        let (sender, answer) = oneshot::channel();
        let mut asks = self.asks();
        asks.next += 1;
        let id = ReadId(asks.next);
        if !asks.ended {
            asks.reads.insert(id, sender);
        }
        (id, answer)
    }

    /// A block of content is there, or is not to be had.
    pub(crate) fn has_read(&self, id: ReadId, result: Result<&[u8], &ReadError>) {
        let asked = self.asks().reads.remove(&id);
        if let Some(sender) = asked.filter(|sender| !sender.is_closed()) {
            // The one who asked may leave in this moment.
            let _ = sender.send(result.map(<[u8]>::to_vec).map_err(Clone::clone));
        }
    }

    /// Takes in what the engine has said in one turn, in its order: rows change first, then answers go to those who asked.
    ///
    /// All listeners are told before any row is changed, so that one who waits for a status finds the event told.
    pub(crate) fn hear(&self, events: Vec<Event>) {
        let (answers, events): (Vec<Event>, Vec<Event>) = events.into_iter().partition(is_answer);
        let mut heard = Vec::with_capacity(events.len());
        {
            let mut table = self.table();
            for event in &events {
                let Some(torrent) = event.torrent() else { continue };
                let entry = table.get(torrent).cloned();
                if matches!(event, Event::Removed { .. }) {
                    table.remove(torrent);
                }
                heard.push((torrent, event, entry));
            }
        }
        for (torrent, event, _) in &heard {
            match event {
                Event::Rests { .. } => self.places.rest(*torrent),
                Event::Woken { info, .. } => self.places.recall(*torrent, info),
                _ => {}
            }
        }
        for (torrent, ..) in heard.iter().filter(|(_, event, _)| matches!(event, Event::Removed { .. })) {
            self.let_go(*torrent);
        }
        self.bus.tell(heard.iter().map(|(torrent, event, _)| {
            // Far too many for a queue, and the snapshot has their number.
            let many = matches!(event, Event::PieceVerified { .. } | Event::Checked { .. });
            (*torrent, Changes::by(event), Some(*event).filter(|_| !many))
        }));
        let mut touched = BTreeSet::new();
        for (torrent, event, entry) in heard {
            touched.insert(torrent);
            let Some(entry) = entry else { continue };
            entry.modify(|status| {
                let removed = matches!(event, Event::Removed { .. });
                if let Some(why) = self.fault.borrow().as_deref().filter(|_| removed) {
                    status.take_fault(why);
                }
                status.take_in(event)
            });
        }
        let mut table = self.table();
        for torrent in touched {
            table.touch(torrent);
        }
        drop(table);
        for event in answers {
            self.answer(event);
        }
    }

    /// Gives an answer of the engine to those who asked.
    fn answer(&self, event: Event) {
        // Those who asked may have left.
        match event {
            Event::Snapshots { ask, list } => {
                if let Some(sender) = self.asks().snapshots.remove(&ask) {
                    let _ = sender.send(list);
                }
            }
            Event::Nodes { nodes, saved } => {
                for sender in std::mem::take(&mut self.asks().nodes) {
                    let _ = sender.send((nodes.clone(), saved.clone()));
                }
            }
            Event::Availability { torrent, pieces } => {
                for sender in self.asks().availability.remove(&torrent).unwrap_or_default() {
                    let _ = sender.send(pieces.clone());
                }
            }
            Event::Verified { torrent, pieces } => {
                for sender in self.asks().verified.remove(&torrent).unwrap_or_default() {
                    let _ = sender.send(pieces.clone());
                }
            }
            Event::Search(search) => {
                for sender in self.asks().searches.remove(&search.torrent).unwrap_or_default() {
                    let _ = sender.send(Search::clone(&search));
                }
            }
            _ => {}
        }
    }

    /// A part of the client that nothing goes on without has failed by a fault of ours.
    pub(crate) fn fail(&self, why: &str) {
        self.fault.send_if_modified(|fault| {
            let first = fault.is_none();
            fault.get_or_insert_with(|| why.to_owned());
            first
        });
    }

    /// The same for a part on the async side: the engine, which is sound, ends in order.
    pub(crate) fn fail_and_end(&self, host: &HostHandle, what: &str) {
        self.fail(&HostError::Fault(what.to_owned()).to_string());
        host.shutdown();
    }

    /// Why the client has failed, if it has.
    pub(crate) fn fault(&self) -> watch::Receiver<Option<String>> {
        self.fault.subscribe()
    }

    /// Why nothing more comes of an engine that has ended.
    pub(crate) fn ended(&self) -> Ended {
        self.fault.borrow().clone().map_or(Ended::Removed, Ended::Fault)
    }

    /// The engine has ended: nobody waits for anything more.
    pub(crate) fn end(&self) {
        let mut asks = self.asks();
        *asks = Asks { ended: true, ..Asks::default() };
        drop(asks);
        self.bus.end();
        let entries = self.table().take();
        for entry in entries {
            entry.modify(|status| {
                if let Some(why) = &*self.fault.borrow() {
                    status.take_fault(why);
                }
                !std::mem::replace(&mut status.removed, true)
            });
        }
    }

    pub(crate) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asks(&self) -> MutexGuard<'_, Asks> {
        self.asks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an event is the answer to a question, of which there is nothing to be told to others.
fn is_answer(event: &Event) -> bool {
    matches!(
        event,
        Event::Snapshots { .. }
            | Event::Nodes { .. }
            | Event::Availability { .. }
            | Event::Verified { .. }
            | Event::Search(_)
    )
}
