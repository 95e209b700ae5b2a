//! What holds for every request and every answer, whatever route it takes (RFC 9110, 9112; own design).
use crate::body::of_request;
use crate::limits::Limits;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Request, StatusCode, Version};
use axum::response::Response;
use std::net::SocketAddr;
use tokio::time::timeout;
use tower_service::Service;

/// Both ends of the connection that a request came by, as handlers find them: `Extension<Ends>`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ends {
    /// Address and port of the client.
    pub remote: SocketAddr,
    /// Address and port of ours that it reached.
    pub local: SocketAddr,
    /// The number of the user at the other end of a socket of this machine, where that is known.
    pub user: Option<u32>,
}

impl Ends {
    /// Without the disguise of IPv4 in IPv6.
    pub(crate) fn canonical(self) -> Self {
        let canonical = |addr: SocketAddr| SocketAddr::new(addr.ip().to_canonical(), addr.port());
        Self { remote: canonical(self.remote), local: canonical(self.local), user: self.user }
    }
}

/// A line of text that says why there is nothing else.
pub fn plain(status: StatusCode, text: &str) -> Response {
    let mut response = Response::new(Body::from(format!("{text}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// Answers a request by its route, if it is within bounds.
pub(crate) async fn answer<B>(mut router: Router, limits: Limits, ends: Ends, request: Request<B>) -> Response
where
    B: HttpBody<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + Unpin + 'static,
{
    if let Some((status, why)) = refusal(&request, &limits) {
        return finished(plain(status, why));
    }
    let mut request = request.map(|body| of_request(body, &limits));
    request.extensions_mut().insert(ends);
    match timeout(limits.route, router.call(request)).await {
        Ok(Ok(response)) => finished(response),
        Ok(Err(never)) => match never {},
        Err(_) => finished(plain(StatusCode::SERVICE_UNAVAILABLE, "this takes too long; please try again later")),
    }
}

/// Why a request is not for any route.
fn refusal<B: HttpBody>(request: &Request<B>, limits: &Limits) -> Option<(StatusCode, &'static str)> {
    // Section 3.2 of RFC 9112. HTTP/1.0 knows no host.
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts > 1 || hosts == 0 && request.version() == Version::HTTP_11 {
        return Some((StatusCode::BAD_REQUEST, "the request must name its host once"));
    }
    let uri = request.uri();
    let target = uri.path_and_query().map_or(0, |target| target.as_str().len());
    if uri.path().len() > limits.path_bytes || target > limits.target_bytes {
        return Some((StatusCode::URI_TOO_LONG, "the target is too long"));
    }
    (request.body().size_hint().lower() > limits.body_bytes as u64)
        .then_some((StatusCode::PAYLOAD_TOO_LARGE, "the body is too long"))
}

/// What every answer says, and a word where an error came without one.
fn finished(mut response: Response) -> Response {
    let status = response.status();
    let wordless = response.body().size_hint().exact() == Some(0) && !response.headers().contains_key(CONTENT_TYPE);
    if wordless && (status.is_client_error() || status.is_server_error()) {
        let text = match status {
            StatusCode::NOT_FOUND => "there is nothing here",
            StatusCode::METHOD_NOT_ALLOWED => "this can only be read",
            other => other.canonical_reason().unwrap_or("it cannot be answered"),
        };
        let worded = plain(status, text);
        response.headers_mut().remove(CONTENT_LENGTH);
        response.headers_mut().extend(worded.headers().clone());
        *response.body_mut() = worded.into_body();
    }
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
