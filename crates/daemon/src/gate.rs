//! What a request takes to be let in (own design): decided before a request gets to its route.
//!
//! The owner's socket lets everything through. Over TCP a request brings a token, and is refused where its `Host` is a name that some
//! server of names could lead here, or where a page of somebody else's sent it.
use crate::asker::for_a_token;
use crate::daemon::Daemon;
use crate::token::Scope;
use crate::{qbittorrent, transmission};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::net::IpAddr;
use std::time::Instant;
use teem_web::extract::{Request, State};
use teem_web::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN, WWW_AUTHENTICATE};
use teem_web::http::{HeaderMap, HeaderValue, Method, StatusCode};
use teem_web::middleware::Next;
use teem_web::{Response, plain};

/// Lets a request over TCP through if it may be asked.
pub(crate) async fn guard(State(daemon): State<Daemon>, request: Request, next: Next) -> Response {
    for_a_token(guarded(daemon, request, next)).await
}

async fn guarded(daemon: Daemon, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !is_here(headers) {
        return plain(StatusCode::FORBIDDEN, "the daemon is asked by its address or as localhost, not by other names");
    }
    if !is_own(headers) {
        return plain(StatusCode::FORBIDDEN, "pages of other servers may not ask the daemon");
    }
    let path = request.uri().path();
    if path == "/" || path.starts_with(qbittorrent::PATH) {
        let scope = known(&daemon, headers);
        let open = path == "/" || path == qbittorrent::LOGIN;
        // Its programs log in when they are told this.
        let Some(scope) = scope.or(open.then_some(Scope::Read)) else {
            return plain(StatusCode::FORBIDDEN, "Forbidden");
        };
        request.extensions_mut().insert(scope);
        return next.run(request).await;
    }
    let Some(token) = token(headers) else { return unauthorized("a token is needed: `teem token create NAME`") };
    let Some(scope) = daemon.scope_of(&token) else { return unauthorized("this token is not known") };
    let needed = needed(request.method(), request.uri().path());
    if scope < needed {
        let why = format!("this token allows to {scope}, and this needs {needed}");
        return plain(StatusCode::FORBIDDEN, &why);
    }
    // What the request itself says decides what it takes, where one path is for everything.
    request.extensions_mut().insert(scope);
    next.run(request).await
}

/// What one may who shows a token, or a cookie that stands for one.
fn known(daemon: &Daemon, headers: &HeaderMap) -> Option<Scope> {
    if let Some(token) = token(headers) {
        return daemon.scope_of(&token);
    }
    let cookie = qbittorrent::cookie(headers.get(COOKIE)?.to_str().ok()?)?;
    daemon.scope_of_hash(daemon.logins().token(cookie, Instant::now())?)
}

fn unauthorized(why: &str) -> Response {
    let mut response = plain(StatusCode::UNAUTHORIZED, why);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer, Basic realm=\"teem\""));
    response
}

/// What a request takes.
fn needed(method: &Method, path: &str) -> Scope {
    match (method, path) {
        (_, path) if path.starts_with("/teem/v1/tokens") => Scope::Admin,
        (&Method::GET | &Method::HEAD, _) => Scope::Read,
        (_, path) if path.starts_with(transmission::PATH) => Scope::Read,
        (&Method::POST, "/teem/v1/torrents") => Scope::Add,
        _ => Scope::Control,
    }
}

/// Whether the host that the client thinks to speak with is this one under any name: an address is nobody's to redirect.
fn is_here(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = host_of(host);
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

/// The host of `HOST[:PORT]`, without the brackets of IPv6.
fn host_of(text: &str) -> &str {
    match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(rest, |(host, _)| host),
        None => text.rsplit_once(':').map_or(text, |(host, _)| host),
    }
}

/// Whether a request comes from no page at all, or from one that this daemon served.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match headers.get(ORIGIN) {
        None => true,
        Some(origin) => {
            let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
            origin.is_some() && origin == text(HOST)
        }
    }
}

/// The token of a request: as a bearer's, or as the password of anybody.
fn token(headers: &HeaderMap) -> Option<String> {
    let (scheme, words) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(words.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(words.trim()).ok()?).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_addresses_and_localhost_are_this_host() {
        for (host, here) in [
            ("localhost", true),
            ("LOCALHOST:21490", true),
            ("127.0.0.1:21490", true),
            ("[::1]:21490", true),
            ("192.168.1.7", true),
            ("rebound.example:21490", false),
            ("localhost.example", false),
            ("", false),
        ] {
            assert_eq!(is_here(&headers(&[("host", host)])), here, "{host}");
        }
        assert!(!is_here(&headers(&[])));
    }

    #[test]
    fn pages_of_others_are_told_apart() {
        let of = |origin: &'static str| is_own(&headers(&[("host", "127.0.0.1:21490"), ("origin", origin)]));
        assert!(of("http://127.0.0.1:21490"));
        assert!(!of("http://evil.example") && !of("null") && !of("http://127.0.0.1:80"));
        assert!(is_own(&headers(&[("host", "127.0.0.1")])), "programs send no origin");
    }

    #[test]
    fn tokens_come_as_bearers_and_as_passwords() {
        let of = |value| token(&headers(&[("authorization", value)]));
        assert_eq!(of("Bearer abc"), Some("abc".to_owned()));
        assert_eq!(of("basic YW55OmFiYw=="), Some("abc".to_owned()));
        assert_eq!((of("Digest x"), of("Basic ???"), of("Bearer")), (None, None, None));
    }

    #[test]
    fn scopes_follow_from_what_is_asked() {
        let of = |method: &Method, path| needed(method, path);
        assert_eq!(of(&Method::GET, "/teem/v1/torrents"), Scope::Read);
        assert_eq!(of(&Method::POST, "/teem/v1/torrents"), Scope::Add);
        assert_eq!(of(&Method::POST, "/teem/v1/torrents/remove"), Scope::Control);
        assert_eq!(of(&Method::GET, "/teem/v1/tokens"), Scope::Admin);
    }
}
