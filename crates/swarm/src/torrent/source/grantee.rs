//! What a source knows of one peer (own design): what it was shown, what of that has not left, how far it is trusted with more.
use super::again::{Again, Parts};
use super::debts::Debt;
use crate::bitfield::Bitfield;
use crate::ids::ConnId;
use crate::peer::Peer;
use crate::rate::DISPLAY_SLOTS;
use crate::time::Time;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::PeerId;

/// What is shown to a peer and not served yet, at first.
const WINDOW_FIRST: u64 = 1 << 20;
/// And at most, while there are others.
const WINDOW_MAX: u64 = 8 << 20;
/// Grants that a peer may have open: what the widest window holds of the shortest pieces that are created.
const OPEN_MAX: usize = 2_048;
/// The active peers together are shown at most this part of the pieces ahead of what has left.
const AHEAD_DIVISOR: u64 = 8;
/// A peer that was granted something is taken to be about to ask for it.
const REACTION: Duration = Duration::from_secs(1);

/// A peer that has taken nothing of what is in flight to it for so long, or nothing new, keeps no turn from others.
const STANDS: Duration = Duration::from_secs(2);
/// A peer that lacks nothing which waits is looked at again after this.
const SATED: Duration = Duration::from_secs(1);

/// A queue longer than this is no excuse.
const BEHIND_MAX: Duration = Duration::from_secs(60);

pub(super) use crate::torrent::table::Peers;

/// How a client acts on what it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Habits {
    /// For how long it may leave a grant alone before it is taken not to want it.
    pub(super) patience: Duration,
    /// For how many seconds' data its turn lasts.
    pub(super) turn: u64,
    /// Seconds of its rate that are shown ahead: clients with nothing more to ask for fall back to one request at a time.
    ahead: u64,
    /// What is shown ahead at first, and at most.
    window: (u64, u64),
    /// All peers like it together are shown at most this part of the pieces ahead of what has left.
    pub(super) part: u64,
    /// A peer that is alone is shown at least so much, however little that leaves for others.
    pub(super) alone: u64,
    /// Whether it may leave after half a minute in which it wanted nothing, as aria2 does. A client that is not known may be of that kind.
    pub(super) leaves: bool,
    /// Whether it may be unchoked before it is interested, which spares a round trip. Not rtorrent: it queues such a peer for its next round, which
    /// comes every 30 s. Nor rqbit: it asks for the first piece that it sees and sleeps for 5 s before it looks for the next.
    pub(super) early: bool,
}

/// Of most clients.
const COMMON: Habits = Habits {
    patience: Duration::from_millis(2_500),
    turn: 1,
    ahead: 3,
    window: (WINDOW_FIRST, WINDOW_MAX),
    part: AHEAD_DIVISOR,
    alone: 0,
    leaves: true,
    early: false,
};

/// Of a client that stays however little it is shown, and takes an early unchoke for what it is.
const STAYS: Habits = Habits { leaves: false, early: true, ..COMMON };

/// By the first three bytes of a peer id (BEP 20), where case counts: `-lt` is rTorrent, `-LT` libtorrent. Ids prove nothing, nor do names (BEP 10 `v`); so what hangs on one is only in which order and how early a peer is shown something.
const KNOWN: [(&[u8; 3], Habits); 6] = [
    // Teem
    (b"-TM", STAYS),
    // libtorrent, and what is built on it: qBittorrent, Deluge
    (b"-LT", STAYS),
    (b"-qB", STAYS),
    (b"-DE", STAYS),
    // Transmission looks at interest every ten seconds.
    (b"-TR", Habits { patience: Duration::from_secs(12), turn: 10, ..STAYS }),
    // With nothing more to ask for rqbit sleeps for five seconds, whatever is shown to it meanwhile.
    (
        b"-rQ",
        Habits {
            patience: Duration::from_secs(7),
            ahead: 10,
            window: (4 * WINDOW_FIRST, 4 * WINDOW_MAX),
            part: AHEAD_DIVISOR / 4,
            alone: 4 * WINDOW_FIRST,
            ..COMMON
        },
    ),
];

impl Habits {
    /// Of the client that a peer id says.
    pub(super) fn of(id: &PeerId) -> Self {
        KNOWN.into_iter().find(|(prefix, _)| id.0.starts_with(*prefix)).map_or(COMMON, |(_, habits)| habits)
    }
}

/// A piece that was shown to a peer and has not been sent whole.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) piece: u32,
    /// Bytes of it that have not left.
    pub(super) left: u64,
    /// Those that have.
    pub(super) parts: Parts,
    pub(super) at: Time,
    pub(super) asked: bool,
}

/// One peer as the source sees it.
#[derive(Clone, Debug)]
pub(super) struct Grantee {
    pub(super) since: Time,
    /// Whether it can use a grant: it knows the metadata and is not complete.
    pub(super) candidate: bool,
    pub(super) shown: Bitfield,
    pub(super) habits: Habits,
    window: u64,
    /// The last grant filled the window.
    pub(super) full: bool,
    pub(super) open: Vec<Grant>,
    /// Bytes of those that have not left.
    outstanding: u64,
    /// Sent whole, and when, but not confirmed.
    pub(super) served: BTreeMap<u32, Time>,
    /// Bytes that it may still be granted in its turn.
    pub(super) turn: u64,
    /// When it lacked nothing of what waits.
    pub(super) sated: Option<Time>,
    /// Pieces granted to it over its life.
    pub(super) granted: u32,
    pub(super) last_grant: Option<Time>,
    pub(super) last_request: Time,
    /// Pieces granted to it that no third party has shown.
    pub(super) unspread: u32,
    /// Mean time from its HAVE to the first one elsewhere, in milliseconds.
    pub(super) onward: Option<u64>,
    /// Pieces shown beyond its grants, because it left those alone; doubles each time.
    pub(super) wider: u32,
    /// When it last showed a piece that did not come from us.
    pub(super) fed: Time,
    /// How often it gains one from others.
    pub(super) pace: Pace,
    /// Up to where everything was shown to it, once all is out.
    pub(super) revealed: u32,
    /// Since when something is in flight to it.
    pub(super) waits: Option<Time>,
    /// It has asked, and goes no further.
    pub(super) stalled: bool,
    /// What it was sent again without anything new between.
    pub(super) again: Again,
    /// What its holder owes for grants that came to nothing.
    pub(super) debt: Debt,
    /// Pieces that its holder was granted on connections that have ended.
    pub(super) given_before: u32,
}

/// How often pieces are gained from others.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Pace {
    time: Duration,
    gains: u32,
}

impl Pace {
    /// A piece came so long after the one before.
    pub(super) fn gained(&mut self, after: Duration) {
        self.time += after;
        self.gains = self.gains.saturating_add(1);
    }

    /// What a piece takes, if one has come.
    pub(super) fn piece_time(self) -> Option<Duration> {
        self.time.checked_div(self.gains)
    }
}

impl Grantee {
    pub(super) fn new(now: Time, pieces: u32) -> Self {
        Self {
            since: now,
            candidate: false,
            shown: Bitfield::new(pieces),
            habits: COMMON,
            window: WINDOW_FIRST,
            full: false,
            open: Vec::new(),
            outstanding: 0,
            served: BTreeMap::new(),
            turn: 0,
            sated: None,
            granted: 0,
            last_grant: None,
            last_request: now,
            unspread: 0,
            onward: None,
            wider: 0,
            fed: now,
            pace: Pace::default(),
            revealed: 0,
            waits: None,
            stalled: false,
            again: Again::default(),
            debt: Debt::default(),
            given_before: 0,
        }
    }

    /// Whether it lacked nothing of what waits a moment ago.
    pub(super) fn is_sated(&self, now: Time) -> bool {
        self.sated.is_some_and(|at| now.since(at) < SATED)
    }

    /// Bytes granted that have not left.
    pub(super) fn outstanding(&self) -> u64 {
        self.outstanding
    }

    /// Whether it may be shown more ahead of what has left for it, at that rate.
    pub(super) fn has_window(&self, rate: u64, piece_len: u64, most: Option<u64>) -> bool {
        !self.stalled && self.outstanding < self.window(rate, piece_len, most) && self.open.len() < OPEN_MAX
    }

    /// A block has left; whether it was the last of a grant. What had left before brings a grant no nearer to its end.
    pub(super) fn left(&mut self, now: Time, at: BlockRef) -> bool {
        let Some(i) = self.open.iter().position(|g| g.piece == at.piece) else {
            self.again.withdrawn(now, at);
            return false;
        };
        let grant = &mut self.open[i];
        let new = u64::from(grant.parts.cover(at.begin, at.len)).min(grant.left);
        self.again.sent(now, new > 0);
        grant.left -= new;
        self.outstanding -= new;
        let whole = grant.left == 0;
        if whole {
            self.open.remove(i);
        }
        whole
    }

    /// A grant of a piece is not waited for any more.
    pub(super) fn forget(&mut self, piece: u32) {
        if let Some(i) = self.open.iter().position(|g| g.piece == piece) {
            self.outstanding -= self.open.remove(i).left;
        }
    }

    /// Takes all grants away.
    pub(super) fn take_open(&mut self) -> Vec<Grant> {
        self.outstanding = 0;
        core::mem::take(&mut self.open)
    }

    /// Bytes that may be granted and not served, for a peer with that rate; `most` where others have to be thought of.
    pub(super) fn window(&self, rate: u64, piece_len: u64, most: Option<u64>) -> u64 {
        let (first, max) = self.habits.window;
        let ahead = self.window.max(first).max(rate.saturating_mul(self.habits.ahead).min(max));
        most.map_or(ahead, |most| ahead.min(most)).max(2 * piece_len)
    }

    /// Everything shown was served although more would have been asked for: the window is too narrow.
    pub(super) fn ran_dry(&mut self, rate: u64, alone: bool) {
        if core::mem::take(&mut self.full) {
            let most = if alone { WINDOW_MAX.max(rate) } else { WINDOW_MAX };
            self.window = (self.window * 2).min(most);
        }
    }

    /// Whether it is being served, or about to ask.
    pub(super) fn is_active(&self, now: Time, behind: Duration, peer: &Peer) -> bool {
        let reacts = |at| now.since(at) < REACTION + behind;
        !self.open.is_empty()
            && !stands(now, behind, peer)
            && !self.goes_round(now)
            && (!peer.upload().is_idle() || self.last_grant.is_some_and(reacts))
    }

    /// Whether it is sent the same again and again. Nothing excuses that: what it is sent reaches it.
    fn goes_round(&self, now: Time) -> bool {
        self.again.goes_round(now, STANDS)
    }

    /// Shows it a piece that is to be its own.
    pub(super) fn grant(&mut self, now: Time, piece: u32, size: u64) {
        self.shown.set(piece);
        self.open.push(Grant { piece, left: size, parts: Parts::default(), at: now, asked: false });
        self.outstanding += size;
        self.turn = self.turn.saturating_sub(size);
        self.granted += 1;
        self.unspread += 1;
        self.last_grant = Some(now);
    }

    /// A piece is not here any more: it was not shown, and nothing of it is still to leave.
    pub(super) fn unshow(&mut self, piece: u32) {
        self.shown.clear(piece);
        self.served.remove(&piece);
        self.forget(piece);
    }

    /// Whether it has left its grants alone for too long, which what is queued on the line excuses.
    pub(super) fn ignores(&self, now: Time, behind: Duration) -> bool {
        let patience = self.habits.patience + behind;
        // A peer that is known to want something else may have been shown all that would be granted next, and have nothing open.
        let some = !self.open.is_empty() || self.wider > 0;
        let unasked = some && self.open.iter().all(|g| !g.asked && now.since(g.at) >= patience);
        unasked && now.since(self.last_request) >= patience
    }

    /// A third party has shown a piece of its, so long after it had it.
    pub(super) fn spread(&mut self, after: Option<Duration>) {
        self.unspread = self.unspread.saturating_sub(1);
        if let Some(after) = after {
            let ms = after.as_millis() as u64;
            self.onward = Some(self.onward.map_or(ms, |mean| (mean * 3 + ms) / 4));
        }
    }

    /// The order in which peers get turns: those that owe least, then newcomers (unless they were here before), then those that pass on most and fastest, then those that
    /// have waited longest.
    pub(super) fn rank(&self) -> (Debt, bool, u32, u64, Time) {
        let since = self.last_grant.unwrap_or(self.since);
        (self.debt, self.granted + self.given_before > 0, self.unspread, self.onward.unwrap_or(u64::MAX), since)
    }
}

/// The rate at which a peer takes, in bytes a second.
pub(super) fn rate(now: Time, peer: &Peer) -> u64 {
    peer.upload().meter().rate(now, DISPLAY_SLOTS)
}

/// Whether a peer takes nothing of what is in flight to it, which what is queued on the line excuses for as long as that takes.
fn stands(now: Time, behind: Duration, peer: &Peer) -> bool {
    peer.upload().stuck_since().is_some_and(|since| now.since(since) >= STANDS + behind)
}

/// How long what is shown now waits behind what is queued on a line of that rate: granted, asked for, read. What was granted to those that ask for
/// something else is not on its way.
pub(super) fn behind(now: Time, rate: u64, grantees: &BTreeMap<ConnId, Grantee>, peers: &Peers) -> Duration {
    let granted: u64 = grantees.values().filter(|g| !g.goes_round(now)).map(Grantee::outstanding).sum();
    let read: u64 = peers.values().map(|p| p.upload().in_flight()).sum();
    (granted + read).checked_div(rate).map_or(Duration::ZERO, Duration::from_secs).min(BEHIND_MAX)
}
