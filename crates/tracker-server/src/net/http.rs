//! HTTP connections (RFC 9112; BEP 3): one GET or HEAD each, then the end, with a deadline for the head and for the whole.
use super::shared::{Shared, canonical};
use crate::http;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Pause after an accept that failed: out of descriptors, which only time mends.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Bytes of a request's head; the target alone may have 8 KiB.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Header lines of a request.
const HEADERS_MAX: usize = 64;

/// Accepts for ever. The connections end with this task.
pub(super) async fn listen(listener: TcpListener, shared: Shared, slots: Arc<Semaphore>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        let Ok((stream, from)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Ok(slot) = slots.clone().try_acquire_owned() else { continue };
        let shared = shared.clone();
        connections.spawn(async move {
            // The end of the connection, whatever it is, concerns nobody.
            let _ = timeout(shared.limits.connection, connection(stream, from, shared)).await;
            drop(slot);
        });
    }
}

async fn connection(stream: TcpStream, from: SocketAddr, shared: Shared) {
    let Ok(local) = stream.local_addr() else { return };
    let (from, local) = (canonical(from), canonical(local));
    let head = shared.limits.head;
    let service = service_fn(move |request| {
        let response = answer(&shared, from, local, &request);
        async move { Ok::<_, Infallible>(response) }
    });
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .keep_alive(false)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn answer(shared: &Shared, from: SocketAddr, local: SocketAddr, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut response = response(StatusCode::METHOD_NOT_ALLOWED, "text/plain", Bytes::new());
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let uri = request.uri();
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let answered = http::handle(&mut shared.tracker(), shared.now(), from, local, target);
    if let Some(http::Answer { status, body }) = answered {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return response(status, "text/plain", body.into());
    }
    match shared.routes.as_ref().and_then(|routes| routes(uri.path())) {
        Some((content_type, content)) => response(StatusCode::OK, &content_type, content),
        None => response(StatusCode::NOT_FOUND, "text/plain", Bytes::from_static(b"there is nothing here\n")),
    }
}

fn response(status: StatusCode, content_type: &str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Ok(content_type) = HeaderValue::from_str(content_type) {
        headers.insert(CONTENT_TYPE, content_type);
    }
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
