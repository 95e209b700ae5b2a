//! The daemon's interface over HTTP (own design): paths and objects of `/teem/v1`.
//!
//! | request | answer |
//! |---|---|
//! | `GET /healthz` | 200 while all is well, 503 and why while changes cannot be kept; for everybody |
//! | `GET /teem/v1/openapi.json` | all of this as an OpenAPI document |
//! | `GET /teem/v1` | the program's version and the interface's |
//! | `GET /teem/v1/torrents[?select=SEL]…[&sort=KEY&order=&offset=&limit=]` | a window on the torrents, all where nothing is selected |
//! | `GET /metrics` | figures of the whole daemon, as Prometheus reads them |
//! | `GET /teem/v1/events[?since=N]` | what happened to torrents after the event of that number |
//! | `GET /teem/v1/torrents/why[?select=SEL]…` | why they do not move |
//! | `POST /teem/v1/torrents` with what is to be added | 201 and the torrent |
//! | `POST /teem/v1/torrents/share`, `GET /teem/v1/torrents/{infohash}/links` | see `sharing` |
//! | `GET /teem/v1/torrents/{infohash}/export`, `POST /teem/v1/torrents/import` | see `exported` |
//! | `POST /teem/v1/torrents/{pause,resume,announce}` with `{"select": [SEL…]}` | the torrents |
//! | `POST /teem/v1/torrents/{remove,move,rename,recheck}` | see `jobs` |
//! | `POST /teem/v1/torrents/set` with `{"select": [SEL…], …}` | the torrents, changed |
//! | `GET /teem/v1/torrents/{infohash}/{files,peers,trackers}` | what one torrent is made of |
//! | `/teem/v1/feeds` | see `feeds` |
//! | `GET /teem/v1/limits`, `POST` with `{"up_limit", …}` | the limits of all torrents together |
//! | `GET /teem/v1/tokens`, `POST` with `{"name", "scope"}`, `POST /teem/v1/tokens/revoke` with `{"name"}` | the tokens; the new one with its words |
//!
//! An error is `{"error": {"class", "message"}}`. Who may ask is decided before a request gets here.
mod change;
mod details;
mod document;
mod events;
mod exported;
mod feeds;
#[cfg(test)]
mod grown;
mod jobs;
mod limits;
mod list;
mod metrics;
mod noted;
mod policy;
mod sharing;
mod tokens;

use crate::adding::{Incomplete, Wishes};
use crate::answer::{
    ErrorTold, Refused, SelectRequest, answer, bad, of_add, read, refusal, selected, told, torrent_in,
};
use crate::config::Setting;
use crate::daemon::Daemon;
use crate::gate::{guard, owner};
use crate::told::{Told, WhyTold};
use crate::{qbittorrent, transmission};
use document::Common;
pub(crate) use noted::{TEEM, verb};
use serde::{Deserialize, Deserializer, Serialize};
use std::path::PathBuf;
use std::sync::LazyLock;
use teem_web::extract::State;
use teem_web::http::header::CONTENT_TYPE;
use teem_web::http::{HeaderValue, StatusCode, Uri};
use teem_web::middleware::{from_fn, from_fn_with_state};
use teem_web::routing::{get, post};
use teem_web::{Body, Bytes, Limits, Response, Router, plain};
use utoipa::{OpenApi, ToSchema};

/// Bytes of a request's body: a .torrent file of 16 MiB in base64.
const BODY_BYTES: usize = 24 << 20;

/// The server's limits with room for .torrent files.
pub const LIMITS: Limits = Limits { body_bytes: BODY_BYTES, ..Limits::DEFAULT };

/// What is added: one of `link` and `torrent`, and what is wanted of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddRequest {
    /// A magnet link, an info-hash, or the http(s) URL of a .torrent.
    link: Option<String>,
    /// A .torrent file in base64.
    torrent: Option<String>,
    /// The folder that its content goes into: an absolute path below a root of the daemon's; the first root where there is none.
    #[schema(value_type = Option<String>)]
    folder: Option<PathBuf>,
    /// The folder that it lies in until it is complete: an absolute path below a root of the daemon's; `null` for the folder that it goes into, and what the
    /// daemon's file says where it is left out.
    #[schema(value_type = Option<String>)]
    #[serde(default, deserialize_with = "present")]
    incomplete: Incomplete,
    /// Words to find it by.
    #[serde(default)]
    labels: Vec<String>,
    /// Whether it rests until it is resumed.
    #[serde(default)]
    paused: bool,
    /// Patterns of paths and names: the files that are wanted; all where there is none.
    #[serde(default)]
    only: Vec<String>,
    /// Patterns of paths and names: the files that are wanted first.
    #[serde(default)]
    first: Vec<String>,
    /// Limit of what it sends, in payload bytes a second.
    up_limit: Option<u64>,
    /// Limit of what it receives, in payload bytes a second.
    down_limit: Option<u64>,
    /// Its goal, as `teem add --until` says it.
    until: Option<String>,
}

/// Which program answers.
#[derive(Serialize, ToSchema)]
struct About {
    /// Its name: `teem`.
    program: &'static str,
    /// The program's version.
    version: &'static str,
    /// The interface's version: 1, in which paths and keys are added and none is changed or removed.
    api: u32,
    /// Why changes cannot be kept or noted at present, as with a full disk: a sentence; null while they can.
    trouble: Option<String>,
}

/// The OpenAPI document, made of the types that are read and written and of the comments beside them. `docs/openapi.json` is the same; a test holds it to that.
/// What was released once stays: paths, methods, keys and their types are added, never changed or removed (`grown`).
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Teem's daemon",
        version = "1",
        description = "How other programs drive `teem daemon`: see docs/api.md. Paths and keys are added; none is changed or removed. A program leaves keys alone that it does not know. Over the daemon's socket no token is needed.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "http://127.0.0.1:21490", description = "where it listens unless told otherwise")),
    paths(
        healthz,
        metrics::metrics,
        about,
        openapi,
        config,
        list::list,
        add,
        why,
        pause,
        resume,
        sharing::share,
        sharing::links,
        exported::export,
        exported::import,
        jobs::remove,
        jobs::relocate,
        jobs::rename,
        jobs::recheck,
        change::set,
        change::announce,
        policy::queue,
        details::files,
        details::peers,
        details::trackers,
        events::events,
        policy::alternative,
        policy::set_alternative,
        limits::limits,
        limits::set_limits,
        feeds::list_feeds,
        feeds::add_feed,
        feeds::remove_feed,
        feeds::refresh_feed,
        feeds::test_feed,
        tokens::list_tokens,
        tokens::make_token,
        tokens::revoke_token,
    ),
    components(schemas(ErrorTold<'static>)),
    modifiers(&Common),
)]
struct Interface;

/// What is there, `null` too.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Incomplete, D::Error> {
    Option::deserialize(value).map(|folder| folder.map_or(Incomplete::Never, Incomplete::In))
}

/// The routes for those who come over TCP, each with a token.
pub fn guarded_routes(daemon: Daemon) -> Router {
    asked(daemon.clone()).layer(from_fn_with_state(daemon.clone(), guard)).merge(health(daemon))
}

/// The routes for the owner, who may do everything.
pub fn routes(daemon: Daemon) -> Router {
    asked(daemon.clone()).layer(from_fn(owner)).merge(health(daemon))
}

/// What is open to everybody who comes so far.
fn health(daemon: Daemon) -> Router {
    Router::new().route("/healthz", get(healthz)).with_state(daemon)
}

/// Whether all is well. Over TCP it needs no token.
#[utoipa::path(get, path = "/healthz", responses(
    (status = 200, body = String, content_type = "text/plain", description = "all is well"),
    (status = 503, body = String, content_type = "text/plain", description = "changes cannot be kept: a line says why"),
))]
async fn healthz(State(daemon): State<Daemon>) -> Response {
    match daemon.trouble() {
        None => plain(StatusCode::OK, "ok"),
        Some(why) => plain(StatusCode::SERVICE_UNAVAILABLE, &format!("changes cannot be kept: {why}")),
    }
}

/// The own interface, whose changes are noted, and those of other programs, which note theirs.
fn asked(daemon: Daemon) -> Router {
    let own = own().layer(from_fn_with_state(daemon.clone(), noted::noted));
    own.merge(transmission::routes()).merge(qbittorrent::routes()).with_state(daemon)
}

fn own() -> Router<Daemon> {
    Router::new()
        .route("/teem/v1/tokens", get(tokens::list_tokens).post(tokens::make_token))
        .route("/teem/v1/tokens/revoke", post(tokens::revoke_token))
        .route("/teem/v1/config", get(config))
        .route("/teem/v1/alternative", get(policy::alternative).post(policy::set_alternative))
        .route("/teem/v1/limits", get(limits::limits).post(limits::set_limits))
        .route("/teem/v1/torrents/queue", post(policy::queue))
        .route("/teem/v1", get(about))
        .route("/teem/v1/openapi.json", get(openapi))
        .route("/teem/v1/torrents", get(list::list).post(add))
        .route("/teem/v1/torrents/why", get(why))
        .route("/teem/v1/torrents/share", post(sharing::share))
        .route("/teem/v1/torrents/{infohash}/links", get(sharing::links))
        .route("/teem/v1/torrents/{infohash}/export", get(exported::export))
        .route("/teem/v1/torrents/import", post(exported::import))
        .route("/teem/v1/events", get(events::events))
        .route("/metrics", get(metrics::metrics))
        .route("/teem/v1/torrents/pause", post(pause))
        .route("/teem/v1/torrents/resume", post(resume))
        .merge(jobs::routes())
        .merge(feeds::routes())
        .route("/teem/v1/torrents/set", post(change::set))
        .route("/teem/v1/torrents/announce", post(change::announce))
        .route("/teem/v1/torrents/{infohash}/files", get(details::files))
        .route("/teem/v1/torrents/{infohash}/peers", get(details::peers))
        .route("/teem/v1/torrents/{infohash}/trackers", get(details::trackers))
}

/// Which program answers, which version of the interface it speaks, and whether it can keep what it is told.
#[utoipa::path(get, path = "/teem/v1", responses((status = 200, body = About, description = "the versions, and what is wrong")))]
async fn about(State(daemon): State<Daemon>) -> Response {
    let (version, trouble) = (env!("CARGO_PKG_VERSION"), daemon.trouble());
    answer(StatusCode::OK, &About { program: "teem", version, api: 1, trouble })
}

/// What holds: each key of the daemon's file with its value and where that comes from.
#[utoipa::path(get, path = "/teem/v1/config", responses((status = 200, body = Vec<Setting>, description = "the keys")))]
async fn config(State(daemon): State<Daemon>) -> Response {
    answer(StatusCode::OK, &daemon.settings_told())
}

/// Why torrents do not move, and what would help.
#[utoipa::path(get, path = "/teem/v1/torrents/why",
    params(("select" = Option<Vec<String>>, Query, description = "which torrents: selectors, as for `pause`, each a parameter of its own; all where there is none")),
    responses((status = 200, body = Vec<WhyTold>, description = "a reason for each")))]
async fn why(State(daemon): State<Daemon>, uri: Uri) -> Response {
    told(daemon.why(&list::selected_by(&uri)).await)
}

/// Adds a torrent.
#[utoipa::path(post, path = "/teem/v1/torrents", request_body = AddRequest, responses((status = 201, body = Told, description = "the torrent")))]
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
        incomplete: request.incomplete,
        labels: request.labels.into_iter().collect(),
        paused: request.paused,
        only: request.only,
        first: request.first,
        up: request.up_limit,
        down: request.down_limit,
        until: request.until.as_deref().map(str::parse).transpose().map_err(bad)?,
        ..Wishes::default()
    };
    let added = match (request.link, request.torrent) {
        (Some(link), None) => daemon.add_link(&link, wishes).await,
        (None, Some(text)) => daemon.add_file(&torrent_in(&text)?, wishes).await,
        _ => return Err(bad("one of `link` and `torrent` is to be given".to_owned())),
    };
    added.map_err(|e| of_add(&e))
}

/// Has torrents rest.
#[utoipa::path(post, path = "/teem/v1/torrents/pause", request_body = SelectRequest, responses((status = 200, body = Vec<Told>, description = "the torrents")))]
async fn pause(State(daemon): State<Daemon>, body: Bytes) -> Response {
    match selected(&body) {
        Ok(select) => told(daemon.set_paused(&select, true).await),
        Err(refused) => refusal(&refused),
    }
}

/// Has torrents work again.
#[utoipa::path(post, path = "/teem/v1/torrents/resume", request_body = SelectRequest, responses((status = 200, body = Vec<Told>, description = "the torrents")))]
async fn resume(State(daemon): State<Daemon>, body: Bytes) -> Response {
    match selected(&body) {
        Ok(select) => told(daemon.set_paused(&select, false).await),
        Err(refused) => refusal(&refused),
    }
}

/// The document as it is served and kept.
static TEXT: LazyLock<String> = LazyLock::new(|| {
    // INVARIANT: it is texts, numbers and lists of these, under keys that are texts.
    let mut text = Interface::openapi().to_pretty_json().expect("JSON");
    text.push('\n');
    text
});

/// What can be asked here, as a document for programs.
#[utoipa::path(get, path = "/teem/v1/openapi.json", responses((status = 200, body = serde_json::Value, description = "an OpenAPI 3.1 document")))]
async fn openapi() -> Response {
    let mut response = Response::new(Body::from(TEXT.as_str()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value};
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Set to write the documents instead of comparing them: `kept`, or `released` too.
    const WRITE: &str = "TEEM_WRITE_OPENAPI";

    fn at(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
    }

    fn document() -> Value {
        serde_json::from_str(&TEXT).unwrap()
    }

    #[test]
    fn the_document_that_is_kept_is_that_of_the_code() {
        let path = at("../../docs/openapi.json");
        let wanted = std::env::var(WRITE).unwrap_or_default();
        if !wanted.is_empty() {
            fs::write(&path, &*TEXT).unwrap();
        }
        if wanted == "released" {
            fs::write(at("src/api/released.json"), &*TEXT).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == *TEXT,
            "docs/openapi.json is not what the code gives: `{WRITE}=kept cargo test -p teem-daemon --lib api::tests` writes it"
        );
    }

    #[test]
    fn what_was_released_stays() {
        let released = fs::read_to_string(at("src/api/released.json")).unwrap();
        let broken = grown::broken(&serde_json::from_str(&released).unwrap(), &document());
        assert!(broken.is_empty(), "programs that know what was released would break: {}", broken.join("; "));
    }

    #[test]
    fn each_key_path_and_parameter_says_what_it_is() {
        // Of what may be null, the sentence stands beside the other form.
        fn is_said(property: &Value) -> bool {
            let mut forms = property["oneOf"].as_array().into_iter().flatten();
            let told = |of: &Value| of["description"].as_str().is_some_and(|text| text.contains([' ', '`']));
            told(property) || forms.any(told)
        }
        fn look(place: &str, value: &Value, found: &mut Vec<String>) {
            for (key, value) in value.as_object().into_iter().flat_map(Map::iter) {
                let place = format!("{place}/{key}");
                if key == "properties" {
                    for (name, property) in value.as_object().into_iter().flat_map(Map::iter) {
                        if !is_said(property) {
                            found.push(format!("{place}/{name}"));
                        }
                    }
                }
                look(&place, value, found);
            }
        }
        let (document, mut found) = (document(), Vec::new());
        look("", &document, &mut found);
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let is_told = |of: &Value, key: &str| of[key].as_str().is_some_and(|text| text.contains(' '));
                let of = operation["parameters"].as_array().into_iter().flatten();
                if !(operation["summary"].is_string() && of.clone().all(|one| is_told(one, "description"))) {
                    found.push(format!("{method} {path}"));
                }
            }
        }
        assert!(found.is_empty(), "without a sentence: {found:?}");
        assert_eq!(document["openapi"], "3.1.0");
    }

    #[test]
    fn every_route_of_the_own_interface_is_in_it() {
        let files = fs::read_dir(at("src/api")).unwrap().map(|entry| entry.unwrap().path()).chain([at("src/api.rs")]);
        let mut routes = BTreeSet::new();
        for text in files.filter_map(|path| fs::read_to_string(path).ok()) {
            for route in text.split(".route(\"").skip(1) {
                let Some((path, rest)) = route.split_once('"') else { continue };
                let handlers = rest.split(".route(").next().unwrap().split(".merge(").next().unwrap();
                let handlers = handlers.split(".with_state").next().unwrap();
                for method in ["get", "post", "put", "delete"] {
                    if handlers.contains(&format!("{method}(")) {
                        routes.insert((path.to_owned(), method.to_owned()));
                    }
                }
            }
        }
        let mut told = BTreeSet::new();
        for (path, methods) in document()["paths"].as_object().unwrap() {
            told.extend(methods.as_object().unwrap().keys().map(|method| (path.clone(), method.clone())));
        }
        assert_eq!(routes, told, "routes beside those of the document: see `paths` in api.rs");
    }
}
