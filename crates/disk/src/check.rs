//! Pieces hashed as they lie on the disk, on all cores (BEP 3): when files are there that nobody vouches for, and again
//! when a file was seen to change.
use crate::hash;
use crate::shared::Shared;
use crate::torrent::Torrent;
use std::sync::Arc;
use teem_swarm::job::{DiskError, DiskErrorKind, Done};

/// Bytes read of each piece at a time: enough for the medium to stream, little beside the pool even with all lanes.
const CHUNK: usize = 128 << 10;

/// Hashes pieces and tells of each, or with `quiet` of those that were right before and are not now.
pub(crate) fn pieces(shared: &Shared, torrent: &Arc<Torrent>, pieces: &[u32], quiet: bool) {
    for group in pieces.chunks(hash::lanes()) {
        let group: Vec<u32> = group.iter().copied().filter(|&p| !quiet || torrent.marks().suspect.has(p)).collect();
        let verdicts = verify(torrent, &group);
        for (&piece, verdict) in group.iter().zip(verdicts) {
            settle(shared, torrent, piece, verdict, quiet);
        }
    }
}

/// Hashes one suspect piece now; whether it is right. If not, that is told.
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
    if ok {
        torrent.confirm(piece);
    } else {
        torrent.deny(piece);
    }
    if !quiet || !ok {
        shared.mailbox.tell([Done::Checked { torrent: torrent.id, piece, ok }]);
    }
    if let Err(error) = verdict
        && error.kind != DiskErrorKind::Changed
    {
        shared.mailbox.tell([Done::Failed { torrent: torrent.id, piece: None, opening: false, error }]);
    }
    ok
}

/// Hashes at most as many pieces as there are lanes. A file that is missing or short is no error, the piece is just not there.
pub(crate) fn verify(torrent: &Torrent, pieces: &[u32]) -> Vec<Result<bool, DiskError>> {
    let info = &torrent.content.info;
    let blanks: Vec<bool> = pieces.iter().map(|&piece| torrent.is_blank(piece)).collect();
    let read: Vec<u32> = pieces.iter().zip(&blanks).filter(|(_, blank)| !**blank).map(|(&piece, _)| piece).collect();
    let sizes: Vec<u32> = read.iter().map(|&piece| info.piece_size(piece)).collect();
    let digests = hash::sha1_streams(&sizes, CHUNK, |i, begin, buffer| torrent.read(read[i], begin, vec![buffer]));
    let mut digests = digests.into_iter();
    let judge = |(&piece, blank): (&u32, bool)| {
        let digest = if blank { Ok(torrent.zeros.digest(info.piece_size(piece))) } else { digests.next()? };
        Some(match digest {
            Ok(digest) => Ok(info.piece_hash(piece) == Some(&digest)),
            Err(error) if error.kind == DiskErrorKind::Changed => Ok(false),
            Err(error) => Err(error),
        })
    };
    pieces.iter().zip(blanks).filter_map(judge).collect()
}
