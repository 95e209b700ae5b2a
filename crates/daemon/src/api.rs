//! The daemon's interface over HTTP (own design): paths and objects of `/teem/v1`.
//!
//! | request | answer |
//! |---|---|
//! | `GET /healthz` | 200 while all is well, 503 and why while changes cannot be kept; for everybody |
//! | `GET /teem/v1` | the program's version and the interface's |
//! | `GET /teem/v1/torrents[?select=SEL]…[&sort=KEY&order=&offset=&limit=]` | a window on the torrents, all where nothing is selected |
//! | `GET /metrics` | figures of the whole daemon, as Prometheus reads them |
//! | `GET /teem/v1/events[?since=N]` | what happened to torrents after the event of that number |
//! | `GET /teem/v1/torrents/why[?select=SEL]…` | why they do not move |
//! | `POST /teem/v1/torrents` with what is to be added | 201 and the torrent |
//! | `POST /teem/v1/torrents/{pause,resume,announce}` with `{"select": [SEL…]}` | the torrents |
//! | `POST /teem/v1/torrents/{remove,move,rename,recheck}` | see `jobs` |
//! | `POST /teem/v1/torrents/set` with `{"select": [SEL…], …}` | the torrents, changed |
//! | `GET /teem/v1/torrents/{infohash}/{files,peers,trackers}` | what one torrent is made of |
//! | `GET /teem/v1/tokens`, `POST` with `{"name", "scope"}`, `POST /teem/v1/tokens/revoke` with `{"name"}` | the tokens; the new one with its words |
//!
//! An error is `{"error": {"class", "message"}}`. Who may ask is decided before a request gets here.
mod change;
mod details;
mod events;
mod jobs;
mod list;
mod metrics;
mod policy;

use crate::adding::Wishes;
use crate::answer::{Refused, answer, bad, read, refusal, selected, told};
use crate::daemon::Daemon;
use crate::failed::{AddFailed, TokenFailed};
use crate::gate::guard;
use crate::token::Scope;
use crate::told::Told;
use crate::{qbittorrent, transmission};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;
use teem_client::AddError;
use teem_web::extract::State;
use teem_web::http::{StatusCode, Uri};
use teem_web::middleware::from_fn_with_state;
use teem_web::routing::{get, post};
use teem_web::{Bytes, Limits, Response, Router, plain};

/// Bytes of a request's body: a .torrent file of 16 MiB in base64.
const BODY_BYTES: usize = 24 << 20;

/// The server's limits with room for .torrent files.
pub const LIMITS: Limits = Limits { body_bytes: BODY_BYTES, ..Limits::DEFAULT };

/// What is added: one of `link` and `torrent`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddRequest {
    /// A magnet link, an info-hash, or the http(s) URL of a .torrent.
    link: Option<String>,
    /// A .torrent file in base64.
    torrent: Option<String>,
    folder: Option<PathBuf>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    only: Vec<String>,
    #[serde(default)]
    first: Vec<String>,
    up_limit: Option<u64>,
    down_limit: Option<u64>,
    until: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenRequest {
    name: String,
    scope: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevokeRequest {
    name: String,
}

/// The routes for those who come over TCP, each with a token.
pub fn guarded_routes(daemon: Daemon) -> Router {
    asked(daemon.clone()).layer(from_fn_with_state(daemon.clone(), guard)).merge(health(daemon))
}

/// The routes for the owner, who may do everything.
pub fn routes(daemon: Daemon) -> Router {
    asked(daemon.clone()).merge(health(daemon))
}

/// What is open to everybody who comes so far.
fn health(daemon: Daemon) -> Router {
    Router::new().route("/healthz", get(healthz)).with_state(daemon)
}

async fn healthz(State(daemon): State<Daemon>) -> Response {
    match daemon.trouble() {
        None => plain(StatusCode::OK, "ok"),
        Some(why) => plain(StatusCode::SERVICE_UNAVAILABLE, &format!("changes cannot be kept: {why}")),
    }
}

fn asked(daemon: Daemon) -> Router {
    Router::new()
        .route("/teem/v1/tokens", get(list_tokens).post(make_token))
        .route("/teem/v1/tokens/revoke", post(revoke_token))
        .route("/teem/v1/config", get(config))
        .route("/teem/v1/alternative", get(policy::alternative).post(policy::set_alternative))
        .route("/teem/v1/torrents/queue", post(policy::queue))
        .route("/teem/v1", get(about))
        .route("/teem/v1/torrents", get(list::list).post(add))
        .route("/teem/v1/torrents/why", get(why))
        .route("/teem/v1/events", get(events::events))
        .route("/metrics", get(metrics::metrics))
        .route("/teem/v1/torrents/pause", post(pause))
        .route("/teem/v1/torrents/resume", post(resume))
        .merge(jobs::routes())
        .merge(transmission::routes())
        .route("/teem/v1/torrents/set", post(change::set))
        .route("/teem/v1/torrents/announce", post(change::announce))
        .route("/teem/v1/torrents/{infohash}/files", get(details::files))
        .route("/teem/v1/torrents/{infohash}/peers", get(details::peers))
        .route("/teem/v1/torrents/{infohash}/trackers", get(details::trackers))
        .merge(qbittorrent::routes())
        .with_state(daemon)
}

async fn about() -> Response {
    answer(StatusCode::OK, &json!({"program": "teem", "version": env!("CARGO_PKG_VERSION"), "api": 1}))
}

async fn config(State(daemon): State<Daemon>) -> Response {
    answer(StatusCode::OK, &daemon.settings_told())
}

async fn why(State(daemon): State<Daemon>, uri: Uri) -> Response {
    told(daemon.why(&list::selected_by(&uri)).await)
}

async fn add(State(daemon): State<Daemon>, body: Bytes) -> Response {
    match added(&daemon, &body).await {
        Ok(told) => answer(StatusCode::CREATED, &told),
        Err(refused) => refusal(&refused),
    }
}

async fn added(daemon: &Daemon, body: &[u8]) -> Result<Told, Refused> {
    let request: AddRequest = read(body)?;
    let wishes = Wishes {
        folder: request.folder,
        labels: request.labels.into_iter().collect(),
        paused: request.paused,
        only: request.only,
        first: request.first,
        up: request.up_limit,
        down: request.down_limit,
        until: request.until.as_deref().map(str::parse).transpose().map_err(bad)?,
    };
    let added = match (request.link, request.torrent) {
        (Some(link), None) => daemon.add_link(&link, wishes).await,
        (None, Some(text)) => {
            let bytes = STANDARD.decode(text.trim());
            let bytes = bytes.map_err(|e| bad(format!("`torrent` is to be a .torrent file in base64: {e}")))?;
            daemon.add_file(&bytes, wishes).await
        }
        _ => return Err(bad("one of `link` and `torrent` is to be given".to_owned())),
    };
    added.map_err(|e| {
        let (status, class) = match &e {
            AddFailed::Link(e) => (StatusCode::BAD_REQUEST, e.class()),
            AddFailed::Wish(_) => (StatusCode::BAD_REQUEST, "wish"),
            AddFailed::Client(AddError::Already(_)) => (StatusCode::CONFLICT, "already"),
            AddFailed::Client(AddError::SamePlace(_)) => (StatusCode::CONFLICT, "occupied"),
            AddFailed::Client(AddError::Stopped) => (StatusCode::SERVICE_UNAVAILABLE, "ending"),
            AddFailed::Client(_) => (StatusCode::BAD_REQUEST, "add"),
            AddFailed::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "store"),
        };
        Refused(status, class, e.to_string())
    })
}

async fn pause(State(daemon): State<Daemon>, body: Bytes) -> Response {
    match selected(&body) {
        Ok(select) => told(daemon.set_paused(&select, true).await),
        Err(refused) => refusal(&refused),
    }
}

async fn resume(State(daemon): State<Daemon>, body: Bytes) -> Response {
    match selected(&body) {
        Ok(select) => told(daemon.set_paused(&select, false).await),
        Err(refused) => refusal(&refused),
    }
}

async fn list_tokens(State(daemon): State<Daemon>) -> Response {
    let told = |(name, scope, made): (String, Scope, u64)| json!({"name": name, "scope": scope.word(), "made": made});
    answer(StatusCode::OK, &daemon.list_tokens().into_iter().map(told).collect::<Vec<_>>())
}

async fn make_token(State(daemon): State<Daemon>, body: Bytes) -> Response {
    let made = async {
        let request: TokenRequest = read(&body)?;
        let scope = request.scope.parse::<Scope>().map_err(|e| bad(format!("scope: {e}")))?;
        let words = daemon.make_token(&request.name, scope).await.map_err(|e| of_token(&e))?;
        Ok(json!({"name": request.name, "scope": scope.word(), "token": words}))
    };
    made.await.map_or_else(|refused| refusal(&refused), |told| answer(StatusCode::CREATED, &told))
}

async fn revoke_token(State(daemon): State<Daemon>, body: Bytes) -> Response {
    let revoked = async {
        let request: RevokeRequest = read(&body)?;
        daemon.revoke_token(&request.name).await.map_err(|e| of_token(&e))?;
        Ok(json!({"name": request.name}))
    };
    revoked.await.map_or_else(|refused| refusal(&refused), |told| answer(StatusCode::OK, &told))
}

fn of_token(e: &TokenFailed) -> Refused {
    let (status, class) = match e {
        TokenFailed::Name(_) => (StatusCode::BAD_REQUEST, "wish"),
        TokenFailed::Taken(_) | TokenFailed::Many => (StatusCode::CONFLICT, "already"),
        TokenFailed::Unknown(_) => (StatusCode::NOT_FOUND, "select"),
        TokenFailed::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "store"),
    };
    Refused(status, class, e.to_string())
}
