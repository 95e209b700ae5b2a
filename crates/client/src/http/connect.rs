//! Opens the connection for one hop (own design): resolve, look at the class of each address, connect to that very
//! address, and speak TLS where the scheme asks for it.
use super::egress::Egress;
use super::error::HttpError;
use hyper::Uri;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

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

/// Connects for one hop; tells which address was taken.
pub(super) async fn connect(
    uri: &Uri,
    egress: Egress,
    bind: Option<IpAddr>,
    tls: &Arc<ClientConfig>,
) -> Result<(Box<dyn Stream>, SocketAddr), HttpError> {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let (tcp, addr) = connect_tcp(&host, port, egress, bind).await?;
    if !secure {
        return Ok((Box::new(tcp), addr));
    }
    let name = ServerName::try_from(host.clone()).map_err(|_| HttpError::BadUrl(uri.to_string()))?;
    let stream = TlsConnector::from(tls.clone())
        .connect(name, tcp)
        .await
        .map_err(|e| HttpError::Tls { host, why: tls_words(&e) })?;
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

async fn connect_tcp(
    host: &str,
    port: u16,
    egress: Egress,
    bind: Option<IpAddr>,
) -> Result<(TcpStream, SocketAddr), HttpError> {
    let found = tokio::net::lookup_host((host, port))
        .await
        .map_err(|e| HttpError::Unreachable(format!("{host} cannot be resolved: {e}")))?;
    let mut last = None;
    for addr in found.take(16) {
        let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
        if !egress.allows(addr) {
            last = Some(HttpError::Egress { host: host.to_owned(), addr });
            continue;
        }
        if bind.is_some_and(|b| b.is_ipv4() != addr.is_ipv4()) {
            last.get_or_insert(HttpError::Unreachable(format!(
                "{addr} is of another family than the address bound to"
            )));
            continue;
        }
        match connect_one(addr, bind).await {
            Ok(stream) => return Ok((stream, addr)),
            Err(e) => last = Some(HttpError::Unreachable(format!("{addr}: {e}"))),
        }
    }
    Err(last.unwrap_or_else(|| HttpError::Unreachable(format!("{host} has no address"))))
}

async fn connect_one(addr: SocketAddr, bind: Option<IpAddr>) -> std::io::Result<TcpStream> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(ip) = bind {
        socket.bind(SocketAddr::new(ip, 0))?;
    }
    let stream = socket.connect(addr).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
