//! Asks a daemon over its socket, one request after the other on one connection (HTTP/1.1; `docs/api.md`).

use crate::bench::Failed;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// A connection to a daemon.
pub(super) struct Api {
    stream: BufReader<UnixStream>,
    /// What Transmission's interface wants to be told with each request.
    session: String,
}

/// The header of that.
const SESSION: &str = "x-transmission-session-id";

/// A stream that says nothing for so long has said its window.
const LOOK: Duration = Duration::from_millis(900);

impl Api {
    pub(super) fn connect(socket: &Path) -> Result<Self, Failed> {
        Ok(Self { stream: BufReader::new(UnixStream::connect(socket)?), session: String::new() })
    }

    /// Adds a .torrent.
    pub(super) fn add(&mut self, torrent: &[u8]) -> Result<(), Failed> {
        let body = json!({"torrent": STANDARD.encode(torrent)}).to_string();
        let (status, answer) = self.ask("POST", "/teem/v1/torrents", &body)?;
        if status == 201 { Ok(()) } else { Err(refused(status, &answer)) }
    }

    /// Removes the torrent of an info-hash; its files stay.
    pub(super) fn remove(&mut self, info_hash: &str) -> Result<(), Failed> {
        let body = json!({"select": [info_hash]}).to_string();
        let (status, answer) = self.ask("POST", "/teem/v1/torrents/remove", &body)?;
        if status == 200 { Ok(()) } else { Err(refused(status, &answer)) }
    }

    /// How many torrents are complete and given.
    pub(super) fn seeding(&mut self) -> Result<usize, Failed> {
        let (status, answer) = self.ask("GET", "/teem/v1/torrents?select=state:seeding&limit=1", "")?;
        match status {
            200 => number(&answer),
            404 => Ok(0),
            _ => Err(refused(status, &answer)),
        }
    }

    /// Asks for some of the torrents by name; the bytes of the answer.
    pub(super) fn window(&mut self, offset: usize, limit: usize) -> Result<usize, Failed> {
        let target = format!("/teem/v1/torrents?sort=name&offset={offset}&limit={limit}");
        let (status, answer) = self.ask("GET", &target, "")?;
        if status == 200 { Ok(answer.len()) } else { Err(refused(status, &answer)) }
    }

    /// The same without what says nothing.
    pub(super) fn filled(&mut self, limit: usize) -> Result<usize, Failed> {
        let target = format!("/teem/v1/torrents?sort=name&fields=filled&limit={limit}");
        let (status, answer) = self.ask("GET", &target, "")?;
        if status == 200 { Ok(answer.len()) } else { Err(refused(status, &answer)) }
    }

    /// Asks Transmission's interface; the answer.
    pub(super) fn rpc(&mut self, request: &Value) -> Result<Vec<u8>, Failed> {
        let mut asked = self.ask("POST", "/transmission/rpc", &request.to_string())?;
        if asked.0 == 409 {
            asked = self.ask("POST", "/transmission/rpc", &request.to_string())?;
        }
        if asked.0 == 200 { Ok(asked.1) } else { Err(refused(asked.0, &asked.1)) }
    }

    /// Asks for something; the answer.
    pub(super) fn get(&mut self, target: &str) -> Result<Vec<u8>, Failed> {
        let (status, answer) = self.ask("GET", target, "")?;
        if status == 200 { Ok(answer) } else { Err(refused(status, &answer)) }
    }

    /// Reads a stream of a window for so long; the bytes on the line until the window had come, and after that.
    pub(super) fn stream(mut self, target: &str, watch: Duration) -> Result<(usize, usize), Failed> {
        let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n");
        let stream = self.stream.get_mut();
        stream.write_all(request.as_bytes())?;
        stream.set_read_timeout(Some(LOOK))?;
        let (mut first, mut rest, mut begun) = (0, 0, None);
        let mut some = vec![0; 64 << 10];
        loop {
            let len = match stream.read(&mut some) {
                Ok(0) => return Err(Failed::new("the stream ended".into())),
                Ok(len) => len,
                // The window has come when nothing more does.
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    begun.get_or_insert_with(Instant::now);
                    0
                }
                Err(e) => return Err(e.into()),
            };
            *(if begun.is_some() { &mut rest } else { &mut first }) += len;
            if begun.is_some_and(|begun| begun.elapsed() >= watch) {
                return Ok((first, rest));
            }
        }
    }

    fn ask(&mut self, method: &str, target: &str, body: &str) -> Result<(u16, Vec<u8>), Failed> {
        let (len, session) = (body.len(), &self.session);
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: localhost\r\n{SESSION}: {session}\r\ncontent-length: {len}\r\n\r\n{body}"
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| Failed::new(format!("the daemon answers with {line}")))?;
        let mut len = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                len = value.trim().parse().map_err(|e| Failed::new(format!("a length of {value}: {e}")))?;
            } else if name.eq_ignore_ascii_case(SESSION) {
                value.trim().clone_into(&mut self.session);
            }
        }
        let mut answer = vec![0; len];
        self.stream.read_exact(&mut answer)?;
        Ok((status, answer))
    }
}

/// How many torrents there are in all of which an answer shows a window.
fn number(answer: &[u8]) -> Result<usize, Failed> {
    let value: Value = serde_json::from_slice(answer).map_err(|e| Failed::new(format!("no JSON: {e}")))?;
    let total = value["total"].as_u64().and_then(|total| usize::try_from(total).ok());
    let listed = || value.as_array().map(Vec::len);
    total.or_else(listed).ok_or_else(|| Failed::new("an answer without a total".into()))
}

fn refused(status: u16, answer: &[u8]) -> Failed {
    Failed::new(format!("the daemon answers with {status}: {}", String::from_utf8_lossy(answer).trim()))
}
