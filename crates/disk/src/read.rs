//! Blocks for peers (BEP 3, REQUEST and PIECE): neighbours are read together.
//!
//! Invariant: no wrong byte leaves. Only verified pieces are read; a piece whose file changed is hashed again first, and
//! what was read while the file changed is thrown away. A piece that a peer asks for a second time is hashed again too (`served`).
use crate::check;
use crate::containment::contained;
use crate::pool::{Block, Purpose};
use crate::shared::Shared;
use crate::torrent::Torrent;
use std::sync::Arc;
use teem_swarm::job::{DiskError, DiskErrorKind, Done, Reader};
use teem_wire::peer::block::BlockRef;

/// Serves reads of one torrent.
pub(crate) fn reads(shared: &Shared, torrent: &Arc<Torrent>, mut reads: Vec<(Reader, BlockRef)>) {
    let mut buffers = Vec::with_capacity(reads.len());
    while buffers.len() < reads.len() {
        let len = reads[buffers.len()].1.len as usize;
        match shared.pool.take(len, Purpose::Upload) {
            Some(buffer) => buffers.push(buffer),
            // Too long for a buffer: answered as refused below, with an empty one.
            None if len > crate::pool::BUFFER_LEN => match shared.pool.take(0, Purpose::Upload) {
                Some(buffer) => buffers.push(buffer),
                None => break,
            },
            None => break,
        }
    }
    if buffers.len() < reads.len() {
        shared.queue.give_back(torrent.id, reads.split_off(buffers.len()));
        if shared.pool.has_room(Purpose::Upload) {
            shared.queue.resume_reads();
        }
    }
    let mut work: Vec<(Reader, BlockRef, Block)> =
        reads.into_iter().zip(buffers).map(|((reader, at), buffer)| (reader, at, buffer)).collect();
    work.sort_by_key(|(_, at, _)| *at);
    let mut rest = work.into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut run = vec![first];
        while let Some((_, at, _)) = run.last()
            && let Some(next) = rest.next_if(|(_, next, _)| (next.piece, next.begin) == (at.piece, at.begin + at.len))
        {
            run.push(next);
        }
        read_run(shared, torrent, run);
    }
}

/// Serves blocks that lie one after the other in one piece.
fn read_run(shared: &Shared, torrent: &Arc<Torrent>, mut run: Vec<(Reader, BlockRef, Block)>) {
    let id = torrent.id;
    let result = contained(|| fill(shared, torrent, &mut run));
    let answers: Vec<Done<Block>> = match result {
        Ok(()) => run.into_iter().map(|(reader, at, data)| Done::Block { torrent: id, reader, at, data }).collect(),
        Err(error) => {
            let failed = |(reader, at, _)| Done::ReadFailed { torrent: id, reader, at, error: error.clone() };
            run.into_iter().map(failed).collect()
        }
    };
    shared.mailbox.answer(answers);
}

fn fill(shared: &Shared, torrent: &Arc<Torrent>, run: &mut [(Reader, BlockRef, Block)]) -> Result<(), DiskError> {
    let piece = run[0].1.piece;
    let size = torrent.content.info.piece_size(piece);
    let bad = |message: String| Err(DiskError { kind: DiskErrorKind::Changed, message });
    for (_, at, block) in run.iter() {
        let inside = at.begin.checked_add(at.len).is_some_and(|end| end <= size);
        if !inside || at.len == 0 || block.as_ref().len() != at.len as usize {
            return bad(format!("there is no block of {} bytes at {} in piece {piece}", at.len, at.begin));
        }
    }
    let again = {
        let mut served = torrent.served();
        run.iter().fold(false, |again, (reader, at, _)| match reader {
            Reader::Peer(peer) => served.again(*peer, piece, at.len, size) || again,
            Reader::Local(_) => again,
        })
    };
    if again && torrent.marks().verified.has(piece) && !check::again(shared, torrent, piece) {
        return bad(check::lost(torrent, piece));
    }
    for _ in 0..2 {
        let (verified, suspect) = {
            let marks = torrent.marks();
            (marks.verified.has(piece), marks.suspect.has(piece))
        };
        if !verified {
            return bad(check::lost(torrent, piece));
        }
        if suspect && !check::again(shared, torrent, piece) {
            return bad(check::lost(torrent, piece));
        }
        let begin = run[0].1.begin;
        let bufs = run.iter_mut().map(|(.., block)| block.as_mut()).collect();
        match torrent.read(piece, begin, bufs) {
            Ok(()) if !torrent.marks().suspect.has(piece) => return Ok(()),
            Ok(()) => {}
            Err(error) if error.kind == DiskErrorKind::Changed => check::all_suspect(shared, torrent),
            // A medium that was taken out has the piece still.
            Err(error) if !torrent.root.is_there() => return Err(error),
            Err(error) => {
                torrent.deny(piece);
                shared.mailbox.tell([Done::Checked { torrent: torrent.id, piece, ok: false }]);
                return Err(error);
            }
        }
    }
    bad(check::unsteady(torrent, piece))
}
