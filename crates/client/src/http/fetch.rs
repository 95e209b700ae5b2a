//! One GET with every limit (own design): redirects, size of the body packed and unpacked, time for the whole.
use super::connect::{connect, tls_config};
use super::egress::Egress;
use super::error::HttpError;
use super::location::{checked, resolve};
use flate2::read::GzDecoder;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes, Incoming};
use hyper::{HeaderMap, Request, Response, Uri, header};
use hyper_util::rt::TokioIo;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use teem_metainfo::{Origin, percent};
use teem_path::Path;
use teem_path::opener::basic;
use teem_wire::compact::Family;
use teem_wire::reach::Reach;
use tokio_rustls::rustls::ClientConfig;

/// Bytes of a validator that is kept.
const VALIDATOR_MAX: usize = 1024;

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
    /// A feed: 8 MiB, 5 redirects, 60 s.
    pub const FEED: Self = Self { body: 8 << 20, redirects: 5, time: Duration::from_secs(60) };
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
    /// What this answer is known by when the same is asked again.
    pub validators: Validators,
    /// How long the server wants to be left alone (RFC 9110, section 10.2.3), where it says so in seconds.
    pub retry_after: Option<Duration>,
}

/// What an answer is known by, so that it need not be sent again while nothing has changed (RFC 9110, section 8.8). Each is handed back as it came.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Validators {
    /// The `ETag`, with its quotes.
    pub etag: Option<String>,
    /// The date of `Last-Modified`.
    pub modified: Option<String>,
}

impl Validators {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.filter(|value| value.len() <= VALIDATOR_MAX).map(str::to_owned)
        };
        Self { etag: text(header::ETAG), modified: text(header::LAST_MODIFIED) }
    }
}

/// Seconds of `Retry-After`; a date is left alone.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
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
        self.get_unless(url, limits, egress, &Validators::default()).await
    }

    /// Gets a URL unless it is as it was when it had these validators: then the status is 304, without a body. A URL of the user's may lead to this
    /// machine and its neighbours, a stranger's to public addresses alone.
    pub async fn get_changed(
        &self,
        url: &str,
        limits: Limits,
        origin: Origin,
        seen: &Validators,
    ) -> Result<Fetched, HttpError> {
        let nearest = if origin == Origin::User { Reach::Loopback } else { Reach::Public };
        self.get_unless(url, limits, Egress::From(nearest), seen).await
    }

    async fn get_unless(
        &self,
        url: &str,
        limits: Limits,
        egress: Egress,
        seen: &Validators,
    ) -> Result<Fetched, HttpError> {
        let uri = checked(url)?;
        tokio::time::timeout(limits.time, self.follow(uri, limits, egress, seen))
            .await
            .unwrap_or(Err(HttpError::TimedOut(limits.time)))
    }

    async fn follow(
        &self,
        mut uri: Uri,
        limits: Limits,
        mut egress: Egress,
        seen: &Validators,
    ) -> Result<Fetched, HttpError> {
        for _ in 0..=limits.redirects {
            let (response, from) = self.hop(&uri, egress, seen).await?;
            let (validators, retry_after) = (Validators::of(response.headers()), retry_after(response.headers()));
            egress = egress.after(from);
            if response.status().is_redirection()
                && let Some(to) = response.headers().get(header::LOCATION)
            {
                let to = String::from_utf8_lossy(to.as_bytes());
                if to.trim().get(..7).is_some_and(|start| start.eq_ignore_ascii_case("magnet:")) {
                    let status = response.status().as_u16();
                    let magnet = Some(to.trim().to_owned());
                    return Ok(Fetched { status, body: Vec::new(), from, magnet, validators, retry_after });
                }
                uri = resolve(&uri, &to)?;
                continue;
            }
            let gzip = response.headers().get(header::CONTENT_ENCODING).is_some_and(|v| v.as_bytes() == b"gzip");
            let status = response.status().as_u16();
            let packed = read_body(response.into_body(), limits.body).await?;
            let body = if gzip { unpack(&packed, limits.body)? } else { packed };
            return Ok(Fetched { status, body, from, magnet: None, validators, retry_after });
        }
        Err(HttpError::Redirects(limits.redirects))
    }

    async fn hop(
        &self,
        uri: &Uri,
        egress: Egress,
        seen: &Validators,
    ) -> Result<(Response<Incoming>, SocketAddr), HttpError> {
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
        if let Some(etag) = &seen.etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        if let Some(modified) = &seen.modified {
            request = request.header(header::IF_MODIFIED_SINCE, modified);
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
