//! Opens the connection for one hop (own design): resolve, look at the class of each address, connect to that very
//! address, and speak TLS where the scheme asks for it.
use super::egress::Egress;
use super::error::HttpError;
use super::through;
use crate::resolve::{in_turn, lookup};
use hyper::Uri;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use teem_metainfo::redact::{redact_file, redact_host};
use teem_path::Path;
use teem_path::opener::Target;
use teem_wire::compact::Family;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long an address may be silent before the next is tried beside it (RFC 8305, section 8).
const NEXT_AFTER: Duration = Duration::from_millis(250);

/// A connection, plain or TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What TLS trusts: the system's authorities, or the compiled-in ones where the system has none.
pub(super) fn tls_config() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map(|b| b.with_root_certificates(roots).with_no_client_auth());
    // INVARIANT: the ring provider supports both default protocol versions.
    Arc::new(config.expect("ring speaks TLS 1.2 and 1.3"))
}

/// Connects for one hop, to an address of one family where one is named; tells which address was taken.
pub(super) async fn connect(
    uri: &Uri,
    (egress, family): (Egress, Option<Family>),
    path: &Path,
    tls: &Arc<ClientConfig>,
) -> Result<(Box<dyn Stream>, SocketAddr), HttpError> {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let (tcp, addr) = match path.proxy() {
        None => connect_tcp(&host, port, (egress, family), path).await?,
        Some(_) => connect_proxied(&host, port, egress, path).await?,
    };
    if !secure {
        return Ok((Box::new(tcp), addr));
    }
    let name = ServerName::try_from(host.clone()).map_err(|_| HttpError::BadUrl(redact_file(&uri.to_string())))?;
    let stream = TlsConnector::from(tls.clone()).connect(name, tcp).await.map_err(|e| {
        let shown = redact_host(&host);
        HttpError::Tls { why: tls_words(&e).replace(&host, &shown), host: shown }
    })?;
    Ok((Box::new(stream), addr))
}

/// Expired and not-yet-valid certificates are often a wrong clock here, so the sentence says so.
fn tls_words(e: &std::io::Error) -> String {
    let text = e.to_string();
    if text.contains("Expired")
        || text.contains("expired")
        || text.contains("NotValidYet")
        || text.contains("not valid yet")
    {
        format!("{text} (is this machine's clock right?)")
    } else {
        text
    }
}

/// Connects through the proxy, which looks names up: then the address is unknown, and unspecified.
async fn connect_proxied(
    host: &str,
    port: u16,
    egress: Egress,
    path: &Path,
) -> Result<(TcpStream, SocketAddr), HttpError> {
    let (target, addr) = match host.parse::<IpAddr>() {
        Ok(ip) => {
            let addr = SocketAddr::new(ip.to_canonical(), port);
            if !egress.allows(addr) {
                return Err(HttpError::Egress { host: redact_host(host), addr });
            }
            (Target::Addr(addr), addr)
        }
        Err(_) => (Target::Name(host.to_owned(), port), SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port)),
    };
    let opened = through::open(path, &target).await;
    opened.map(|stream| (stream, addr)).map_err(|why| HttpError::Unreachable(format!("{}: {why}", redact_host(host))))
}

async fn connect_tcp(
    host: &str,
    port: u16,
    (egress, family): (Egress, Option<Family>),
    path: &Path,
) -> Result<(TcpStream, SocketAddr), HttpError> {
    let found = lookup(path, host, port)
        .await
        .map_err(|e| HttpError::Unreachable(format!("{} cannot be resolved: {e}", redact_host(host))))?;
    let (mut allowed, mut last) = (Vec::new(), None);
    for addr in found.into_iter().filter(|addr| family.is_none_or(|only| only == Family::of(addr.ip()))) {
        if !egress.allows(addr) {
            last = Some(HttpError::Egress { host: redact_host(host), addr });
        } else if path.from().is_some_and(|from| from.is_ipv4() != addr.is_ipv4()) {
            last.get_or_insert(HttpError::Unreachable(format!(
                "{addr} is of another family than the address bound to"
            )));
        } else {
            allowed.push(addr);
        }
    }
    if allowed.is_empty() {
        return Err(last.unwrap_or_else(|| HttpError::Unreachable(format!("{} has no address", redact_host(host)))));
    }
    race(in_turn(&allowed), path).await.map_err(HttpError::Unreachable)
}

/// Connects to the first of these that answers: the next is tried when one fails or has said nothing for a moment, because a family
/// that leads nowhere is mostly silent (RFC 8305, section 5). Those that come too late are dropped.
async fn race(addrs: Vec<SocketAddr>, path: &Path) -> Result<(TcpStream, SocketAddr), String> {
    let mut waiting = addrs.into_iter();
    let mut under_way = JoinSet::new();
    let mut why = String::from("there is no address");
    loop {
        match waiting.next() {
            Some(addr) => {
                let path = path.clone();
                under_way.spawn(async move { (addr, connect_one(addr, &path).await) });
            }
            None if under_way.is_empty() => return Err(why),
            None => {}
        }
        let ended = tokio::select! {
            ended = under_way.join_next() => ended,
            () = tokio::time::sleep(NEXT_AFTER), if waiting.len() > 0 => continue,
        };
        match ended {
            Some(Ok((addr, Ok(stream)))) => return Ok((stream, addr)),
            Some(Ok((addr, Err(e)))) => why = format!("{addr}: {e}"),
            Some(Err(_)) | None => {}
        }
    }
}

async fn connect_one(addr: SocketAddr, path: &Path) -> std::io::Result<TcpStream> {
    let stream = TcpSocket::from_std_stream(path.stream(addr)?).connect(addr).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn who_is_silent_or_refuses_does_not_keep_us_from_the_next() {
        let good = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let refusing = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let silent = TcpSocket::new_v4().unwrap();
        silent.bind(addr("127.0.0.1:0")).unwrap();
        let silent = silent.listen(1).unwrap();
        let full = silent.local_addr().unwrap();
        // The system answers as many as wait to be accepted; who comes after them hears nothing.
        let mut waiting = JoinSet::new();
        (0..16).for_each(|_| _ = waiting.spawn(TcpStream::connect(full)));
        tokio::time::timeout(Duration::from_millis(200), async { while waiting.join_next().await.is_some() {} })
            .await
            .ok();
        let at = good.local_addr().unwrap();
        let (_, reached) = race(vec![full, refusing, at], &Path::direct()).await.unwrap();
        assert_eq!(reached, at);
        assert!(race(vec![refusing], &Path::direct()).await.unwrap_err().contains("refused"));
        assert!(race(Vec::new(), &Path::direct()).await.is_err());
    }
}
