//! The picker of one torrent: which block to ask of a peer next (own design over Legout et al., 2006).
//!
//! Order of preference: the piece that this peer is at; a piece not begun that it alone has; a piece begun that nobody is at
//! (strict priority, so that pieces become whole and can be passed on); the rarest piece not begun; a piece that somebody else
//! is at. So a sole source is not spent on parts of pieces that others hold. And a whole piece comes from one
//! peer as long as rates are alike, which bounds the pieces begun and makes a liar plain.
//! Invariants: a piece missing and wanted is in exactly one of `rarity` (not begun), `partials` (begun) and `held` (waits after a failure);
//! `open` names exactly the partials that have a free block.
use super::partial::{Block, Partial, Received};
use super::rarity::Rarity;
use crate::bitfield::Bitfield;
use crate::geometry::Geometry;
use crate::ids::ConnId;
use crate::rng::Rng;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use teem_wire::peer::block::BlockRef;

/// Bytes of pieces begun above which peers join pieces rather than begin new ones: half of the disk's budget for assembly.
const BEGUN_BYTES_MAX: u64 = 64 << 20;
/// The same for a line that has not shown its rate: what begins at once in small pieces must not be held up.
const BEGUN_BYTES_START: u64 = 8 << 20;
/// And in seconds of what the line delivers: pieces that are begun become whole within that time, or a slow line with many
/// peers would finish none for long.
const BEGUN_SECONDS: u64 = 10;
/// Pieces begun that are allowed however long they are.
const BEGUN_MIN: u64 = 2;
/// A peer takes over another's piece when it is more than three times as fast: up to there rates are "alike".
const FASTER: u64 = 3;

/// The peer that something to ask for is wanted for.
#[derive(Debug)]
pub struct Asker<'a> {
    /// Name of its connection.
    pub conn: ConnId,
    /// What the peer has.
    pub has: &'a Bitfield,
    /// The piece that it is at.
    pub current: Option<u32>,
    /// How many of the pieces that are missing and wanted it has, at most.
    pub useful: u32,
    /// Its payload rate to us, in bytes a second.
    pub rate: u64,
    /// Only these pieces: a choking peer's allowed-fast set (BEP 6).
    pub only: Option<&'a [u32]>,
    /// Not these: pieces that the peer has rejected.
    pub refused: &'a [u32],
    /// What it sent has been right so far: pieces that failed are first asked of such peers.
    pub trusted: bool,
}

impl Asker<'_> {
    /// Whether the peer can be asked for a piece.
    pub(super) fn can(&self, piece: u32) -> bool {
        self.has.get(piece) && !self.refused.contains(&piece) && self.only.is_none_or(|only| only.contains(&piece))
    }
}

/// The picker; exists while something is missing.
#[derive(Clone, Debug)]
pub struct Picker {
    pub(super) geometry: Geometry,
    pub(super) rarity: Rarity,
    pub(super) partials: BTreeMap<u32, Partial>,
    pub(super) open: BTreeSet<u32>,
    held: BTreeSet<u32>,
    /// Pieces that have failed, with the connection that had sent all of it, if one had.
    parole: BTreeMap<u32, Option<ConnId>>,
    whole: u32,
    /// How many pieces may be begun before peers join rather than begin.
    begun_max: u64,
    /// Blocks that came for the first time.
    pub(super) came: u64,
    /// Blocks that were asked of a second peer and not given back by one of them.
    pub(super) asked_again: u64,
    /// Pieces that are begun before others.
    urgent: Option<Bitfield>,
    /// Pieces and blocks looked at so far to find what to ask for.
    pub(super) work: u64,
    /// Blocks that are asked of peers that hardly send anything, with those peers.
    pub(super) stuck: Vec<(BlockRef, ConnId)>,
}

impl Picker {
    /// A picker for the pieces not in `have` (there, or not wanted); the peers' pieces are to be told by [`Self::peer_has`] and its kin.
    pub fn new(geometry: Geometry, have: &Bitfield, rng: &mut Rng) -> Self {
        Self {
            begun_max: begun_max(&geometry, BEGUN_BYTES_START),
            geometry,
            rarity: Rarity::new(have, rng),
            partials: BTreeMap::new(),
            open: BTreeSet::new(),
            held: BTreeSet::new(),
            parole: BTreeMap::new(),
            whole: 0,
            came: 0,
            asked_again: 0,
            urgent: None,
            work: 0,
            stuck: Vec::new(),
        }
    }

    /// A peer has shown pieces. Returns whether it is counted as having everything, which is to be said again when it goes.
    pub fn peer_came(&mut self, has: &Bitfield, rng: &mut Rng) -> bool {
        let everything = has.is_full();
        if everything {
            self.rarity.add_everything();
        } else {
            has.iter().for_each(|p| self.rarity.increase(p, rng));
        }
        everything
    }

    /// What [`Self::peer_came`] and [`Self::peer_has`] have counted of a peer is gone.
    pub(crate) fn peer_left(&mut self, has: &Bitfield, everything: bool, rng: &mut Rng) {
        if everything {
            self.rarity.remove_everything();
        } else {
            has.iter().for_each(|p| self.rarity.decrease(p, rng));
        }
    }

    /// A peer has one more piece.
    pub fn peer_has(&mut self, piece: u32, rng: &mut Rng) {
        self.rarity.increase(piece, rng);
    }

    /// A peer that is not counted as having everything has one piece less.
    pub(crate) fn peer_lost(&mut self, piece: u32, rng: &mut Rng) {
        self.rarity.decrease(piece, rng);
    }

    /// How many connected peers have a piece.
    pub fn availability(&self, piece: u32) -> u32 {
        self.rarity.availability(piece)
    }

    /// The pieces begun.
    pub fn begun(&self) -> impl ExactSizeIterator<Item = (u32, &Partial)> {
        self.partials.iter().map(|(piece, partial)| (*piece, partial))
    }

    /// Bytes of pieces that are whole and not judged yet.
    pub(crate) fn unjudged_bytes(&self) -> u64 {
        u64::from(self.whole) * u64::from(self.geometry.piece_len)
    }

    /// How many pieces are whole and not judged yet.
    pub(crate) fn unjudged(&self) -> u32 {
        self.whole
    }

    /// Tells what all peers together deliver, in bytes a second.
    pub(crate) fn set_line(&mut self, rate: u64) {
        let bytes = if rate == 0 { BEGUN_BYTES_START } else { rate.saturating_mul(BEGUN_SECONDS) };
        self.begun_max = begun_max(&self.geometry, bytes);
    }

    /// About how many blocks are not asked for and could be: those of pieces that somebody connected has.
    pub fn waiting(&self) -> u64 {
        let pieces = self.rarity.len() - self.rarity.unavailable() + self.open.len() as u32;
        u64::from(pieces) * u64::from(self.geometry.blocks_in(0))
    }

    /// Pieces and blocks looked at so far to find what to ask for.
    pub(crate) fn work(&self) -> u64 {
        self.work
    }

    /// The next block to ask of a peer, marked as asked for.
    pub fn pick(&mut self, who: &Asker<'_>, rng: &mut Rng) -> Option<BlockRef> {
        self.work += self.parole.len() as u64;
        if let Some(piece) = self.again(who) {
            return self.ask(piece, who);
        }
        let at_it = who.current.filter(|p| self.may_go_on(*p, who));
        if at_it.is_none()
            && let Some(at) = self.rescue(who)
        {
            return Some(at);
        }
        if at_it.is_none() {
            self.work += self.open.len() as u64;
        }
        let left = if at_it.is_none() { self.abandoned(who) } else { None };
        let own = at_it.is_none() && left.is_none_or(|p| self.rarity.availability(p) > 1) && self.has_sole(who);
        let first = if own { self.begin(who, rng) } else { None };
        let piece = at_it.or(first).or(left).or_else(|| {
            self.work += self.open.len() as u64;
            let crowded = (self.partials.len() as u64).saturating_sub(u64::from(self.whole)) >= self.begun_max;
            let joined = if crowded { self.joinable(who).min() } else { None }.map(|(_, piece)| piece);
            joined.or_else(|| self.begin(who, rng)).or_else(|| self.joinable(who).max().map(|(_, piece)| piece))
        })?;
        self.ask(piece, who)
    }

    /// Whether there is something to be asked for that this peer alone has, of those connected: that is to come first and whole,
    /// so that it can be passed on soon.
    pub fn has_sole(&self, who: &Asker<'_>) -> bool {
        let at_it = |p: u32| self.partials.get(&p).is_some_and(|begun| begun.free() > 0) && self.availability(p) == 1;
        who.only.is_none() && (self.rarity.has_sole(who.has) || who.current.is_some_and(at_it))
    }

    /// A piece that failed and is to be had whole from this trusted peer: so it is known sooner which peer sent the wrong blocks.
    fn again(&mut self, who: &Asker<'_>) -> Option<u32> {
        if self.parole.is_empty() || !who.trusted || who.only.is_some() {
            return None;
        }
        let to_begin = |p: u32| self.rarity.contains(p) && !self.avoids(p, who.conn);
        let to_go_on = |p: u32| self.partials.get(&p).is_some_and(|b| b.free() > 0 && b.owner == Some(who.conn));
        let mut failed = self.parole.keys().copied().filter(|p| who.can(*p));
        let piece = failed.find(|p| to_begin(*p) || to_go_on(*p))?;
        if self.rarity.contains(piece) {
            self.open_piece(piece);
        }
        Some(piece)
    }

    fn may_go_on(&self, piece: u32, who: &Asker<'_>) -> bool {
        who.can(piece)
            && self.partials.get(&piece).is_some_and(|p| {
                p.free() > 0 && (p.owner == Some(who.conn) || (!p.exclusive && who.rate > p.owner_rate / FASTER))
            })
    }

    /// The most complete piece begun that nobody is at, or somebody much slower.
    fn abandoned(&self, who: &Asker<'_>) -> Option<u32> {
        let candidates = self.open.iter().filter_map(|piece| {
            let partial = self.partials.get(piece)?;
            let slow = !partial.exclusive && who.rate > partial.owner_rate.saturating_mul(FASTER) && who.rate > 0;
            let free = partial.owner.is_none() || partial.owner == Some(who.conn) || slow;
            (free && who.can(*piece) && !self.avoids(*piece, who.conn)).then_some((partial.free(), *piece))
        });
        candidates.min().map(|(_, piece)| piece)
    }

    /// The pieces begun that a peer could help with, whether others are at them or not, each with the number of its free blocks.
    fn joinable(&self, who: &Asker<'_>) -> impl Iterator<Item = (u32, u32)> {
        self.open.iter().filter_map(|piece| {
            let partial = self.partials.get(piece)?;
            let taken = partial.exclusive && partial.owner.is_some_and(|o| o != who.conn);
            (!taken && who.can(*piece) && !self.avoids(*piece, who.conn)).then_some((partial.free(), *piece))
        })
    }

    /// Whether a peer has any of the pieces that are not begun. Costs in proportion to those that are.
    fn has_unbegun(&self, who: &Asker<'_>, work: &mut u64) -> bool {
        *work += (self.partials.len() + self.held.len()) as u64;
        let begun = self.partials.iter().filter(|(piece, begun)| begun.wanted && who.has.get(**piece)).count();
        let held = self.held.iter().filter(|piece| who.has.get(**piece)).count();
        who.useful as usize > begun + held
    }

    fn begin(&mut self, who: &Asker<'_>, rng: &mut Rng) -> Option<u32> {
        let mut work = 0;
        let piece = if let Some(only) = who.only {
            only.iter().copied().find(|p| self.rarity.contains(*p) && who.can(*p))
        } else {
            let may = |p| !who.refused.contains(&p) && !self.avoids(p, who.conn);
            let urgent = self.urgent.as_ref().and_then(|these| {
                work += u64::from(these.len() / 16);
                self.rarity.rarest_among(these, who.has, rng, may)
            });
            urgent.or_else(|| self.rarity.rarest(who.has, rng, &mut work, |work| self.has_unbegun(who, work), may))
        };
        self.work += work;
        let piece = piece?;
        self.open_piece(piece);
        Some(piece)
    }

    fn open_piece(&mut self, piece: u32) {
        self.rarity.remove(piece);
        let mut partial = Partial::new(self.geometry.blocks_in(piece));
        partial.exclusive = self.parole.contains_key(&piece);
        self.partials.insert(piece, partial);
        self.open.insert(piece);
    }

    /// Whether a failed piece is better fetched from others, because all of it came from this connection.
    fn avoids(&self, piece: u32, conn: ConnId) -> bool {
        !self.parole.is_empty()
            && self.parole.get(&piece).is_some_and(|last| *last == Some(conn))
            && self.rarity.availability(piece) > 1
    }

    fn ask(&mut self, piece: u32, who: &Asker<'_>) -> Option<BlockRef> {
        let partial = self.partials.get_mut(&piece)?;
        let index = partial.ask_free(who.conn)?;
        if partial.owner.is_none() || who.rate > partial.owner_rate.saturating_mul(FASTER) {
            partial.owner = Some(who.conn);
        }
        if partial.owner == Some(who.conn) {
            partial.owner_rate = who.rate;
        }
        if partial.free() == 0 {
            self.open.remove(&piece);
        }
        Some(self.geometry.block(piece, index))
    }

    /// A block has come. `None` when its piece is not missing; else what it was, and whether its piece is whole by it.
    pub fn receive(&mut self, at: BlockRef, conn: ConnId) -> Option<(Received, bool)> {
        let index = self.geometry.index_of(at)?;
        if self.rarity.contains(at.piece) {
            // A late one: its piece had been given up before anything of it was here.
            self.open_piece(at.piece);
        }
        let partial = self.partials.get_mut(&at.piece)?;
        // A duplicate that came first was worth asking for: it does not count against others.
        let worth = matches!(partial.block(index), Block::AskedTwice(_, second) if second == conn);
        let outcome = partial.receive(index, conn);
        self.asked_again -= u64::from(worth);
        if partial.free() == 0 {
            self.open.remove(&at.piece);
        }
        self.came += u64::from(outcome != Received::Duplicate);
        let whole = outcome != Received::Duplicate && partial.is_whole();
        self.whole += u32::from(whole);
        Some((outcome, whole))
    }

    /// Whether a block is still missing, of a piece begun.
    pub fn wants(&self, at: BlockRef) -> bool {
        let Some(index) = self.geometry.index_of(at) else { return false };
        self.partials.get(&at.piece).is_some_and(|p| !matches!(p.block(index), Block::Received(_)))
    }

    /// A connection is not asked for a block any more; whether the block has become free for others by that.
    pub fn give_back(&mut self, at: BlockRef, conn: ConnId, rng: &mut Rng) -> bool {
        let Some(index) = self.geometry.index_of(at) else { return false };
        let Some(partial) = self.partials.get_mut(&at.piece) else { return false };
        let twice = matches!(partial.block(index), Block::AskedTwice(..));
        if !partial.give_back(index, conn) {
            self.asked_again -= u64::from(twice && matches!(partial.block(index), Block::Asked(_)));
            return false;
        }
        if partial.owner == Some(conn) {
            partial.owner = None;
        }
        if partial.is_untouched() {
            self.partials.remove(&at.piece);
            self.open.remove(&at.piece);
            self.rarity.insert(at.piece, rng);
        } else {
            self.open.insert(at.piece);
        }
        true
    }

    /// A connection will not go on with the pieces that it is at: it chokes, stalls or is gone.
    pub fn disown(&mut self, conn: ConnId) {
        for partial in self.partials.values_mut().filter(|p| p.owner == Some(conn)) {
            partial.owner = None;
        }
    }

    /// A piece is not wanted any longer; whether something of it was taken.
    pub(crate) fn drop_piece(&mut self, piece: u32) -> bool {
        let begun = self.partials.contains_key(&piece);
        self.verified(piece);
        begun
    }

    /// Whether a piece that is begun is wanted: one that is whole is kept until it is judged in any case.
    pub(crate) fn set_wanted(&mut self, piece: u32, wanted: bool) {
        if let Some(partial) = self.partials.get_mut(&piece) {
            partial.wanted = wanted;
        }
    }

    /// Which pieces are to be begun before others.
    pub(crate) fn set_urgent(&mut self, pieces: Option<Bitfield>) {
        self.urgent = pieces;
    }

    /// A piece is there and right.
    pub fn verified(&mut self, piece: u32) {
        self.drop_partial(piece);
        self.rarity.remove(piece);
        self.held.remove(&piece);
        self.parole.remove(&piece);
        if self.urgent.as_mut().is_some_and(|these| these.clear(piece) && these.is_empty()) {
            self.urgent = None;
        }
    }

    /// A piece came out wrong: it is held until [`Self::retry`], then fetched from one peer alone, and not from `sole`, who had
    /// sent all of it, if others have it.
    pub fn failed(&mut self, piece: u32, sole: Option<ConnId>) {
        self.drop_partial(piece);
        self.rarity.remove(piece);
        self.held.insert(piece);
        self.parole.insert(piece, sole);
    }

    /// A piece that was held may be fetched again.
    pub fn retry(&mut self, piece: u32, rng: &mut Rng) {
        if self.held.remove(&piece) {
            self.rarity.insert(piece, rng);
        }
    }

    /// What was taken of a piece is lost without anybody's fault, or a piece that was there is damaged: it is fetched anew.
    pub fn lost(&mut self, piece: u32, rng: &mut Rng) {
        self.drop_partial(piece);
        if !self.held.contains(&piece) {
            self.rarity.insert(piece, rng);
        }
    }

    /// What is known of a piece begun.
    pub fn partial(&self, piece: u32) -> Option<&Partial> {
        self.partials.get(&piece)
    }

    /// Pieces that are asked for as a whole of a connection other than that one, and could be asked of it; with that other.
    pub(crate) fn movable<'a>(&'a self, to: &'a Asker<'_>) -> impl Iterator<Item = (u32, ConnId)> + 'a {
        let whole = self.partials.iter().filter(|(_, partial)| partial.waits_whole() && !partial.exclusive);
        let elsewhere =
            whole.filter_map(|(piece, partial)| Some((*piece, partial.owner.filter(|owner| *owner != to.conn)?)));
        elsewhere.filter(|(piece, _)| to.can(*piece))
    }

    /// Begins a piece that is to come whole from that connection; whether it is there to be begun.
    pub(crate) fn begin_at(&mut self, piece: u32, conn: ConnId) -> bool {
        if !self.rarity.contains(piece) {
            return false;
        }
        self.open_piece(piece);
        if let Some(partial) = self.partials.get_mut(&piece) {
            partial.owner = Some(conn);
        }
        true
    }

    fn drop_partial(&mut self, piece: u32) {
        if let Some(partial) = self.partials.remove(&piece) {
            self.whole -= u32::from(partial.is_whole());
            self.asked_again -= partial.blocks().iter().filter(|b| matches!(b, Block::AskedTwice(..))).count() as u64;
            self.open.remove(&piece);
        }
    }
}

fn begun_max(geometry: &Geometry, bytes: u64) -> u64 {
    (bytes.min(BEGUN_BYTES_MAX) / u64::from(geometry.piece_len.max(1))).max(BEGUN_MIN)
}
