//! What the tests' own peers say and hear (BEP 3), and how they come to a connection: written without our own code, so that it and
//! what is tested are not the same.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

pub const CHOKE: u8 = 0;
pub const UNCHOKE: u8 = 1;
pub const INTERESTED: u8 = 2;
pub const HAVE: u8 = 4;
pub const BITFIELD: u8 = 5;
pub const REQUEST: u8 = 6;
pub const PIECE: u8 = 7;
pub const EXTENDED: u8 = 20;

/// A stack for one connection: there may be thousands.
const STACK: usize = 128 << 10;
/// No answer for so long is none.
const DIAL_LIMIT: Duration = Duration::from_secs(10);

/// A handshake for that info-hash, given in hexadecimal, that offers nothing; the peer id is missing.
pub fn handshake(info_hash: &str) -> [u8; 68] {
    let mut handshake = [0; 68];
    handshake[..20].copy_from_slice(b"\x13BitTorrent protocol");
    for (byte, pair) in handshake[28..48].iter_mut().zip(info_hash.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).expect("hexadecimal");
        *byte = u8::from_str_radix(pair, 16).expect("hexadecimal");
    }
    handshake
}

/// The same with the peer id of whoever is on that address.
pub fn with_id(mut handshake: [u8; 68], client: [u8; 8], ip: IpAddr) -> [u8; 68] {
    handshake[48..56].copy_from_slice(&client);
    let IpAddr::V4(ip) = ip else { panic!("{ip}: the tests' own peers speak IPv4") };
    handshake[56..].copy_from_slice(format!("----{:08x}", ip.to_bits()).as_bytes());
    handshake
}

/// Sends one message.
pub fn send(stream: &mut TcpStream, id: u8, parts: &[&[u8]]) -> io::Result<()> {
    let length = 1 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut bytes = (length as u32).to_be_bytes().to_vec();
    bytes.push(id);
    for part in parts {
        bytes.extend_from_slice(part);
    }
    stream.write_all(&bytes)
}

/// The next message, its id first; nothing for a keepalive.
pub fn read(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut message)?;
    Ok(message)
}

/// The number that stands there.
pub fn number(bytes: &[u8], at: usize) -> usize {
    bytes[at..at + 4].iter().fold(0, |all, byte| all << 8 | usize::from(*byte))
}

/// A connection from that address, as somebody who lives there would make it.
pub fn dial(from: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(from, 0).into())?;
    socket.connect_timeout(&to.into(), DIAL_LIMIT)?;
    Ok(socket.into())
}

/// Runs on a thread with a small stack until the process ends.
pub fn thread(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(STACK).spawn(work).expect("there is room for another thread");
}
