//! qBittorrent's interface (its Web API 2.11.4, as 5.1.4 speaks it), for the programs that speak it.
//!
//! ```text
//! /api/v2/... ─▶ who asks (`gate`), else 403 ─▶ form (query or body) ─▶ methods ─▶ listing, sync, adding, changing, labels, application
//! ```
//! The password of any user is a token: `auth/login` gives a cookie for it, and it may be brought with each request as well (Basic, Bearer). What is not supported says so
//! and changes nothing. Nothing here runs a program, and content goes below the daemon's roots alone.
mod adding;
mod application;
mod changing;
mod form;
mod labels;
mod listing;
mod logins;
mod methods;
mod outcome;
mod seen;
mod sharing;
mod sync;
mod torrent;
mod trackers;

use crate::daemon::Daemon;
use crate::token::{self, Scope};
use form::Form;
use methods::Call;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;
use teem_web::extract::{Extension, Path, State};
use teem_web::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use teem_web::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use teem_web::routing::any;
use teem_web::{Body, Bytes, Ends, Response, Router, plain};

pub(crate) use logins::{Logins, cookie};
pub(crate) use seen::Seen;

/// Where the interface is asked.
pub(crate) const PATH: &str = "/api/v2/";

/// What may be asked without being known.
pub(crate) const LOGIN: &str = "/api/v2/auth/login";

/// The routes; some programs look first whether there is anything at `/`.
pub(crate) fn routes() -> Router<Daemon> {
    Router::new().route("/", any(root)).route("/api/v2/{*path}", any(asked))
}

/// There is no page.
async fn root() -> Response {
    plain(StatusCode::OK, concat!("teem ", env!("CARGO_PKG_VERSION")))
}

async fn asked(
    State(daemon): State<Daemon>,
    Path(path): Path<String>,
    (scope, ends): (Option<Extension<Scope>>, Option<Extension<Ends>>),
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let posted = method == Method::POST;
    let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let form = if posted {
        Form::of_body(header(CONTENT_TYPE), &body)
    } else {
        Form::of_pairs(uri.query().unwrap_or_default().as_bytes())
    };
    let cookie = cookie(header(COOKIE));
    match path.as_str() {
        "auth/login" => return login(&daemon, &form, ends.map(|Extension(ends)| ends.remote.ip())).await,
        "auth/logout" => {
            if let Some(cookie) = cookie {
                daemon.logins().leave(cookie);
            }
            return Response::new(Body::empty());
        }
        _ => {}
    }
    // The owner's socket brings none.
    let scope = scope.map_or(Scope::Admin, |Extension(scope)| scope);
    let program = cookie.unwrap_or_else(|| header(teem_web::http::header::AUTHORIZATION));
    let outcome = methods::carry_out(&daemon, Call { path: &path, posted, form: &form, scope, program }).await;
    if methods::changes(&path) {
        let noted = outcome.as_ref().map(|_| ()).map_err(|outcome::Refused(_, why)| why.clone());
        daemon.0.audit.note("qbittorrent", &path, &form.told(), noted).await;
    }
    outcome::answer(outcome)
}

/// Bytes of all that was understood of a body.
pub(crate) fn understood(content_type: &str, body: &[u8]) -> usize {
    Form::of_body(content_type, body).bytes()
}

/// A cookie for a token, as a password.
async fn login(daemon: &Daemon, form: &Form, from: Option<IpAddr>) -> Response {
    let words = form.text("password").unwrap_or_default();
    if daemon.admits(words, from.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED))).await.is_none() {
        return outcome::answer(Ok(outcome::Done::Text("Fails.".to_owned())));
    }
    let cookie = daemon.logins().enter(token::hash(words), Instant::now());
    let mut response = outcome::answer(Ok(outcome::Done::Text("Ok.".to_owned())));
    if let Ok(value) = HeaderValue::from_str(&format!("SID={cookie}; HttpOnly; SameSite=Strict; path=/")) {
        response.headers_mut().insert(SET_COOKIE, value);
    }
    response
}
