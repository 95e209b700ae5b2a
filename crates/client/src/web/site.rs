//! The tracker for our own torrents with the page and the .torrents beside it, served on the port of the peers (BEP 3, 15, 23).
//!
//! Invariants: only torrents that are offered are tracked; what the page costs the engine does not grow with the number of those who look at it.
use super::page;
use crate::door::{Door, Guests};
use crate::torrent::Torrent;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use teem_engine::input::PeerSource;
use teem_host::host::HostHandle;
use teem_host::mailbox::HostMsg;
use teem_metainfo::{Info, InfoHash};
use teem_swarm::command::Command;
use teem_tracker_server::limits::Limits;
use teem_tracker_server::net::{Answering, Lent, OnAnnounced, Table, Udp, routes};
use teem_tracker_server::tracker::{Access, Tracker};
use teem_web::extract::{Request, State};
use teem_web::http::StatusCode;
use teem_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use teem_web::http::request::Parts;
use teem_web::routing::get;
use teem_web::{Body, Bytes, Content, Response, Router, Server, Tag, page as html, plain};
use teem_wire::reach::Reach;
use tokio::time::{Instant, timeout};

/// HTTP connections at a time, in all and of one network: a quarter of the 256 files that a process of the smallest usual limit can have open.
const CONNECTIONS_MAX: usize = 64;
const PER_NETWORK_MAX: usize = 32;
/// The page is put together at most this often.
const PAGE_EVERY: Duration = Duration::from_secs(1);
/// How long the engine may take to give its figures.
const FIGURES_WITHIN: Duration = Duration::from_secs(2);

/// How long a browser may keep the style sheet: it changes with the program alone.
const STYLE_KEPT: &str = "max-age=3600";
/// The media type of a .torrent.
const TORRENT: &str = "application/x-bittorrent";

/// A torrent that is offered.
pub(crate) struct Offer {
    pub(crate) torrent: Torrent,
    pub(crate) info: Arc<Info>,
    pub(crate) magnet: String,
    pub(crate) file: Vec<u8>,
}

/// By the path of the .torrent.
type Offers = BTreeMap<String, Offered>;

struct Offered {
    offer: Arc<Offer>,
    file: Bytes,
    tag: Tag,
}

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
    _http: Server,
    _udp: Udp,
    table: Table,
    shared: Arc<Shared>,
    host: HostHandle,
}

impl Site {
    /// Serves what comes in at the door.
    pub(crate) fn open(door: &Door, host: HostHandle) -> Self {
        let Guests { streams, questions } = door.open();
        // A host that has ended sends nothing; a packet that is lost is asked for again.
        let answering = host.clone();
        let answer: Answering = Box::new(move |datagram| {
            let _ = answering.send(HostMsg::Datagram(datagram));
        });
        let own_only = Access::Allow(BTreeSet::new());
        let shared = Arc::new(Shared::default());
        let tracker = Tracker::new(Limits::DEFAULT, own_only, crate::entropy::bytes());
        let table = Table::telling(tracker, dialling(shared.clone(), host.clone()));
        let limits = teem_web::Limits {
            connections: CONNECTIONS_MAX,
            per_network: PER_NETWORK_MAX,
            ..teem_web::Limits::DEFAULT
        };
        let mut http = Server::new(routes(table.clone()).merge(pages(shared.clone())), limits);
        http.given(streams);
        let udp = Udp::lent(&table, Lent { questions, answer });
        Self { _http: http, _udp: udp, table, shared, host }
    }

    /// We listen on another port: the tracker tells that one of our seeds.
    pub(crate) fn port_changed(&self) {
        let port = self.host.bound().port;
        for hash in self.shared.seeds().keys() {
            self.table.tracker().own_seed(*hash, port);
        }
    }

    /// Tracks a torrent that we seed and serves its .torrent under the first of these paths that is free; returns that.
    pub(crate) fn offer(&self, offer: Offer, paths: [String; 2]) -> String {
        let hash = offer.torrent.info_hash();
        self.table.tracker().own_seed(hash, self.host.bound().port);
        let (file, tag) = (Bytes::copy_from_slice(&offer.file), Tag::of(&offer.file));
        self.shared.seeds().insert(hash, offer.torrent.clone());
        let mut offers = self.shared.offers();
        let [wanted, unique] = paths;
        let free = offers.get(&wanted).is_none_or(|other| other.offer.torrent.info_hash() == hash);
        let path = if free { wanted } else { unique };
        offers.insert(path.clone(), Offered { offer: Arc::new(offer), file, tag });
        path
    }

    /// Takes an offer back, with everything that the tracker knows of it.
    pub(crate) fn withdraw(&self, path: &str) {
        let offered = self.shared.offers().remove(path);
        if let Some(Offered { offer, .. }) = offered {
            self.table.tracker().remove(&offer.torrent.info_hash());
            self.shared.seeds().remove(&offer.torrent.info_hash());
        }
    }
}

impl Shared {
    fn offers(&self) -> MutexGuard<'_, Offers> {
        self.offers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seeds(&self) -> MutexGuard<'_, BTreeMap<InfoHash, Torrent>> {
        self.seeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The .torrent that is served under a path.
    fn torrent(&self, request: &Parts) -> Option<Response> {
        let offers = self.offers();
        let Offered { file, tag, .. } = offers.get(request.uri.path())?;
        Some(Content::whole(TORRENT, file.clone()).tagged(tag.clone()).answer(request))
    }

    /// The page, at most a moment old. Whoever comes while it is being put together waits for the same one.
    async fn page(&self) -> Bytes {
        let mut kept = self.page.lock().await;
        if let Some((at, page)) = kept.as_ref()
            && at.elapsed() < PAGE_EVERY
        {
            return page.clone();
        }
        let offers: Vec<_> =
            self.offers().iter().map(|(path, offered)| (path.clone(), offered.offer.clone())).collect();
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

/// What is served beside the tracker. Names of .torrents are looked up as they are sent: they were percent-coded when they were offered.
fn pages(shared: Arc<Shared>) -> Router {
    let page = |State(shared): State<Arc<Shared>>| async move { html(shared.page().await) };
    let torrent = |State(shared): State<Arc<Shared>>, request: Request| async move {
        let (request, _) = request.into_parts();
        shared.torrent(&request).unwrap_or_else(|| plain(StatusCode::NOT_FOUND, "there is nothing here"))
    };
    Router::new()
        .route("/", get(page))
        .route("/style.css", get(style))
        .route("/health", get(async || said("text/plain", "ok\n")))
        .route("/health.json", get(async || said("application/json", "{\"status\":\"ok\"}\n")))
        .route("/{torrent}", get(torrent))
        .with_state(shared)
}

async fn style(request: Request) -> Response {
    let (request, _) = request.into_parts();
    let content = Content::whole("text/css; charset=utf-8", page::STYLE.as_bytes());
    let mut response = content.tagged(Tag::of(page::STYLE.as_bytes())).answer(&request);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(STYLE_KEPT));
    response
}

fn said(media_type: &'static str, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Has the seed dial those who announce: some clients accept connections and do not dial, or not soon, or not by TCP first. The usual rules
/// for addresses from a tracker hold; a near address is what the announce itself came from. A peer is lost when the
/// engine is too busy to hear of it, and announces again.
fn dialling(shared: Arc<Shared>, host: HostHandle) -> OnAnnounced {
    Arc::new(move |info_hash, peer| {
        let Some(torrent) = shared.seeds().get(&info_hash).map(Torrent::id) else { return };
        let source = match Reach::of(peer.ip()) {
            Reach::Public => PeerSource::PublicTracker,
            _ => PeerSource::LocalTracker,
        };
        let _ = host.send(HostMsg::Command(Command::Peers { torrent, source, list: vec![peer] }));
    })
}
