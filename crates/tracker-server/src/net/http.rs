//! HTTP connections (RFC 9112; BEP 3): one GET or HEAD each, then the end, with a deadline for the head and for the whole.
use super::crowd::Crowd;
use super::shared::{Content, Shared, canonical};
use crate::http;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Pause after an accept that failed: out of descriptors, which only time mends.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Bytes of a request's head; the target alone may have 8 KiB.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Header lines of a request.
const HEADERS_MAX: usize = 64;

/// Accepts for ever. The connections end with this task.
pub(super) async fn listen(listener: TcpListener, shared: Shared, crowd: Arc<Crowd>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, from)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        accepted(&mut connections, stream, from, &shared, &crowd);
    }
}

/// Serves a connection in a task of its own, if there is a place for it; else closes it.
pub(super) fn accepted(
    connections: &mut JoinSet<()>,
    stream: TcpStream,
    from: SocketAddr,
    shared: &Shared,
    crowd: &Arc<Crowd>,
) {
    while connections.try_join_next().is_some() {}
    let Some(place) = crowd.enter(from.ip()) else { return };
    let (shared, number) = (shared.clone(), place.number());
    let handle = connections.spawn(async move {
        // The end of the connection, whatever it is, concerns nobody.
        let _ = timeout(shared.limits.connection, connection(stream, from, shared)).await;
        drop(place);
    });
    crowd.ends_by(number, handle);
}

async fn connection(stream: TcpStream, from: SocketAddr, shared: Shared) {
    let Ok(local) = stream.local_addr() else { return };
    let (from, local) = (canonical(from), canonical(local));
    let head = shared.limits.head;
    let service = service_fn(move |request: Request<Incoming>| {
        let answering = answer(shared.clone(), from, local, request.method().clone(), request.uri().clone());
        async move { Ok::<_, Infallible>(answering.await) }
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

async fn answer(
    shared: Shared,
    from: SocketAddr,
    local: SocketAddr,
    method: Method,
    uri: Uri,
) -> Response<Full<Bytes>> {
    if method != Method::GET && method != Method::HEAD {
        let mut response = response(StatusCode::METHOD_NOT_ALLOWED, "text/plain", Bytes::new());
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let answered = shared.ask(|tracker, now| http::handle(tracker, now, from, local, target));
    if let Some(http::Answer { status, body }) = answered {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return response(status, "text/plain", body.into());
    }
    let content = match &shared.routes {
        Some(routes) => routes(uri.path()).await,
        None => None,
    };
    let Some(Content { media_type, body, headers }) = content else {
        return response(StatusCode::NOT_FOUND, "text/plain", Bytes::from_static(b"there is nothing here\n"));
    };
    let mut response = response(StatusCode::OK, media_type, body);
    for (name, value) in headers {
        response.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    response
}

fn response(status: StatusCode, media_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
