//! The tracker for our own torrents with the page and the .torrents beside it, served on the port of the peers (BEP 3, 15, 23).
//!
//! Invariants: only torrents that are offered are tracked; what the page costs the engine does not grow with the number of those who look at it.
use super::page;
use crate::door::{Door, Guests};
use crate::torrent::Torrent;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use teem_engine::input::PeerSource;
use teem_host::host::HostHandle;
use teem_host::mailbox::HostMsg;
use teem_metainfo::{Info, InfoHash};
use teem_swarm::command::Command;
use teem_tracker_server::limits::Limits;
use teem_tracker_server::net::{Answering, Lent, OnAnnounced, Table, Udp, routes};
use teem_tracker_server::own_seed::OwnSeed;
use teem_tracker_server::tracker::{Access, Tracker};
use teem_web::extract::{Request, State};
use teem_web::http::StatusCode;
use teem_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue};
use teem_web::http::request::Parts;
use teem_web::middleware::{Next, from_fn_with_state};
use teem_web::routing::get;
use teem_web::{Body, Bytes, Content, Response, Router, Server, Tag, page as html, plain};
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

/// Whether a fault is planted in what is put together for the next request.
#[cfg(debug_assertions)]
pub(crate) static PLANTED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// A torrent that is offered.
pub(crate) struct Offer {
    pub(crate) torrent: Torrent,
    pub(crate) info: Arc<Info>,
    pub(crate) magnet: String,
    pub(crate) file: Vec<u8>,
    /// Whether strangers are shown it: a private torrent is tracked and no more.
    pub(crate) shown: bool,
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
    /// Names that this machine is known by, in lower case.
    hosts: Mutex<BTreeSet<String>>,
    /// The page as it was last put together.
    page: tokio::sync::Mutex<Option<(Instant, Bytes)>>,
}

/// What is served. It ends when this is dropped.
pub(crate) struct Site {
    _http: Server,
    _udp: Udp,
    table: Table,
    shared: Arc<Shared>,
    /// Where the seed takes connections.
    own: Mutex<OwnSeed>,
}

impl Site {
    /// Serves what comes in at the door.
    pub(crate) fn open(door: &Door, host: HostHandle, own: OwnSeed) -> Self {
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
        Self { _http: http, _udp: udp, table, shared, own: Mutex::new(own) }
    }

    /// We listen on another port, or a router leads others here by another: the tracker tells that of our seeds.
    pub(crate) fn listens(&self, own: OwnSeed) {
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = own;
        for hash in self.shared.seeds().keys() {
            self.table.tracker().own_seed(*hash, own);
        }
    }

    /// Tracks a torrent that we seed and serves its .torrent under the first of these paths that is free; returns that.
    /// `hosts` are names that this machine is known by.
    pub(crate) fn offer(&self, offer: Offer, paths: [String; 2], hosts: impl Iterator<Item = String>) -> String {
        let hash = offer.torrent.info_hash();
        let own = *self.own.lock().unwrap_or_else(PoisonError::into_inner);
        self.table.tracker().own_seed(hash, own);
        let (file, tag) = (Bytes::copy_from_slice(&offer.file), Tag::of(&offer.file));
        self.shared.seeds().insert(hash, offer.torrent.clone());
        self.shared
            .hosts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(hosts.map(|host| host.to_ascii_lowercase()));
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

    /// Whether a `Host` names this machine: an address, a name without a dot, one of the near ones, or one that was given with an offer.
    fn is_ours(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
            _ => host,
        };
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let name = bare.trim_end_matches('.').to_ascii_lowercase();
        name.parse::<IpAddr>().is_ok()
            || !name.contains('.')
            || NEAR_NAMES.iter().any(|near| name.ends_with(near))
            || self.hosts.lock().unwrap_or_else(PoisonError::into_inner).contains(&name)
    }

    /// The .torrent that is served under a path.
    fn torrent(&self, request: &Parts) -> Option<Response> {
        let offers = self.offers();
        let Offered { file, tag, .. } = offers.get(request.uri.path()).filter(|offered| offered.offer.shown)?;
        Some(Content::whole(TORRENT, file.clone()).tagged(tag.clone()).answer(request))
    }

    /// The page, at most a moment old. Whoever comes while it is being put together waits for the same one.
    async fn page(&self) -> Bytes {
        #[cfg(debug_assertions)]
        assert!(!PLANTED.swap(false, std::sync::atomic::Ordering::SeqCst), "planted in a request");
        let mut kept = self.page.lock().await;
        if let Some((at, page)) = kept.as_ref()
            && at.elapsed() < PAGE_EVERY
        {
            return page.clone();
        }
        let offers: Vec<_> = self
            .offers()
            .iter()
            .filter(|(_, offered)| offered.offer.shown)
            .map(|(path, offered)| (path.clone(), offered.offer.clone()))
            .collect();
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
        .layer(from_fn_with_state(shared.clone(), known_here))
        .with_state(shared)
}

/// Refuses a request for a name that is not this machine's: a page elsewhere may have its own name lead here, to read through the
/// browser of somebody in this network what is shown in it alone. What is asked by address, or by a name that the public
/// system of names cannot give to strangers, is not that.
async fn known_here(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !shared.is_ours(host) {
        let text = "this machine is not known by that name: ask by its address, or have it named with --host";
        return plain(StatusCode::MISDIRECTED_REQUEST, text);
    }
    next.run(request).await
}

/// Endings of names that are never given to strangers (RFC 6761, 6762, 8375, and ICANN's `internal`).
const NEAR_NAMES: [&str; 5] = [".local", ".localhost", ".home.arpa", ".internal", ".lan"];

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
        let source = PeerSource::tracker(peer.ip());
        let _ = host.send(HostMsg::Command(Command::Peers { torrent, source, list: vec![peer] }));
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_s_name_for_this_machine_is_not_answered() {
        let shared = Shared::default();
        shared.hosts.lock().unwrap().insert("seed.example.org".into());
        for ours in [
            "127.0.0.1:6881",
            "[::1]:6881",
            "::1",
            "192.168.1.7",
            "localhost:1",
            "nas",
            "nas.local:80",
            "NAS.Local.",
            "a.home.arpa",
            "seed.example.org:6881",
            "SEED.example.org",
            "",
        ] {
            assert!(shared.is_ours(ours), "{ours}");
        }
        for theirs in [
            "evil.example:6881",
            "evil.example",
            "127.0.0.1.nip.io",
            "seed.example.org.evil.net",
            "local.evil.net:80",
            "1.2.3:4",
        ] {
            assert!(!shared.is_ours(theirs), "{theirs}");
        }
    }
}
