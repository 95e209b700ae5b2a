//! What a client is told once, at its start (own design).
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use teem_disk::StateStore;
use teem_path::Path;
use teem_swarm::remote::{Encryption, Transports};

/// The port that Teem listens on unless told otherwise. Below the range from which systems draw ports for outgoing
/// connections, and not one of 6881 to 6999, which some networks hinder.
pub const DEFAULT_PORT: u16 = 21_473;

/// Tried when that one is taken, before any free port: numbers that the system does not give to outgoing connections, so that they
/// are free again at the next start.
pub(crate) const NEXT_PORTS: std::ops::RangeInclusive<u16> = DEFAULT_PORT + 1..=DEFAULT_PORT + 16;

/// Where peers reach us, and everybody else: trackers' clients and browsers come to the same port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listen {
    /// One address, or every address of both families. Outgoing connections leave from it too.
    pub addr: Option<IpAddr>,
    /// TCP and UDP port; 0 is a free one.
    pub port: u16,
    /// Take another port when that one is taken: one of the sixteen after the usual one, else any that is free.
    pub fall_back: bool,
}

impl Default for Listen {
    fn default() -> Self {
        Self { addr: None, port: DEFAULT_PORT, fall_back: true }
    }
}

/// Our part in the DHT (BEP 5).
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Dht {
    /// Nodes to begin with, each as `HOST:PORT`; `None` is those that everybody begins with, unless we listen on loopback alone.
    pub bootstrap: Option<Vec<String>>,
}

/// Everything a client has to know before it starts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where peers reach us.
    pub listen: Listen,
    /// The way that everything takes which leaves this machine for a torrent, and by which peers come.
    pub path: Path,
    /// Folder for saved state: one file per torrent and folder.
    pub state_dir: PathBuf,
    /// Where the records of saved state lie, for those who bring a store for all torrents; `None` is files of their own in `state_dir`.
    pub records: Option<Records>,
    /// Upload limit of all torrents together, payload bytes a second.
    pub up: Option<u64>,
    /// Download limit of all torrents together, payload bytes a second.
    pub down: Option<u64>,
    /// Connections to peers of all torrents together; `None` is 400.
    pub connections: Option<usize>,
    /// What is wanted of encryption (MSE) on connections to peers, taken and dialled.
    pub encryption: Encryption,
    /// What connections to peers travel over.
    pub transports: Transports,
    /// Whether the router between us and the world is asked to lead peers here (PCP, NAT-PMP, UPnP). Nobody is asked where only this machine is listened
    /// to.
    pub map_ports: bool,
    /// Whether peers and we tell each other of peers (BEP 11).
    pub pex: bool,
    /// Whether nothing is said that tells this client, its version or where it listens (BEP 37). It takes a path through a proxy, since everything else tells an address.
    pub anonymous: bool,
    /// Whether peers are looked for in this network (BEP 14), unless we listen on loopback alone.
    pub lsd: bool,
    /// How peers are found in the DHT; `None` is not at all, and others hear nothing of us there. Private torrents are never told to it.
    pub dht: Option<Dht>,
    /// How long a complete torrent is without peers before it rests as a record; it is woken by whoever comes. `None` is never.
    pub rest: Option<Duration>,
    /// Seed of every random choice but keys; `None` draws one from the system.
    pub seed: Option<u64>,
}

impl Config {
    /// The defaults with the user's state folder.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            listen: Listen::default(),
            path: Path::direct(),
            state_dir: crate::store::state_dir()?,
            records: None,
            up: None,
            down: None,
            connections: None,
            encryption: Encryption::Allow,
            transports: Transports::Auto,
            map_ports: false,
            pex: true,
            anonymous: false,
            lsd: false,
            dht: None,
            rest: None,
            seed: None,
        })
    }
}

/// What peers and trackers are told we are.
pub const AGENT: &str = concat!("Teem/", env!("CARGO_PKG_VERSION"));

/// A store of saved state, shared with others.
#[derive(Clone)]
pub struct Records(pub Arc<dyn StateStore>);

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Records")
    }
}
