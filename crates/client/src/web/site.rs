//! The tracker for our own torrents with the page and the .torrents beside it, served on the port of the peers (BEP 3, 15, 23).
//!
//! Invariants: only torrents that are offered are tracked; what the page costs the engine does not grow with the number of those who look at it.
use super::page;
use crate::door::{Door, Guests};
use crate::torrent::Torrent;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use teem_engine::input::PeerSource;
use teem_host::host::HostHandle;
use teem_host::mailbox::HostMsg;
use teem_host::packet::Packet;
use teem_metainfo::{Info, InfoHash};
use teem_tracker_server::limits::Limits;
use teem_tracker_server::net::{
    Answering, Bytes, Config, Content, Datagram, Lent, NetLimits, OnAnnounced, Routes, Server, serve,
};
use teem_tracker_server::tracker::{Access, Tracker};
use teem_wire::reach::Reach;
use tokio::time::{Instant, timeout};

/// HTTP connections at a time: a quarter of the 256 files that a process of the smallest usual limit can have open.
const CONNECTIONS_MAX: usize = 64;
/// The page is put together at most this often.
const PAGE_EVERY: Duration = Duration::from_secs(1);
/// How long the engine may take to give its figures.
const FIGURES_WITHIN: Duration = Duration::from_secs(2);

/// What a browser may do with the page: show it and fetch its style sheet.
const PAGE_HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
];
const STYLE_HEADERS: &[(&str, &str)] = &[("cache-control", "max-age=3600")];

/// A torrent that is offered.
pub(crate) struct Offer {
    pub(crate) torrent: Torrent,
    pub(crate) info: Arc<Info>,
    pub(crate) magnet: String,
    pub(crate) file: Vec<u8>,
}

/// By the path of the .torrent.
type Offers = BTreeMap<String, (Arc<Offer>, Bytes)>;

#[derive(Default)]
struct Shared {
    offers: Mutex<Offers>,
    /// What is offered, by its info-hash.
    seeds: Mutex<BTreeMap<InfoHash, Torrent>>,
    /// The page as it was last put together.
    page: tokio::sync::Mutex<Option<(Instant, Bytes)>>,
}

/// What is served. It ends when this is dropped.
pub(crate) struct Site {
    _server: Server,
    tracker: Arc<Mutex<Tracker>>,
    shared: Arc<Shared>,
    port: u16,
}

impl Site {
    /// Serves what comes in at the door; `port` is the number of the port that it belongs to.
    pub(crate) fn open(door: &Door, host: HostHandle, port: u16) -> io::Result<Self> {
        let Guests { streams, questions } = door.open();
        // A host that has ended sends nothing; a packet that is lost is asked for again.
        let answering = host.clone();
        let answer: Answering = Box::new(move |Datagram { remote, local, bytes }| {
            let _ = answering.send(HostMsg::Answer(Packet { remote, local, bytes }));
        });
        let own_only = Access::Allow(BTreeSet::new());
        let tracker = Arc::new(Mutex::new(Tracker::new(Limits::DEFAULT, own_only, crate::entropy::bytes())));
        let shared = Arc::new(Shared::default());
        let config = Config {
            http: Vec::new(),
            udp: Vec::new(),
            lent: Some(Lent { streams, questions, answer }),
            tracker: tracker.clone(),
            routes: Some(routes(shared.clone())),
            on_announced: Some(dialling(shared.clone(), host)),
            limits: NetLimits { connections: CONNECTIONS_MAX, ..NetLimits::DEFAULT },
        };
        Ok(Self { _server: serve(config)?, tracker, shared, port })
    }

    /// Tracks a torrent that we seed and serves its .torrent under the first of these paths that is free; returns that.
    pub(crate) fn offer(&self, offer: Offer, paths: [String; 2]) -> String {
        let hash = offer.torrent.info_hash();
        self.tracker().own_seed(hash, self.port);
        let file = Bytes::copy_from_slice(&offer.file);
        self.shared.seeds().insert(hash, offer.torrent.clone());
        let mut offers = self.shared.offers();
        let [wanted, unique] = paths;
        let free = offers.get(&wanted).is_none_or(|(other, _)| other.torrent.info_hash() == hash);
        let path = if free { wanted } else { unique };
        offers.insert(path.clone(), (Arc::new(offer), file));
        path
    }

    /// Takes an offer back, with everything that the tracker knows of it.
    pub(crate) fn withdraw(&self, path: &str) {
        let offer = self.shared.offers().remove(path);
        if let Some((offer, _)) = offer {
            self.tracker().remove(&offer.torrent.info_hash());
            self.shared.seeds().remove(&offer.torrent.info_hash());
        }
    }

    fn tracker(&self) -> MutexGuard<'_, Tracker> {
        self.tracker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn offers(&self) -> MutexGuard<'_, Offers> {
        self.offers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seeds(&self) -> MutexGuard<'_, BTreeMap<InfoHash, Torrent>> {
        self.seeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, path: &str) -> Option<Content> {
        let content = |media_type, body| Content { media_type, body, headers: &[] };
        Some(match path {
            "/" => Content { headers: PAGE_HEADERS, ..content("text/html; charset=utf-8", self.page().await) },
            "/style.css" => {
                let body = Bytes::from_static(page::STYLE.as_bytes());
                Content { headers: STYLE_HEADERS, ..content("text/css; charset=utf-8", body) }
            }
            "/health" => content("text/plain", Bytes::from_static(b"ok\n")),
            "/health.json" => content("application/json", Bytes::from_static(b"{\"status\":\"ok\"}\n")),
            path => content("application/x-bittorrent", self.offers().get(path)?.1.clone()),
        })
    }

    /// The page, at most a moment old. Whoever comes while it is being put together waits for the same one.
    async fn page(&self) -> Bytes {
        let mut kept = self.page.lock().await;
        if let Some((at, page)) = kept.as_ref()
            && at.elapsed() < PAGE_EVERY
        {
            return page.clone();
        }
        let offers: Vec<_> = self.offers().iter().map(|(path, (offer, _))| (path.clone(), offer.clone())).collect();
        let mut torrents = Vec::new();
        for (path, offer) in &offers {
            let figures = timeout(FIGURES_WITHIN, offer.torrent.snapshot()).await;
            torrents.push(page::Torrent {
                info: &offer.info,
                info_hash: offer.torrent.info_hash().to_string(),
                magnet: &offer.magnet,
                path,
                figures: figures.ok().and_then(Result::ok),
            });
        }
        let page = Bytes::from(page::page(&torrents));
        *kept = Some((Instant::now(), page.clone()));
        page
    }
}

fn routes(shared: Arc<Shared>) -> Routes {
    Arc::new(move |path| {
        let (shared, path) = (shared.clone(), path.to_owned());
        Box::pin(async move { shared.answer(&path).await })
    })
}

/// Has the seed dial those who announce: some clients accept connections and do not dial, or not soon, or not by TCP first. The usual rules
/// for addresses from a tracker hold; a near address is what the announce itself came from. A peer is lost when the
/// engine is too busy to hear of it, and announces again.
fn dialling(shared: Arc<Shared>, host: HostHandle) -> OnAnnounced {
    Arc::new(move |info_hash, peer| {
        let Some(torrent) = shared.seeds().get(&info_hash).map(|torrent| torrent.id()) else { return };
        let source = match Reach::of(peer.ip()) {
            Reach::Public => PeerSource::PublicTracker,
            _ => PeerSource::LocalTracker,
        };
        let _ = host.send(HostMsg::Peers { torrent, source, list: vec![peer] });
    })
}
