//! Requests to this network's router (UPnP Device Architecture 1.1 sections 2 and 3): to the very address that is named, without redirects, and with
//! little time and room.
use super::connect::connect;
use super::egress::Egress;
use super::error::HttpError;
use super::fetch::{Http, read_body};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Request, Uri, header};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use teem_portmap::url::Url;
use teem_portmap::xml;

/// How long a router may take for an answer: those that are busy take a second.
const TIME: Duration = Duration::from_secs(5);

impl Http {
    /// Fetches what is there, or asks a service for something: action and body.
    pub(crate) async fn of_gateway(
        &self,
        url: &Url,
        action: Option<(String, String)>,
    ) -> Result<(u16, Vec<u8>), HttpError> {
        let asked = self.ask_gateway(url, action);
        tokio::time::timeout(TIME, asked).await.unwrap_or(Err(HttpError::TimedOut(TIME)))
    }

    async fn ask_gateway(&self, url: &Url, action: Option<(String, String)>) -> Result<(u16, Vec<u8>), HttpError> {
        let uri: Uri = url.to_string().parse().map_err(|_| HttpError::BadUrl(url.to_string()))?;
        let only = Egress::Only((*url.server.ip()).into());
        let (stream, _) = connect(&uri, (only, None), self.path(), self.tls()).await?;
        let protocol = |e: hyper::Error| HttpError::Protocol(e.to_string());
        let mut builder = hyper::client::conn::http1::Builder::new();
        // The letters of headers matter to some routers.
        let builder = builder.max_buf_size(64 * 1024).title_case_headers(true);
        let (mut send, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(protocol)?;
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(if action.is_some() { Method::POST } else { Method::GET })
            .uri(&url.path)
            .header(header::HOST, url.server.to_string())
            .header(header::CONNECTION, "close");
        let body = match action {
            Some((action, body)) => {
                request =
                    request.header(header::CONTENT_TYPE, "text/xml; charset=\"utf-8\"").header("SOAPAction", action);
                Bytes::from(body)
            }
            None => Bytes::new(),
        };
        let request = request.body(Full::new(body)).map_err(|_| HttpError::BadUrl(url.to_string()))?;
        let response = send.send_request(request).await.map_err(protocol)?;
        let status = response.status().as_u16();
        Ok((status, read_body(response.into_body(), xml::LEN_MAX).await?))
    }
}
