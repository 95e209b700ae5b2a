//! A seed of the tests' own, as plain as BEP 3 allows: it can be slow and it can lie, and it remembers what it sent.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::content;
use super::torrent::Torrent;

const UNCHOKE: u8 = 1;
const BITFIELD: u8 = 5;
const REQUEST: u8 = 6;
const PIECE: u8 = 7;

/// How the seed behaves.
#[derive(Clone, Copy, Default)]
pub struct Manner {
    /// Bytes a second on each connection; 0 for as fast as it can.
    pub rate: u64,
    /// Every block of each third piece has a wrong byte.
    pub lies: bool,
    /// It claims everything, lets everybody ask, and sends nothing.
    pub keeps: bool,
}

/// A listening seed; its threads end with the process.
pub struct Scripted {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    /// Without a peer id.
    handshake: [u8; 68],
    data: Vec<u8>,
    piece_length: usize,
    manner: Manner,
    hurried: AtomicBool,
    /// How often each piece's first block was asked for.
    begun: Mutex<Vec<u32>>,
}

impl Scripted {
    /// Seeds the content of `torrent`, which lies in `folder`, on `ip`, with a peer id that begins with `client`.
    pub fn start(ip: &str, client: &str, torrent: &Torrent, folder: &Path, manner: Manner) -> Self {
        let root = folder.join(&torrent.name);
        let read = |path: PathBuf| fs::read(content::below(&root, &path)).expect("own content");
        let data: Vec<u8> = content::files(&root).into_iter().flat_map(read).collect();
        let mut handshake = [0; 68];
        handshake[..20].copy_from_slice(b"\x13BitTorrent protocol");
        for (byte, pair) in handshake[28..48].iter_mut().zip(torrent.info_hash.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).expect("hexadecimal");
            *byte = u8::from_str_radix(pair, 16).expect("hexadecimal");
        }
        let pieces = data.len().div_ceil(torrent.piece_length);
        let begun = Mutex::new(vec![0; pieces]);
        let shared = Arc::new(Shared {
            handshake,
            data,
            piece_length: torrent.piece_length,
            manner,
            hurried: AtomicBool::new(false),
            begun,
        });
        let address = listen(&shared, ip, client);
        Self { address, shared }
    }

    /// The same content on another address, as another peer.
    pub fn also(&self, ip: &str) -> SocketAddr {
        listen(&self.shared, ip, "-HO0001-")
    }

    /// From now on it sends as fast as it can.
    pub fn hurry(&self) {
        self.shared.hurried.store(true, Ordering::Relaxed);
    }

    /// How often each piece was begun.
    pub fn begun(&self) -> Vec<u32> {
        self.shared.begun.lock().expect("no panics in there").clone()
    }
}

/// Serves whoever connects to `ip`, under a peer id of its own.
fn listen(shared: &Arc<Shared>, ip: &str, client: &str) -> SocketAddr {
    let listener = TcpListener::bind((ip, super::PEER_PORT)).expect("the namespace's ports are free");
    let address = listener.local_addr().expect("bound");
    let mut handshake = shared.handshake;
    handshake[48..].copy_from_slice(&format!("{client}{ip:->12}").as_bytes()[..20]);
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.serve(stream, &handshake));
        }
    });
    address
}

impl Shared {
    /// One connection, until the other side closes it.
    fn serve(&self, mut stream: TcpStream, handshake: &[u8; 68]) -> io::Result<()> {
        let mut theirs = [0; 68];
        stream.read_exact(&mut theirs)?;
        if theirs[28..48] != self.handshake[28..48] {
            return Ok(());
        }
        stream.write_all(handshake)?;
        let pieces = self.data.len().div_ceil(self.piece_length);
        let mut bits = vec![0u8; pieces.div_ceil(8)];
        for piece in 0..pieces {
            bits[piece / 8] |= 0x80 >> (piece % 8);
        }
        send(&mut stream, BITFIELD, &[&bits])?;
        send(&mut stream, UNCHOKE, &[])?;
        loop {
            let mut length = [0; 4];
            stream.read_exact(&mut length)?;
            let mut message = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut message)?;
            if message.first() == Some(&REQUEST) && !self.manner.keeps {
                self.answer(&mut stream, &message[1..])?;
            }
        }
    }

    fn answer(&self, stream: &mut TcpStream, request: &[u8]) -> io::Result<()> {
        let number = |i: usize| request[i..i + 4].iter().fold(0, |all, byte| all << 8 | usize::from(*byte));
        let (piece, begin, length) = (number(0), number(4), number(8));
        let start = piece * self.piece_length + begin;
        let mut block = self.data[start..start + length].to_vec();
        if self.manner.lies && piece % 3 == 0 {
            block[length / 2] ^= 0x55;
        }
        if begin == 0 {
            self.begun.lock().expect("no panics in there")[piece] += 1;
        }
        let rate = if self.hurried.load(Ordering::Relaxed) { 0 } else { self.manner.rate };
        if let Some(nanos) = (length as u64 * 1_000_000_000).checked_div(rate) {
            std::thread::sleep(Duration::from_nanos(nanos)); // its line is slow
        }
        send(stream, PIECE, &[&request[..8], &block])
    }
}

fn send(stream: &mut TcpStream, id: u8, parts: &[&[u8]]) -> io::Result<()> {
    let length = 1 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut bytes = (length as u32).to_be_bytes().to_vec();
    bytes.push(id);
    for part in parts {
        bytes.extend_from_slice(part);
    }
    stream.write_all(&bytes)
}
