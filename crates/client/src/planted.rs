//! The tests' own seam (own design): faults that are planted where real ones would be. In debug builds only.
use crate::client::Client;
use crate::web::site::PLANTED;
use std::sync::atomic::Ordering::SeqCst;
use teem_host::mailbox::HostMsg;
use teem_swarm::command::Command;
use teem_swarm::ids::TorrentId;

/// Where a panic is to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Planted {
    /// In the middle of what this torrent does.
    Torrent(TorrentId),
    /// In the engine itself.
    Engine,
    /// In the next task on the async side that carries out a question of the engine.
    Question,
    /// In what is served next over HTTP.
    Request,
}

impl Client {
    /// Plants a panic.
    #[doc(hidden)]
    pub fn plant(&self, fault: Planted) {
        let at = match fault {
            Planted::Torrent(torrent) => Some(torrent),
            Planted::Engine => None,
            Planted::Question => return self.registry().planted.store(true, SeqCst),
            Planted::Request => return PLANTED.store(true, SeqCst),
        };
        // A host that has ended has nothing to panic.
        let _ = self.host().send(HostMsg::Command(Command::Panic(at)));
    }
}
