//! A downloader that wants one block (BEP 3, "peer messages"): how long it takes from the handshake until the block is there.

use crate::bench::Failed;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

const UNCHOKE: u8 = 1;
const INTERESTED: u8 = 2;
const HAVE: u8 = 4;
const BITFIELD: u8 = 5;
const REQUEST: u8 = 6;
const PIECE: u8 = 7;
/// Bytes that every content has at least.
const BLOCK: u32 = 10;
/// The longest that one message may be waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest message that a peer has a reason to send us.
const MESSAGE_MAX: u32 = 1 << 20;

/// Asks whoever listens on the port for the beginning of a torrent's content; the time from the handshake on.
pub(super) fn first_block(port: u16, info_hash: &str) -> Result<Duration, Failed> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let begun = Instant::now();
    let mut handshake = vec![19];
    handshake.extend(b"BitTorrent protocol");
    handshake.extend([0; 8]);
    let digit = |at: usize| u8::from_str_radix(&info_hash[at..at + 2], 16);
    let hash = (0..info_hash.len()).step_by(2).map(digit).collect::<Result<Vec<_>, _>>();
    handshake.extend(hash.map_err(|e| Failed::new(format!("{info_hash} is no info-hash: {e}")))?);
    handshake.extend(b"-XT0001-firstblock00");
    stream.write_all(&handshake)?;
    stream.read_exact(&mut [0; 68])?;
    message(&mut stream, INTERESTED, &[])?;
    // One that looks at its content first says later that it has it, and what is asked for before is not answered.
    wait(&mut stream, &[&[UNCHOKE], &[HAVE, BITFIELD]])?;
    message(&mut stream, REQUEST, &[0, 0, BLOCK].map(u32::to_be_bytes).concat())?;
    wait(&mut stream, &[&[PIECE]])?;
    Ok(begun.elapsed())
}

fn message(stream: &mut TcpStream, id: u8, payload: &[u8]) -> Result<(), Failed> {
    let mut out = (payload.len() as u32 + 1).to_be_bytes().to_vec();
    out.push(id);
    out.extend(payload);
    Ok(stream.write_all(&out)?)
}

/// Reads messages until one of each of these groups has come.
fn wait(stream: &mut TcpStream, groups: &[&[u8]]) -> Result<(), Failed> {
    let mut missing = groups.to_vec();
    while !missing.is_empty() {
        let mut len = [0; 4];
        stream.read_exact(&mut len)?;
        let len = u32::from_be_bytes(len);
        if len > MESSAGE_MAX {
            return Err(Failed::new(format!("a message of {len} bytes came")));
        }
        let mut message = vec![0; len as usize];
        stream.read_exact(&mut message)?;
        missing.retain(|kinds| !message.first().is_some_and(|id| kinds.contains(id)));
    }
    Ok(())
}
