//! What an owner says of the queue and of ends (own design): force, top, bottom, one up, one down.
use crate::daemon::Daemon;
use crate::failed::Failed;
use crate::held::Held;
use crate::kept::Kept;
use crate::row::{Course, Row};
use std::collections::{BTreeSet, HashMap};
use teem_client::Torrent;
use teem_client::metainfo::InfoHash;
use teem_disk::Kind;

/// Where in the queue torrents are to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Move {
    Top,
    Up,
    Down,
    Bottom,
    /// So many others stand before them.
    At(usize),
    /// They work whatever others do, and have never given enough.
    Force,
    /// They take their turn again.
    Unforce,
}

impl Move {
    /// What a word of the interface means.
    pub(crate) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "top" => Self::Top,
            "up" => Self::Up,
            "down" => Self::Down,
            "bottom" => Self::Bottom,
            "force" => Self::Force,
            "unforce" => Self::Unforce,
            _ => return None,
        })
    }
}

impl Daemon {
    /// The place of each torrent in the queue, from 0.
    pub(crate) fn places(&self) -> HashMap<InfoHash, usize> {
        self.in_queue().into_iter().zip(0..).collect()
    }

    /// All torrents in the order of their places.
    fn in_queue(&self) -> Vec<InfoHash> {
        let place = |hash: &InfoHash, kept: &Kept| (kept.row.course.order, kept.row.added, *hash);
        let mut queue: Vec<_> = self.torrents().iter().map(|(hash, kept)| place(hash, kept)).collect();
        queue.sort_unstable();
        queue.into_iter().map(|(_, _, hash)| hash).collect()
    }

    /// Moves these torrents in the queue, keeping their order among each other.
    pub(crate) async fn queue(&self, hashes: &[InfoHash], wanted: Move) -> Result<(), Failed> {
        let _turn = self.0.turn.lock().await;
        let changed: Vec<(InfoHash, Row)> = match wanted {
            Move::Force | Move::Unforce => {
                let forced = wanted == Move::Force;
                let torrents = self.torrents();
                let row = |hash: &InfoHash| {
                    let row = torrents.get(hash)?.row.clone();
                    let ended = row.course.ended && !forced;
                    Some((*hash, Row { course: Course { ended, forced, ..row.course }, ..row }))
                };
                hashes.iter().filter_map(row).collect()
            }
            _ => {
                let mut queue = self.in_queue();
                arrange(&mut queue, hashes, wanted);
                let torrents = self.torrents();
                let places = queue.into_iter().zip(0_u64..);
                let moved = places.filter_map(|(hash, order)| {
                    let row = torrents.get(&hash).map(|kept| &kept.row).filter(|row| row.course.order != order)?;
                    Some((hash, Row { course: Course { order, ..row.course }, ..row.clone() }))
                });
                moved.collect()
            }
        };
        self.keep_rows(changed).await?;
        for hash in hashes {
            if wanted == Move::Force && self.let_go(hash) {
                let torrent = self.torrent(hash);
                // One that has failed is told as failed.
                let _ = match torrent {
                    Some(torrent) => torrent.resume().await,
                    None => Ok(()),
                };
            }
        }
        self.0.policy.look_at(hashes);
        Ok(())
    }

    /// Puts these rows in the place of those that there are; the turn is the caller's.
    pub(crate) async fn keep_rows(&self, changed: Vec<(InfoHash, Row)>) -> Result<(), Failed> {
        let records = changed.iter().map(|(hash, row)| (hash.to_string(), Some(row.encode()))).collect();
        self.keep(Kind::Row, records).await.map_err(Failed::Store)?;
        for (hash, row) in changed {
            self.has_row(hash, row);
        }
        Ok(())
    }

    /// This is a torrent's row from now on, if it is there.
    pub(crate) fn has_row(&self, hash: InfoHash, row: Row) {
        let mut torrents = self.torrents();
        torrents.has_row(&hash, row);
    }

    /// Changes what is kept of these torrents; whether it could be kept.
    pub(super) async fn note(&self, hashes: &[InfoHash], change: impl Fn(&mut Row)) -> bool {
        let _turn = self.0.turn.lock().await;
        let changed = hashes.iter().filter_map(|hash| {
            let mut row = self.torrents().get(hash)?.row.clone();
            change(&mut row);
            Some((*hash, row))
        });
        let changed: Vec<(InfoHash, Row)> = changed.collect();
        self.keep_rows(changed).await.is_ok()
    }

    /// What is kept of a torrent, and its handle.
    pub(super) fn row_of(&self, hash: &InfoHash) -> Option<(Row, Torrent)> {
        let torrents = self.torrents();
        let kept = torrents.get(hash)?;
        Some((kept.row.clone(), kept.torrent.clone().ok()?))
    }

    fn torrent(&self, hash: &InfoHash) -> Option<Torrent> {
        self.torrents().get(hash)?.torrent.clone().ok()
    }

    /// Whether a torrent that comes in waits for a place first.
    pub(crate) fn waits_first(&self, row: &Row) -> Option<Held> {
        if row.course.ended && self.0.policy.rules().pauses_ended(row) {
            return Some(Held::Goal);
        }
        (self.0.policy.rules().has_queue() && !row.course.forced).then_some(Held::Queue)
    }
}

/// Puts `some` elsewhere in the queue.
fn arrange(queue: &mut Vec<InfoHash>, some: &[InfoHash], wanted: Move) {
    let some: BTreeSet<&InfoHash> = some.iter().collect();
    let is_one = |hash: &InfoHash| some.contains(hash);
    match wanted {
        Move::Top | Move::Bottom => {
            let (moved, rest): (Vec<InfoHash>, Vec<InfoHash>) = queue.iter().partition(|hash| is_one(hash));
            *queue = if wanted == Move::Top { [moved, rest].concat() } else { [rest, moved].concat() };
        }
        Move::At(place) => {
            let (moved, mut rest): (Vec<InfoHash>, Vec<InfoHash>) = queue.iter().partition(|hash| is_one(hash));
            let behind = rest.split_off(place.min(rest.len()));
            *queue = [rest, moved, behind].concat();
        }
        Move::Up => {
            for at in 1..queue.len() {
                if is_one(&queue[at]) && !is_one(&queue[at - 1]) {
                    queue.swap(at, at - 1);
                }
            }
        }
        Move::Down => {
            for at in (1..queue.len()).rev() {
                if is_one(&queue[at - 1]) && !is_one(&queue[at]) {
                    queue.swap(at, at - 1);
                }
            }
        }
        Move::Force | Move::Unforce => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_move_and_keep_their_order() {
        let hash = |n: u8| InfoHash([n; 20]);
        let moved = |some: &[u8], wanted| {
            let mut queue: Vec<InfoHash> = (0..5).map(hash).collect();
            let some: Vec<InfoHash> = some.iter().copied().map(hash).collect();
            arrange(&mut queue, &some, wanted);
            queue.iter().map(|hash| hash.0[0]).collect::<Vec<_>>()
        };
        assert_eq!(moved(&[3, 1], Move::Top), [1, 3, 0, 2, 4]);
        assert_eq!(moved(&[3, 1], Move::Bottom), [0, 2, 4, 1, 3]);
        assert_eq!(moved(&[2, 3], Move::Up), [0, 2, 3, 1, 4]);
        assert_eq!(moved(&[0, 1], Move::Up), [0, 1, 2, 3, 4]);
        assert_eq!(moved(&[1, 2], Move::Down), [0, 3, 1, 2, 4]);
        assert_eq!(moved(&[3, 1], Move::At(2)), [0, 2, 1, 3, 4]);
        assert_eq!(moved(&[0], Move::At(9)), [1, 2, 3, 4, 0]);
        assert_eq!(moved(&[4], Move::Down), [0, 1, 2, 3, 4]);
    }
}
