//! Granting (own design, next to BEP 16's super-seeding): how a complete holder gives its content away for little more than one copy.
//!
//! It cannot know whether others have the content, so it begins as if it had nothing (HAVE_NONE, unchoke) and shows each piece
//! by HAVE to *one* peer: what is not shown cannot be asked for, and what is shown is never rejected. So no piece leaves twice
//! before each has left once, and every peer has something that the others want. A slot is an outstanding grant; up to four
//! peers are served at once, more while the line is idle, in turns of about a second of data. When every piece is out,
//! everything is shown to everybody and the torrent goes on as an ordinary seed; or, when it is to be frugal, it goes on
//! granting, to peers that the swarm does not feed.
//!
//! [`Source`] decides; [`super::granting`] connects it to the torrent. Each file answers one question: [`pieces`] how a piece
//! stands, [`grantee`] what is known of a peer, [`next_peer`] which peer gets the next piece, [`tail`] what to do about the last ones,
//! [`need`] whom a frugal source helps afterwards, [`wider`] what a peer is shown that leaves its grants alone, [`stalled`] what happens to a
//! peer that asks and does not read, [`again`] to one that is sent the same again and again, [`debts`] what is owed for grants that came to nothing, [`reserved`] which pieces wait for a peer that has gone and may return.
//! Invariants: a piece is granted to one peer, or to one more as a hedge; `grantees` are the connected peers.
mod again;
mod debts;
mod grantee;
mod need;
mod next_peer;
mod pieces;
mod reserved;
mod stalled;
mod tail;
mod wider;

use crate::bitfield::Bitfield;
use crate::geometry::Geometry;
use crate::ids::ConnId;
use crate::peer::Peer;
use crate::rng::Rng;
use crate::time::Time;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;
use debts::Debts;
use grantee::{Grantee, Habits, Pace, Peers};
use need::Hungry;
use pieces::{Pieces, Stage, Tail, Watch};
use reserved::Reserved;
use teem_wire::peer::block::BlockRef;

/// Peers served at once, at first and at least.
const SLOTS_MIN: usize = 4;
/// And at most.
const SLOTS_MAX: usize = 50;
/// How often time is looked at while pieces move: an idle line for so long means one slot more.
const TICK: Duration = Duration::from_millis(100);
/// And when nobody has asked for anything for a while: once a second, or, without candidates, every ten.
const QUIET: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(1), Duration::from_secs(10)];
/// How soon the next part of everything is shown, once all is out.
const REVEAL: Duration = Duration::from_millis(5);
/// After so long without an idle moment there is one slot fewer.
const SHRINK: Duration = Duration::from_secs(5);
/// A piece that was sent whole is out after this, whatever its peer shows: some clients never show what we have.
const CONFIRM: Duration = Duration::from_secs(10);
/// Or after this, if not even we have got rid of it.
const UNTAKEN: Duration = Duration::from_secs(30);

/// What a source does at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Pieces that have not left are granted.
    Granting,
    /// Everything is being shown to everybody.
    Revealing,
    /// Only peers that the swarm does not feed are helped.
    Frugal,
}

/// A complete holder that gives its content away piece by piece.
#[derive(Clone, Debug)]
pub(super) struct Source {
    geometry: Geometry,
    frugal: bool,
    phase: Phase,
    pieces: Pieces,
    grantees: BTreeMap<ConnId, Grantee>,
    /// How many of them can use grants.
    candidates: usize,
    slots: usize,
    idle: Option<Time>,
    busy_since: Time,
    /// How long what is shown now waits behind what is queued on the line.
    behind: Duration,
    /// Since when peers take what is sent: the line, or the disk, stood before.
    flows_since: Time,
    /// When a peer last asked for something or came.
    active: Time,
    next: Time,
    /// Pieces to be shown besides grants, to peers that leave their grants alone.
    shows: VecDeque<(ConnId, u32)>,
    /// Pieces begun by peers that have gone.
    reserved: Vec<Reserved>,
    /// Grants of pieces that somebody else is at, and how often each piece was.
    hedged: BTreeMap<u32, u32>,
    /// Where the search for pieces whose holders do not grow goes on, and their numbers of holders at the last look.
    watch: Watch,
    hungry: Hungry,
    debts: Debts,
    /// How often peers gain pieces from each other.
    pace: Pace,
    tail: Tail,
}

impl Source {
    /// Begins with the pieces of `have`; those in `out` left in an earlier run.
    pub(super) fn new(
        now: Time,
        geometry: Geometry,
        have: &Bitfield,
        out: &Bitfield,
        frugal: bool,
        rng: &mut Rng,
    ) -> Self {
        Self {
            pieces: Pieces::new(have, out, rng),
            geometry,
            frugal,
            phase: Phase::Granting,
            grantees: BTreeMap::new(),
            candidates: 0,
            slots: SLOTS_MIN,
            idle: None,
            busy_since: now,
            behind: Duration::ZERO,
            flows_since: now,
            active: now,
            next: now,
            shows: VecDeque::new(),
            reserved: Vec::new(),
            hedged: BTreeMap::new(),
            watch: Watch::default(),
            hungry: Hungry::default(),
            debts: Debts::default(),
            pace: Pace::default(),
            tail: Tail::default(),
        }
    }

    /// Whether a peer was shown a piece.
    pub(super) fn has_shown(&self, conn: ConnId, piece: u32) -> bool {
        self.grantees.get(&conn).is_some_and(|g| g.shown.get(piece))
    }

    /// The peers that it knows, ascending.
    pub(super) fn conns(&self) -> impl Iterator<Item = ConnId> + '_ {
        self.grantees.keys().copied()
    }

    /// Pieces that have left or are elsewhere.
    pub(super) fn out(&self) -> &Bitfield {
        self.pieces.out()
    }

    /// How many pieces are out, while not all of them are.
    pub(super) fn first_copy(&self) -> Option<u32> {
        (self.phase == Phase::Granting).then(|| self.geometry.pieces - self.pieces.missing())
    }

    /// A piece has come to be there, or back.
    pub(super) fn add(&mut self, piece: u32, rng: &mut Rng) {
        self.pieces.add(piece, rng);
        // Where everything is shown, that may have passed it.
        self.grantees.values_mut().for_each(|grantee| grantee.revealed = grantee.revealed.min(piece));
    }

    /// Whether a peer may be unchoked before it is interested.
    pub(super) fn lets_in_early(peer: &Peer) -> bool {
        Habits::of(&peer.who().id()).early
    }

    /// A peer has come.
    pub(super) fn came(&mut self, now: Time, conn: ConnId) {
        self.grantees.insert(conn, Grantee::new(now, self.geometry.pieces));
        self.next = self.next.min(now + QUIET[1]);
    }

    /// A peer can use grants from now on, because it knows the metadata; or it cannot, because it wants nothing.
    pub(super) fn candidate(&mut self, now: Time, conn: ConnId, peer: &Peer, can: bool) {
        let Some(grantee) = self.grantees.get_mut(&conn) else { return };
        grantee.habits = Habits::of(&peer.who().id());
        (grantee.debt, grantee.given_before) =
            (self.debts.of(peer.who().holder()), self.debts.given(peer.who().holder()));
        if can && !grantee.candidate {
            let hunger = self.hungry.back(peer.who().holder());
            (grantee.since, grantee.fed, grantee.last_request) = (now, now - hunger, now);
            self.grant_reserved(now, conn, &peer.who().id());
        }
        if let Some(grantee) = self.grantees.get_mut(&conn) {
            grantee.candidate = can;
            if !can {
                // It wants nothing more: what it was shown and has left alone is for others.
                grantee.withdraw_grants(&mut self.pieces);
            }
        }
        self.candidates = self.grantees.values().filter(|g| g.candidate).count();
        (self.next, self.active) = (self.next.min(now), now);
    }

    /// Whether a peer is waiting to be told apart from one without metadata.
    pub(super) fn is_candidate(&self, conn: ConnId) -> bool {
        self.grantees.get(&conn).is_some_and(|g| g.candidate)
    }

    /// A peer has shown all that it has. What it claimed before is to be taken back by [`Self::unshows`].
    pub(super) fn shows(&mut self, now: Time, conn: ConnId, peer: &Peer) {
        let has = peer.has();
        // A peer that claims everything may lie: what is out is seen at those that gain it.
        if !has.is_full() {
            let pace = self.pace;
            for piece in has.iter() {
                self.has(now, conn, peer, piece);
            }
            // What it brings along was not gained here.
            self.pace = pace;
            if let Some(grantee) = self.grantees.get_mut(&conn) {
                grantee.pace = Pace::default();
            }
        }
    }

    /// What a peer had shown counts no more.
    pub(super) fn unshows(&mut self, has: &Bitfield) {
        has.iter().for_each(|piece| self.pieces.unseen(piece));
    }

    /// A peer shows a piece. Whether that may be the moment to grant more.
    pub(super) fn has(&mut self, now: Time, conn: ConnId, peer: &Peer, piece: u32) -> bool {
        if let Some((first, since)) = self.pieces.seen(now, piece, conn)
            && let Some(grantee) = self.grantees.get_mut(&first)
        {
            grantee.spread(since.map(|at| now.since(at)));
        }
        let Some(grantee) = self.grantees.get_mut(&conn) else { return false };
        let ours = grantee.shown.get(piece);
        if !ours {
            let after = now.since(grantee.fed);
            grantee.pace.gained(after);
            self.pace.gained(after);
            grantee.fed = now;
        }
        // Saying so is not enough: it has to have taken what was sent.
        let taken = grantee.served.remove(&piece).is_some_and(|at| peer.upload().has_taken(at));
        grantee.forget(piece);
        if taken {
            self.debts.repay(peer.who().holder());
        }
        if self.hedged.remove(&piece).is_some() {
            self.grantees.values_mut().for_each(|g| g.forget(piece));
        }
        self.reserved.retain(|one| one.piece != piece);
        ours || self.pieces.missing() == 0
    }

    /// A piece is damaged: it is not granted any more.
    pub(in crate::torrent) fn lose(&mut self, piece: u32) {
        self.pieces.lose(piece);
        // To be shown anew when it is here again, by a grant or with the rest.
        self.grantees.values_mut().for_each(|grantee| grantee.unshow(piece));
    }

    /// A peer has a piece no more. When it was the last that was seen with it, it waits to be granted again.
    pub(in crate::torrent) fn lost_at(&mut self, conn: ConnId, piece: u32) {
        self.pieces.unseen(piece);
        let open = |g: &Grantee| g.open.iter().any(|o| o.piece == piece) || g.served.contains_key(&piece);
        let elsewhere = self.pieces.holders(piece) > 0 || self.grantees.iter().any(|(c, g)| *c != conn && open(g));
        if self.phase == Phase::Granting && !elsewhere && self.pieces.stage(piece) == Stage::Out {
            self.pieces.back(piece);
        }
    }

    /// Whether a peer may ask for a piece: it was shown. Notes that it did.
    pub(super) fn asks(&mut self, now: Time, conn: ConnId, piece: u32) -> bool {
        let Some(grantee) = self.grantees.get_mut(&conn).filter(|g| g.shown.get(piece)) else { return false };
        grantee.last_request = now;
        self.active = now;
        self.next = self.next.min(now + TICK);
        match grantee.open.iter_mut().find(|g| g.piece == piece) {
            Some(grant) => grant.asked = true,
            // Left alone before, or shown besides: it is this peer's after all, unless it asks and does not read.
            None if !grantee.stalled => self.adopt(now, conn, piece),
            None => {}
        }
        true
    }

    /// A piece that waits is granted to the peer that asks for it.
    fn adopt(&mut self, now: Time, conn: ConnId, piece: u32) {
        if self.pieces.stage(piece) == Stage::Never
            && let Some(grantee) = self.grantees.get_mut(&conn)
        {
            self.pieces.granted(piece, conn);
            grantee.grant(now, piece, u64::from(self.geometry.piece_size(piece)));
            if let Some(grant) = grantee.open.last_mut() {
                grant.asked = true;
            }
        }
    }

    /// A block has left for a peer. Whether more should be granted now.
    pub(super) fn sent(&mut self, now: Time, conn: ConnId, at: BlockRef, peers: &Peers) -> bool {
        let alone = self.candidates < 2;
        if !self.grantees.get(&conn).is_some_and(|g| g.stalled) {
            self.adopt(now, conn, at.piece);
        }
        let Some(grantee) = self.grantees.get_mut(&conn) else { return false };
        if !grantee.left(now, at) {
            return false;
        }
        grantee.served.insert(at.piece, now);
        if grantee.open.is_empty() {
            let rate = peers.get(&conn).map_or(0, |p| grantee::rate(now, p));
            grantee.ran_dry(rate, alone);
        }
        true
    }

    /// A peer is gone. What only it had is granted again, unless it stays a seed elsewhere.
    pub(super) fn gone(&mut self, now: Time, conn: ConnId, peer: &Peer) {
        let Some(grantee) = self.grantees.remove(&conn) else { return };
        self.candidates -= usize::from(grantee.candidate);
        if grantee.candidate {
            self.hungry.gone(peer.who().holder(), now.since(grantee.fed));
        }
        self.debts.gave(peer.who().holder(), grantee.granted);
        if !grantee.open.is_empty() || grantee.served.values().any(|at| !peer.upload().has_taken(*at)) {
            self.debts.charge(peer.who().holder(), 1);
        }
        if !peer.has().is_full() {
            self.unshows(peer.has());
        }
        for grant in &grantee.open {
            if self.pieces.stage(grant.piece) != Stage::Granted || self.is_under_way(grant.piece, conn) {
                continue;
            }
            let begun = grant.left < u64::from(self.geometry.piece_size(grant.piece));
            if begun && self.phase == Phase::Granting {
                self.pieces.reserve(grant.piece);
                self.reserve(now, peer.who().id(), grant.piece);
            } else {
                self.pieces.back(grant.piece);
            }
        }
        if !peer.is_complete() && self.phase == Phase::Granting {
            // What was its own, and what it was sent beside another that is gone too.
            let served = grantee.served.keys().copied();
            let served = served.filter(|p| self.pieces.stage(*p) == Stage::Granted);
            let mut only: Vec<u32> = self.pieces.sole_of(conn).into_iter().chain(served).collect();
            only.sort_unstable();
            only.dedup();
            for piece in only {
                if self.pieces.stage(piece) != Stage::Never && !self.is_under_way(piece, conn) {
                    self.pieces.back(piece);
                }
            }
        }
        self.next = self.next.min(now);
    }

    /// Time has passed; `idle` is whether nothing is queued for any peer.
    pub(super) fn tick(&mut self, now: Time, idle: bool, rate: u64, peers: &Peers) {
        if now < self.next {
            return;
        }
        self.next = now + self.tick_after(now);
        self.confirm_sent(now, peers);
        self.release_reserved(now);
        self.behind = grantee::behind(now, rate, &self.grantees, peers);
        self.widen(now, peers);
        self.take_from_stalled(now, peers);
        self.settle_debts(peers);
        if self.phase == Phase::Frugal {
            self.look_for_need(now, peers);
        }
        if !idle {
            self.idle = None;
            if now.since(self.busy_since) >= SHRINK {
                self.busy_since = now;
                self.slots = (self.slots - 1).max(SLOTS_MIN);
            }
        } else if now.since(*self.idle.get_or_insert(now)) >= TICK {
            self.slots = (self.slots + 1).min(SLOTS_MAX);
            (self.idle, self.busy_since) = (Some(now), now);
        }
    }

    fn tick_after(&self, now: Time) -> Duration {
        if self.phase == Phase::Revealing {
            REVEAL
        } else if now.since(self.active) < QUIET[0] {
            TICK
        } else if self.grantees.values().any(|g| g.candidate || now.since(g.since) < QUIET[2]) {
            QUIET[1]
        } else {
            QUIET[2]
        }
    }

    /// When [`Self::tick`] is to be called.
    pub(super) fn deadline(&self) -> Option<Time> {
        (!self.grantees.is_empty()).then_some(self.next)
    }

    /// The next piece to show, and to whom; marked as shown.
    pub(super) fn next_show(&mut self, now: Time, rate: u64, peers: &Peers) -> Option<(ConnId, u32)> {
        while let Some((conn, piece)) = self.shows.pop_front() {
            if let Some(grantee) = self.grantees.get_mut(&conn).filter(|_| self.pieces.is_here(piece))
                && grantee.shown.set(piece)
            {
                return Some((conn, piece));
            }
        }
        self.tail.peak = self.tail.peak.max(rate);
        match self.phase {
            Phase::Granting => self.next_grant(now, rate, peers).or_else(|| self.next_hedge(now, rate, peers)),
            Phase::Frugal => self.next_need(now, peers),
            Phase::Revealing => None,
        }
    }

    fn confirm_sent(&mut self, now: Time, peers: &Peers) {
        let patience = if self.ends_soon() { TICK * 20 } else { CONFIRM };
        for (conn, grantee) in &mut self.grantees {
            let Some(peer) = peers.get(conn) else { continue };
            let pieces = &mut self.pieces;
            grantee.served.retain(|piece, at| {
                let since = now.since(*at);
                let taken = since >= patience && peer.upload().has_taken(*at);
                let over = taken || since >= UNTAKEN;
                if over {
                    pieces.confirm(*piece);
                }
                if taken {
                    self.debts.repay(peer.who().holder());
                }
                !over
            });
        }
    }
}
