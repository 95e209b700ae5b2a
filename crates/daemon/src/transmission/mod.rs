//! Transmission's interface (its rpc-spec: legacy as 4.0.6, rpc-version 17, and JSON-RPC 2.0 as 4.1), for the programs that speak it.
//!
//! ```text
//! POST /transmission/rpc ─▶ session id, else 409 ─▶ envelope (which dialect) ─▶ methods ─▶ get, adding, changing, session
//!                                                                               ◀─ names as the dialect writes them
//! ```
//! Tokens are the password of any user. What is not supported says so and changes nothing; fields and arguments that are not known are left
//! alone, as there. Nothing here runs a program, and content goes below the daemon's roots alone.
mod adding;
mod args;
mod changing;
mod chosen;
mod envelope;
mod fields;
mod get;
mod methods;
mod names;
mod nested;
mod numbers;
mod session;
mod setting;
mod state;

use crate::daemon::Daemon;
use crate::token::Scope;
use envelope::{Call, Sent};
use serde_json::Value;
use teem_web::extract::{Extension, State};
use teem_web::http::header::CONTENT_TYPE;
use teem_web::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use teem_web::routing::any;
use teem_web::{Body, Bytes, Response, Router, plain};

pub(crate) use state::Session;

/// The header by which a program shows that it has read an answer of ours.
const SESSION: HeaderName = HeaderName::from_static("x-transmission-session-id");

/// The header that tells programs that the newer dialect is spoken too.
const VERSION: HeaderName = HeaderName::from_static("x-transmission-rpc-version");
const VERSION_OF_JSON_RPC: HeaderValue = HeaderValue::from_static("6.0.0");

/// Where the interface is asked.
pub(crate) const PATH: &str = "/transmission/rpc";

/// Bytes of an answer that are put together on a thread of their own.
const LARGE: usize = 1 << 20;

/// The routes; some programs write a slash behind the path.
pub(crate) fn routes() -> Router<Daemon> {
    Router::new().route(PATH, any(asked)).route(&format!("{PATH}/"), any(asked))
}

async fn asked(
    State(daemon): State<Daemon>,
    scope: Option<Extension<Scope>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let id = &daemon.transmission().id;
    if headers.get(SESSION).is_none_or(|given| given.as_bytes() != id.as_bytes()) {
        return conflict(id);
    }
    // The owner's socket brings none.
    let scope = scope.map_or(Scope::Admin, |Extension(scope)| scope);
    let answer = match envelope::read(&body) {
        Sent::Nothing(answer) => Some(answer.to_string().into_bytes()),
        Sent::One(call) => carried_out(&daemon, &call, scope).await,
        Sent::Batch(calls) => {
            let mut answers = Vec::new();
            for call in calls {
                answers.extend(match call {
                    Ok(call) => carried_out(&daemon, &call, scope).await,
                    Err(answer) => Some(answer.to_string().into_bytes()),
                });
            }
            (!answers.is_empty()).then(|| list(&answers))
        }
    };
    if let Some(answer) = answer {
        return json(answer);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

async fn carried_out(daemon: &Daemon, call: &Call, scope: Scope) -> Option<Vec<u8>> {
    let outcome = methods::carry_out(daemon, call, scope).await;
    if methods::changes(&call.method) {
        let noted = outcome.as_ref().map(|_| ()).map_err(envelope::Refused::sentence);
        daemon.0.audit.note("transmission", &call.method, &call.args.told(), noted).await;
    }
    if outcome.as_ref().is_ok_and(|done| done.torrents.as_ref().is_some_and(|torrents| torrents.len() > LARGE)) {
        // Putting megabytes together is nothing to keep others waiting for.
        let call = call.clone();
        return tokio::task::spawn_blocking(move || call.answer(outcome)).await.unwrap_or_default();
    }
    call.answer(outcome)
}

/// What is answered to a body where no method is known.
pub(crate) fn understood(body: &[u8]) -> Option<String> {
    let refused = |call: &Call| {
        call.args.ids();
        call.answer(Err(envelope::Refused::Method))
    };
    let answer = match envelope::read(body) {
        Sent::Nothing(answer) => Some(answer.to_string().into_bytes()),
        Sent::One(call) => refused(&call),
        Sent::Batch(calls) => {
            let answer = |answer: &Value| Some(answer.to_string().into_bytes());
            let answers = calls.iter().filter_map(|call| call.as_ref().map_or_else(answer, refused));
            Some(list(&answers.collect::<Vec<_>>()))
        }
    };
    answer.map(|answer| String::from_utf8_lossy(&answer).into_owned())
}

/// What a request without the session's id gets: the id, to be repeated with the next.
fn conflict(id: &str) -> Response {
    let mut response =
        plain(StatusCode::CONFLICT, "409: repeat this with the header X-Transmission-Session-Id of this answer");
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(SESSION, id);
    }
    headers.insert(VERSION, VERSION_OF_JSON_RPC);
    response
}

/// Several answers as one.
fn list(answers: &[Vec<u8>]) -> Vec<u8> {
    [b"[", &answers.join(&b","[..])[..], b"]"].concat()
}

fn json(mut text: Vec<u8>) -> Response {
    text.push(b'\n');
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
    response
}
