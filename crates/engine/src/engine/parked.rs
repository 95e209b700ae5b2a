//! Connections whose handshake is for a torrent that rests (own design; bad-input rows 44, 45): they wait until it works again, two seconds at most,
//! with what the peer has said meanwhile.
//!
//! Invariants: no more than 64 wait, and of each so many messages; one that waits is still among those without a handshake (`conns`), so that what is
//! true of those of one holder is true of it.
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::remote::Via;
use teem_swarm::time::Time;
use teem_wire::peer::handshake::Handshake;
use teem_wire::peer::message::Message;

/// How long a connection waits: opening what lies on a disk takes milliseconds, and a peer gives up after ten seconds.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// Connections that wait at once, of all torrents.
const PARKED_MAX: usize = 64;
/// Messages of one connection that are kept: a peer that has not been answered says what it has and what it speaks, and little else.
const MESSAGES_MAX: usize = 16;

/// A connection that waits.
#[derive(Debug)]
pub(super) struct Waits {
    pub(super) torrent: TorrentId,
    pub(super) handshake: Handshake,
    pub(super) via: Via,
    pub(super) messages: Vec<Message>,
}

/// All that wait.
#[derive(Debug, Default)]
pub(super) struct Parked {
    by_conn: BTreeMap<ConnId, Waits>,
    /// In the order in which they came.
    order: VecDeque<(Time, ConnId)>,
}

impl Parked {
    /// A connection begins to wait; false when as many do as may.
    pub(super) fn add(&mut self, now: Time, conn: ConnId, torrent: TorrentId, handshake: Handshake, via: Via) -> bool {
        if self.by_conn.len() >= PARKED_MAX {
            return false;
        }
        self.by_conn.insert(conn, Waits { torrent, handshake, via, messages: Vec::new() });
        self.order.push_back((now + WAIT_MAX, conn));
        true
    }

    /// Whether a connection waits.
    pub(super) fn has(&self, conn: ConnId) -> bool {
        !self.by_conn.is_empty() && self.by_conn.contains_key(&conn)
    }

    /// A connection that waits says something; false when it has said too much, or its pieces twice.
    pub(super) fn says(&mut self, conn: ConnId, message: Message) -> bool {
        let Some(waits) = self.by_conn.get_mut(&conn) else { return true };
        let shows = |message: &Message| matches!(message, Message::Bitfield(_));
        let again = shows(&message) && waits.messages.iter().any(shows);
        let fits = !again && waits.messages.len() < MESSAGES_MAX;
        if fits {
            waits.messages.push(message);
        }
        fits
    }

    /// A connection waits no more.
    pub(super) fn take(&mut self, conn: ConnId) -> Option<Waits> {
        let waits = self.by_conn.remove(&conn)?;
        self.order.retain(|(_, other)| *other != conn);
        Some(waits)
    }

    /// Those that wait for a torrent, in the order in which they came.
    pub(super) fn of(&self, torrent: TorrentId) -> Vec<ConnId> {
        let waits = |conn: &ConnId| self.by_conn.get(conn).is_some_and(|waits| waits.torrent == torrent);
        self.order.iter().map(|(_, conn)| *conn).filter(waits).collect()
    }

    /// When the first has waited long enough.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.order.front().map(|(at, _)| *at)
    }

    /// Takes out one that has waited long enough.
    pub(super) fn pop_late(&mut self, now: Time) -> Option<ConnId> {
        let (_, conn) = *self.order.front().filter(|(at, _)| *at <= now)?;
        self.take(conn).map(|_| conn)
    }
}
