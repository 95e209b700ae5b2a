//! `bench tracker`: announces over HTTP for each second of the tracker's CPU, with a connection for each and with connections that are
//! kept; in turns, beside another build where one is named.
//!
//! Only the tracker's own processor time counts, so that the figure holds on a machine that is shared, and what asks may be slow.
use crate::bench::{self, Failed, Running};
use crate::floor::{spread, used};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Torrents that are announced, and peers of each: answers have the 50 peers that most clients ask for.
const TORRENTS: u64 = 100;
const PEERS: u64 = 200;
/// Connections that are kept at a time.
const KEPT: usize = 32;

/// Measures `[--reps N] [--announces N] [--teem BINARY] [--beside BINARY]`; returns the table.
pub fn run(root: &Path, words: &[&str]) -> Result<String, Failed> {
    let number = |text: &str| text.parse().map_err(|_| Failed::new(format!("bench tracker: {text} is no number")));
    let (mut reps, mut announces, mut named, mut beside) = (5, 100_000, None, None);
    for pair in words.chunks(2) {
        match pair {
            ["--teem", binary] => named = Some(PathBuf::from(binary)),
            ["--beside", binary] => beside = Some(PathBuf::from(binary)),
            ["--reps", n] => reps = number(n)?,
            ["--announces", n] => announces = number(n)?,
            _ => return Err(Failed::new("bench tracker: these words mean nothing".into())),
        }
    }
    let teem = named.map_or_else(|| bench::built(root), Ok)?;
    let mut rows = vec![("teem", &teem, false, Vec::new()), ("teem", &teem, true, Vec::new())];
    if let Some(beside) = &beside {
        rows.extend([("beside", beside, false, Vec::new()), ("beside", beside, true, Vec::new())]);
    }
    for _ in 0..reps {
        for (_, binary, kept, figures) in &mut rows {
            figures.push(announces as f64 / seconds(binary, announces, *kept)?);
        }
    }
    let mut table = format!("{announces} announces, {reps} turns; median (least to most)\n");
    let _ = writeln!(table, "| tracker | connections | announces a second of its CPU |\n|---|---|---|");
    for (name, _, kept, figures) in rows {
        let connections = if kept { "kept where it keeps them" } else { "one for each" };
        let _ = writeln!(table, "| {name} | {connections} | {} |", spread(figures));
    }
    Ok(table)
}

/// Seconds of CPU that a tracker uses for so many announces; it starts anew and knows all peers before they are counted.
fn seconds(teem: &Path, announces: u64, kept: bool) -> Result<f64, Failed> {
    let mut command = Command::new(teem);
    command.env("TEEM_NO_DHT", "1"); // peers come from where the measurement says
    command.args(["track", "--json", "--http", "127.0.0.1:0", "--udp", "127.0.0.1:0"]);
    let mut tracker = Running(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?);
    let Some(output) = tracker.0.stdout.take() else { return Err(Failed::new("the tracker has no output".into())) };
    let mut lines = BufReader::new(output).lines();
    let port = bench::port(&lines.next().transpose()?.unwrap_or_default())?;
    std::thread::spawn(move || lines.for_each(drop));
    let mut asking = Asking { port, kept, connections: Vec::new() };
    for n in 0..TORRENTS * PEERS {
        asking.announce(n)?;
    }
    let before = used(tracker.0.id());
    for n in 0..announces {
        asking.announce(n)?;
    }
    // At least a tick, so that a short run is no division by nothing.
    Ok((used(tracker.0.id()) - before).max(0.01))
}

/// A client of the tracker.
struct Asking {
    port: u16,
    kept: bool,
    connections: Vec<BufReader<TcpStream>>,
}

impl Asking {
    /// The announce of the peer with that number, over the connection whose turn it is.
    fn announce(&mut self, number: u64) -> Result<(), Failed> {
        let (torrent, peer) = (number % TORRENTS, number / TORRENTS % PEERS);
        let connection = if self.kept { "" } else { "Connection: close\r\n" };
        let request = format!(
            "GET /announce?info_hash=%ff%00{torrent:018}&peer_id=-XX0000-{peer:012}&port={}&uploaded=0&downloaded=0&left=1\
             &compact=1&numwant=50&key={peer:08x} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nUser-Agent: bench\r\n{connection}\r\n",
            1024 + peer,
            self.port
        );
        let mut stream = if self.connections.len() == KEPT {
            self.connections.remove(0)
        } else {
            BufReader::new(TcpStream::connect(("127.0.0.1", self.port))?)
        };
        stream.get_mut().write_all(request.as_bytes())?;
        let (mut length, mut closes, mut line) = (0, !self.kept, String::new());
        while line != "\r\n" {
            line.clear();
            if stream.read_line(&mut line)? == 0 {
                return Err(Failed::new("the tracker ends a connection without an answer".into()));
            }
            let lower = line.to_ascii_lowercase();
            if let Some(text) = lower.strip_prefix("content-length: ") {
                length = text.trim().parse().unwrap_or(0);
            }
            closes |= lower.starts_with("connection: close");
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        if !body.windows(8).any(|key| key == b"interval") {
            return Err(Failed::new(format!("no answer to an announce: {}", String::from_utf8_lossy(&body))));
        }
        if closes {
            // The tracker ends it first, as it said, so the ports of this side are free at once.
            stream.read_to_end(&mut body)?;
        } else {
            self.connections.push(stream);
        }
        Ok(())
    }
}
