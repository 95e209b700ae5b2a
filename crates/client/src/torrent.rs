//! The handle of one torrent (own design).
use crate::bus::Events;
use crate::choice::{Choice, ChooseError};
use crate::entry::Entry;
use crate::registry::Registry;
use crate::status::{Ended, Status};
use std::path::Path;
use std::sync::Arc;
use teem_disk::DiskHandle;
use teem_host::host::HostHandle;
use teem_metainfo::{Info, InfoHash, TorrentKey};
use teem_swarm::command::Command;
use teem_swarm::event::{Snapshot, State};
use teem_swarm::ids::TorrentId;
use teem_swarm::job::ReadError;
use teem_swarm::search::Search;
use teem_swarm::selection::Selection;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};

/// Bytes that one [`Torrent::read`] may ask for.
pub const READ_MAX: u32 = 1 << 20;

/// A torrent of a client; cheap to clone.
#[derive(Clone)]
pub struct Torrent {
    pub(crate) entry: Arc<Entry>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) host: HostHandle,
    pub(crate) disk: DiskHandle,
}

impl Torrent {
    /// The name that it has in its client; never given twice in one run.
    pub fn id(&self) -> TorrentId {
        self.entry.id
    }

    /// What it was known by when it was added; the metadata may know more.
    pub fn key(&self) -> TorrentKey {
        self.entry.key
    }

    /// The 20 bytes that peers and trackers know it by.
    pub fn info_hash(&self) -> InfoHash {
        self.entry.key.wire()
    }

    /// The folder that its content goes into.
    pub fn folder(&self) -> Arc<Path> {
        self.entry.folder()
    }

    /// What is true of it now.
    pub fn status(&self) -> Status {
        self.entry.status().clone()
    }

    /// Everything that happens to it from now on: of [`Client::events`](crate::Client::events) what concerns this torrent.
    pub fn events(&self) -> Events {
        self.registry.bus.listen(Some(self.id()))
    }

    /// The figures of this moment. For many torrents ask [`Client::snapshots`](crate::Client::snapshots), once.
    pub async fn snapshot(&self) -> Result<Snapshot, Ended> {
        let (ask, answer) = self.registry.ask_snapshots();
        self.ask(Command::Snapshots { ask, torrents: Some(vec![self.id()]) }).await?;
        answer.await.ok().and_then(|mut list| list.pop()).ok_or_else(|| self.registry.ended())
    }

    /// How many connected peers have each piece; empty while the metadata is missing.
    pub async fn availability(&self) -> Result<Box<[u16]>, Ended> {
        let answer = self.registry.ask_availability(self.id());
        // Asked first and looked second: the answer to a torrent that goes meanwhile is that it is gone.
        if self.registry.get(self.id()).is_none() {
            return Err(self.registry.ended());
        }
        self.ask(Command::Availability(self.id())).await?;
        answer.await.map_err(|_| self.registry.ended())
    }

    /// Which pieces are verified, as a bitfield of the wire (BEP 3): the first piece in the highest bit. Empty while the metadata is missing,
    /// and of a torrent that is not at work.
    pub async fn verified(&self) -> Result<Box<[u8]>, Ended> {
        let answer = self.registry.ask_verified(self.id());
        // Asked first and looked second, as above.
        if self.registry.get(self.id()).is_none() {
            return Err(self.registry.ended());
        }
        self.ask(Command::Verified(self.id())).await?;
        answer.await.map_err(|_| self.registry.ended())
    }

    /// How the search for its peers went.
    pub async fn search(&self) -> Result<Search, Ended> {
        let answer = self.registry.ask_search(self.id());
        // Asked first and looked second, as above.
        if self.registry.get(self.id()).is_none() {
            return Err(self.registry.ended());
        }
        self.ask(Command::Search(self.id())).await?;
        answer.await.map_err(|_| self.registry.ended())
    }

    /// Reads `len` bytes at `offset` in a piece that is verified; at most [`READ_MAX`] at once, else [`ReadError::NotThere`]. One block is
    /// under way at a time, among those of the peers: a slow reader slows only itself.
    pub async fn read(&self, piece: u32, offset: u32, len: u32) -> Result<Vec<u8>, ReadError> {
        let end = offset.checked_add(len).filter(|_| len <= READ_MAX).ok_or(ReadError::NotThere)?;
        let _turn = self.registry.readers.0.acquire().await.map_err(|_| ReadError::NoTorrent)?;
        let (mut content, mut begin) = (Vec::with_capacity(len as usize), offset);
        while begin < end {
            let at = BlockRef { piece, begin, len: (end - begin).min(BLOCK_LEN) };
            let (id, answer) = self.registry.ask_read();
            let command = Command::Read { torrent: self.id(), id, at };
            self.ask(command).await.map_err(|_| ReadError::NoTorrent)?;
            content.extend(answer.await.map_err(|_| ReadError::NoTorrent)??);
            begin += at.len;
        }
        Ok(content)
    }

    /// Waits for the metadata. That of a torrent that rests is read from where it is kept, without waking it.
    pub async fn metadata(&self) -> Result<Arc<Info>, Ended> {
        // In a moment between rest and work it is there, or is read again.
        loop {
            let known = self.until(|s| s.info.clone().map(Some).or(s.rests.then_some(None))).await?;
            if let Some(info) = known {
                return Ok(info);
            }
            let (registry, id) = (self.registry.clone(), self.id());
            let read = tokio::task::spawn_blocking(move || registry.places.load(id)).await;
            match read.unwrap_or_else(|e| Err(e.to_string())) {
                Ok((_, info)) => return Ok(info),
                Err(why) if self.status().rests => return Err(Ended::Failed(why, None)),
                Err(_) => {}
            }
        }
    }

    /// Waits until every piece is verified.
    pub async fn completed(&self) -> Result<(), Ended> {
        self.until(|s| s.complete.map(|_| ())).await
    }

    /// Waits until the complete content is on the disk for good.
    pub async fn durable(&self) -> Result<(), Ended> {
        self.until(|s| s.durable.then_some(())).await
    }

    /// Says which files are wanted, to a torrent that waits for that ([`Choice::Ask`]) or to any other; waits for the metadata. When none of
    /// the files fits, that is said, and nothing changes.
    pub async fn choose(&self, choice: Choice) -> Result<(), ChooseError> {
        let info = self.metadata().await.map_err(ChooseError::Ended)?;
        // A million files take a while.
        let chosen = tokio::task::spawn_blocking(move || choice.of(&info)).await;
        let selection = chosen.map_err(|_| ChooseError::Ended(Ended::Removed))?.map_err(ChooseError::Choice)?;
        match self.status().ended() {
            Some(ended) => Err(ChooseError::Ended(ended)),
            None => self.select(selection).map_err(ChooseError::Ended),
        }
    }

    /// The same without waiting for the metadata: while that is missing the choice is kept until it comes.
    pub async fn choose_whenever(&self, choice: Choice) -> Result<(), ChooseError> {
        if self.registry.places.choose(self.id(), choice.clone()) { self.choose(choice).await } else { Ok(()) }
    }

    /// Chooses which files are wanted from now on; what is there of others stays. [`Self::durable`] waits for these then.
    pub fn select(&self, selection: Selection) -> Result<(), Ended> {
        self.command(Command::Select(self.id(), selection))
    }

    /// Lets the torrent rest: its trackers hear that it stops, its connections end, its state is saved and its files are let go.
    /// Returns when that is done, 4 s at most. What is verified stays so; pieces that were not whole are fetched anew later.
    pub async fn pause(&self) -> Result<(), Ended> {
        self.entry.works_after_job(false);
        self.rest().await
    }

    /// The same, whatever is to come after a move.
    pub(crate) async fn rest(&self) -> Result<(), Ended> {
        self.ask(Command::Pause(self.id())).await?;
        self.rested().await
    }

    /// Begins the torrent again after [`Self::pause`], or when it was added paused. Nothing that was verified is hashed again. A
    /// torrent that is at work just goes on, and one that is being moved is begun after that.
    pub async fn resume(&self) -> Result<(), Ended> {
        if self.entry.works_after_job(true) {
            return Ok(());
        }
        if self.status().state == State::Stopping {
            self.rested().await?;
        }
        if self.status().state == State::Paused {
            self.host.room().await;
            // One that was paused while it rested is looked at when it is woken.
            let place = self.registry.places.of(self.id()).filter(|_| !self.status().rests);
            if let Some(place) = place {
                self.disk.place(self.id(), place);
            }
            self.command(Command::Resume(self.id()))?;
            self.entry.until(|s| (s.state != State::Paused || s.removed).then_some(())).await;
        }
        let status = self.status();
        status.ended().filter(|_| status.removed).map_or(Ok(()), Err)
    }

    /// Waits until the torrent rests; one that had failed may do so too.
    async fn rested(&self) -> Result<(), Ended> {
        let rests = |s: &Status| match s {
            Status { removed: true, .. } | Status { fault: true, .. } => s.ended().map(Err),
            Status { state: State::Paused, .. } => Some(Ok(())),
            _ => None,
        };
        self.entry.until(rests).await
    }

    /// Ends the torrent: trackers are told, state is saved; files stay. Returns when that is done, 4 s at most.
    pub async fn remove(&self) {
        self.entry.give_job_up().await;
        if self.ask(Command::Remove(self.id())).await.is_ok() {
            self.entry.until(|s| s.removed.then_some(())).await;
        }
    }

    /// Waits until the torrent cannot go on, and says why.
    pub async fn ended(&self) -> Ended {
        self.entry.until(Status::ended).await
    }

    /// Waits until its status gives something, or the torrent has ended without that.
    pub async fn until<T>(&self, mut wanted: impl FnMut(&Status) -> Option<T>) -> Result<T, Ended> {
        self.entry.until(|status| wanted(status).map(Ok).or_else(|| status.ended().map(Err))).await
    }

    pub(crate) fn command(&self, command: Command) -> Result<(), Ended> {
        self.host.order(command).map_err(|_| self.registry.ended())
    }

    /// The same, once there is room for it among what the engine has still to do.
    pub(crate) async fn ask(&self, command: Command) -> Result<(), Ended> {
        self.host.room().await;
        self.command(command)
    }
}
