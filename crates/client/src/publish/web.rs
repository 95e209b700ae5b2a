//! The tracker for our own torrents, with the .torrents beside it on the same port (BEP 3, 15, 23).
use crate::config::DEFAULT_PORT;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use teem_metainfo::InfoHash;
use teem_tracker_server::limits::Limits;
use teem_tracker_server::net::{Bytes, Config, NetLimits, Routes, Server, bind, serve};
use teem_tracker_server::tracker::{Access, Tracker};

/// Tried before any free port: numbers that the system does not give to outgoing connections, so that they are free again
/// at the next start.
const USUAL_PORTS: std::ops::RangeInclusive<u16> = DEFAULT_PORT + 1..=DEFAULT_PORT + 16;

/// What is served by path.
type Files = Arc<Mutex<HashMap<String, Bytes>>>;

/// A running tracker that knows our own torrents only.
pub(super) struct Web {
    server: Server,
    port: u16,
    tracker: Arc<Mutex<Tracker>>,
    files: Files,
}

impl Web {
    /// Listens on the port that earlier links hold, else on the first of the usual ones that is free, else on any.
    pub(super) fn start(bound: Option<IpAddr>, port: u16) -> io::Result<Self> {
        let all = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let addr = |port| SocketAddr::new(bound.unwrap_or(all), port);
        let mut wanted = std::iter::once(port).filter(|p| *p != 0).chain(USUAL_PORTS);
        let (http, udp) = match wanted.find_map(|p| bind::tcp_and_udp(addr(p)).ok()) {
            Some(sockets) => sockets,
            None => bind::tcp_and_udp(addr(0))?,
        };
        let files = Files::default();
        let served = files.clone();
        let routes: Routes = Arc::new(move |path| {
            let files = served.lock().unwrap_or_else(PoisonError::into_inner);
            files.get(path).map(|body| ("application/x-bittorrent".to_owned(), body.clone()))
        });
        let own_only = Access::Allow(BTreeSet::new());
        let tracker = Arc::new(Mutex::new(Tracker::new(Limits::DEFAULT, own_only, crate::entropy::bytes())));
        let config = Config { http, udp, tracker: tracker.clone(), routes: Some(routes), limits: NetLimits::DEFAULT };
        let server = serve(config)?;
        let port = server.http().first().map_or(0, SocketAddr::port);
        Ok(Self { server, port, tracker, files })
    }

    /// TCP and UDP port.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Tracks a torrent that we seed on `seed_port`, and serves its .torrent under `path`.
    pub(super) fn offer(&self, torrent: InfoHash, seed_port: u16, path: String, file: &[u8]) {
        self.tracker.lock().unwrap_or_else(PoisonError::into_inner).own_seed(torrent, seed_port);
        let body = Bytes::copy_from_slice(file);
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(path, body);
    }

    /// Ends it; the sockets are closed when this returns.
    pub(super) async fn shutdown(self) {
        self.server.shutdown().await;
    }
}
