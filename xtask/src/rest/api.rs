//! Asks a daemon over its socket, one request after the other on one connection (HTTP/1.1; `docs/api.md`).

use crate::bench::Failed;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// A connection to a daemon.
pub(super) struct Api {
    stream: BufReader<UnixStream>,
}

impl Api {
    pub(super) fn connect(socket: &Path) -> Result<Self, Failed> {
        Ok(Self { stream: BufReader::new(UnixStream::connect(socket)?) })
    }

    /// Adds a .torrent.
    pub(super) fn add(&mut self, torrent: &[u8]) -> Result<(), Failed> {
        let body = json!({"torrent": STANDARD.encode(torrent)}).to_string();
        let (status, answer) = self.ask("POST", "/teem/v1/torrents", &body)?;
        if status == 201 { Ok(()) } else { Err(refused(status, &answer)) }
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

    fn ask(&mut self, method: &str, target: &str, body: &str) -> Result<(u16, Vec<u8>), Failed> {
        let len = body.len();
        let request = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len}\r\n\r\n{body}");
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
