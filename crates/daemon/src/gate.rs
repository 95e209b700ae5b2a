//! What a request takes to be let in (own design): decided before a request gets to its route.
//!
//! The owner's socket lets everything through. Over TCP a request brings a token, and is refused where its `Host` is a name that some
//! server of names could lead here, or where a page of somebody else's sent it.
use crate::api::{TEEM, verb};
use crate::asker::{Asker, for_asker};
use crate::daemon::Daemon;
use crate::token::Scope;
use crate::{qbittorrent, transmission};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use teem_web::extract::{Request, State};
use teem_web::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN, WWW_AUTHENTICATE};
use teem_web::http::{HeaderMap, HeaderValue, Method, StatusCode};
use teem_web::middleware::Next;
use teem_web::{Ends, Response, plain};

/// Lets a request over TCP through if it may be asked.
pub(crate) async fn guard(State(daemon): State<Daemon>, request: Request, next: Next) -> Response {
    let from = request.extensions().get::<Ends>().map(|ends| ends.remote);
    match admitted(&daemon, request.headers(), request.uri().path(), from).await {
        Ok((name, scope)) => let_in(&daemon, request, next, Asker::Token(name, from), scope).await,
        Err(response) => response,
    }
}

/// Lets a request by the owner's socket through, and remembers whose it is.
pub(crate) async fn owner(request: Request, next: Next) -> Response {
    let user = request.extensions().get::<Ends>().and_then(|ends| ends.user);
    for_asker(Asker::Owner(user), next.run(request)).await
}

/// What one who asks over TCP may do, and the name of the token that says so.
async fn admitted(
    daemon: &Daemon,
    headers: &HeaderMap,
    path: &str,
    from: Option<SocketAddr>,
) -> Result<(Option<String>, Scope), Response> {
    if !is_here(headers) {
        let why = "the daemon is asked by its address or as localhost, not by other names";
        return Err(plain(StatusCode::FORBIDDEN, why));
    }
    if !is_own(headers) {
        return Err(plain(StatusCode::FORBIDDEN, "pages of other servers may not ask the daemon"));
    }
    // One whose connection has no address shares a place with others like it.
    let from = from.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |from| from.ip());
    if path == "/" || path.starts_with(qbittorrent::PATH) {
        let open = path == "/" || path == qbittorrent::LOGIN;
        let known = match (token(headers), cookie(headers)) {
            (Some(token), _) => daemon.admits(&token, from).await,
            // An old cookie that comes along keeps nobody from logging in.
            (None, Some(cookie)) if open => daemon.of_cookie(cookie),
            (None, Some(cookie)) => daemon.admits_cookie(cookie, from).await,
            (None, None) => None,
        };
        let admitted = match known {
            Some((name, scope)) => Some((Some(name), scope)),
            None => open.then_some((None, Scope::Read)),
        };
        // Its programs log in when they are told this.
        return admitted.ok_or_else(|| plain(StatusCode::FORBIDDEN, "Forbidden"));
    }
    let token = token(headers).ok_or_else(|| unauthorized("a token is needed: `teem token create NAME`"))?;
    let known = daemon.admits(&token, from).await;
    known.map(|(name, scope)| (Some(name), scope)).ok_or_else(|| unauthorized("this token is not known"))
}

/// Carries out what the asker may ask for.
async fn let_in(daemon: &Daemon, mut request: Request, next: Next, asker: Asker, scope: Scope) -> Response {
    let path = request.uri().path();
    let is_foreign = path == "/" || path.starts_with(qbittorrent::PATH);
    let needed = if is_foreign { Scope::Read } else { needed(request.method(), path) };
    if scope < needed {
        let why = format!("this token allows to {scope}, and this needs {needed}");
        if request.method() == Method::POST {
            let noted = daemon.0.audit.note(TEEM, verb(path), &Value::Null, Err(why.clone()));
            for_asker(asker, noted).await;
        }
        return plain(StatusCode::FORBIDDEN, &why);
    }
    // What the request itself says decides what it takes, where one path is for everything.
    request.extensions_mut().insert(scope);
    for_asker(asker, next.run(request)).await
}

/// The cookie of a request, which stands for a token.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    qbittorrent::cookie(headers.get(COOKIE)?.to_str().ok()?)
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
        assert_eq!(of(&Method::GET, "/teem/v1/feeds"), Scope::Read);
        assert_eq!(of(&Method::POST, "/teem/v1/feeds"), Scope::Control);
        assert_eq!(of(&Method::DELETE, "/teem/v1/feeds/x"), Scope::Control);
    }
}
