//! The smallest program that does what a seed and a downloader cannot do without: `floor seed FILE` and `floor get PORT BYTES FILE`.
//! What remains of our own figures beside its is the price of everything else: requests, a swarm, limits, many files, safety.
//!
//! The seed reads 256 KiB and sends it as sixteen blocks, each with the head of its message, in one call. The downloader
//! reads them in one call into their places, pieces of 1 MiB; a second thread hashes as many as are there in lanes and
//! writes them 256 KiB at a time. Nothing is asked for, and nothing is compared: `cargo xtask bench floor` does that.
#![allow(clippy::print_stdout)] // its answer

use std::error::Error;
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use teem_disk::hash::Kernel;

const BLOCK: usize = 16 << 10;
/// Bytes of one call.
const CALL: usize = 256 << 10;
const PIECE: usize = 1 << 20;
/// Pieces in memory: as many as all lanes take, and half as many under way.
const PIECES: usize = 24;
/// A message's length, its kind, the piece, the offset.
const HEAD: usize = 13;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "seed", file] => Ok(seed(&File::open(file)?)?),
        [_, "get", port, bytes, file] => get(port.parse()?, bytes.parse()?, &File::create(file)?),
        _ => Err("usage: floor seed FILE | floor get PORT BYTES FILE".into()),
    }
}

fn seed(file: &File) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("{}", listener.local_addr()?.port());
    let (mut stream, _) = listener.accept()?;
    let (mut buffer, head) = (vec![0; CALL], [7; HEAD]);
    let mut at = 0;
    loop {
        let len = file.read_at(&mut buffer, at)?;
        if len == 0 {
            break;
        }
        at += len as u64;
        let blocks = buffer[..len].chunks(BLOCK).flat_map(|block| [IoSlice::new(&head), IoSlice::new(block)]);
        let mut slices: Vec<IoSlice<'_>> = blocks.collect();
        let mut left = &mut slices[..];
        while !left.is_empty() {
            let sent = stream.write_vectored(left)?;
            IoSlice::advance_slices(&mut left, sent);
        }
    }
    // Until the other side is through, so that whoever watches can still ask what this process has used.
    drop(stream.read(&mut [0]));
    Ok(())
}

fn get(port: u16, bytes: u64, file: &File) -> Result<(), Box<dyn Error>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let (full, pieces) = sync_channel(PIECES);
    let (give_back, free) = sync_channel(PIECES);
    (0..PIECES).try_for_each(|_| give_back.send(vec![0; PIECE]))?;
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || write(file, &pieces, &give_back));
        for _ in 0..bytes / PIECE as u64 {
            let mut piece = free.recv()?;
            receive(&mut stream, &mut piece)?;
            full.send(piece)?;
        }
        drop(full);
        println!("{:08x}", writer.join().map_err(|_| "the writer panicked")??);
        Ok(())
    })
}

/// Fills a piece with the blocks that come next.
fn receive(stream: &mut TcpStream, piece: &mut [u8]) -> io::Result<()> {
    for part in piece.chunks_mut(CALL) {
        let mut heads = [[0; HEAD]; CALL / BLOCK];
        let places = heads.iter_mut().zip(part.chunks_mut(BLOCK));
        let mut slices: Vec<IoSliceMut<'_>> =
            places.flat_map(|(head, block)| [IoSliceMut::new(head), IoSliceMut::new(block)]).collect();
        let mut left = &mut slices[..];
        while !left.is_empty() {
            match stream.read_vectored(left)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                got => IoSliceMut::advance_slices(&mut left, got),
            }
        }
    }
    Ok(())
}

/// Hashes and writes all pieces; something of all digests, so that none is left out.
fn write(file: &File, pieces: &Receiver<Vec<u8>>, give_back: &SyncSender<Vec<u8>>) -> io::Result<u32> {
    let kernel = Kernel::available().last().copied().unwrap_or(Kernel::SINGLE);
    let (mut at, mut sum) = (0, 0);
    while let Ok(first) = pieces.recv() {
        let batch: Vec<Vec<u8>> = std::iter::once(first).chain(pieces.iter().take(kernel.lanes() - 1)).collect();
        let messages: Vec<Vec<&[u8]>> = batch.iter().map(|piece| vec![piece.as_slice()]).collect();
        sum =
            kernel.sha1_many(&messages).iter().fold(sum, |sum, digest| sum ^ u32::from(digest[0]) << (digest[1] % 24));
        for piece in batch {
            for part in piece.chunks(CALL) {
                file.write_all_at(part, at)?;
                at += part.len() as u64;
            }
            // Nobody takes it at the end.
            let _ = give_back.send(piece);
        }
    }
    Ok(sum)
}
