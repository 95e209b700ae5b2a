//! Clients in memory: what they send is bytes, what they get is read as answers.
#![allow(dead_code, reason = "each test file uses its share")]
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]
use std::net::SocketAddr;
use teem_web::extract::Request;
use teem_web::http::Uri;
use teem_web::routing::{get, post};
use teem_web::{Bytes, Content, Ends, Limits, Response, Router, Server, Tag, extract, from_reader, page};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// Bytes that fit between a client and its server, each way.
pub(crate) const PIPE: usize = 1024;
/// The content behind `/content` and `/read`.
pub(crate) const CONTENT: &[u8] = b"0123456789abcdefghij";

/// Routes of every kind.
pub(crate) fn routes() -> Router {
    let content = |request: Request| async move {
        let (head, _) = request.into_parts();
        Content::whole("application/x-bittorrent", CONTENT).tagged(Tag::of(CONTENT)).answer(&head)
    };
    let read = |request: Request| async move {
        let (head, _) = request.into_parts();
        let open = |range: std::ops::Range<u64>| &CONTENT[range.start as usize..range.end as usize];
        Content::read("application/octet-stream", CONTENT.len() as u64, open).answer(&head)
    };
    Router::new()
        .route("/echo", get(|uri: Uri| async move { uri.query().unwrap_or("none").to_owned() }))
        .route("/who", get(|extract::Extension(ends): extract::Extension<Ends>| async move { ends.remote.to_string() }))
        .route("/page", get(|| async { page("<!doctype html>") }))
        .route("/body", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/content", get(content))
        .route("/read", get(read))
        .route("/endless", get(|| async { Response::new(from_reader(tokio::io::repeat(b'x'), 1 << 40)) }))
        .route("/short", get(|| async { Response::new(from_reader(&b"half"[..], 8)) }))
        .route("/never", get(std::future::pending::<()>))
}

pub(crate) fn server(limits: Limits) -> Server {
    Server::new(routes(), limits)
}

/// A client at an address, connected.
pub(crate) struct Client {
    pub(crate) stream: DuplexStream,
    /// What has come and is not looked at yet.
    pending: Vec<u8>,
}

/// What a client got.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Client {
    pub(crate) fn new(server: &Server, ip: &str) -> Self {
        Self::through(server, ip, PIPE)
    }

    /// One that so many bytes fit to and from.
    pub(crate) fn through(server: &Server, ip: &str, pipe: usize) -> Self {
        let (ours, theirs) = tokio::io::duplex(pipe);
        let remote = SocketAddr::new(ip.parse().unwrap(), 5000);
        server.connection(theirs, Ends { remote, local: "192.0.2.200:80".parse().unwrap(), user: None });
        Self { stream: ours, pending: Vec::new() }
    }

    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads on; whether there was anything.
    async fn more(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let read = self.stream.read(&mut buffer).await.unwrap_or(0);
        self.pending.extend_from_slice(&buffer[..read]);
        read > 0
    }

    /// The next answer; `None` when the connection ends without one. `bodiless` is for what answers HEAD.
    pub(crate) async fn next(&mut self, bodiless: bool) -> Option<Answer> {
        let at = loop {
            match self.pending.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(at) => break at,
                None if !self.more().await => return None,
                None => {}
            }
        };
        let head = String::from_utf8(self.pending.drain(..at + 4).collect()).unwrap();
        let status = head[9..12].parse().unwrap();
        let mut answer = Answer { status, head, body: Vec::new() };
        let length = if bodiless { 0 } else { answer.header("content-length").map_or(0, |text| text.parse().unwrap()) };
        while self.pending.len() < length && self.more().await {}
        let length = length.min(self.pending.len());
        answer.body = self.pending.drain(..length).collect();
        Some(answer)
    }

    /// Sends a request without a body and reads its answer.
    pub(crate) async fn ask(&mut self, method: &str, target: &str, headers: &str) -> Answer {
        self.say(format!("{method} {target} HTTP/1.1\r\nHost: t\r\n{headers}\r\n")).await;
        self.next(method == "HEAD").await.unwrap()
    }

    pub(crate) async fn get(&mut self, target: &str) -> Answer {
        self.ask("GET", target, "").await
    }

    /// Everything until the end of the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.pending)
    }

    /// Whether the connection has ended without another word.
    pub(crate) async fn ended(&mut self) -> bool {
        self.rest().await.is_empty()
    }
}
