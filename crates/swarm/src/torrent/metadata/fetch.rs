//! Fetching the info dictionary from peers (BEP 9; bad-input rows 25, 26, 27).
//!
//! The size is put to the vote of those who claim one, and memory grows only with pieces that came. Pieces are asked of
//! all voters side by side. A peer that rejects or does not answer is left alone, each time for longer, and has no vote as long as there
//! is somebody who fails less: a crowd that names a size and gives nothing holds nobody up. One that answers some of what it is asked for at once, as
//! rtorrent answers one, is asked for one piece at a time. When the whole hashes wrong nothing of it is kept, everybody who gave a piece gets a mark,
//! and the next attempts take it whole from one peer each, so that the second mark hits the liar.
use super::{METADATA_MAX, metadata_piece_len, metadata_pieces};
use crate::ids::ConnId;
use crate::output::CloseReason;
use crate::rng::Rng;
use crate::time::Time;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
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
/// Peers that a piece is asked of at once.
const ASKED_MAX: u8 = 2;
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
    /// It answers one request and drops those that come meanwhile.
    single: bool,
    /// Its last answer left others outstanding.
    passed_over: bool,
    /// Pieces asked, and when.
    asked: BTreeMap<u32, Time>,
    /// Pieces that were asked and are not waited for any more: they are of use all the same.
    late: BTreeSet<u32>,
}

impl Giver {
    /// A piece that was asked for has come.
    fn gives(&mut self, now: Time, asked: Time) {
        self.failures = 0;
        self.passed_over = !self.asked.is_empty();
        if now.since(asked) < PROMPT {
            self.window = (self.window + 1).min(WINDOW_MAX);
        }
    }

    /// Requests ran out of time: they were dropped for others that it has answered, or it has failed.
    fn leaves_out(&mut self, now: Time) {
        let dropped = core::mem::take(&mut self.passed_over) && !self.single;
        self.single |= dropped;
        if !dropped {
            self.fails(now);
        }
    }

    /// How many more pieces it may be asked for.
    fn room(&self) -> usize {
        if self.single { 1 } else { self.window }.saturating_sub(self.asked.len())
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
    /// Of each piece of that size, of how many peers it is asked.
    load: Vec<u8>,
    /// Pieces that may be asked for: not here, and asked of one peer at most; those asked of fewest first.
    open: BTreeSet<(u8, u32)>,
    mode: Mode,
    contributors: BTreeSet<ConnId>,
    /// Steps of work done: givers and pieces looked at.
    work: u64,
}

/// What a message means for what is to be asked next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Nothing: it was not asked for.
    None,
    /// Its sender may be asked for more.
    Sender,
    /// Its sender will not give what it was asked for: all others may be asked for that.
    All,
}

impl Effect {
    /// Whether there is anything new to be asked for.
    pub(crate) fn is_some(self) -> bool {
        self != Self::None
    }

    /// Whether that is so for others than the sender.
    pub(crate) fn concerns_all(self) -> bool {
        self == Self::All
    }
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
            load: Vec::new(),
            open: BTreeSet::new(),
            mode: Mode::Shared,
            contributors: BTreeSet::new(),
            work: 0,
        }
    }

    /// Steps of work done so far.
    pub fn work(&self) -> u64 {
        self.work
    }

    /// Another size is settled, or none: nothing of it is here or asked for.
    fn set_size(&mut self, size: Option<u32>) {
        self.pieces.clear();
        self.givers.values_mut().for_each(|g| g.asked.clear());
        let count = size.map_or(0, metadata_pieces);
        self.work += u64::from(count);
        self.size = size;
        self.load = vec![0; count as usize];
        self.open = (0..count).map(|piece| (0, piece)).collect();
    }

    /// A piece is asked of one peer more, or of one fewer.
    fn reload(&mut self, piece: u32, more: bool) {
        self.work += 1;
        let Some(load) = self.load.get_mut(piece as usize) else { return };
        self.open.remove(&(*load, piece));
        *load = if more { *load + 1 } else { load.saturating_sub(1) };
        if *load < ASKED_MAX && !self.pieces.contains_key(&piece) {
            self.open.insert((*load, piece));
        }
    }

    /// What a peer was asked for is not waited for any more.
    fn release(&mut self, asked: impl IntoIterator<Item = u32>) {
        asked.into_iter().for_each(|piece| self.reload(piece, false));
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
        let late = BTreeSet::new();
        let (single, passed_over) = (false, false);
        let giver = Giver {
            id,
            size,
            changes: 0,
            marks: 0,
            failures: 0,
            rests_until,
            window,
            single,
            passed_over,
            asked,
            late,
        };
        self.givers.insert(conn, giver);
        Ok(())
    }

    /// A peer is of a kind that drops what it is asked for while it has something else to answer.
    pub fn one_at_a_time(&mut self, conn: ConnId) {
        if let Some(giver) = self.givers.get_mut(&conn) {
            giver.single = true;
        }
    }

    /// A peer claims a size, perhaps another than before.
    fn claim(&mut self, conn: ConnId, size: u32) -> Result<(), CloseReason> {
        let Some(giver) = self.givers.get_mut(&conn) else { return Ok(()) };
        if giver.size == size {
            return Ok(());
        }
        giver.changes += 1;
        let asked = core::mem::take(&mut giver.asked);
        giver.size = size;
        let fickle = giver.changes > CHANGES_MAX || !(1..=METADATA_MAX).contains(&size);
        if fickle {
            self.givers.remove(&conn);
        }
        self.release(asked.into_keys());
        if fickle { Err(CloseReason::Protocol("the size of its metadata keeps changing")) } else { Ok(()) }
    }

    /// The connection is gone.
    pub fn gone(&mut self, conn: ConnId) {
        if let Some(giver) = self.givers.remove(&conn) {
            self.release(giver.asked.into_keys());
        }
        if self.mode == Mode::Single(Some(conn)) {
            self.single();
        }
    }

    /// A piece or a reject, and what it means for what is to be asked next; one that was not asked for means nothing. The error is why
    /// the connection has to be closed.
    pub fn message(&mut self, now: Time, conn: ConnId, message: MetadataMessage) -> Result<Effect, CloseReason> {
        self.work += 1;
        let piece = match message {
            MetadataMessage::Request { .. } => return Ok(Effect::None),
            MetadataMessage::Reject { piece } | MetadataMessage::Data { piece, .. } => piece,
        };
        let Some(giver) = self.givers.get_mut(&conn) else { return Ok(Effect::None) };
        if let MetadataMessage::Data { total_size, data, .. } = &message
            && giver.size == *total_size
            && metadata_piece_len(*total_size, piece) != Some(data.len() as u32)
        {
            self.gone(conn);
            return Err(CloseReason::Protocol("a metadata piece of the wrong length"));
        }
        let asked = giver.asked.remove(&piece);
        if asked.is_none() && !giver.late.remove(&piece) {
            return Ok(Effect::None);
        }
        if let MetadataMessage::Data { total_size, data, .. } = message {
            let Some(asked) = asked else {
                return self.data(conn, piece, total_size, data).map(|()| self.came_late(piece));
            };
            giver.gives(now, asked);
            let taken = self.data(conn, piece, total_size, data);
            self.reload(piece, false);
            return taken.map(|()| Effect::Sender);
        }
        if asked.is_none() {
            return Ok(Effect::None);
        }
        giver.fails(now);
        if self.mode == Mode::Single(Some(conn)) {
            self.mode = Mode::Single(None);
        }
        self.reload(piece, false);
        Ok(Effect::All)
    }

    /// A piece that was not waited for any more is here: nobody else is to be asked for it.
    fn came_late(&mut self, piece: u32) -> Effect {
        if let Some(load) = self.load.get(piece as usize).filter(|_| self.pieces.contains_key(&piece)) {
            self.open.remove(&(*load, piece));
        }
        Effect::Sender
    }

    fn data(&mut self, conn: ConnId, piece: u32, total: u32, data: Vec<u8>) -> Result<(), CloseReason> {
        let Some(giver) = self.givers.get(&conn) else { return Ok(()) };
        if giver.size != total {
            return self.claim(conn, total);
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

    /// Whether all pieces are there.
    pub(crate) fn is_whole(&self) -> bool {
        self.size.is_some_and(|size| self.pieces.len() as u32 == metadata_pieces(size))
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
        self.set_size(None);
        self.mode = Mode::Single(None);
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
        let mut late = Vec::new();
        for (conn, giver) in &mut self.givers {
            self.work += 1 + giver.asked.len() as u64;
            let before = late.len();
            late.extend(giver.asked.iter().filter(|(_, at)| now >= **at + REQUEST_LIMIT).map(|(piece, _)| *piece));
            if late.len() > before {
                giver.asked.retain(|_, at| now < *at + REQUEST_LIMIT);
                giver.late.extend(&late[before..]);
                giver.leaves_out(now);
                if self.mode == Mode::Single(Some(*conn)) {
                    self.mode = Mode::Single(None);
                }
            } else if giver.rests_until <= now {
                giver.rests_until = Time::ZERO;
            }
        }
        self.release(late);
        self.choose(now, rng);
        // Those first that fail least: a peer that gives nothing shall not take their turns.
        let mut givers: Vec<(u32, ConnId)> = self.givers.iter().map(|(conn, giver)| (giver.failures, *conn)).collect();
        givers.sort_unstable();
        for (_, conn) in givers {
            self.ask(now, conn, &mut send);
        }
    }

    /// Asks the sender of a piece that came for others. `send` is as for [`Self::poll`].
    pub fn go_on(&mut self, now: Time, conn: ConnId, mut send: impl FnMut(ConnId, u8, MetadataMessage)) {
        if self.mode != Mode::Judged {
            self.ask(now, conn, &mut send);
        }
    }

    /// Asks one peer for as much as it may be asked for.
    fn ask(&mut self, now: Time, conn: ConnId, send: &mut impl FnMut(ConnId, u8, MetadataMessage)) {
        let only = if let Mode::Single(only) = self.mode { only == Some(conn) } else { true };
        let Some(giver) = self.givers.get_mut(&conn).filter(|_| only) else { return };
        if Some(giver.size) != self.size || giver.rests_until > now {
            return;
        }
        let mut asked = Vec::new();
        // A piece is asked of two at most: the second is one that has nothing else to give.
        let missing = self.open.iter().filter(|(_, piece)| !giver.asked.contains_key(piece));
        for (_, piece) in missing.take(giver.room()) {
            asked.push(*piece);
            send(conn, giver.id, MetadataMessage::Request { piece: *piece });
        }
        self.work += (giver.asked.len() + asked.len()) as u64;
        giver.asked.extend(asked.iter().map(|piece| (*piece, now)));
        for piece in asked {
            self.reload(piece, true);
        }
    }

    /// Settles the size, and in single mode the peer. A size that nobody holds to any more is given up.
    fn choose(&mut self, now: Time, rng: &mut Rng) {
        if let Mode::Single(None) = self.mode {
            if self.size.is_some() {
                self.set_size(None);
            }
            let least = self.givers.values().filter(|g| g.rests_until <= now).map(|g| g.marks).min();
            let fit = |g: &Giver| g.rests_until <= now && Some(g.marks) == least;
            let fit: Vec<_> = self.givers.iter().filter(|(_, g)| fit(g)).map(|(c, g)| (*c, g.size)).collect();
            if let Some(n) = rng.index(fit.len()) {
                self.mode = Mode::Single(Some(fit[n].0));
                self.set_size(Some(fit[n].1));
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
                self.set_size(Some(size));
            }
        }
    }
}
