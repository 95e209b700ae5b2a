//! A free rider: it connects to whom it knows, asks for all that it is shown, takes what comes, and never gives anything.

use std::collections::BTreeSet;
use std::io::{self, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::process::wait_until;
use super::torrent::Torrent;
use super::words::{self, BITFIELD, CHOKE, HAVE, INTERESTED, PIECE, REQUEST, UNCHOKE};

/// Bytes of a block.
const BLOCK: usize = 16 << 10;
/// Requests it has under way on one connection.
const WINDOW: usize = 16;
/// How long one that was turned away waits before it dials again.
const REDIAL: Duration = Duration::from_secs(10);

/// Some of them, each on an address of its own.
pub struct Riders {
    shared: Arc<Shared>,
}

struct Shared {
    handshake: [u8; 68],
    size: usize,
    piece_length: usize,
    taken: AtomicU64,
    turned_away: AtomicUsize,
}

impl Riders {
    /// Nobody yet, who wants the content of `torrent`, which is of `size` bytes.
    pub fn new(torrent: &Torrent, size: usize) -> Self {
        let handshake = words::handshake(&torrent.info_hash);
        let piece_length = torrent.piece_length;
        Self {
            shared: Arc::new(Shared {
                handshake,
                size,
                piece_length,
                taken: AtomicU64::new(0),
                turned_away: AtomicUsize::new(0),
            }),
        }
    }

    /// One on `ip` rides on that peer from now on. `boasts` is whether it shows what it has got.
    pub fn ride(&self, ip: IpAddr, to: SocketAddr, boasts: bool) {
        let shared = Arc::clone(&self.shared);
        words::thread(move || {
            let mut got = BTreeSet::new();
            let _ = shared.take(ip, to, boasts, &mut got);
            shared.turned_away.fetch_add(1, Ordering::Relaxed);
            loop {
                std::thread::sleep(REDIAL); // it has patience
                let _ = shared.take(ip, to, boasts, &mut got);
            }
        });
    }
    /// Waits until so many rides have ended once: there was no place for them.
    pub fn wait_turned_away(&self, count: usize, limit: Duration) {
        wait_until("riders to be turned away", limit, || {
            (self.shared.turned_away.load(Ordering::Relaxed) >= count).then_some(())
        });
    }

    /// Bytes that all have got.
    pub fn taken(&self) -> u64 {
        self.shared.taken.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// One connection, until the other side closes it.
    fn take(&self, ip: IpAddr, to: SocketAddr, boasts: bool, got: &mut BTreeSet<(usize, usize)>) -> io::Result<()> {
        let mut stream = words::dial(ip, to)?;
        stream.write_all(&words::with_id(self.handshake, *b"-XX0001-", ip))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        reader.read_exact(&mut [0; 68])?;
        words::send(&mut stream, INTERESTED, &[])?;
        let (mut wanted, mut asked, mut choked) = (BTreeSet::new(), BTreeSet::new(), true);
        loop {
            let message = words::read(&mut reader)?;
            match message.first() {
                Some(&CHOKE) => {
                    choked = true;
                    wanted.append(&mut asked);
                }
                Some(&UNCHOKE) => choked = false,
                Some(&HAVE) => wanted.extend(self.blocks(words::number(&message, 1))),
                Some(&BITFIELD) => {
                    let shown = |piece: &usize| message[1 + piece / 8] & (0x80 >> (piece % 8)) != 0;
                    wanted
                        .extend((0..self.size.div_ceil(self.piece_length)).filter(shown).flat_map(|p| self.blocks(p)));
                }
                Some(&PIECE) => {
                    let (piece, at) =
                        (words::number(&message, 1), (words::number(&message, 1), words::number(&message, 5)));
                    self.taken.fetch_add(message.len() as u64 - 9, Ordering::Relaxed);
                    asked.remove(&at);
                    got.insert(at);
                    if boasts && self.blocks(piece).all(|block| got.contains(&block)) {
                        words::send(&mut stream, HAVE, &[&(piece as u32).to_be_bytes()])?;
                    }
                }
                _ => {}
            }
            while !choked && asked.len() < WINDOW {
                let Some(at) = wanted.pop_first() else { break };
                if got.contains(&at) {
                    continue;
                }
                let length = BLOCK.min(self.size - at.0 * self.piece_length - at.1);
                let request = [at.0, at.1, length].map(|number| (number as u32).to_be_bytes());
                words::send(&mut stream, REQUEST, &[request.as_flattened()])?;
                asked.insert(at);
            }
        }
    }

    fn blocks(&self, piece: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let length = self.piece_length.min(self.size - piece * self.piece_length);
        (0..length).step_by(BLOCK).map(move |begin| (piece, begin))
    }
}
