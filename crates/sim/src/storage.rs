//! A disk in virtual time (own design): carries out the jobs of `teem_swarm::job` without storing anything.
//!
//! It knows which pieces are right, which of them the saved state claims, and of pieces in the making which blocks
//! came. Answers come after delays drawn from a generator of its own, so their order is any order that the contract
//! allows. What it holds outlives its engine: a peer that crashes and comes back finds the claims of the last `Sync`,
//! and the rest has to be checked.
use crate::bits::Bits;
use crate::block::SimBlock;
use crate::content::Content;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use teem_swarm::job::{BlockDigest, DiskError, DiskErrorKind, Done, Facts, Job, Verdict};
use teem_swarm::rng::Rng;
use teem_swarm::selection::Selection;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};

/// Shortest time of any job.
const JOB_MIN: Duration = Duration::from_micros(100);
/// What a job may take longer, at random: as a fast disk with some load.
const JOB_SPREAD: Duration = Duration::from_millis(3);
/// What a sync takes besides: a flush to the medium.
const SYNC: Duration = Duration::from_millis(20);

/// An answer and when it comes.
pub(crate) type Answer = (Duration, Done<SimBlock>);

/// The disk of one peer.
#[derive(Debug)]
pub struct SimDisk {
    content: Content,
    good: Bits,
    claimed: Bits,
    facts: Facts,
    partial: BTreeMap<u32, Vec<Option<SimBlock>>>,
    failed_before: BTreeSet<u32>,
    blind: bool,
    stuck: bool,
    /// What was wanted when it was last open.
    selection: Selection,
    /// Trouble that a test makes, and what came of it.
    pub trouble: Trouble,
    rng: Rng,
}

/// Trouble that a test makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// Pieces that fit: writes of further ones fail for want of space.
    pub room: u32,
    /// So many of the next writes fail with an error of the medium.
    pub bad_writes: u32,
    /// So many of the next reads fail with an error of the medium.
    pub bad_reads: u32,
    /// Pieces that were judged wrong so far.
    pub failures: u32,
}

impl Default for Trouble {
    fn default() -> Self {
        Self { room: u32::MAX, bad_writes: 0, bad_reads: 0, failures: 0 }
    }
}

impl SimDisk {
    /// An empty disk, or one with the whole content claimed.
    pub fn new(content: Content, whole: bool, rng: Rng) -> Self {
        let mut good = Bits::new(content.pieces());
        good.fill(content.pieces(), whole);
        Self {
            content,
            claimed: good.clone(),
            good,
            facts: Facts::default(),
            partial: BTreeMap::new(),
            failed_before: BTreeSet::new(),
            blind: false,
            stuck: false,
            selection: Selection::default(),
            trouble: Trouble::default(),
            rng,
        }
    }

    /// What an earlier run left on it besides pieces.
    pub fn remember(&mut self, facts: Facts, selection: Selection) {
        (self.facts, self.selection) = (facts, selection);
    }

    /// Puts pieces on it that the saved state claims.
    pub(crate) fn put_claimed(&mut self, pieces: impl IntoIterator<Item = u32>) {
        for piece in pieces {
            self.good.set(piece, true);
            self.claimed.set(piece, true);
        }
    }

    /// Puts pieces on it that nobody claims, as another program would.
    pub fn put(&mut self, pieces: impl IntoIterator<Item = u32>) {
        self.put_unclaimed(pieces);
    }

    /// A piece on it is damaged.
    pub fn damage(&mut self, piece: u32) {
        self.good.set(piece, false);
    }

    /// What the saved state says besides the pieces.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Puts pieces on it that the saved state does not claim: they have to be checked.
    pub(crate) fn put_unclaimed(&mut self, pieces: impl IntoIterator<Item = u32>) {
        pieces.into_iter().for_each(|piece| self.good.set(piece, true));
    }

    /// Breaks it: from now on every piece is said to be right. For tests that show that the checkers notice.
    pub(crate) fn set_blind(&mut self) {
        self.blind = true;
    }

    /// From now on it takes what is written and judges no piece, as one that is too slow.
    pub(crate) fn set_stuck(&mut self) {
        self.stuck = true;
    }

    /// Whether a piece on it is really right.
    pub(crate) fn is_good(&self, piece: u32) -> bool {
        self.good.has(piece)
    }

    /// Whether all of it is really right.
    pub(crate) fn is_whole(&self) -> bool {
        self.good.count() == self.content.pieces()
    }

    /// How many pieces on it are right.
    pub(crate) fn good_pieces(&self) -> u32 {
        self.good.count()
    }

    /// Whether it has a block of a piece in the making.
    pub(crate) fn holds(&self, at: BlockRef) -> bool {
        let blocks = self.partial.get(&at.piece);
        let block = blocks.and_then(|blocks| blocks.get((at.begin / BLOCK_LEN) as usize));
        block.is_some_and(Option::is_some)
    }

    /// How many blocks of a piece in the making it has not; of one that it has nothing of, all.
    pub(crate) fn lacks(&self, piece: u32) -> usize {
        let blocks = self.partial.get(&piece);
        blocks.map_or(self.content.blocks(piece) as usize, |blocks| blocks.iter().filter(|b| b.is_none()).count())
    }

    /// The process ends without warning: what was in memory is gone.
    pub(crate) fn crash(&mut self) {
        self.partial.clear();
    }

    /// Carries a job out; the answers come after the given delays.
    pub fn run(&mut self, job: Job<SimBlock>, answers: &mut Vec<Answer>) {
        match job {
            Job::Open { torrent, selection, .. } => {
                let have = self.claimed.iter().collect();
                let check = self.good.iter().filter(|piece| !self.claimed.has(*piece)).collect();
                let facts = self.facts.clone();
                let selection = selection.unwrap_or_else(|| self.selection.clone());
                self.answer(answers, Duration::ZERO, Done::Opened { torrent, have, check, facts, selection });
            }
            Job::Check { torrent, pieces } => {
                for piece in pieces {
                    let ok = self.good.has(piece);
                    self.answer(answers, Duration::ZERO, Done::Checked { torrent, piece, ok });
                }
            }
            Job::Write { torrent, at, data } => {
                if let Some(error) = self.refuses() {
                    self.partial.remove(&at.piece);
                    let failed = Done::WriteFailed { torrent, piece: at.piece, error };
                    self.answer(answers, Duration::ZERO, failed);
                } else if let Some((piece, verdict, digests)) = self.write(at, data).filter(|_| !self.stuck) {
                    self.answer(answers, Duration::ZERO, Done::Piece { torrent, piece, verdict, digests });
                }
            }
            Job::Select { .. } => {}
            Job::Forget { piece, .. } => {
                self.partial.remove(&piece);
            }
            Job::Read { torrent, reader, at } => {
                let done = if let Some(bad_reads) = self.trouble.bad_reads.checked_sub(1) {
                    self.trouble.bad_reads = bad_reads;
                    let error = DiskError { kind: DiskErrorKind::Io, message: "cannot read: I/O error".into() };
                    Done::ReadFailed { torrent, reader, at, error }
                } else if self.good.has(at.piece) && self.content.is_block(at) {
                    Done::Block { torrent, reader, at, data: SimBlock::right(at) }
                } else if self.blind {
                    Done::Block { torrent, reader, at, data: SimBlock::wrong(at) }
                } else {
                    let message = format!("piece {} is not there", at.piece);
                    Done::ReadFailed { torrent, reader, at, error: DiskError { kind: DiskErrorKind::Changed, message } }
                };
                self.answer(answers, Duration::ZERO, done);
            }
            Job::Sync { torrent, facts } => {
                self.claim(facts);
                self.answer(answers, SYNC, Done::Synced { torrent });
            }
            Job::Metadata { torrent, key, bytes } => {
                let hash_ok = key.matches(&bytes);
                let result = if hash_ok && key.wire() == self.content.info_hash() {
                    Ok(self.content.info().clone())
                } else {
                    Err("the metadata is not what the info-hash names".to_string())
                };
                self.answer(answers, Duration::ZERO, Done::Metadata { torrent, result, hash_ok });
            }
            Job::Close { torrent, facts } => {
                self.claim(facts.unwrap_or_else(|| self.facts.clone()));
                self.partial.clear();
                self.answer(answers, SYNC, Done::Closed { torrent });
            }
        }
    }

    fn claim(&mut self, facts: Facts) {
        self.claimed.clone_from(&self.good);
        self.facts = facts;
    }

    /// Why it does not take a block now.
    fn refuses(&mut self) -> Option<DiskError> {
        if self.good.count() >= self.trouble.room {
            return Some(DiskError { kind: DiskErrorKind::NoSpace, message: "needs 1 MiB, has none".into() });
        }
        self.trouble.bad_writes = self.trouble.bad_writes.checked_sub(1)?;
        Some(DiskError { kind: DiskErrorKind::Io, message: "cannot write: I/O error".into() })
    }

    /// Takes a block; when the piece is full: its number, whether it is right, and the digests where they are due.
    fn write(&mut self, at: BlockRef, data: SimBlock) -> Option<(u32, Verdict, Vec<BlockDigest>)> {
        let piece = at.piece;
        let count = self.content.blocks(piece) as usize;
        let blocks = self.partial.entry(piece).or_insert_with(|| vec![None; count]);
        // What is not this block of this piece is content like any other, only wrong.
        let data = if data.fits(at) { data } else { SimBlock::wrong(at) };
        *blocks.get_mut((at.begin / BLOCK_LEN) as usize)? = Some(data);
        if blocks.iter().any(Option::is_none) {
            return None;
        }
        let blocks = self.partial.remove(&piece)?;
        let right = blocks.iter().flatten().all(|block| block.good);
        let ok = right || self.blind;
        let mut digests = Vec::new();
        if !ok || self.failed_before.remove(&piece) {
            digests.extend(blocks.iter().flatten().map(|block| block.digest()));
        }
        if right {
            self.good.set(piece, true);
        }
        if !ok {
            self.failed_before.insert(piece);
            self.trouble.failures += 1;
        }
        let bad_blocks = || (0..blocks.len() as u32).collect();
        Some((piece, if ok { Verdict::Right } else { Verdict::Wrong { bad_blocks: bad_blocks() } }, digests))
    }

    fn answer(&mut self, answers: &mut Vec<Answer>, extra: Duration, done: Done<SimBlock>) {
        let spread = self.rng.below(JOB_SPREAD.as_nanos() as u64);
        answers.push((JOB_MIN + extra + Duration::from_nanos(spread), done));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use teem_swarm::ids::TorrentId;

    const T: TorrentId = TorrentId(1);

    fn disk() -> SimDisk {
        SimDisk::new(Content::new(4, 32_768, 0, &mut Rng::new(1)), false, Rng::new(2))
    }

    fn write(disk: &mut SimDisk, piece: u32, good: [bool; 2]) -> Vec<Answer> {
        let mut answers = Vec::new();
        for (block, good) in (0..).zip(good) {
            let at = disk.content.block(piece, block);
            let data = if good { SimBlock::right(at) } else { SimBlock::wrong(at) };
            disk.run(Job::Write { torrent: T, at, data }, &mut answers);
        }
        answers
    }

    #[test]
    fn a_piece_is_right_when_all_its_blocks_are() {
        let mut disk = disk();
        let wrong = write(&mut disk, 3, [true, false]);
        let [(_, Done::Piece { piece: 3, verdict: Verdict::Wrong { .. }, digests: bad, .. })] = &wrong[..] else {
            panic!("{wrong:?}")
        };
        let right = write(&mut disk, 3, [true, true]);
        let [(_, Done::Piece { piece: 3, verdict: Verdict::Right, digests: good, .. })] = &right[..] else {
            panic!("{right:?}")
        };
        assert_eq!(bad[0], good[0]);
        assert_ne!(bad[1], good[1]);
        assert!(disk.is_good(3) && !disk.is_whole());
    }

    #[test]
    fn what_was_not_synced_has_to_be_checked_after_a_crash() {
        let mut disk = disk();
        write(&mut disk, 0, [true, true]);
        let mut answers = Vec::new();
        disk.run(Job::Sync { torrent: T, facts: Facts::default() }, &mut answers);
        write(&mut disk, 1, [true, true]);
        disk.crash();
        answers.clear();
        disk.run(Job::Open { torrent: T, info: disk.content.info().clone(), selection: None }, &mut answers);
        let (_, Done::Opened { have, check, .. }) = &answers[0] else { panic!("{answers:?}") };
        assert_eq!((&have[..], &check[..]), (&[0][..], &[1][..]));
    }
}
