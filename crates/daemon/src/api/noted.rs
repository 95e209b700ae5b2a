//! Requests of the own interface that change something are noted (own design): which, with what, and what became of it.
use crate::answer::Reason;
use crate::daemon::Daemon;
use serde_json::Value;
use teem_web::extract::{FromRequest, Request, State};
use teem_web::http::Method;
use teem_web::middleware::Next;
use teem_web::{Body, Bytes, Response, plain};

/// How the interface is called in notes.
pub(crate) const TEEM: &str = "teem";

pub(super) async fn noted(State(daemon): State<Daemon>, request: Request, next: Next) -> Response {
    if !matches!(*request.method(), Method::POST | Method::DELETE) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let mut verb = verb(parts.uri.path()).to_owned();
    if parts.method == Method::DELETE {
        verb.push_str("/remove");
    }
    let whole = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await;
    let (what, body) = match whole {
        Ok(bytes) => (serde_json::from_slice(&bytes).unwrap_or(Value::Null), Body::from(bytes)),
        // It is too long or did not come to its end.
        Err(rejection) => return plain(rejection.status(), &rejection.body_text()),
    };
    let response = next.run(Request::from_parts(parts, body)).await;
    let outcome = if response.status().is_success() {
        Ok(())
    } else {
        let reason = response.extensions().get::<Reason>().map(|Reason(why)| why.clone());
        Err(reason.unwrap_or_else(|| response.status().to_string()))
    };
    daemon.0.audit.note(TEEM, &verb, &what, outcome).await;
    response
}

/// What a path has done: what stands behind the version.
pub(crate) fn verb(path: &str) -> &str {
    path.strip_prefix("/teem/v1/").unwrap_or(path)
}
