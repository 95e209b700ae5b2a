//! A peer of the tests' own, as plain as BEP 3 allows: it seeds, it can be slow, it can have a vice, and it remembers what it sent.
//!
//! Each connection has a thread, which sleeps while nothing comes: hundreds of them cost little.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::content;
use super::torrent::Torrent;
use super::words::{self, BITFIELD, CHOKE, EXTENDED, HAVE, PIECE, REQUEST, UNCHOKE};

/// Requests that one who storms answers one of.
const STORM: usize = 16;
/// Requests after which one who flaps hangs up.
const FLAPS: usize = 32;
/// How long somebody who was hung up on, or hung up, waits before he dials again.
const REDIAL: Duration = Duration::from_millis(500);
/// Teem's id for `lt_donthave` (BEP 54), as its extension handshake tells.
const LT_DONTHAVE: u8 = 3;

/// How the peer behaves.
#[derive(Clone, Copy, Default)]
pub struct Manner {
    /// Bytes a second on each connection; 0 for as fast as it can.
    pub rate: u64,
    /// What it does wrong.
    pub vice: Vice,
}

/// What a peer does wrong.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Vice {
    /// It does nothing wrong.
    #[default]
    None,
    /// Every block of each third piece has a wrong byte.
    Lies,
    /// One block of each piece has.
    LiesOnce,
    /// Every block of each second piece that it is asked for has.
    LiesInTurn,
    /// It takes connections and never says a word.
    Mute,
    /// It introduces itself and says nothing else.
    Silent,
    /// It claims everything, lets everybody ask, and sends nothing.
    Keeps,
    /// The same, but for one byte of the first block each second.
    Drips,
    /// It chokes and unchokes with each request, and answers one of [`STORM`].
    Storms,
    /// It claims half of everything, takes back each piece that it is asked for, shows it again and hangs up after [`FLAPS`] requests;
    /// the next time it claims the other half.
    Flaps,
}

/// A peer that listens; its threads end with the process.
pub struct Scripted {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    /// Without a peer id.
    handshake: [u8; 68],
    /// The first eight bytes of its peer ids.
    client: [u8; 8],
    data: Vec<u8>,
    piece_length: usize,
    manner: Manner,
    hurried: AtomicBool,
    /// Connections so far on which it was introduced.
    met: AtomicUsize,
    /// How often each piece's first block was asked for.
    begun: Mutex<Vec<u32>>,
}

impl Scripted {
    /// Seeds the content of `torrent`, which lies in `folder`, on `ip`, with a peer id that begins with `client`.
    pub fn start(ip: &str, client: &str, torrent: &Torrent, folder: &Path, manner: Manner) -> Self {
        Self::listening(
            SocketAddr::new(ip.parse().expect("an address"), super::PEER_PORT),
            client,
            torrent,
            folder,
            manner,
        )
    }

    /// A crowd: whoever dials that port on an address where nobody else listens there meets a peer of that address.
    pub fn everywhere(port: u16, torrent: &Torrent, folder: &Path, manner: Manner) -> Self {
        Self::listening(SocketAddr::from(([0; 4], port)), "-HO0001-", torrent, folder, manner)
    }

    fn listening(at: SocketAddr, client: &str, torrent: &Torrent, folder: &Path, manner: Manner) -> Self {
        let root = folder.join(&torrent.name);
        let read = |path: PathBuf| fs::read(content::below(&root, &path)).expect("own content");
        let data: Vec<u8> = content::files(&root).into_iter().flat_map(read).collect();
        let begun = Mutex::new(vec![0; data.len().div_ceil(torrent.piece_length)]);
        let shared = Arc::new(Shared {
            handshake: words::handshake(&torrent.info_hash),
            client: client.as_bytes().try_into().expect("eight bytes"),
            data,
            piece_length: torrent.piece_length,
            manner,
            hurried: AtomicBool::new(false),
            met: AtomicUsize::new(0),
            begun,
        });
        Self { address: listen(&shared, at), shared }
    }

    /// The same content on another address, as another peer.
    pub fn also(&self, ip: &str) -> SocketAddr {
        listen(&self.shared, SocketAddr::new(ip.parse().expect("an address"), super::PEER_PORT))
    }

    /// From now on a peer on `ip` dials `to`, and dials again whenever the connection has ended.
    pub fn visit(&self, ip: IpAddr, to: SocketAddr) {
        let shared = Arc::clone(&self.shared);
        words::thread(move || {
            loop {
                let _ = words::dial(ip, to).and_then(|stream| shared.introduce(stream, true));
                std::thread::sleep(REDIAL); // it is no faster
            }
        });
    }

    /// From now on it sends as fast as it can.
    pub fn hurry(&self) {
        self.shared.hurried.store(true, Ordering::Relaxed);
    }

    /// How often each piece was begun.
    pub fn begun(&self) -> Vec<u32> {
        self.shared.begun.lock().expect("no panics in there").clone()
    }

    /// On how many connections it was introduced so far.
    pub fn met(&self) -> usize {
        self.shared.met.load(Ordering::Relaxed)
    }
}

/// Serves whoever connects there.
fn listen(shared: &Arc<Shared>, at: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind(at).expect("the namespace's ports are free");
    let address = listener.local_addr().expect("bound");
    let shared = Arc::clone(shared);
    words::thread(move || {
        for stream in listener.incoming().flatten() {
            let shared = Arc::clone(&shared);
            words::thread(move || {
                let _ = shared.introduce(stream, false); // until the other side closes it
            });
        }
    });
    address
}

impl Shared {
    /// One connection from its beginning; whoever dialled it speaks first.
    fn introduce(&self, mut stream: TcpStream, dialled: bool) -> io::Result<()> {
        if self.manner.vice == Vice::Mute {
            return drain(&mut stream);
        }
        let handshake = words::with_id(self.handshake, self.client, stream.local_addr()?.ip());
        if dialled {
            stream.write_all(&handshake)?;
        }
        let mut theirs = [0; 68];
        stream.read_exact(&mut theirs)?;
        if theirs[28..48] != self.handshake[28..48] {
            return Ok(());
        }
        if !dialled {
            stream.write_all(&handshake)?;
        }
        let before = self.met.fetch_add(1, Ordering::Relaxed);
        if self.manner.vice == Vice::Silent {
            return drain(&mut stream);
        }
        let half = (self.manner.vice == Vice::Flaps).then_some(before % 2);
        let pieces = self.data.len().div_ceil(self.piece_length);
        let mut bits = vec![0u8; pieces.div_ceil(8)];
        for piece in (0..pieces).filter(|piece| half.is_none_or(|half| piece % 2 == half)) {
            bits[piece / 8] |= 0x80 >> (piece % 8);
        }
        words::send(&mut stream, BITFIELD, &[&bits])?;
        words::send(&mut stream, UNCHOKE, &[])?;
        self.serve(&mut stream)
    }

    /// One connection, until the other side closes it.
    fn serve(&self, stream: &mut TcpStream) -> io::Result<()> {
        let mut pieces = Vec::new();
        for requests in 0.. {
            let request = loop {
                let message = words::read(stream)?;
                if message.first() == Some(&REQUEST) {
                    break message;
                }
            };
            let request = &request[1..];
            let piece = words::number(request, 0);
            if !pieces.contains(&piece) {
                pieces.push(piece);
            }
            let nth = pieces.iter().position(|known| *known == piece).unwrap_or_default();
            match self.manner.vice {
                Vice::Keeps => {}
                Vice::Drips => return drip(stream, request),
                Vice::Flaps if requests >= FLAPS => return Ok(()),
                Vice::Flaps => {
                    words::send(stream, EXTENDED, &[&[LT_DONTHAVE], &request[..4]])?;
                    words::send(stream, HAVE, &[&request[..4]])?;
                }
                Vice::Storms => {
                    self.take_time(request);
                    if requests % STORM == 0 {
                        self.answer(stream, request, nth)?;
                    }
                    words::send(stream, CHOKE, &[])?;
                    words::send(stream, UNCHOKE, &[])?;
                }
                _ => {
                    self.take_time(request);
                    self.answer(stream, request, nth)?;
                }
            }
        }
        Ok(())
    }

    /// Sends what was asked for, a block of the `nth` piece on this connection.
    fn answer(&self, stream: &mut TcpStream, request: &[u8], nth: usize) -> io::Result<()> {
        let [piece, begin, length] = [0, 4, 8].map(|at| words::number(request, at));
        let start = piece * self.piece_length + begin;
        let mut block = self.data[start..start + length].to_vec();
        let wrong = match self.manner.vice {
            Vice::Lies => piece % 3 == 0,
            Vice::LiesOnce => begin / length == piece % self.piece_length.div_ceil(length),
            Vice::LiesInTurn => nth % 2 == 1,
            _ => false,
        };
        if wrong {
            block[length / 2] ^= 0x55;
        }
        if begin == 0 {
            self.begun.lock().expect("no panics in there")[piece] += 1;
        }
        words::send(stream, PIECE, &[&request[..8], &block])
    }

    /// Waits for as long as a block takes on its line.
    fn take_time(&self, request: &[u8]) {
        let rate = if self.hurried.load(Ordering::Relaxed) { 0 } else { self.manner.rate };
        if let Some(nanos) = (words::number(request, 8) as u64 * 1_000_000_000).checked_div(rate) {
            std::thread::sleep(Duration::from_nanos(nanos)); // its line is slow
        }
    }
}

/// Says nothing until the other side hangs up.
fn drain(stream: &mut TcpStream) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(|_| ())
}

/// A block, byte by byte.
fn drip(stream: &mut TcpStream, request: &[u8]) -> io::Result<()> {
    let length = words::number(request, 8);
    stream.write_all(&(9 + length as u32).to_be_bytes())?;
    stream.write_all(&[&[PIECE], &request[..8]].concat())?;
    for _ in 0..length {
        std::thread::sleep(Duration::from_secs(1)); // its line is slow
        stream.write_all(&[0])?;
    }
    Ok(())
}
