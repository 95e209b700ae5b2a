//! Pieces hashed as they lie on the disk, on all cores (BEP 3): when files are there that nobody vouches for, and again
//! when a file was seen to change.
use crate::containment::fault;
use crate::hash::{lanes, sha1_streams};
use crate::judge;
use crate::shared::Shared;
use crate::torrent::Torrent;
use std::path::PathBuf;
use std::sync::Arc;
use teem_metainfo::PieceHash;
use teem_swarm::job::{DiskError, DiskErrorKind, Done};

/// Bytes read of each piece at a time: enough for the medium to stream, little beside the pool even with all lanes.
const CHUNK: usize = 128 << 10;

/// Hashes pieces and tells of each, or with `quiet` of those that were right before and are not now.
pub(crate) fn pieces(shared: &Shared, torrent: &Arc<Torrent>, pieces: &[u32], quiet: bool) {
    for group in pieces.chunks(lanes()) {
        let group: Vec<u32> = group.iter().copied().filter(|&p| !quiet || torrent.marks().suspect.has(p)).collect();
        let verdicts = teem_fault::contain(|| verify(torrent, &group));
        let verdicts =
            verdicts.unwrap_or_else(|what| group.iter().map(|_| Err(fault(what.clone()))).collect::<Vec<_>>());
        for (&piece, verdict) in group.iter().zip(verdicts) {
            settle(shared, torrent, piece, verdict, quiet);
        }
    }
}

/// Hashes one piece now; whether it is right. If not, that is told.
pub(crate) fn again(shared: &Shared, torrent: &Arc<Torrent>, piece: u32) -> bool {
    let verdict = verify(torrent, &[piece]).pop().unwrap_or(Ok(false));
    settle(shared, torrent, piece, verdict, true)
}

/// Queues all suspect pieces to be hashed again.
pub(crate) fn all_suspect(shared: &Shared, torrent: &Arc<Torrent>) {
    let pieces: Vec<u32> = torrent.marks().suspect.iter().collect();
    shared.queue.recheck(torrent, pieces);
}

fn settle(shared: &Shared, torrent: &Arc<Torrent>, piece: u32, verdict: Result<bool, DiskError>, quiet: bool) -> bool {
    let ok = matches!(verdict, Ok(true));
    // What cannot be read has not changed: that says so itself.
    let changed = !matches!(&verdict, Err(error) if error.kind != DiskErrorKind::Changed);
    if !ok && changed && torrent.marks().verified.has(piece) {
        torrent.remark(lost(torrent, piece));
    }
    if ok {
        torrent.found(piece);
    } else {
        torrent.deny(piece);
    }
    if !quiet || !ok {
        shared.mailbox.tell([Done::Checked { torrent: torrent.id, piece, ok }]);
    }
    if let Err(error) = verdict
        && error.kind != DiskErrorKind::Changed
    {
        shared.mailbox.tell([Done::Trouble { torrent: torrent.id, error }]);
    }
    ok
}

/// The same words for every piece of a file, so that a user reads them once.
pub(crate) fn lost(torrent: &Torrent, piece: u32) -> String {
    format!("{} changed since it was verified; what no longer matches is not sent", begins_in(torrent, piece).display())
}

/// The same of a file that was written to each time that it was read.
pub(crate) fn unsteady(torrent: &Torrent, piece: u32) -> String {
    format!(
        "{} changed each time it was read; it is read again when somebody asks",
        begins_in(torrent, piece).display()
    )
}

/// The file that a piece begins in.
fn begins_in(torrent: &Torrent, piece: u32) -> PathBuf {
    let first = torrent.content.extents(piece).next();
    first.map(|extent| torrent.whole_path(extent.file)).unwrap_or_default()
}

/// Hashes at most as many pieces as there are lanes. A file that is missing or short is no error, the piece is just not there.
pub(crate) fn verify(torrent: &Torrent, pieces: &[u32]) -> Vec<Result<bool, DiskError>> {
    let is_changed =
        |result: &Result<bool, DiskError>| matches!(result, Err(error) if error.kind == DiskErrorKind::Changed);
    let again = |(&piece, first): (&u32, Result<bool, DiskError>)| {
        // The first to read a file since it changed only finds that out: what matters is what is in it now.
        let result = if is_changed(&first) { hash(torrent, &[piece]).pop().unwrap_or(first) } else { first };
        if is_changed(&result) { Ok(false) } else { result }
    };
    pieces.iter().zip(hash(torrent, pieces)).map(again).collect()
}

/// Hashes pieces; a file that is missing, short or changed is an error of kind `Changed`.
fn hash(torrent: &Torrent, pieces: &[u32]) -> Vec<Result<bool, DiskError>> {
    let info = &torrent.content.info;
    let wanted: Vec<_> = pieces.iter().map(|&piece| (piece, info.piece_hash(piece))).collect();
    let by_sum = |hash: &Option<PieceHash>| matches!(hash, Some(PieceHash::Sha1(_)));
    let blanks: Vec<bool> = wanted.iter().map(|(piece, hash)| by_sum(hash) && torrent.is_blank(*piece)).collect();
    let read = wanted.iter().zip(&blanks).filter(|((_, hash), blank)| by_sum(hash) && !**blank);
    let read: Vec<u32> = read.map(|((piece, _), _)| *piece).collect();
    let sizes: Vec<u32> = read.iter().map(|&piece| info.piece_size(piece)).collect();
    let digests = sha1_streams(&sizes, CHUNK, |i, begin, buffer| torrent.read(read[i], begin, vec![buffer]));
    let mut digests = digests.into_iter();
    let judge = |((piece, hash), blank): ((u32, Option<PieceHash>), bool)| {
        let right = match hash {
            Some(PieceHash::Sha1(sum)) if blank => Ok(torrent.zeros.digest(info.piece_size(piece)) == sum),
            Some(PieceHash::Sha1(sum)) => digests.next()?.map(|digest| digest == sum),
            Some(PieceHash::Merkle(tree)) => {
                judge::read_tree(&tree, |begin, buffer| torrent.read(piece, begin, vec![buffer]))
            }
            None => Ok(false),
        };
        Some(right)
    };
    wanted.into_iter().zip(blanks).filter_map(judge).collect()
}
