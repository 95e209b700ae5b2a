//! How a torrent is admitted to a client (own design): what is to be added, and the steps from there to a torrent at work.
//!
//! First what costs nothing to give up again: its place is named, its peers are looked up, metadata of an earlier run is read, and the choice
//! of files is understood. Then it is admitted: reserved, so that nothing else has its info-hash or its place, entered
//! among the client's torrents, and handed to disk and engine. Nothing is left of one that is refused.
use crate::choice::Choice;
use crate::client::Client;
use crate::create::hash;
use crate::entry::Entry;
use crate::named_peer;
use crate::places::{AddError, remembered};
use crate::resolve::{in_turn, resolve_peer};
use crate::source::Source;
use crate::status::{About, Status};
use crate::torrent::Torrent;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use teem_disk::create::HashFiles;
use teem_disk::{Place, Told};
use teem_engine::input::PeerSource;
use teem_metainfo::{AnnounceUrl, Info, TorrentKey};
use teem_swarm::command::{AddTorrent, AtRest, Command, Spreading};
use teem_swarm::memory::Memory;
use teem_swarm::selection::Selection;

/// What is to be done with a torrent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Mode {
    /// Fetch what is missing, serve what is there.
    Download {
        /// Write into existing files even if nothing in them verifies.
        overwrite: bool,
    },
    /// Serve what is there and change nothing on the disk.
    Publish,
}

/// A torrent to be added.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Add {
    /// What a link gave.
    pub source: Source,
    /// The folder that holds (or will hold) the torrent's name.
    pub folder: PathBuf,
    /// The content's own name in that folder, where it differs from the torrent's.
    pub name: Option<String>,
    /// Files that go by other names than the torrent's: the index of each, and its path below the content's folder.
    pub names: BTreeMap<usize, String>,
    /// What to do.
    pub mode: Mode,
    /// The files as they were when the torrent was made of them just now: they need not be hashed again.
    pub(crate) vouched: Option<HashFiles>,
    /// More peers, as `host:port`.
    pub peers: Vec<String>,
    /// Upload limit, payload bytes a second.
    pub up: Option<u64>,
    /// Download limit, payload bytes a second.
    pub down: Option<u64>,
    /// How it gives its content away when it is complete from the start.
    pub spreading: Spreading,
    /// Whether all peers belong to one owner (a cluster): nobody is made to give before he gets.
    pub cooperative: bool,
    /// Which of its files are wanted.
    pub choice: Choice,
    /// Whether it rests until [`Torrent::resume`]: nothing of it is looked at before.
    pub paused: bool,
}

impl Add {
    /// Download into a folder.
    pub fn download(source: Source, folder: impl Into<PathBuf>) -> Self {
        let mode = Mode::Download { overwrite: false };
        Self {
            source,
            folder: folder.into(),
            name: None,
            names: BTreeMap::new(),
            mode,
            vouched: None,
            peers: Vec::new(),
            up: None,
            down: None,
            spreading: Spreading::default(),
            cooperative: false,
            choice: Choice::All,
            paused: false,
        }
    }

    /// Serve content that lies in a folder.
    pub fn publish(source: Source, folder: impl Into<PathBuf>) -> Self {
        Self { mode: Mode::Publish, ..Self::download(source, folder) }
    }

    /// Has content that was hashed just now not hashed again, where its files are still as their fingerprint says ([`Digests::fingerprint`](crate::create::hash::Digests::fingerprint)).
    /// Waits for the medium.
    pub fn hashed_as(&mut self, fingerprint: &[u8]) {
        if let Some(info) = &self.source.info {
            let root = self.folder.join(self.name.as_deref().unwrap_or(info.name()));
            self.vouched = hash::unchanged(info, &root, fingerprint);
        }
    }

    fn publishes(&self) -> bool {
        self.mode == Mode::Publish
    }

    /// Whether somebody is to choose its files once they are known.
    fn asks(&self) -> bool {
        matches!(self.choice, Choice::Ask) && !self.publishes()
    }
}

/// A torrent to be added that was complete and at rest in an earlier run, so that nothing of it has to be read before somebody comes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AddAtRest {
    /// The hashes that peers and links name it by (BEP 3, BEP 52).
    pub key: TorrentKey,
    /// The folder that holds its content.
    pub folder: PathBuf,
    /// The content's own name in that folder, where it differs from the torrent's.
    pub name: Option<String>,
    /// Files that go by other names than the torrent's: the index of each, and its path below the content's folder.
    pub names: BTreeMap<usize, String>,
    /// What was known of it from its metadata.
    pub about: About,
    /// Its trackers, in tiers (BEP 12).
    pub trackers: Vec<Vec<AnnounceUrl>>,
    /// Bytes that are wanted of it, all of which were verified.
    pub wanted: u64,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether nothing on the disk is ever changed for it ([`Mode::Publish`]).
    pub publish: bool,
    /// Upload limit, payload bytes a second.
    pub up: Option<u64>,
    /// Download limit, payload bytes a second.
    pub down: Option<u64>,
}

impl AddAtRest {
    /// One of which all is wanted, without trackers or limits.
    pub fn new(key: TorrentKey, folder: impl Into<PathBuf>, about: About) -> Self {
        let wanted = about.size;
        Self {
            key,
            folder: folder.into(),
            name: None,
            names: BTreeMap::new(),
            about,
            trackers: Vec::new(),
            wanted,
            paused: false,
            publish: false,
            up: None,
            down: None,
        }
    }
}

/// What was found out about a torrent before it is admitted.
struct Found {
    place: Place,
    peers: Vec<(PeerSource, Vec<SocketAddr>)>,
    info: Option<Arc<Info>>,
    selection: Option<Selection>,
    announced: Option<Memory>,
}

impl Client {
    /// Adds a torrent; it starts at once.
    pub async fn add(&self, mut add: Add) -> Result<Torrent, AddError> {
        let key = add.source.transferable()?;
        let path = self.http().path();
        let mut named = named_peer::only_by_name(path, &mut add.peers);
        named.extend(named_peer::only_by_name(path, &mut add.source.peers));
        let place = place(&add, self.state_dir());
        let peers = peers(self.http().path(), &add).await?;
        let info = match add.source.info.clone() {
            Some(info) => Some(info),
            None => remembered(self.fs(), place.clone(), key).await,
        };
        let selection = selection(&add.choice, info.as_ref()).await?;
        let private = info.as_ref().is_some_and(|info| info.is_private());
        let nodes = if private { Vec::new() } else { nodes(&add.source) };
        let origin = add.source.origin;
        if let Some(info) = info.clone().filter(|info| self.registry().places.has_rivals(&place, info)) {
            let (client, place) = (self.clone(), place.clone());
            let recall = move || client.registry().places.recall_before(&place, &info);
            tokio::task::spawn_blocking(recall).await.map_err(|_| AddError::Stopped)?;
        }
        let announced = match self.announced() {
            Some(announced) => announced.of(key.wire()).await,
            None => None,
        };
        // Waited for before anything is taken: an add that is given up leaves nothing behind.
        self.host().room().await;
        let torrent = self.admit(add, Found { place, peers, info, selection, announced })?;
        for peer in named {
            named_peer::keep(self.http().path().clone(), torrent.clone(), peer);
        }
        if !nodes.is_empty() {
            let (path, torrent) = (self.http().path().clone(), torrent.clone());
            tokio::spawn(async move {
                let nodes = crate::dht::named(&torrent.host, &path, nodes, origin).await;
                // A torrent that has gone needs none.
                let _ = torrent.command(Command::NodesOf { torrent: torrent.id(), nodes });
            });
        }
        Ok(torrent)
    }

    /// Keeps what another program says it has of a torrent, so that what is believed of it need not be hashed once it is added: how many pieces are believed, and
    /// how many are checked then. It is not among the client's torrents. Waits until its files are durable.
    pub async fn believe(&self, add: &Add, told: Told) -> Result<(u32, u32), String> {
        let Some(info) = add.source.info.clone() else { return Ok((0, 0)) };
        let wish = selection(&add.choice, Some(&info)).await.map_err(|e| e.to_string())?;
        let (place, disk, id) = (place(add, self.state_dir()), self.disk().clone(), self.next_id());
        let believed = tokio::task::spawn_blocking(move || disk.believe(id, info, (place, wish), told));
        believed.await.map_err(|e| e.to_string())?.map_err(|e| e.message)
    }

    /// Adds torrents that rest, without reading anything of them: what lies on the disk is looked at before it is first served. Their metadata has to be where
    /// an earlier run in this folder of saved state kept it, and [`Config::rest`](crate::Config) has to be set, or nobody wakes them. Of each the torrent, or why it is not taken; in this order.
    pub async fn add_at_rest(&self, all: Vec<AddAtRest>) -> Vec<Result<Torrent, AddError>> {
        let mut known = match self.announced() {
            Some(announced) => announced.of_all(all.iter().map(|add| add.key.wire()).collect()).await,
            None => HashMap::new(),
        };
        self.host().room().await;
        let mut added = Vec::with_capacity(all.len());
        let mut specs = Vec::with_capacity(all.len());
        for AddAtRest { key, folder, name, names, about, mut trackers, wanted, paused, publish, up, down } in all {
            let id = self.next_id();
            self.registry().share(&mut trackers);
            let folder = std::path::absolute(&folder).unwrap_or(folder);
            let place = Place { name, names, read_only: publish, ..Place::download(&folder, self.state_dir()) };
            if let Err(e) = self.registry().places.reserve_at_rest(id, key, place, &about.name) {
                added.push(Err(e));
                continue;
            }
            let (private, pieces) = (about.private, about.pieces);
            let folder = self.registry().places.folder(&folder);
            let entry = Arc::new(Entry::new(id, key, folder, Status::at_rest(about, paused)));
            self.registry().enter(entry.clone());
            added.push(Ok(self.handle(entry)));
            let add = AddTorrent {
                torrent: id,
                key,
                info: None,
                trackers,
                peers: Vec::new(),
                up,
                down,
                publish,
                spreading: Spreading::default(),
                cooperative: false,
                selection: None,
                choose: false,
                announced: known.remove(&key.wire()).map(Box::new),
            };
            specs.push(AtRest { add, paused, private, wanted, pieces });
        }
        // A client that has ended has ended its torrents too, as their handles tell.
        let _ = self.host().order(Command::AddAtRest(specs));
        added
    }

    /// Takes a torrent among the client's, and has disk and engine begin it.
    fn admit(&self, mut add: Add, found: Found) -> Result<Torrent, AddError> {
        let Found { place, peers, info, selection, announced } = found;
        let (id, registry, disk) = (self.next_id(), self.registry(), self.disk());
        registry.share(&mut add.source.trackers);
        let key = info.as_ref().map_or(add.source.key, |info| info.key());
        let (publish, choose) = (add.publishes(), add.asks());
        registry.places.reserve(id, key, &place, add.choice, info.as_ref())?;
        let status = Status::new(info.clone(), add.paused, choose);
        let folder = registry.places.folder(&place.folder);
        let entry = Arc::new(Entry::new(id, key, folder, status));
        registry.enter(entry.clone());
        if info.is_some() && !add.paused {
            disk.place(id, place);
        }
        if let Some(files) = add.vouched {
            disk.vouch(id, files);
        }
        let torrent = self.handle(entry);
        let spec = Box::new(AddTorrent {
            torrent: id,
            key,
            info,
            trackers: add.source.trackers,
            peers,
            up: add.up,
            down: add.down,
            publish,
            spreading: add.spreading,
            cooperative: add.cooperative,
            selection,
            choose,
            announced: announced.map(Box::new),
        });
        let command = if add.paused { Command::AddPaused(spec) } else { Command::Add(spec) };
        torrent.command(command).map_err(|_| {
            self.registry().forget(id);
            AddError::Stopped
        })?;
        Ok(torrent)
    }
}

/// The nodes of the DHT that a .torrent or a link names (BEP 5, "Torrent File Extensions").
fn nodes(source: &Source) -> Vec<(String, u16)> {
    let of_file = source.metainfo.iter().flat_map(|metainfo| metainfo.nodes.iter().cloned());
    let of_link =
        source.magnet.iter().flat_map(|magnet| magnet.nodes.iter().filter_map(|text| crate::dht::split(text)));
    of_file.chain(of_link).collect()
}

/// Where its content lies, or is to lie.
fn place(add: &Add, state_dir: &Path) -> Place {
    Place {
        folder: std::path::absolute(&add.folder).unwrap_or_else(|_| add.folder.clone()),
        state_dir: state_dir.to_owned(),
        overwrite: add.mode == (Mode::Download { overwrite: true }),
        read_only: add.publishes(),
        name: add.name.clone(),
        names: add.names.clone(),
    }
}

/// The addresses of the peers that are named. One that the user names has to be found; a link is often older than the addresses in it.
async fn peers(path: &teem_path::Path, add: &Add) -> Result<Vec<(PeerSource, Vec<SocketAddr>)>, AddError> {
    let mut peers = Vec::new();
    for text in &add.peers {
        let found = resolve_peer(path, text).await.map_err(AddError::Peer)?;
        peers.push((PeerSource::User, in_turn(&found)));
    }
    for text in &add.source.peers {
        let found = resolve_peer(path, text).await.unwrap_or_default();
        peers.push((PeerSource::Link, in_turn(&found)));
    }
    Ok(peers)
}

/// What a choice means, where it says something and the files are known.
async fn selection(choice: &Choice, info: Option<&Arc<Info>>) -> Result<Option<Selection>, AddError> {
    let (Some(info), true) = (info.cloned(), choice.is_said()) else { return Ok(None) };
    // A million files take a while.
    let choice = choice.clone();
    let chosen = tokio::task::spawn_blocking(move || choice.of(&info)).await.map_err(|_| AddError::Stopped)?;
    chosen.map(Some).map_err(AddError::Choice)
}
