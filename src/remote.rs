//! How the commands reach the daemon: HTTP over its socket.
use crate::exit::{Exit, Stop};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;
use teem_client::store;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// How a socket is named.
pub(crate) const SCHEME: &str = "unix:";

/// Bytes of an answer: 100,000 torrents at 1 KiB, and as much again.
const ANSWER_MAX: usize = 200 << 20;

/// How long an answer may take: pausing waits for trackers, four seconds at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// The daemon's socket: as the user says, else in the folder of his session, else beside what is saved.
pub(crate) fn socket(named: Option<&str>) -> Result<PathBuf, Stop> {
    if let Some(named) = named {
        let path = named.strip_prefix(SCHEME).filter(|path| !path.is_empty());
        let usage = || Stop::usage(format!("`{named}` names no daemon: write unix:PATH"));
        return path.map(PathBuf::from).ok_or_else(usage);
    }
    let session = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let folder = match session {
        Some(folder) if env::var_os("TEEM_STATE_DIR").is_none() => folder.join("teem"),
        _ => store::state_dir().map_err(Stop::local)?,
    };
    Ok(folder.join("daemon.sock"))
}

/// A daemon to be asked.
pub(crate) struct Remote {
    socket: PathBuf,
}

impl Remote {
    pub(crate) fn new(named: Option<&str>) -> Result<Self, Stop> {
        Ok(Self { socket: socket(named)? })
    }

    /// The daemon that `TEEM_DAEMON` names, else the user's own.
    pub(crate) fn usual() -> Result<Self, Stop> {
        Self::new(env::var("TEEM_DAEMON").ok().as_deref())
    }

    /// Asks for something.
    pub(crate) async fn get(&self, target: &str) -> Result<Value, Stop> {
        self.ask(Method::GET, target, Vec::new()).await
    }

    /// Has something done.
    pub(crate) async fn post(&self, target: &str, body: &Value) -> Result<Value, Stop> {
        self.ask(Method::POST, target, body.to_string().into_bytes()).await
    }

    /// Takes something away.
    pub(crate) async fn delete(&self, target: &str) -> Result<Value, Stop> {
        self.ask(Method::DELETE, target, Vec::new()).await
    }

    /// Asks for something that goes on.
    pub(crate) async fn stream(&self, target: &str) -> Result<Stream, Stop> {
        let asked = timeout(PATIENCE, self.send(Method::GET, target, Vec::new(), "text/event-stream")).await;
        let answer = asked.unwrap_or_else(|_| Err(no_answer(&self.socket, "it takes too long")))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(Stream { socket: self.socket.clone(), body: answer.into_body(), read: Vec::new(), looked: 0 });
        }
        let broken = |e: &dyn std::fmt::Display| no_answer(&self.socket, &e.to_string());
        let bytes = Limited::new(answer.into_body(), ANSWER_MAX).collect().await.map_err(|e| broken(&e))?.to_bytes();
        Err(refused(status, &serde_json::from_slice(&bytes).map_err(|e| broken(&e))?))
    }

    /// Sends a request; the beginning of its answer.
    async fn send(&self, method: Method, target: &str, body: Vec<u8>, kind: &str) -> Result<Response<Incoming>, Stop> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|e| none(&self.socket, &e))?;
        let broken = |e: &dyn std::fmt::Display| no_answer(&self.socket, &e.to_string());
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| broken(&e))?;
        // It ends with the answer; what goes wrong with it is seen there.
        tokio::spawn(connection);
        let request = Request::builder().method(method).uri(target).header("host", "localhost").header("accept", kind);
        let request = request.body(Full::new(Bytes::from(body))).map_err(|e| broken(&e))?;
        sender.send_request(request).await.map_err(|e| broken(&e))
    }

    async fn ask(&self, method: Method, target: &str, body: Vec<u8>) -> Result<Value, Stop> {
        let broken = |e: &dyn std::fmt::Display| no_answer(&self.socket, &e.to_string());
        let answered = async {
            let answer = self.send(method, target, body, "application/json").await?;
            let status = answer.status();
            let bytes =
                Limited::new(answer.into_body(), ANSWER_MAX).collect().await.map_err(|e| broken(&e))?.to_bytes();
            let value = serde_json::from_slice(&bytes).map_err(|e| broken(&e))?;
            if status.is_success() { Ok(value) } else { Err(refused(status, &value)) }
        };
        timeout(PATIENCE, answered).await.unwrap_or_else(|_| Err(no_answer(&self.socket, "it takes too long")))
    }
}

/// What the daemon tells as it happens.
pub(crate) struct Stream {
    socket: PathBuf,
    body: Incoming,
    /// What was read and is no whole event yet.
    read: Vec<u8>,
    /// As far as that holds no end of an event: one of many torrents comes in thousands of parts, and each is looked through once.
    looked: usize,
}

impl Stream {
    /// Waits for the next event: its object.
    pub(crate) async fn next(&mut self) -> Result<Value, Stop> {
        loop {
            while let Some(end) = self.read[self.looked..].windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = self.read.drain(..self.looked + end + 2).collect();
                self.looked = 0;
                let data = event.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"data: "));
                // A comment is no event.
                if let Some(data) = data {
                    let data = serde_json::from_slice(data);
                    return data.map_err(|e: serde_json::Error| no_answer(&self.socket, &e.to_string()));
                }
            }
            // The first half of an end may be there.
            self.looked = self.read.len().saturating_sub(1);
            match self.body.frame().await {
                Some(Ok(frame)) => self.read.extend(frame.into_data().unwrap_or_default()),
                Some(Err(e)) => return Err(no_answer(&self.socket, &e.to_string())),
                None => return Err(no_answer(&self.socket, "it has ended")),
            }
            if self.read.len() > ANSWER_MAX {
                return Err(no_answer(&self.socket, "an event is too long"));
            }
        }
    }
}

fn none(socket: &Path, e: &std::io::Error) -> Stop {
    let why = match e.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => {
            format!("no daemon runs (nobody listens on {}): start one with `teem daemon`", socket.display())
        }
        _ => format!("the daemon cannot be reached on {}: {e}", socket.display()),
    };
    Stop { class: "no_daemon", ..Stop::local(why) }
}

fn no_answer(socket: &Path, why: &str) -> Stop {
    Stop { class: "no_answer", ..Stop::local(format!("the daemon on {} gave no answer: {why}", socket.display())) }
}

fn refused(status: StatusCode, value: &Value) -> Stop {
    let error = &value["error"];
    let message =
        error["message"].as_str().map_or_else(|| format!("the daemon answers with status {status}"), str::to_owned);
    // Classes are words for scripts, of which each has its place in `docs/json.md`.
    let class = match error["class"].as_str() {
        Some("select") => "select",
        Some("already") => "already",
        Some("occupied") => "occupied",
        Some("store") => "store",
        Some("wish") => "wish",
        Some("busy") => "busy",
        Some("fetch") => "fetch",
        _ => "refused",
    };
    let exit = if status.is_server_error() { Exit::Local } else { Exit::No };
    Stop { exit, class, message }
}
