//! One GET with every limit (own design): redirects, size of the body packed and unpacked, time for the whole.
use super::connect::{connect, tls_config};
use super::egress::Egress;
use super::error::HttpError;
use super::location::{checked, resolve};
use flate2::read::GzDecoder;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes, Incoming};
use hyper::{Request, Response, Uri, header};
use hyper_util::rt::TokioIo;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use teem_metainfo::percent;
use teem_path::Path;
use teem_path::opener::basic;
use teem_wire::compact::Family;
use teem_wire::reach::Reach;
use tokio_rustls::rustls::ClientConfig;

/// What one request may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the body, as received and as unpacked.
    pub body: usize,
    /// The most redirects that are followed.
    pub redirects: u32,
    /// Time for all hops together.
    pub time: Duration,
}

impl Limits {
    /// A tracker's answer: 1 MiB, 5 redirects, 30 s.
    pub(crate) const TRACKER: Self = Self { body: 1 << 20, redirects: 5, time: Duration::from_secs(30) };
    /// A .torrent file: 64 MiB, 5 redirects, 120 s.
    pub(crate) const TORRENT: Self = Self { body: 64 << 20, redirects: 5, time: Duration::from_secs(120) };
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fetched {
    /// The three digits of the status.
    pub status: u16,
    /// The body, unpacked.
    pub body: Vec<u8>,
    /// The address that the last hop connected to.
    pub from: SocketAddr,
    /// The magnet link that it redirects to, as indexers do instead of giving a .torrent.
    pub magnet: Option<String>,
}

/// The client; cheap to clone.
#[derive(Clone)]
pub struct Http {
    tls: Arc<ClientConfig>,
    path: Path,
    agent: Arc<str>,
    /// The one family that it connects by.
    family: Option<Family>,
}

impl Http {
    /// A client that connects on this way and calls itself `agent`; nothing when that is empty.
    pub fn new(path: Path, agent: &str) -> Self {
        Self { tls: tls_config(), path, agent: agent.into(), family: None }
    }

    /// The same, by addresses of that family alone.
    #[must_use]
    pub(crate) fn over(&self, family: Family) -> Self {
        Self { family: Some(family), ..self.clone() }
    }

    /// The way that its connections take.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What TLS trusts.
    pub(super) fn tls(&self) -> &Arc<ClientConfig> {
        &self.tls
    }

    /// Gets a URL that the user typed.
    pub async fn get(&self, url: &str, limits: Limits) -> Result<Fetched, HttpError> {
        self.get_within(url, limits, Egress::From(Reach::Loopback)).await
    }

    /// Gets a URL from as far as its origin lets it lead.
    pub(crate) async fn get_within(&self, url: &str, limits: Limits, egress: Egress) -> Result<Fetched, HttpError> {
        let uri = checked(url)?;
        tokio::time::timeout(limits.time, self.follow(uri, limits, egress))
            .await
            .unwrap_or(Err(HttpError::TimedOut(limits.time)))
    }

    async fn follow(&self, mut uri: Uri, limits: Limits, mut egress: Egress) -> Result<Fetched, HttpError> {
        for _ in 0..=limits.redirects {
            let (response, from) = self.hop(&uri, egress).await?;
            egress = egress.after(from);
            if response.status().is_redirection()
                && let Some(to) = response.headers().get(header::LOCATION)
            {
                let to = String::from_utf8_lossy(to.as_bytes());
                if to.trim().get(..7).is_some_and(|start| start.eq_ignore_ascii_case("magnet:")) {
                    let status = response.status().as_u16();
                    return Ok(Fetched { status, body: Vec::new(), from, magnet: Some(to.trim().to_owned()) });
                }
                uri = resolve(&uri, &to)?;
                continue;
            }
            let gzip = response.headers().get(header::CONTENT_ENCODING).is_some_and(|v| v.as_bytes() == b"gzip");
            let status = response.status().as_u16();
            let packed = read_body(response.into_body(), limits.body).await?;
            let body = if gzip { unpack(&packed, limits.body)? } else { packed };
            return Ok(Fetched { status, body, from, magnet: None });
        }
        Err(HttpError::Redirects(limits.redirects))
    }

    async fn hop(&self, uri: &Uri, egress: Egress) -> Result<(Response<Incoming>, SocketAddr), HttpError> {
        let (stream, from) = connect(uri, (egress, self.family), &self.path, &self.tls).await?;
        let (mut send, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(64 * 1024)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|e| HttpError::Protocol(e.to_string()))?;
        tokio::spawn(connection);
        let path = uri.path_and_query().map_or("/", |p| p.as_str());
        // A host alone is asked for its root (RFC 9112 section 3.2.1).
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let authority = uri.authority().map_or("", |a| a.as_str());
        let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let mut request = Request::get(path);
        if let Some(user) = user {
            request = request.header(header::AUTHORIZATION, basic(&percent::decode(user)));
        }
        if !self.agent.is_empty() {
            request = request.header(header::USER_AGENT, &*self.agent);
        }
        let request = request
            .header(header::HOST, host)
            .header(header::ACCEPT_ENCODING, "gzip")
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(|e| HttpError::BadUrl(e.to_string()))?;
        let response = send.send_request(request).await.map_err(|e| HttpError::Protocol(e.to_string()))?;
        Ok((response, from))
    }
}

pub(super) async fn read_body(mut body: Incoming, limit: usize) -> Result<Vec<u8>, HttpError> {
    if body.size_hint().lower() > limit as u64 {
        return Err(HttpError::TooLarge(limit));
    }
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| HttpError::Protocol(e.to_string()))?;
        if let Some(data) = frame.data_ref() {
            if all.len() + data.len() > limit {
                return Err(HttpError::TooLarge(limit));
            }
            all.extend_from_slice(data);
        }
    }
    Ok(all)
}

fn unpack(packed: &[u8], limit: usize) -> Result<Vec<u8>, HttpError> {
    let mut all = Vec::new();
    GzDecoder::new(packed)
        .take(limit as u64 + 1)
        .read_to_end(&mut all)
        .map_err(|e| HttpError::Protocol(format!("broken gzip: {e}")))?;
    if all.len() > limit { Err(HttpError::TooLarge(limit)) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_as_rfc_7617_writes_them() {
        for (user, said) in [
            ("Aladdin:open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ("test:123\u{a3}", "Basic dGVzdDoxMjPCow=="),
            ("u:pw", "Basic dTpwdw=="),
            ("abc", "Basic YWJj"),
        ] {
            assert_eq!(basic(user.as_bytes()), said);
        }
    }
}
