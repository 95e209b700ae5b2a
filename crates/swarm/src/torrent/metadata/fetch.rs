//! Fetching the info dictionary from peers (BEP 9; bad-input rows 25, 26, 27).
//!
//! The size is put to the vote of those who claim one, and memory grows only with pieces that came. Pieces are asked of
//! all voters side by side. A peer that rejects or does not answer is left alone, each time for longer, and has no vote as long as there
//! is somebody who fails less: a crowd that names a size and gives nothing holds nobody up. When the whole hashes wrong nothing of it is kept, everybody who gave a piece gets a mark,
//! and the next attempts take it whole from one peer each, so that the second mark hits the liar.
use super::{METADATA_MAX, metadata_piece_len, metadata_pieces};
use crate::ids::ConnId;
use crate::output::CloseReason;
use crate::rng::Rng;
use crate::time::Time;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;
use teem_wire::peer::message::MetadataMessage;

/// Requests under way to one peer at first, and after one that it did not answer.
const WINDOW_FIRST: usize = 4;
/// And at most: half a MiB on the way. Transmission rejects what is more than 64, and with thousands of files answers every three seconds only.
const WINDOW_MAX: usize = 32;
/// A peer that answers within this is asked for one more at a time; so a window that doubles still runs through
/// within the limit.
const PROMPT: Duration = Duration::from_secs(4);
/// A request without an answer is asked elsewhere after this.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// A peer that rejected or did not answer is left alone for this, and for twice the last time when it does so again.
const REST: Duration = Duration::from_secs(20);
/// How often that doubles: up to eleven minutes.
const REST_DOUBLINGS_MAX: u32 = 5;
/// Marks at which a peer is banned.
const MARKS_MAX: u32 = 2;
/// How often a peer may change the size it claims.
const CHANGES_MAX: u32 = 3;

/// One peer that speaks `ut_metadata`.
#[derive(Debug)]
struct Giver {
    /// Its own number for `ut_metadata`.
    id: u8,
    size: u32,
    changes: u32,
    marks: u32,
    /// How often in a row it rejected or did not answer.
    failures: u32,
    /// Nothing is asked of it before this.
    rests_until: Time,
    /// How many pieces it may be asked for at once.
    window: usize,
    /// Pieces asked, and when.
    asked: BTreeMap<u32, Time>,
}

impl Giver {
    /// A piece that was asked for has come.
    fn gives(&mut self, now: Time, asked: Time) {
        self.failures = 0;
        if now.since(asked) < PROMPT {
            self.window = (self.window + 1).min(WINDOW_MAX);
        }
    }

    /// It rejected or did not answer.
    fn fails(&mut self, now: Time) {
        self.window = WINDOW_FIRST;
        if self.rests_until <= now {
            self.rests_until = now + REST * (1 << self.failures.min(REST_DOUBLINGS_MAX));
            self.failures = self.failures.saturating_add(1);
        }
    }
}

/// A piece that came.
#[derive(Debug)]
struct Piece {
    data: Vec<u8>,
    from: ConnId,
}

/// What is being done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// All voters for a size are asked.
    Shared,
    /// After a wrong hash: everything from one peer, `None` when there is none to be chosen yet.
    Single(Option<ConnId>),
    /// All pieces are there and are being judged.
    Judged,
}

/// The fetch of one torrent's info dictionary.
#[derive(Debug)]
pub struct MetadataFetch {
    givers: BTreeMap<ConnId, Giver>,
    pieces: BTreeMap<u32, Piece>,
    size: Option<u32>,
    mode: Mode,
    contributors: BTreeSet<ConnId>,
}

impl Default for MetadataFetch {
    fn default() -> Self {
        Self::new()
    }
}

impl MetadataFetch {
    /// Nobody to ask yet.
    pub fn new() -> Self {
        Self {
            givers: BTreeMap::new(),
            pieces: BTreeMap::new(),
            size: None,
            mode: Mode::Shared,
            contributors: BTreeSet::new(),
        }
    }

    /// A peer's extension handshake: its number for `ut_metadata` (0 switches it off) and the size it claims. A size of
    /// nothing or beyond 16 MiB is no claim. The error is why the connection has to be closed.
    pub fn offer(&mut self, conn: ConnId, id: Option<u8>, size: Option<u32>) -> Result<(), CloseReason> {
        if id == Some(0) {
            self.gone(conn);
            return Ok(());
        }
        if let Some(giver) = self.givers.get_mut(&conn) {
            giver.id = id.unwrap_or(giver.id);
            return size.map_or(Ok(()), |size| self.claim(conn, size));
        }
        let (Some(id), Some(size)) = (id, size.filter(|size| (1..=METADATA_MAX).contains(size))) else {
            return Ok(());
        };
        let rests_until = Time::ZERO;
        let (window, asked) = (WINDOW_FIRST, BTreeMap::new());
        let giver = Giver { id, size, changes: 0, marks: 0, failures: 0, rests_until, window, asked };
        self.givers.insert(conn, giver);
        Ok(())
    }

    /// A peer claims a size, perhaps another than before.
    fn claim(&mut self, conn: ConnId, size: u32) -> Result<(), CloseReason> {
        let Some(giver) = self.givers.get_mut(&conn) else { return Ok(()) };
        if giver.size == size {
            return Ok(());
        }
        giver.changes += 1;
        giver.asked.clear();
        if giver.changes > CHANGES_MAX || !(1..=METADATA_MAX).contains(&size) {
            self.givers.remove(&conn);
            return Err(CloseReason::Protocol("the size of its metadata keeps changing"));
        }
        giver.size = size;
        Ok(())
    }

    /// The connection is gone.
    pub fn gone(&mut self, conn: ConnId) {
        self.givers.remove(&conn);
        if self.mode == Mode::Single(Some(conn)) {
            self.single();
        }
    }

    /// A piece or a reject. The error is why the connection has to be closed.
    pub fn message(&mut self, now: Time, conn: ConnId, message: MetadataMessage) -> Result<(), CloseReason> {
        match message {
            MetadataMessage::Request { .. } => Ok(()),
            MetadataMessage::Reject { piece } => {
                if let Some(giver) = self.givers.get_mut(&conn)
                    && giver.asked.remove(&piece).is_some()
                {
                    giver.fails(now);
                    if self.mode == Mode::Single(Some(conn)) {
                        self.mode = Mode::Single(None);
                    }
                }
                Ok(())
            }
            MetadataMessage::Data { piece, total_size, data } => self.data(now, conn, piece, total_size, data),
        }
    }

    fn data(&mut self, now: Time, conn: ConnId, piece: u32, total: u32, data: Vec<u8>) -> Result<(), CloseReason> {
        let Some(giver) = self.givers.get_mut(&conn) else { return Ok(()) };
        if let Some(asked) = giver.asked.remove(&piece) {
            giver.gives(now, asked);
        }
        if giver.size != total {
            return self.claim(conn, total);
        }
        if metadata_piece_len(total, piece) != Some(data.len() as u32) {
            self.gone(conn);
            return Err(CloseReason::Protocol("a metadata piece of the wrong length"));
        }
        let chosen = match self.mode {
            Mode::Shared => true,
            Mode::Single(only) => only == Some(conn),
            Mode::Judged => false,
        };
        if chosen && self.size == Some(total) {
            self.pieces.entry(piece).or_insert(Piece { data, from: conn });
        }
        Ok(())
    }

    /// The bytes, once all pieces are there; then they have to be judged by [`Self::verdict`].
    pub fn take(&mut self) -> Option<Vec<u8>> {
        let size = self.size.filter(|size| self.pieces.len() as u32 == metadata_pieces(*size))?;
        let mut bytes = Vec::with_capacity(size as usize);
        self.contributors.clear();
        for piece in core::mem::take(&mut self.pieces).into_values() {
            bytes.extend_from_slice(&piece.data);
            self.contributors.insert(piece.from);
        }
        self.mode = Mode::Judged;
        Some(bytes)
    }

    /// Whether what [`Self::take`] gave hashes right. Returns who is to be banned.
    pub fn verdict(&mut self, hash_ok: bool) -> Vec<ConnId> {
        if hash_ok {
            return Vec::new();
        }
        let mut banned = Vec::new();
        for conn in core::mem::take(&mut self.contributors) {
            let Some(giver) = self.givers.get_mut(&conn) else { continue };
            giver.marks += 1;
            if giver.marks >= MARKS_MAX {
                self.givers.remove(&conn);
                banned.push(conn);
            }
        }
        self.single();
        banned
    }

    /// Begins anew, to take everything from one peer.
    fn single(&mut self) {
        self.pieces.clear();
        self.size = None;
        self.mode = Mode::Single(None);
        self.givers.values_mut().for_each(|g| g.asked.clear());
    }

    /// Pieces that are there, of how many; 0 of 0 while no size is known.
    pub fn progress(&self) -> (u32, u32) {
        (self.pieces.len() as u32, self.size.map_or(0, metadata_pieces))
    }

    /// When [`Self::poll`] is to be called even if nothing comes: a request runs out of time, or a peer has rested.
    pub fn deadline(&self) -> Option<Time> {
        if self.mode == Mode::Judged {
            return None;
        }
        let lost = self.givers.values().flat_map(|g| g.asked.values()).map(|at| *at + REQUEST_LIMIT);
        let rested = self.givers.values().filter(|g| g.rests_until > Time::ZERO).map(|g| g.rests_until);
        lost.chain(rested).min()
    }

    /// Asks for what is missing. `send` gets the connection, the peer's number for `ut_metadata` and the message.
    pub fn poll(&mut self, now: Time, rng: &mut Rng, mut send: impl FnMut(ConnId, u8, MetadataMessage)) {
        if self.mode == Mode::Judged {
            return;
        }
        for (conn, giver) in &mut self.givers {
            let before = giver.asked.len();
            giver.asked.retain(|_, at| now < *at + REQUEST_LIMIT);
            if giver.asked.len() < before {
                giver.fails(now);
                if self.mode == Mode::Single(Some(*conn)) {
                    self.mode = Mode::Single(None);
                }
            } else if giver.rests_until <= now {
                giver.rests_until = Time::ZERO;
            }
        }
        self.choose(now, rng);
        let Some(size) = self.size else { return };
        let mut load = BTreeMap::<u32, usize>::new();
        self.givers.values().flat_map(|g| g.asked.keys()).for_each(|piece| *load.entry(*piece).or_default() += 1);
        // Peers that fail least come first: one that sends nothing must not take their turns.
        let mut givers: Vec<_> = self.givers.iter_mut().collect();
        givers.sort_by_key(|(_, giver)| giver.failures);
        for (conn, giver) in givers {
            let only = if let Mode::Single(only) = self.mode { only == Some(*conn) } else { true };
            if !only || giver.size != size || giver.rests_until > now {
                continue;
            }
            while giver.asked.len() < giver.window {
                let missing = (0..metadata_pieces(size))
                    .filter(|p| !self.pieces.contains_key(p) && !giver.asked.contains_key(p))
                    .map(|p| (load.get(&p).copied().unwrap_or(0), p))
                    .min();
                // A piece is asked of two at most: the second is whoever has nothing else to give.
                let Some((_, piece)) = missing.filter(|(asked, _)| *asked < 2) else { break };
                *load.entry(piece).or_default() += 1;
                giver.asked.insert(piece, now);
                send(*conn, giver.id, MetadataMessage::Request { piece });
            }
        }
    }

    /// Settles the size, and in single mode the peer. A size that nobody holds to any more is given up.
    fn choose(&mut self, now: Time, rng: &mut Rng) {
        if let Mode::Single(None) = self.mode {
            self.pieces.clear();
            self.size = None;
            let least = self.givers.values().filter(|g| g.rests_until <= now).map(|g| g.marks).min();
            let fit = |g: &Giver| g.rests_until <= now && Some(g.marks) == least;
            let fit: Vec<_> = self.givers.iter().filter(|(_, g)| fit(g)).map(|(c, g)| (*c, g.size)).collect();
            if let Some(n) = rng.index(fit.len()) {
                self.mode = Mode::Single(Some(fit[n].0));
                self.size = Some(fit[n].1);
            }
        }
        if self.mode == Mode::Shared {
            let mut votes = BTreeMap::<u32, usize>::new();
            let least = self.givers.values().map(|g| g.failures).min();
            let voters = self.givers.values().filter(|g| Some(g.failures) == least);
            voters.for_each(|g| *votes.entry(g.size).or_default() += 1);
            let held = self.size.and_then(|size| votes.get(&size)).copied().unwrap_or(0);
            let best = votes.into_iter().max_by_key(|(_, count)| *count);
            if let Some((size, _)) = best.filter(|(_, count)| *count > held) {
                self.pieces.clear();
                self.size = Some(size);
                self.givers.values_mut().for_each(|g| g.asked.clear());
            }
        }
    }
}
