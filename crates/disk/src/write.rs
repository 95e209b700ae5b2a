//! Finished pieces: hashed while hot, then written in large extents (BEP 3); and pieces spilled when memory is short.
//!
//! Invariant: nothing just received is read back to be hashed, save what was spilled. A piece is told of as right only
//! after the file system has taken it.
use crate::containment::contained;
use crate::hash;
use crate::judge::{self, Judge};
use crate::piece::{Assembly, runs};
use crate::pool::{BUFFER_LEN, Block};
use crate::shared::Shared;
use crate::space;
use crate::task::Ready;
use crate::torrent::Torrent;
use std::sync::Arc;
use teem_metainfo::PieceHash;
use teem_swarm::job::{BlockDigest, DiskError, Done, Verdict};

/// Hashes and writes finished pieces.
pub(crate) fn pieces(shared: &Shared, ready: Vec<Ready>) {
    let (held, spilled): (Vec<Ready>, Vec<Ready>) = ready.into_iter().partition(|r| r.assembly.is_held());
    let wanted: Vec<_> = held.iter().map(|r| r.torrent.content.info.piece_hash(r.piece)).collect();
    let right: Vec<_> = match teem_fault::contain(|| judge::held(&wanted, held.iter().map(message).collect())) {
        Ok(right) => right.into_iter().map(Ok).collect(),
        // Whose piece it was is found by judging each alone.
        Err(_) => wanted.iter().zip(&held).map(|(wanted, ready)| alone(wanted, message(ready))).collect(),
    };
    // Each piece's buffers go back as soon as it is written.
    for (ready, right) in held.into_iter().zip(right) {
        settle(shared, &ready, right);
    }
    for ready in spilled {
        let right = contained(|| read_back(&ready.torrent, ready.piece, &ready.assembly));
        settle(shared, &ready, right);
    }
}

/// Writes the blocks of an unfinished piece to their place and lets them go.
pub(crate) fn spill(shared: &Shared, torrent: &Arc<Torrent>, piece: u32, blocks: &[(u32, Block)]) {
    let runs = || blocks.iter().map(|(begin, block)| (*begin, block.as_ref()));
    let result = contained(|| {
        write_runs(torrent, piece, runs())?;
        torrent.note(piece, false);
        Ok(())
    });
    if let Err(error) = result {
        shared.mailbox.tell([failed(shared, torrent, piece, error)]);
    }
}

/// The blocks of a piece in memory.
fn message(ready: &Ready) -> Vec<&[u8]> {
    ready.assembly.blocks().filter_map(|(.., data)| data).collect()
}

/// Judges one piece in memory, which one of several at once may have spoilt.
#[allow(clippy::ref_option)] // what is judged is a slice of these
fn alone(wanted: &Option<PieceHash>, message: Vec<&[u8]>) -> Result<bool, DiskError> {
    contained(|| Ok(judge::held(std::slice::from_ref(wanted), vec![message]).pop().unwrap_or(false)))
}

/// Writes a piece that is right, and tells how it came out.
fn settle(shared: &Shared, ready: &Ready, right: Result<bool, DiskError>) {
    let told = contained(|| take_up(ready, right?));
    let told = told.unwrap_or_else(|error| failed(shared, &ready.torrent, ready.piece, error));
    shared.mailbox.tell([told]);
}

fn take_up(ready: &Ready, ok: bool) -> Result<Done<Block>, DiskError> {
    let (torrent, piece) = (&ready.torrent, ready.piece);
    let digests = if !ok || torrent.marks().failed.contains(&piece) {
        block_digests(torrent, piece, &ready.assembly).unwrap_or_default()
    } else {
        Vec::new()
    };
    if ok {
        let held = ready.assembly.blocks().filter_map(|(begin, _, data)| Some((begin, data?)));
        write_runs(torrent, piece, held)?;
        torrent.confirm(piece);
        torrent.marks().failed.remove(&piece);
        torrent.note(piece, true);
    } else {
        torrent.marks().failed.insert(piece);
    }
    // Neither hash says more than that something in the piece is wrong.
    let verdict = if ok { Verdict::Right } else { Verdict::Wrong { bad_blocks: ready.assembly.numbers().collect() } };
    Ok(Done::Piece { torrent: torrent.id, piece, verdict, digests })
}

fn write_runs<'a>(
    torrent: &Torrent,
    piece: u32,
    blocks: impl Iterator<Item = (u32, &'a [u8])>,
) -> Result<(), DiskError> {
    // A claim is withdrawn before its piece is written to: a power cut in between must not leave it.
    if torrent.saved().claims(piece) {
        torrent.deny(piece);
        torrent.save(None)?;
    }
    torrent.marks().moved(piece);
    runs(blocks).iter().try_for_each(|(begin, run)| torrent.write(piece, *begin, run))
}

/// A write failed: what was taken of the piece is forgotten. Without room the disk is watched until there is some.
fn failed(shared: &Shared, torrent: &Arc<Torrent>, piece: u32, error: DiskError) -> Done<Block> {
    shared.queue.forget(torrent.id, piece);
    let error = contained(|| Ok(space::watch(shared, torrent, error))).unwrap_or_else(|error| error);
    Done::WriteFailed { torrent: torrent.id, piece, error }
}

/// Judges a piece of which some blocks were spilled.
fn read_back(torrent: &Torrent, piece: u32, assembly: &Assembly) -> Result<bool, DiskError> {
    let mut judge = Judge::new(torrent.content.info.piece_hash(piece));
    each_block(torrent, piece, assembly, |data| judge.block(data))?;
    Ok(judge.finish())
}

fn block_digests(torrent: &Torrent, piece: u32, assembly: &Assembly) -> Result<Vec<BlockDigest>, DiskError> {
    let mut out = Vec::new();
    each_block(torrent, piece, assembly, |data| {
        let mut short = [0; 16];
        short.copy_from_slice(&hash::sha1(data)[..16]);
        out.push(BlockDigest(short));
    })?;
    Ok(out)
}

fn each_block(
    torrent: &Torrent,
    piece: u32,
    assembly: &Assembly,
    mut then: impl FnMut(&[u8]),
) -> Result<(), DiskError> {
    let mut scratch = Vec::new();
    for (begin, len, data) in assembly.blocks() {
        if let Some(data) = data {
            then(data);
        } else {
            scratch.resize(BUFFER_LEN, 0);
            let buffer = &mut scratch[..len as usize];
            torrent.read(piece, begin, vec![&mut *buffer])?;
            then(buffer);
        }
    }
    Ok(())
}
