//! How each piece stands at a source: never sent, granted, out (own design).
//!
//! Out is what a peer has shown, or what was sent whole and not contradicted for a while. The peer that was granted a piece is
//! remembered until a third party shows it: only then can the swarm do without that peer.
//! What is not here (yet, or any more) is neither granted nor waited for.
//! Invariants: `missing` counts the pieces that wait or are granted; `queue` holds every piece that has never been sent (and perhaps
//! others, which are skipped when they come up), the next one last.
use crate::bitfield::Bitfield;
use crate::ids::ConnId;
use crate::rng::Rng;
use crate::time::Time;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

/// How a piece stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// We do not have it (yet), so it cannot be granted.
    Absent,
    /// It waits to be granted.
    Never,
    /// It was shown to one peer.
    Granted,
    /// Somebody has it.
    Out,
}

/// The holders of each piece at the last look.
#[derive(Clone, Default, Debug)]
pub(super) struct Watch {
    pub(super) at: Option<Time>,
    pub(super) holders: Vec<u16>,
    /// Those that have not gained one since the look before, although somebody lacks them.
    pub(super) stuck: Vec<u32>,
}

/// What is remembered of the last pieces.
#[derive(Clone, Default, Debug)]
pub(super) struct Tail {
    /// The most that was sent in a second.
    pub(super) peak: u64,
    /// When a piece was first shown to one more.
    pub(super) since: Option<Time>,
    /// Bytes shown to one more.
    pub(super) bytes: u64,
}

/// How far each piece has spread: granted, out, or held by others.
#[derive(Clone, Debug)]
pub(super) struct Pieces {
    stage: Vec<Stage>,
    holders: Vec<u16>,
    queue: Vec<u32>,
    missing: u32,
    /// Pieces that others have, whether they are here or not.
    elsewhere: Bitfield,
    /// Pieces that only their grantee was seen with, and since when it shows them.
    sole: BTreeMap<u32, (ConnId, Option<Time>)>,
}

impl Pieces {
    /// Pieces of `have` wait in random order, save those in `out`.
    pub(super) fn new(have: &Bitfield, out: &Bitfield, rng: &mut Rng) -> Self {
        let stage_of = |piece| match (have.get(piece), out.get(piece)) {
            (false, _) => Stage::Absent,
            (true, true) => Stage::Out,
            (true, false) => Stage::Never,
        };
        let stage: Vec<Stage> = (0..have.len()).map(stage_of).collect();
        let mut queue: Vec<u32> = (0..have.len()).filter(|p| stage[*p as usize] == Stage::Never).collect();
        rng.shuffle(&mut queue);
        let missing = queue.len() as u32;
        let elsewhere = out.clone();
        Self { holders: vec![0; stage.len()], stage, queue, missing, elsewhere, sole: BTreeMap::new() }
    }

    pub(super) fn stage(&self, piece: u32) -> Stage {
        self.stage[piece as usize]
    }

    /// Pieces that are here and not out.
    pub(super) fn missing(&self) -> u32 {
        self.missing
    }

    /// How many connected peers have shown a piece.
    pub(super) fn holders(&self, piece: u32) -> u16 {
        self.holders[piece as usize]
    }

    /// All that are out, for the saved state.
    pub(super) fn out(&self) -> &Bitfield {
        &self.elsewhere
    }

    /// Whether a piece can be shown.
    pub(super) fn is_here(&self, piece: u32) -> bool {
        self.stage(piece) != Stage::Absent
    }

    /// A piece has come to be there.
    pub(super) fn add(&mut self, piece: u32, rng: &mut Rng) {
        if self.is_here(piece) {
            return;
        }
        if self.elsewhere.get(piece) {
            self.stage[piece as usize] = Stage::Out;
        } else {
            self.stage[piece as usize] = Stage::Never;
            self.missing += 1;
            self.queue.push(piece);
            let last = self.queue.len() - 1;
            self.queue.swap(last, rng.index(last + 1).unwrap_or(last));
        }
    }

    /// A piece is there no more.
    pub(super) fn lose(&mut self, piece: u32) {
        self.missing -= u32::from(matches!(self.stage(piece), Stage::Never | Stage::Granted));
        self.stage[piece as usize] = Stage::Absent;
        self.sole.remove(&piece);
    }

    /// Whether any piece waits to be granted.
    pub(super) fn waits(&mut self) -> bool {
        while self.queue.last().is_some_and(|p| self.stage(*p) != Stage::Never) {
            self.queue.pop();
        }
        !self.queue.is_empty()
    }

    /// Grants the next piece that a peer lacks, if there is one.
    pub(super) fn grant(&mut self, conn: ConnId, has: &Bitfield, shown: &Bitfield) -> Option<u32> {
        // What a peer has was seen at it and is out; what it was shown and passed over is for others.
        const LOOKED_AT_MAX: usize = 64;
        if !self.waits() {
            return None;
        }
        let fits = |p: &u32| self.stage(*p) == Stage::Never && !has.get(*p) && !shown.get(*p);
        let at = self.queue.iter().rev().take(LOOKED_AT_MAX).position(fits)?;
        let piece = self.queue.remove(self.queue.len() - 1 - at);
        self.granted(piece, conn);
        Some(piece)
    }

    /// A piece is that peer's from now on.
    pub(super) fn granted(&mut self, piece: u32, conn: ConnId) {
        self.stage[piece as usize] = Stage::Granted;
        self.sole.insert(piece, (conn, None));
    }

    /// A granted piece waits again, as the next one.
    pub(super) fn back(&mut self, piece: u32) {
        match self.stage(piece) {
            Stage::Absent => return,
            Stage::Out => self.missing += 1,
            Stage::Never | Stage::Granted => {}
        }
        self.elsewhere.clear(piece);
        self.stage[piece as usize] = Stage::Never;
        self.sole.remove(&piece);
        self.queue.push(piece);
    }

    /// A granted piece waits again, as the last one: the peer that was shown it is not offered it again, and others are to see theirs first.
    pub(super) fn back_last(&mut self, piece: u32) {
        self.back(piece);
        if let Some(last) = self.queue.pop() {
            self.queue.insert(0, last);
        }
    }

    /// A piece that is not out is reserved for the peer that had begun it: it does not wait for others.
    pub(super) fn reserve(&mut self, piece: u32) {
        self.stage[piece as usize] = Stage::Granted;
        self.sole.remove(&piece);
    }

    /// A piece is out.
    pub(super) fn confirm(&mut self, piece: u32) {
        self.elsewhere.set(piece);
        if matches!(self.stage(piece), Stage::Never | Stage::Granted) {
            self.stage[piece as usize] = Stage::Out;
            self.missing -= 1;
        }
    }

    /// A peer shows a piece. When it was so far only its grantee's: who that was, and for how long it has had it.
    pub(super) fn seen(&mut self, now: Time, piece: u32, at: ConnId) -> Option<(ConnId, Option<Time>)> {
        let holders = &mut self.holders[piece as usize];
        *holders = holders.saturating_add(1);
        self.confirm(piece);
        match self.sole.get_mut(&piece) {
            Some((grantee, since)) if *grantee == at => {
                since.get_or_insert(now);
                None
            }
            Some(_) => self.sole.remove(&piece),
            None => None,
        }
    }

    /// A peer that has shown a piece is gone.
    pub(super) fn unseen(&mut self, piece: u32) {
        let holders = &mut self.holders[piece as usize];
        *holders = holders.saturating_sub(1);
    }

    /// Pieces that nobody but that grantee was seen with.
    pub(super) fn sole_of(&self, conn: ConnId) -> Vec<u32> {
        self.sole.iter().filter(|(_, (grantee, _))| *grantee == conn).map(|(piece, _)| *piece).collect()
    }
}
