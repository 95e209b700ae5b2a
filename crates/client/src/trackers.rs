//! Announces over HTTP and HTTPS (BEP 3, 7, 23): carried here, decided by the engine.
use crate::http::egress::Egress;
use crate::http::error::HttpError;
use crate::http::fetch::{Http, Limits};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use teem_engine::input::PeerSource;
use teem_metainfo::AnnounceUrl;
use teem_metainfo::url::Url;
use teem_swarm::ask::Answer;
use teem_wire::tracker::announce::{Announce, AnnounceError, AnnounceReply};
use teem_wire::tracker::http;
use tokio::sync::Semaphore;

/// Announces under way at once, in all and to one host.
const CONCURRENT_MAX: usize = 50;
const PER_HOST_MAX: usize = 2;

/// Carries announces; cheap to clone.
#[derive(Clone)]
pub(crate) struct Announces {
    http: Http,
    all: Arc<Semaphore>,
    hosts: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

impl Announces {
    pub(crate) fn new(http: Http) -> Self {
        Self { http, all: Arc::new(Semaphore::new(CONCURRENT_MAX)), hosts: Arc::default() }
    }

    /// Announces, when it is the turn of that; says what came of it.
    pub(crate) async fn run(&self, url: &AnnounceUrl, announce: &Announce) -> Answer {
        let host = self.host(url.reveal());
        // INVARIANT: these semaphores are never closed.
        let one = host.acquire().await.expect("open");
        // INVARIANT: as above.
        let _all = self.all.acquire().await.expect("open");
        let (source, reply) = self.announce(url, announce).await;
        drop(one);
        self.forget_idle_hosts();
        Answer::Announced { source, reply }
    }

    fn host(&self, url: &str) -> Arc<Semaphore> {
        let host = Url::parse(url).map_or(url, |url| url.host).to_ascii_lowercase();
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.entry(host).or_insert_with(|| Arc::new(Semaphore::new(PER_HOST_MAX))).clone()
    }

    fn forget_idle_hosts(&self) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.retain(|_, s| Arc::strong_count(s) > 1 || s.available_permits() < PER_HOST_MAX);
    }

    async fn announce(
        &self,
        url: &AnnounceUrl,
        announce: &Announce,
    ) -> (PeerSource, Result<AnnounceReply, AnnounceError>) {
        let full = http::announce_url(url.reveal(), announce);
        match self.http.get_within(&full, Limits::TRACKER, Egress::to_tracker(url)).await {
            Ok(answer) => (PeerSource::tracker(answer.from.ip()), judge(answer.status, &answer.body)),
            Err(e) => (PeerSource::PublicTracker, Err(failure(&e))),
        }
    }
}

/// Some trackers put their reason into the body of an error status, so the body is tried first.
fn judge(status: u16, body: &[u8]) -> Result<AnnounceReply, AnnounceError> {
    match http::decode_reply(body) {
        Err(AnnounceError::Malformed(_)) | Ok(_) if status != 200 => Err(AnnounceError::Status(status)),
        other => other,
    }
}

fn failure(e: &HttpError) -> AnnounceError {
    match e {
        HttpError::TimedOut(_) => AnnounceError::TimedOut,
        HttpError::Scheme(_) | HttpError::Egress { .. } => AnnounceError::Forbidden(e.to_string()),
        HttpError::BadUrl(_) | HttpError::Unreachable(_) | HttpError::Tls { .. } => {
            AnnounceError::Unreachable(e.to_string())
        }
        HttpError::Protocol(_) | HttpError::Redirects(_) | HttpError::TooLarge(_) => {
            AnnounceError::Malformed(e.to_string())
        }
    }
}
