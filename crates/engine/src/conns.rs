//! Connections whose peer has not introduced itself yet (BEP 3's handshake; bad-input rows 44, 45).
//!
//! They cost a socket each and nobody has vouched for them: there is a time limit, a limit for each holder, and when
//! too many have dialled us the one of the most crowded network that has been silent longest makes room. What we dialled counts against none of
//! these but the time limit, because the dial budget bounds it.
use alloc::collections::{BTreeMap, BTreeSet};
use core::time::Duration;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::remote::Remote;
use teem_swarm::time::Time;
use teem_wire::holder::{Holder, Network};

/// A handshake has to be there within this.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// Incoming connections that may be without a handshake at once, of one holder for each torrent we have.
const PENDING_PER_HOLDER: usize = 4;
/// The same for all torrents together: more would let one holder take the whole table.
const PENDING_PER_HOLDER_MAX: usize = 32;
/// Incoming connections that may be without a handshake at once.
const PENDING_MAX: usize = 128;

/// One connection without a handshake.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unproven {
    /// The other end.
    pub(crate) remote: Remote,
    /// The torrent we dialled it for; `None` when it dialled us.
    pub(crate) dialled_for: Option<TorrentId>,
    deadline: Time,
}

/// What becomes of an incoming connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arrival {
    /// Its handshake is waited for.
    Welcome,
    /// The same, and that other one has to be closed to make room.
    Instead(ConnId),
    /// There are too many of its holder.
    Refused,
}

/// All connections without a handshake.
#[derive(Debug, Default)]
pub(crate) struct Conns {
    known: BTreeMap<ConnId, Unproven>,
    deadlines: BTreeSet<(Time, ConnId)>,
    /// Incoming ones, by holder and in all.
    by_holder: BTreeMap<Holder, usize>,
    incoming: usize,
}

impl Conns {
    /// Somebody dialled us. `torrents` is how many we have.
    pub(crate) fn arrive(&mut self, now: Time, conn: ConnId, remote: Remote, torrents: usize) -> Arrival {
        let here = self.by_holder.get(&remote.holder()).copied().unwrap_or(0);
        let limit = (PENDING_PER_HOLDER * torrents.max(1)).min(PENDING_PER_HOLDER_MAX);
        if here >= limit && !remote.is_loopback() {
            return Arrival::Refused;
        }
        let mut arrival = Arrival::Welcome;
        if self.incoming >= PENDING_MAX
            && let Some(silent) = self.longest_silent()
        {
            self.take(silent);
            arrival = Arrival::Instead(silent);
        }
        self.incoming += 1;
        *self.by_holder.entry(remote.holder()).or_default() += 1;
        self.enter(now, conn, remote, None);
        arrival
    }

    /// Of those that dialled us, the one of the most crowded network that has been silent longest.
    fn longest_silent(&self) -> Option<ConnId> {
        let mut networks: BTreeMap<Network, usize> = BTreeMap::new();
        for (holder, count) in &self.by_holder {
            *networks.entry(holder.wider()).or_default() += count;
        }
        let most = networks.values().max()?;
        let is_of_these = |conn: &ConnId| {
            let known = self.known.get(conn).filter(|c| c.dialled_for.is_none());
            known.is_some_and(|c| networks.get(&c.remote.holder().wider()) == Some(most))
        };
        self.deadlines.iter().map(|(_, conn)| *conn).find(is_of_these)
    }

    /// A dial of ours succeeded.
    pub(crate) fn dialled(&mut self, now: Time, conn: ConnId, remote: Remote, torrent: TorrentId) {
        self.enter(now, conn, remote, Some(torrent));
    }

    fn enter(&mut self, now: Time, conn: ConnId, remote: Remote, dialled_for: Option<TorrentId>) {
        let deadline = now + HANDSHAKE_LIMIT;
        self.known.insert(conn, Unproven { remote, dialled_for, deadline });
        self.deadlines.insert((deadline, conn));
    }

    /// Whether one without a handshake has dialled us.
    pub(crate) fn came(&self, conn: ConnId) -> bool {
        self.known.get(&conn).is_some_and(|unproven| unproven.dialled_for.is_none())
    }

    /// Takes one out: it has introduced itself, or is gone.
    pub(crate) fn take(&mut self, conn: ConnId) -> Option<Unproven> {
        let unproven = self.known.remove(&conn)?;
        self.deadlines.remove(&(unproven.deadline, conn));
        if unproven.dialled_for.is_none() {
            self.incoming -= 1;
            let holder = unproven.remote.holder();
            if let Some(count) = self.by_holder.get_mut(&holder) {
                *count -= 1;
                if *count == 0 {
                    self.by_holder.remove(&holder);
                }
            }
        }
        Some(unproven)
    }

    /// When the next one has been silent too long.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|(time, _)| *time)
    }

    /// Takes out one that has been silent too long.
    pub(crate) fn pop_late(&mut self, now: Time) -> Option<(ConnId, Unproven)> {
        let (_, conn) = *self.deadlines.first().filter(|(time, _)| *time <= now)?;
        self.take(conn).map(|unproven| (conn, unproven))
    }

    /// Those that were dialled for a torrent that is gone.
    pub(crate) fn of(&self, torrent: TorrentId) -> alloc::vec::Vec<ConnId> {
        self.known.iter().filter(|(_, c)| c.dialled_for == Some(torrent)).map(|(conn, _)| *conn).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ip: [u8; 4]) -> Remote {
        core::net::SocketAddr::from((ip, 5000)).into()
    }

    #[test]
    fn row_45_four_without_a_handshake_of_one_holder_but_for_loopback() {
        let of_a_64 = |n: u64| core::net::SocketAddr::from(([0x2001, 0xdb8, 0, 7, 0, 0, 0, n as u16], 5000)).into();
        let cases: [(&dyn Fn(u64) -> Remote, usize); 3] =
            [(&|_| at([8, 8, 8, 8]), 4), (&|_| at([127, 0, 0, 1]), 100), (&of_a_64, 4)];
        for (of, stay) in cases {
            let mut conns = Conns::default();
            let welcome =
                (0..100).filter(|n| conns.arrive(Time::ZERO, ConnId(*n), of(*n), 1) == Arrival::Welcome).count();
            assert_eq!(welcome, stay);
            assert!(conns.take(ConnId(0)).is_some());
            assert_eq!(conns.arrive(Time::ZERO, ConnId(200), of(0), 1), Arrival::Welcome);
        }
    }

    #[test]
    fn row_44_the_longest_silent_makes_room_and_all_are_late_after_10_s() {
        let mut conns = Conns::default();
        conns.dialled(Time::ZERO, ConnId(9_999), at([9, 9, 9, 9]), TorrentId(1));
        for n in 0..5000u32 {
            let now = Time::from_nanos(u64::from(n));
            let addr = at((0x0100_0000 + n * 256).to_be_bytes());
            let got = conns.arrive(now, ConnId(u64::from(n)), addr, 1);
            let want = if n < 128 { Arrival::Welcome } else { Arrival::Instead(ConnId(u64::from(n) - 128)) };
            assert_eq!(got, want);
        }
        assert_eq!(conns.deadline(), Some(Time::from_nanos(10_000_000_000)));
        let late = Time::from_nanos(10_000_005_000);
        assert_eq!(core::iter::from_fn(|| conns.pop_late(late)).count(), 129);
        assert_eq!((conns.deadline(), conns.incoming, conns.by_holder.len()), (None, 0, 0));
    }

    #[test]
    fn a_crowd_makes_room_for_itself_and_nobody_else_has_to() {
        let mut conns = Conns::default();
        assert_eq!(conns.arrive(Time::ZERO, ConnId(0), at([9, 9, 9, 9]), 1), Arrival::Welcome);
        for n in 1..1000u32 {
            let of_the_crowd = at((0x0100_0000 + n % 256).to_be_bytes());
            let now = Time::from_nanos(u64::from(n));
            assert_ne!(conns.arrive(now, ConnId(u64::from(n)), of_the_crowd, 1), Arrival::Instead(ConnId(0)));
        }
        assert!(conns.take(ConnId(0)).is_some(), "the first to come is still there");
    }
}
