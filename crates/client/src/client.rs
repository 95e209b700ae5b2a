//! Starting, adding, ending (own design): ties the host to the disk and to the async side.
use crate::bus::Events;
use crate::choice::Choice;
use crate::config::{AGENT, Config, Listen, NEXT_PORTS};
use crate::door::Door;
use crate::http::fetch::Http;
use crate::places::{AddError, remembered};
use crate::questions::{self, QUESTIONS_MAX, Reach};
use crate::registry::{Entry, Registry};
use crate::resolve::resolve_peer;
use crate::router::Router;
use crate::source::Source;
use crate::status::{Ended, Status};
use crate::torrent::Torrent;
use crate::trackers::Announces;
use crate::web::site::Site;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use teem_disk::create::HashFiles;
use teem_disk::{Disk, DiskConfig, DiskHandle, Place};
use teem_engine::{Engine, EngineConfig};
use teem_host::host::{self, HostConfig, HostError, HostHandle};
use teem_host::listen::{ListenConfig, ListenError, Listeners};
use teem_host::mailbox::HostMsg;
use teem_swarm::command::{AddTorrent, Command, Spreading};
use teem_swarm::event::Snapshot;
use teem_swarm::ids::TorrentId;
use tokio::sync::mpsc;

/// How long a shutdown may take: trackers are told within 4 s, then the disk closes.
const SHUTDOWN_MAX: Duration = Duration::from_secs(5);

/// Why a client cannot start.
#[derive(Debug)]
pub enum StartError {
    /// The port cannot be had.
    Listen(ListenError),
    /// Folders or threads cannot be made.
    Io(std::io::Error),
    /// The network thread cannot run.
    Host(HostError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(e) => write!(f, "{e}"),
            Self::Io(e) => write!(f, "{e}"),
            Self::Host(e) => write!(f, "{e}"),
        }
    }
}

impl std::error::Error for StartError {}

/// What is to be done with a torrent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
pub struct Add {
    /// What a link gave.
    pub source: Source,
    /// The folder that holds (or will hold) the torrent's name.
    pub folder: PathBuf,
    /// The content's own name in that folder, where it differs from the torrent's.
    pub name: Option<String>,
    /// What to do.
    pub mode: Mode,
    /// The files as they were when the torrent was made of them just now: they need not be hashed again.
    pub vouched: Option<HashFiles>,
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
}

struct Inner {
    host: HostHandle,
    disk: DiskHandle,
    http: Http,
    state_dir: PathBuf,
    registry: Arc<Registry>,
    next: AtomicU32,
    door: Door,
    /// What is served to those who are no peers, while somebody holds it.
    site: Mutex<Weak<Site>>,
}

/// A running client; clones share it. Ends when the last clone and the last [`Torrent`] are dropped.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

impl Client {
    /// Binds the port and starts the threads. Must be called inside a tokio runtime, which then carries announces.
    #[allow(clippy::unused_async)] // awaiting proves that there is a runtime
    pub async fn start(config: Config) -> Result<Self, StartError> {
        crate::store::private_dir(&config.state_dir).map_err(StartError::Io)?;
        let listeners = bind(config.listen).map_err(StartError::Listen)?;
        let port = listeners.bound().port;
        let http = Http::new(config.listen.addr, AGENT);
        let (disk, disk_handle) = Disk::start(&DiskConfig::default());
        let registry = Arc::new(Registry::default());
        let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
        let seed = config.seed.unwrap_or_else(crate::entropy::number);
        let engine = EngineConfig { up: config.up, down: config.down, ..EngineConfig::new(port, seed) };
        let door = Door::default();
        let router = Router { registry: registry.clone(), questions, door: door.clone() };
        let upload_limited = HostConfig { upload_limited: config.up.is_some() };
        let host =
            host::start(listeners, upload_limited, Engine::new(engine), disk, router).map_err(StartError::Host)?;
        let client = Self(Arc::new(Inner {
            host,
            disk: disk_handle,
            http: http.clone(),
            state_dir: config.state_dir,
            registry,
            next: AtomicU32::new(0),
            door,
            site: Mutex::default(),
        }));
        let inner = Arc::downgrade(&client.0);
        let reach = move || {
            let inner = inner.upgrade()?;
            Some(Reach { host: inner.host.clone(), disk: inner.disk.clone(), registry: inner.registry.clone() })
        };
        tokio::spawn(questions::carry_out(asked, reach, Announces::new(http)));
        Ok(client)
    }

    /// The TCP and UDP port that peers reach us on.
    pub fn port(&self) -> u16 {
        self.0.host.bound().port
    }

    /// The addresses listened on, with the port.
    pub fn addrs(&self) -> Vec<SocketAddr> {
        self.0.host.bound().addrs
    }

    /// Listens somewhere else from now on: another port, another address. Trackers are told at once, peers as they come; connections that
    /// stand stay. Links and .torrents that were given out before name the former port. Must be called inside the runtime.
    pub fn listen(&self, listen: Listen) -> Result<(), StartError> {
        let listeners = bind(listen).map_err(StartError::Listen)?;
        let ended = |_| StartError::Io(std::io::Error::other("the client has ended"));
        self.0.host.listen(listeners).map_err(ended)?;
        let site = self.0.site.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        if let Some(site) = site {
            site.port_changed();
        }
        Ok(())
    }

    /// The HTTP client, with the egress policy, for links.
    pub fn http(&self) -> &Http {
        &self.0.http
    }

    /// What is served over HTTP, and the tracker, on the port of the peers: one for all who hold it.
    pub(crate) fn site(&self) -> Arc<Site> {
        let inner = &self.0;
        let mut site = inner.site.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(site) = site.upgrade() {
            return site;
        }
        let opened = Arc::new(Site::open(&inner.door, inner.host.clone()));
        *site = Arc::downgrade(&opened);
        opened
    }

    /// Adds a torrent; it starts at once.
    pub async fn add(&self, add: Add) -> Result<Torrent, AddError> {
        let inner = &self.0;
        let key = add.source.transferable()?;
        let id = TorrentId(inner.next.fetch_add(1, Ordering::Relaxed));
        let folder = std::path::absolute(&add.folder).unwrap_or_else(|_| add.folder.clone());
        let place = Place {
            folder: folder.clone(),
            state_dir: inner.state_dir.clone(),
            overwrite: add.mode == (Mode::Download { overwrite: true }),
            read_only: add.mode == Mode::Publish,
            name: add.name.clone(),
        };
        let mut peers = Vec::new();
        for text in &add.peers {
            peers.extend(resolve_peer(text).await.map_err(AddError::Peer)?);
        }
        for text in &add.source.peers {
            // A link is often older than the addresses in it.
            peers.extend(resolve_peer(text).await.unwrap_or_default());
        }
        let info = match add.source.info {
            Some(info) => Some(info),
            None => remembered(place.clone(), key).await,
        };
        let key = info.as_ref().map_or(key, |info| info.key());
        let selection = match info.clone().filter(|_| !add.choice.is_all()) {
            Some(info) => {
                let choice = add.choice.clone();
                let chosen = tokio::task::spawn_blocking(move || choice.of(&info)).await;
                Some(chosen.map_err(|_| AddError::Stopped)?.map_err(AddError::Choice)?)
            }
            None => None,
        };
        inner.registry.places.reserve(id, key, &place, add.choice, info.as_deref())?;
        let entry = Arc::new(Entry::new(id, key, folder, Status::new(info.clone(), add.paused)));
        inner.registry.enter(entry.clone());
        if info.is_some() && !add.paused {
            inner.disk.place(id, place);
        }
        if let Some(files) = add.vouched {
            inner.disk.vouch(id, files);
        }
        let torrent = self.handle(entry);
        let spec = AddTorrent {
            torrent: id,
            key,
            info,
            trackers: add.source.trackers,
            peers,
            up: add.up,
            down: add.down,
            publish: add.mode == Mode::Publish,
            spreading: add.spreading,
            cooperative: add.cooperative,
            selection,
        };
        let spec = Box::new(spec);
        let command = if add.paused { Command::AddPaused(spec) } else { Command::Add(spec) };
        torrent.command(command).map_err(|_| AddError::Stopped)?;
        Ok(torrent)
    }

    pub(crate) fn host(&self) -> &HostHandle {
        &self.0.host
    }

    fn handle(&self, entry: Arc<Entry>) -> Torrent {
        Torrent { entry, registry: self.0.registry.clone(), host: self.0.host.clone(), disk: self.0.disk.clone() }
    }

    /// Its torrents, in the order in which they were added.
    pub fn torrents(&self) -> Vec<Torrent> {
        self.0.registry.all().into_iter().map(|entry| self.handle(entry)).collect()
    }

    /// Everything that happens from now on, to all torrents.
    pub fn events(&self) -> Events {
        self.0.registry.bus.listen(None)
    }

    /// The figures of all torrents at one moment, in the order in which they were added.
    pub async fn snapshots(&self) -> Result<Vec<Snapshot>, Ended> {
        self.ask_snapshots(None).await
    }

    /// The figures of these torrents at one moment, in this order; those that are gone are left out.
    pub async fn snapshots_of(&self, torrents: &[TorrentId]) -> Result<Vec<Snapshot>, Ended> {
        self.ask_snapshots(Some(torrents.to_vec())).await
    }

    async fn ask_snapshots(&self, torrents: Option<Vec<TorrentId>>) -> Result<Vec<Snapshot>, Ended> {
        let (ask, answer) = self.0.registry.ask_snapshots();
        let command = HostMsg::Command(Command::Snapshots { ask, torrents });
        self.0.host.send(command).map_err(|_| Ended::Removed)?;
        answer.await.map_err(|_| Ended::Removed)
    }

    /// Sets the limits of all torrents together, payload bytes a second.
    pub fn limits(&self, up: Option<u64>, down: Option<u64>) {
        // A host that has ended has no limits to set.
        let _ = self.0.host.send(HostMsg::Command(Command::Limits { up, down }));
    }

    /// Ends everything in order: trackers are told, state is saved; 5 s at most.
    pub async fn shutdown(self) {
        let host = self.0.host.clone();
        host.shutdown();
        let ended = tokio::task::spawn_blocking(move || host.join());
        // Over time means that something hangs; what was durable stays durable.
        let _ = tokio::time::timeout(SHUTDOWN_MAX, ended).await;
    }
}

fn bind(listen: Listen) -> Result<Listeners, ListenError> {
    let wanted = ListenConfig { addr: listen.addr, port: listen.port };
    match Listeners::bind(wanted) {
        Err(ListenError::Taken { .. }) if listen.fall_back && wanted.port != 0 => {
            let mut next = NEXT_PORTS;
            let next = next.find_map(|port| Listeners::bind(ListenConfig { port, ..wanted }).ok());
            next.map_or_else(|| Listeners::bind(ListenConfig { port: 0, ..wanted }), Ok)
        }
        other => other,
    }
}
