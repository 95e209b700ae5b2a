//! Holders on addresses and networks of their own that besiege a peer, each in one way (`docs/limits.md`): they come again as soon as they are put out.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::torrent::Torrent;
use super::words::{self, BITFIELD, EXTENDED, HAVE, INTERESTED, REQUEST, UNCHOKE};

/// Bytes of a block.
const BLOCK: u32 = 16 << 10;
/// Between two messages of one of them: there are many, and the machine is not to be what they besiege.
const PACE: Duration = Duration::from_millis(4);
/// How long one waits for a word, or for room to write, before it looks whether it is over.
const LOOK: Duration = Duration::from_millis(200);
/// Before one that was put out comes again.
const AGAIN: Duration = Duration::from_millis(300);

/// What one does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Siege {
    /// It connects and says nothing.
    Silent,
    /// It introduces itself and holds its place.
    Holds,
    /// It says that it has everything, and gives nothing.
    Keeps,
    /// It asks for everything, whether it may or not, and reads neither blocks nor refusals.
    Deaf,
    /// It asks for the metadata again and again and does not read it.
    DeafToMetadata,
    /// It asks for the same block again and again, and reads it.
    Rereads,
    /// It wants what it is shown and leaves it alone.
    Idle,
    /// It says what costs most: bitfields in turn, pieces that it has and has not.
    Costly,
}

/// So many who besiege; they leave off when this goes.
pub struct Besiegers(Arc<AtomicBool>);

impl Besiegers {
    /// One on each of these addresses.
    pub fn around(
        to: SocketAddr,
        torrent: &Torrent,
        pieces: u32,
        vice: Siege,
        from: impl IntoIterator<Item = IpAddr>,
    ) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        for ip in from {
            let mut handshake = words::with_id(words::handshake(&torrent.info_hash), *b"-XX0002-", ip);
            // The fast extension and the extension protocol.
            (handshake[25], handshake[27]) = (0x10, 0x04);
            let one = One { vice, pieces, handshake, over: Arc::clone(&over) };
            words::thread(move || {
                while !one.is_over() {
                    let _ = words::dial(ip, to).and_then(|stream| one.besiege(stream));
                    std::thread::sleep(AGAIN);
                }
            });
        }
        Self(over)
    }
}

impl Drop for Besiegers {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct One {
    vice: Siege,
    pieces: u32,
    handshake: [u8; 68],
    over: Arc<AtomicBool>,
}

impl One {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// One connection, until it is closed.
    fn besiege(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(LOOK))?;
        stream.set_write_timeout(Some(LOOK))?;
        if self.vice == Siege::Silent {
            return self.listen(&mut stream);
        }
        stream.write_all(&self.handshake)?;
        match self.vice {
            Siege::Keeps => {
                self.say(&mut stream, 14, &[])?;
                self.say(&mut stream, UNCHOKE, &[])?;
            }
            Siege::Idle | Siege::Deaf | Siege::Rereads => self.say(&mut stream, INTERESTED, &[])?,
            Siege::DeafToMetadata => self.say(&mut stream, EXTENDED, b"\x00d1:md11:ut_metadatai3eee")?,
            Siege::Silent | Siege::Holds | Siege::Costly => {}
        }
        let mut round = 0_u32;
        while !self.is_over() {
            round = round.wrapping_add(1);
            match self.vice {
                Siege::Silent | Siege::Holds | Siege::Keeps | Siege::Idle => return self.listen(&mut stream),
                Siege::Deaf => self.ask(&mut stream, round % self.pieces)?,
                Siege::DeafToMetadata => self.say(&mut stream, EXTENDED, b"\x01d8:msg_typei0e5:piecei0ee")?,
                Siege::Rereads => {
                    self.ask(&mut stream, 0)?;
                    let _ = stream.read(&mut vec![0; 64 << 10])?;
                }
                Siege::Costly => {
                    let bits =
                        vec![if round.is_multiple_of(2) { 0x55 } else { 0xAA }; self.pieces.div_ceil(8) as usize];
                    self.say(&mut stream, BITFIELD, &bits)?;
                    self.say(&mut stream, HAVE, &3_u32.to_be_bytes())?;
                }
            }
            std::thread::sleep(PACE);
        }
        Ok(())
    }

    fn ask(&self, stream: &mut TcpStream, piece: u32) -> io::Result<()> {
        let request = [piece, 0, BLOCK].map(u32::to_be_bytes);
        self.say(stream, REQUEST, request.as_flattened())
    }

    /// A message, whole, however long that takes.
    fn say(&self, stream: &mut TcpStream, id: u8, body: &[u8]) -> io::Result<()> {
        let mut bytes = (1 + body.len() as u32).to_be_bytes().to_vec();
        bytes.push(id);
        bytes.extend_from_slice(body);
        let mut rest = &bytes[..];
        while !rest.is_empty() && !self.is_over() {
            match stream.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => rest = &rest[n..],
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Reads what comes until the end.
    fn listen(&self, stream: &mut TcpStream) -> io::Result<()> {
        let mut buffer = vec![0; 4_096];
        while !self.is_over() {
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Err(e) if !matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }
}
