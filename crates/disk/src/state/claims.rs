//! What saved state claims, and what of it holds for the files as they are now (own design; row 68 of bad input).
//!
//! A claimed piece is believed when all its files are as they were left; a file that changed costs a check of its own
//! pieces only. After an unclean end the journal says how files were left and which pieces were being written: those
//! are checked, whatever else is claimed.
use super::journal::Journaled;
use super::table::Record;
use crate::bits::Bits;
use crate::content::Content;
use crate::fs::Stat;
use teem_metainfo::Extent;
use teem_swarm::job::Facts;
use teem_swarm::selection::Selection;

/// How much later than noted a file may have been changed after an unclean end and still be taken for ours: the time
/// between a write and its note.
const NOTE_LAG_NS: i64 = 2_000_000_000;

/// Claims of one torrent in one place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Claims {
    /// The number of this state: the greater one of two is the later.
    pub(crate) generation: u64,
    /// Pieces that are on the medium for good.
    pub(crate) have: Bits,
    /// Pieces that may be there and have to be checked first.
    pub(crate) doubtful: Bits,
    /// The files as they were, by index, and the part file; none where a table tells of them.
    pub(crate) files: Vec<Record>,
    pub(crate) facts: Facts,
    /// Which files were wanted.
    pub(crate) selection: Selection,
}

impl Claims {
    /// Nothing is claimed.
    #[cfg(test)]
    pub(crate) fn none(pieces: u32, files: usize) -> Self {
        let (facts, selection) = (Facts::default(), Selection::all());
        let files = vec![Record::Missing; files + 1];
        Self { generation: 0, have: Bits::new(pieces), doubtful: Bits::new(pieces), files, facts, selection }
    }

    /// How a file of this length was left. One that is kept apart was as the part file was.
    fn then(&self, file: usize, len: u64) -> Option<Stat> {
        match self.files.get(file)? {
            Record::Missing => None,
            Record::Own(stat) => Some(*stat),
            Record::Apart => self.part().map(|stat| Stat { len, ..stat }),
        }
    }

    /// How the part file was left, whose record is the last.
    pub(crate) fn part(&self) -> Option<Stat> {
        match self.files.last()? {
            Record::Own(stat) => Some(*stat),
            _ => None,
        }
    }

    /// The pieces that are there, and those to be checked, both ascending.
    /// Extents that are not `kept` are nowhere.
    pub(crate) fn judge(
        &self,
        journal: &Journaled,
        content: &Content,
        now: &dyn Fn(usize) -> Option<Stat>,
        kept: impl Fn(&Extent) -> bool,
    ) -> (Vec<u32>, Vec<u32>) {
        let lengths = content.info.files().iter().map(|file| file.length);
        let changed: Vec<bool> = lengths
            .enumerate()
            .map(|(i, len)| {
                // A file that was written to just then changed as an inode at the same time.
                let noted = journal.files.get(&(i as u32)).map(|stat| Stat { ctime_ns: stat.mtime_ns, ..*stat });
                let then = noted.or_else(|| self.then(i, len));
                let lag = if noted.is_some() { NOTE_LAG_NS } else { 0 };
                !matches!((then, now(i)), (Some(then), Some(now)) if unchanged(&then, &now, lag))
            })
            .collect();
        let (mut have, mut check) = (Vec::new(), Vec::new());
        for piece in 0..content.piece_count() {
            let long = |e: &Extent| now(e.file).is_some_and(|s| s.len >= e.offset + u64::from(e.len));
            let there = content.extents(piece).all(|e| kept(&e) && long(&e));
            if !there {
                continue;
            }
            let doubt = self.doubtful.has(piece)
                || journal.pieces.contains(&piece)
                || content.extents(piece).any(|e| changed[e.file]);
            if doubt {
                check.push(piece);
            } else if self.have.has(piece) {
                have.push(piece);
            }
        }
        (have, check)
    }
}

/// Whether a file is as it was noted. The time of its content can be put back, that of its inode cannot; a state of an older version does not know it.
fn unchanged(then: &Stat, now: &Stat, lag: i64) -> bool {
    (then.len, then.inode) == (now.len, now.inode)
        && same_time(then.mtime_ns, now.mtime_ns, lag)
        && (then.ctime_ns == 0 || same_time(then.ctime_ns, now.ctime_ns, lag))
}

/// Whether a time is the one that was noted. File systems that keep whole seconds only may round it.
fn same_time(then: i64, now: i64, lag: i64) -> bool {
    let whole_seconds = |ns: i64| ns % 1_000_000_000 == 0;
    let slack = if whole_seconds(now) && !whole_seconds(then) { NOTE_LAG_NS } else { lag };
    let early = if slack == lag { 0 } else { -slack };
    (early..=slack).contains(&now.saturating_sub(then))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lengths_and_inodes_count() {
        let then = Stat { len: 5, mtime_ns: 1_000_000_007, inode: 3, ..Stat::default() };
        assert!(unchanged(&then, &then, 0));
        assert!(!unchanged(&then, &Stat { mtime_ns: 1_000_000_008, ..then }, 0));
        assert!(unchanged(&then, &Stat { mtime_ns: 2_900_000_007, ..then }, NOTE_LAG_NS));
        assert!(!unchanged(&then, &Stat { mtime_ns: 3_900_000_007, ..then }, NOTE_LAG_NS));
        assert!(!unchanged(&then, &Stat { mtime_ns: 1_000_000_006, ..then }, NOTE_LAG_NS), "set back");
        assert!(unchanged(&then, &Stat { mtime_ns: 0, ..then }, 0), "whole seconds only");
        assert!(!unchanged(&then, &Stat { len: 4, ..then }, NOTE_LAG_NS));
        assert!(!unchanged(&then, &Stat { inode: 4, ..then }, NOTE_LAG_NS));
        assert!(unchanged(&then, &Stat { ctime_ns: 9, ..then }, 0), "not known of older states");
        let then = Stat { ctime_ns: 2_000_000_007, ..then };
        assert!(!unchanged(&then, &Stat { ctime_ns: 2_000_000_008, ..then }, 0), "what else is as it was");
        assert!(unchanged(&then, &Stat { ctime_ns: 2_000_000_000, ..then }, 0), "whole seconds only");
    }
}
