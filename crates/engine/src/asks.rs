//! Questions that have left the engine, and what waits for their answers (own design).
//!
//! An announce over UDP is not among them: it is the engine's own work, and its answer comes from [`crate::udp_tracker`] with torrent and
//! id. A torrent that goes leaves its questions here until they are answered, since the host answers each.
use alloc::collections::BTreeMap;
use alloc::string::String;
use teem_swarm::ask::{AskId, AskIds};
use teem_swarm::ids::TorrentId;

/// What waits for an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Asker {
    /// A torrent, which knows the question by its id.
    Torrent(TorrentId),
    /// The engine, for the metadata of a torrent that rests.
    Rest(TorrentId),
    /// Nobody: a torrent that was expelled has said `stopped`.
    Gone,
    /// The client of UDP trackers, for the addresses of this name and port.
    Name(String, u16),
    /// Our nodes of the DHT, for addresses to begin with.
    Node,
}

/// The questions that have no answer yet.
#[derive(Debug, Default)]
pub(crate) struct Asks {
    ids: AskIds,
    waiting: BTreeMap<AskId, Asker>,
}

impl Asks {
    /// Where ids are drawn, by torrents too.
    pub(crate) fn ids(&mut self) -> &mut AskIds {
        &mut self.ids
    }

    /// A question goes out.
    pub(crate) fn left(&mut self, id: AskId, asker: Asker) {
        self.waiting.insert(id, asker);
    }

    /// Whether last words of expelled torrents have no answer yet.
    pub(crate) fn last_words(&self) -> bool {
        self.waiting.values().any(|asker| *asker == Asker::Gone)
    }

    /// An answer has come: what waited for it, if anything did.
    pub(crate) fn answered(&mut self, id: AskId) -> Option<Asker> {
        self.waiting.remove(&id)
    }
}
