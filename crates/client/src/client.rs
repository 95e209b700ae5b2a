//! Starting, watching, ending (own design): ties the host to the disk and to the async side.
use crate::announced::Announced;
use crate::bus::Events;
use crate::config::{AGENT, Config, Listen, NEXT_PORTS};
use crate::dht::{self, Saved};
use crate::door::Door;
use crate::entry::Entry;
use crate::http::fetch::Http;
use crate::jobs::JobError;
use crate::mapping::{self, Mapping, Mappings, Wanted};
use crate::questions::{self, QUESTIONS_MAX, Reach};
use crate::registry::{NodeAddr, Registry};
use crate::router::Router;
use crate::rows::Rows;
use crate::status::Ended;
use crate::torrent::Torrent;
use crate::trackers::Announces;
use crate::web::site::Site;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use teem_dht::id::Id;
use teem_dht::krpc::message::Contact;
use teem_disk::fs::Fs;
use teem_disk::jobs::Where;
use teem_disk::root::RealFs;
use teem_disk::{Disk, DiskConfig, DiskHandle, Place};
use teem_engine::{Engine, EngineConfig};
use teem_host::account::Datagrams;
use teem_host::config::HostConfig;
use teem_host::error::HostError;
use teem_host::host::{self, HostHandle};
use teem_host::listen::{ListenConfig, ListenError, Listeners};
use teem_host::strangers::Unasked;
use teem_host::turn_times::TurnTimes;
use teem_metainfo::InfoHash;
use teem_swarm::command::Command;
use teem_swarm::event::{NodeFigures, Snapshot};
use teem_swarm::ids::{GroupId, TorrentId};
use teem_swarm::listening::{Door as Way, Doors, Listening};
use teem_swarm::remote::Transports;
use teem_tracker_server::own_seed::OwnSeed;
use teem_wire::compact::Family;
use tokio::sync::mpsc;

/// How long a shutdown may take: trackers are told within 4 s, then the disk closes.
const SHUTDOWN_MAX: Duration = Duration::from_secs(5);

/// The engine tells of its nodes within a turn.
const NODES_TOLD_MAX: Duration = Duration::from_millis(500);
/// How often nodes are saved while a client runs.
const NODES_SAVED_EACH: Duration = Duration::from_secs(10 * 60);

/// Why a client cannot start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The port cannot be had.
    Listen(ListenError),
    /// Folders or threads cannot be made.
    Io(std::io::Error),
    /// The network thread cannot run.
    Host(HostError),
    /// Anonymous without a proxy: peers and trackers would see our address.
    Seen,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(e) => write!(f, "{e}"),
            Self::Io(e) => write!(f, "{e}"),
            Self::Host(e) => write!(f, "{e}"),
            Self::Seen => f.write_str("nobody is anonymous whose address is seen: name a proxy"),
        }
    }
}

impl std::error::Error for StartError {}

struct Inner {
    host: HostHandle,
    disk: DiskHandle,
    fs: Arc<dyn Fs>,
    http: Http,
    path: teem_path::Path,
    state_dir: PathBuf,
    announced: Option<Announced>,
    registry: Arc<Registry>,
    next: AtomicU32,
    door: Door,
    /// Where connections are taken, as the engine was told last.
    doors: Doors,
    /// By which way those near are called.
    near: tokio::sync::watch::Sender<teem_path::Path>,
    /// The router's ports that lead here.
    mapping: mapping::Handle,
    /// What is served to those who are no peers, while somebody holds it.
    site: Mutex<Weak<Site>>,
    /// Whether there are nodes of the DHT that something is to be saved of.
    has_nodes: bool,
}

/// A running client; clones share it. Ends when the last clone and the last [`Torrent`] are dropped.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

impl Client {
    /// Binds the port and starts the threads. Must be called inside a tokio runtime, which then carries announces.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_on(config, Arc::new(RealFs)).await
    }

    /// The same, with content and saved state on a file system of the caller's.
    #[allow(clippy::unused_async)] // awaiting proves that there is a runtime
    pub async fn start_on(config: Config, fs: Arc<dyn Fs>) -> Result<Self, StartError> {
        if config.anonymous && config.path.proxy().is_none() {
            return Err(StartError::Seen);
        }
        crate::store::ready_state_dir(&config.state_dir).map_err(StartError::Io)?;
        let listeners = bind(&config.path, config.listen).map_err(StartError::Listen)?;
        let port = listeners.bound().port;
        let calls = config.lsd && !config.anonymous;
        let (near, called_from) = tokio::sync::watch::channel(config.path.leaving_from(config.listen.addr));
        let agent = if config.anonymous { "" } else { AGENT };
        let http = Http::new(config.path.leaving_from(config.listen.addr), agent);
        let path = http.path().clone();
        let (disk, disk_handle) =
            Disk::start_with(&DiskConfig::default(), Arc::clone(&fs), config.records.clone().map(|records| records.0));
        // One that is anonymous is somebody else in each run.
        let announced = config.records.filter(|_| !config.anonymous).map(Announced::begin);
        let registry = Arc::new(Registry::default());
        registry.places.lie_on(Arc::clone(&fs));
        let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
        let seed = config.seed.unwrap_or_else(crate::entropy::number);
        // A run that is to be repeated has nothing that cannot be guessed.
        let entropy = config.seed.is_none().then_some(crate::entropy::number as fn() -> u64);
        let (up, down, encryption) = (config.up, config.down, config.encryption);
        // No packet goes past a proxy; those that a relay carries go by it.
        let no_packets = path.proxy().is_some() && !path.may_relay();
        let transports = if no_packets { Transports::Tcp } else { config.transports };
        let (pex, anonymous) = (config.pex, config.anonymous);
        let dht = config.dht.as_ref().filter(|_| !no_packets);
        let bound = &listeners.bound().addrs;
        let dht = dht.map(|dht| dht::begin(dht, &path, bound, &config.state_dir));
        let has_nodes = dht.is_some();
        let usual = EngineConfig::new(port, seed);
        let connections = config.connections.unwrap_or(usual.connections);
        let engine = EngineConfig {
            dht,
            rest: config.rest,
            up,
            down,
            connections,
            encryption,
            transports,
            pex,
            anonymous,
            entropy,
            keep_announces: announced.is_some(),
            ..usual
        };
        let door = Door::default();
        let router = Router {
            registry: registry.clone(),
            announced: announced.clone(),
            questions,
            door: door.clone(),
            said: Vec::new(),
        };
        let engine = Engine::new(engine).guarded(|work| teem_fault::contain(work));
        let host_config = HostConfig {
            upload_limited: up.is_some(),
            transports,
            ..HostConfig::new(encryption, crate::entropy::fill)
        };
        let host = host::start(listeners, host_config, engine, disk, router).map_err(StartError::Host)?;
        let client = Self(Arc::new(Inner {
            host,
            disk: disk_handle,
            fs,
            http: http.clone(),
            path: config.path,
            state_dir: config.state_dir,
            announced,
            registry,
            next: AtomicU32::new(0),
            door,
            doors: port.into(),
            near,
            mapping: mapping::Handle::default(),
            site: Mutex::default(),
            has_nodes,
        }));
        if has_nodes {
            tokio::spawn(keep_nodes(Arc::downgrade(&client.0)));
        }
        let inner = Arc::downgrade(&client.0);
        let reach = move || {
            let inner = inner.upgrade()?;
            Some(Reach { host: inner.host.clone(), disk: inner.disk.clone(), registry: inner.registry.clone() })
        };
        let carried = questions::carry_out(asked, reach, Announces::new(http, client.0.doors.clone()), path);
        if calls {
            let inner = Arc::downgrade(&client.0);
            let host = move || inner.upgrade().map(|inner| inner.host.clone());
            let (doors, registry) = (client.0.doors.clone(), Arc::downgrade(&client.0.registry));
            tokio::spawn(crate::lsd::run(called_from, doors, crate::entropy::number(), registry, host));
        }
        let client_or_gone = Arc::downgrade(&client.0);
        tokio::spawn(async move {
            if let Err(why) = teem_fault::caught(carried).await
                && let Some(inner) = client_or_gone.upgrade()
            {
                inner.registry.fail_and_end(&inner.host, &why);
            }
        });
        if config.map_ports && client.0.path.proxy().is_none() {
            client.map_ports(config.listen.addr);
        }
        Ok(client)
    }

    /// Has the router lead peers here from now on.
    fn map_ports(&self, listen: Option<std::net::IpAddr>) {
        let inner = &self.0;
        let wanted = Wanted { path: inner.path.clone(), listen, port: self.port() };
        let client = Arc::downgrade(inner);
        inner.mapping.begin(wanted, inner.http.clone(), move |family, here, outside| {
            let Some(inner) = client.upgrade() else { return };
            let client = Self(inner);
            let reachable = client.listening().of(family).reachable;
            client.set_door(family, Way { here, outside, reachable });
            client.tell_tracker();
        });
    }

    /// The router's ports that lead here, and whatever becomes of them.
    pub fn mappings(&self) -> tokio::sync::watch::Receiver<Mappings> {
        self.0.mapping.watch()
    }

    /// The TCP and UDP port that peers reach us on.
    pub fn port(&self) -> u16 {
        self.0.host.bound().port
    }

    /// The addresses listened on, with the port.
    pub fn addrs(&self) -> Vec<SocketAddr> {
        self.0.host.bound().addrs
    }

    /// The ports that lead here, from outside and from within the network.
    pub fn listening(&self) -> Listening {
        self.0.doors.get()
    }

    /// A router forwards another port of that family, or none any more, to the port `here`; or it has turned out whether strangers reach us. Trackers and
    /// peers are told of another port at once.
    pub fn set_door(&self, family: Family, door: Way) {
        self.0.doors.set_door(family, door);
        // A host that has ended tells nobody anything.
        let _ = self.0.host.order(Command::Door(family, door));
    }

    /// What came so far from strangers, of one address family: it shows that they reach us.
    pub fn unasked(&self, family: Family) -> Unasked {
        self.0.host.unasked(family)
    }

    /// The address of this machine that packets to the world leave from, of one family; `None` where there is no way.
    pub fn toward_world(&self, family: Family) -> Option<std::net::IpAddr> {
        // Addresses that nobody has (RFC 5737, RFC 3849); nothing is sent.
        let anywhere = match family {
            Family::V4 => SocketAddr::from(([192, 0, 2, 1], 9)),
            Family::V6 => SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 9)),
        };
        self.0.http.path().source_toward(anywhere).ok()
    }

    /// Listens somewhere else from now on: another port, another address. Trackers are told at once, peers as they come; connections that
    /// stand stay. Links and .torrents that were given out before name the former port. Must be called inside the runtime.
    pub fn listen(&self, listen: Listen) -> Result<(), StartError> {
        let listeners = bind(&self.0.path, listen).map_err(StartError::Listen)?;
        let ended = |_| StartError::Io(std::io::Error::other("the client has ended"));
        let port = listeners.bound().port;
        self.0.host.listen(listeners).map_err(ended)?;
        self.0.doors.set(port.into());
        self.0.mapping.listens(listen.addr, port);
        // Where nobody calls nobody hears of it.
        self.0.near.send_replace(self.0.path.leaving_from(listen.addr));
        self.tell_tracker();
        Ok(())
    }

    /// What of that which [`Config::path`] is bound to can be used now. While nothing can, nothing is sent or taken.
    pub fn standing(&self) -> teem_path::Standing {
        self.0.registry.standing()
    }

    /// The way that everything takes which leaves this machine for a torrent, as [`Config::path`] said: what is to be kept out may change.
    pub fn way(&self) -> &teem_path::Path {
        &self.0.path
    }

    /// Waits until a fault of this program has ended the client, and says what is to be reported; while all is well it never returns.
    /// The process goes on, and so may another client in it. What could be saved is saved, or is so within a few seconds: every
    /// torrent then has [`Ended::Fault`] as its end.
    pub async fn failed(&self) -> String {
        let mut fault = self.0.registry.fault();
        match fault.wait_for(Option::is_some).await.map(|why| why.clone()) {
            Ok(Some(why)) => why,
            // The client outlives this borrow of it, and with it the sender.
            _ => std::future::pending().await,
        }
    }

    /// The HTTP client, with the egress policy, for links.
    pub fn http(&self) -> &Http {
        &self.0.http
    }

    /// Where our tracker sends those that ask it.
    fn own_seed(&self) -> OwnSeed {
        let mapped = self.0.mapping.watch().borrow().clone();
        let outside = |mapping: Mapping| match mapping {
            Mapping::Mapped { address, tcp, .. } => Some(SocketAddr::new(address, tcp)),
            _ => None,
        };
        OwnSeed { here: self.port(), outside_v4: outside(mapped.v4), outside_v6: outside(mapped.v6) }
    }

    /// Our tracker hears where others are led to by now.
    fn tell_tracker(&self) {
        let site = self.0.site.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        if let Some(site) = site {
            site.listens(self.own_seed());
        }
    }

    /// What is served over HTTP, and the tracker, on the port of the peers: one for all who hold it.
    pub(crate) fn site(&self) -> Arc<Site> {
        let inner = &self.0;
        let mut site = inner.site.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(site) = site.upgrade() {
            return site;
        }
        let opened = Arc::new(Site::open(&inner.door, inner.host.clone(), self.own_seed()));
        *site = Arc::downgrade(&opened);
        opened
    }

    /// Whether a page and a tracker of ours are served.
    pub(crate) fn tracks(&self) -> bool {
        self.0.site.lock().unwrap_or_else(PoisonError::into_inner).strong_count() > 0
    }

    /// What trackers know of torrents, where that is kept.
    pub(crate) fn announced(&self) -> Option<&Announced> {
        self.0.announced.as_ref()
    }

    pub(crate) fn next_id(&self) -> TorrentId {
        TorrentId(self.0.next.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn state_dir(&self) -> &Path {
        &self.0.state_dir
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    pub(crate) fn disk(&self) -> &DiskHandle {
        &self.0.disk
    }

    /// The file system that content and saved state lie on.
    pub(crate) fn fs(&self) -> Arc<dyn Fs> {
        Arc::clone(&self.0.fs)
    }

    pub(crate) fn host(&self) -> &HostHandle {
        &self.0.host
    }

    pub(crate) fn handle(&self, entry: Arc<Entry>) -> Torrent {
        Torrent { entry, registry: self.0.registry.clone(), host: self.0.host.clone(), disk: self.0.disk.clone() }
    }

    /// Its torrents, in the order in which they were added.
    pub fn torrents(&self) -> Vec<Torrent> {
        self.0.registry.all().into_iter().map(|entry| self.handle(entry)).collect()
    }

    /// The rows of its torrents that were changed since `revision`, which an earlier answer has given; with 0 all there are. To wait for the next change
    /// there is [`Events::changed`].
    pub fn rows(&self, since: u64) -> Rows {
        self.rows_at_most(since, usize::MAX)
    }

    /// The same, at most so many of them: the answer's revision is that of the last, and the next answer goes on from there.
    pub fn rows_at_most(&self, since: u64, max: usize) -> Rows {
        self.0.registry.table().since(since, max)
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

    /// The figures of those torrents that have peers, without their peers and trackers: of no other do rates and sums change by themselves.
    pub async fn busy(&self) -> Result<Vec<Snapshot>, Ended> {
        self.0.host.room().await;
        let (ask, answer) = self.0.registry.ask_snapshots();
        self.0.host.order(Command::Busy { ask }).map_err(|_| self.0.registry.ended())?;
        answer.await.map_err(|_| self.0.registry.ended())
    }

    async fn ask_snapshots(&self, torrents: Option<Vec<TorrentId>>) -> Result<Vec<Snapshot>, Ended> {
        self.0.host.room().await;
        let (ask, answer) = self.0.registry.ask_snapshots();
        let command = Command::Snapshots { ask, torrents };
        self.0.host.order(command).map_err(|_| self.0.registry.ended())?;
        answer.await.map_err(|_| self.0.registry.ended())
    }

    /// What the system did not carry of the packets of UDP, to us and from us, since the start.
    pub fn datagrams(&self) -> Datagrams {
        self.0.host.datagrams()
    }

    /// How long the turns of the engine have taken since the start.
    pub fn turn_times(&self) -> TurnTimes {
        self.0.host.turn_times()
    }

    /// Sets the limits of all torrents together, payload bytes a second.
    pub fn limits(&self, up: Option<u64>, down: Option<u64>) {
        // A host that has ended has no limits to set.
        let _ = self.0.host.order(Command::Limits { up, down });
    }

    /// Sets the limits that the torrents of a group share ([`Torrent::groups`]), payload bytes a second; they hold beside those of all torrents and those of each.
    pub fn group_limits(&self, group: GroupId, up: Option<u64>, down: Option<u64>) {
        // The same is true of these.
        let _ = self.0.host.order(Command::GroupLimits { group, up, down });
    }

    /// Sets how many connections to peers all torrents together may have. Those that stand stay.
    pub fn connections(&self, most: usize) {
        // As above.
        let _ = self.0.host.order(Command::Connections(most));
    }

    /// How our nodes of the DHT stand; there are none where [`Config::dht`] says so.
    pub async fn nodes(&self) -> Result<Vec<NodeFigures>, Ended> {
        self.0.ask_nodes().await.map(|(nodes, _)| nodes)
    }

    /// Keeps nothing of a removed torrent's announces: if it comes again it is a new one to its trackers.
    pub async fn forget(&self, hash: InfoHash) {
        if let Some(announced) = &self.0.announced {
            announced.forget(hash).await;
        }
    }

    /// Forgets what is saved of a torrent that was in that place and is no more, as [`Torrent::forget`] does of one that has a place still.
    pub async fn forget_at(&self, hash: InfoHash, place: Where) -> std::io::Result<()> {
        let (disk, state_dir) = (self.0.disk.clone(), self.0.state_dir.clone());
        let forget = move || disk.forget(hash, &place.like(&Place::download("", state_dir)));
        tokio::task::spawn_blocking(forget).await.unwrap_or_else(|e| Err(std::io::Error::other(e)))
    }

    /// Goes on with the removal of files that an earlier run has written down. Sentences about what was left.
    pub async fn clear(&self, hash: InfoHash) -> Result<Vec<String>, JobError> {
        let (disk, state_dir) = (self.0.disk.clone(), self.0.state_dir.clone());
        let cleared = tokio::task::spawn_blocking(move || disk.clear(hash, &state_dir)).await;
        Ok(cleared.map_err(|_| JobError::Ended(Ended::Removed))??)
    }

    /// Forgets a move of a torrent that is no more, and takes away what was copied for it.
    pub async fn abandon_move(&self, hash: InfoHash) -> std::io::Result<()> {
        let (disk, state_dir) = (self.0.disk.clone(), self.0.state_dir.clone());
        let forgotten = tokio::task::spawn_blocking(move || disk.abandon_move(hash, &state_dir)).await;
        forgotten.unwrap_or_else(|e| Err(std::io::Error::other(e)))
    }

    /// Ends everything in order: trackers are told, state is saved; 5 s at most.
    pub async fn shutdown(self) {
        if self.0.has_nodes {
            // A host that hangs has nothing to tell.
            let _ = tokio::time::timeout(NODES_TOLD_MAX, self.0.save_nodes()).await;
        }
        for entry in self.0.registry.all() {
            if let Some(job) = &*entry.job() {
                job.watch.stop();
            }
        }
        let host = self.0.host.clone();
        host.shutdown();
        let ended = tokio::task::spawn_blocking(move || host.join());
        // Over time means that something hangs; what was durable stays durable.
        let _ = tokio::join!(tokio::time::timeout(SHUTDOWN_MAX, ended), self.0.mapping.end());
        if let Some(announced) = &self.0.announced {
            // What a medium that hangs does not take costs an announce at the next start.
            let _ = tokio::time::timeout(NODES_TOLD_MAX, announced.end()).await;
        }
    }
}

impl Inner {
    async fn ask_nodes(&self) -> Result<(Vec<NodeFigures>, Vec<NodeAddr>), Ended> {
        let answer = self.registry.ask_nodes();
        self.host.order(Command::Nodes).map_err(|_| self.registry.ended())?;
        answer.await.map_err(|_| self.registry.ended())
    }

    /// Keeps what the next run may begin with. Nothing is kept of nodes that know nobody, so that what was saved before stays.
    async fn save_nodes(&self) {
        let Ok((nodes, saved)) = self.ask_nodes().await else { return };
        let saved = Saved {
            ids: nodes.iter().map(|node| (node.family, Id(node.id))).collect(),
            nodes: saved.into_iter().map(|(id, addr)| Contact { id: Id(id), addr }).collect(),
        };
        if !saved.nodes.is_empty() {
            let state_dir = self.state_dir.clone();
            // A run without saved nodes begins with names, which is no worse than the first one.
            let _ = tokio::task::spawn_blocking(move || saved.save(&state_dir)).await;
        }
    }
}

/// Saves nodes now and then, for a run that does not end in order.
async fn keep_nodes(client: Weak<Inner>) {
    loop {
        tokio::time::sleep(NODES_SAVED_EACH).await;
        let Some(inner) = client.upgrade() else { return };
        inner.save_nodes().await;
    }
}

fn bind(path: &teem_path::Path, listen: Listen) -> Result<Listeners, ListenError> {
    let wanted = ListenConfig { addr: listen.addr, port: listen.port };
    match Listeners::bind(path, wanted) {
        Err(ListenError::Taken { .. }) if listen.fall_back && wanted.port != 0 => {
            let mut next = NEXT_PORTS;
            let next = next.find_map(|port| Listeners::bind(path, ListenConfig { port, ..wanted }).ok());
            next.map_or_else(|| Listeners::bind(path, ListenConfig { port: 0, ..wanted }), Ok)
        }
        other => other,
    }
}
