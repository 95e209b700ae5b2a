//! Which connections a torrent keeps (BEP 3, 20; interop rule 2; bad-input rows 31, 45).
//!
//! A peer id says who a peer is, and proves nothing. Two connections of one holder with one id are one too many: when both sides dialled at
//! the same moment each keeps the one that the greater id dialled, so that both close the same one without a word. Of different holders
//! either may be the owner of the id, so that both are taken in, until one delivers and the other does not.
//! A peer that comes from another address than the one we know it at, and was silent there, has moved: it cannot close what it has lost, and we
//! would take that for live for two minutes.
//! libtorrent has another id on each connection; both are taken in then, and it closes one by rules of its own.
use crate::ids::ConnId;
use crate::output::CloseReason;
use crate::remote::Remote;
use crate::time::Time;
use alloc::collections::{BTreeMap, BTreeSet};
use core::time::Duration;
use teem_wire::holder::Holder;
use teem_wire::peer::handshake::PeerId;

/// Established connections of one torrent.
pub const PEERS_MAX: usize = 80;
/// Below that many connections others are dialled: with more a piece is not sooner with everybody, with half of it later.
pub const PEERS_WANTED: usize = 50;
/// Established connections of one holder to one torrent: people behind one router are several peers.
pub(crate) const PEERS_PER_HOLDER_MAX: usize = 8;
/// Two connections of one peer within this span are a simultaneous open; later the first stays.
const SIMULTANEOUS: Duration = Duration::from_secs(30);

/// A peer that has said nothing for so long may have moved; one that gives or takes says something more often.
pub(crate) const MOVED_AFTER: Duration = Duration::from_secs(10);

/// One of two connections with one id that has not moved anything for so long goes when the other delivers.
pub(crate) const DOUBLE_AFTER: Duration = Duration::from_secs(30);

/// What becomes of a connection whose handshake has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// It is one of the torrent's peers.
    Welcome,
    /// It is, and that other connection of the same peer has to be closed as a duplicate.
    Instead(ConnId),
    /// It has to be closed.
    Refused(CloseReason),
}

/// One connected peer.
#[derive(Clone, Copy, Debug)]
struct Entry {
    id: PeerId,
    addr: Remote,
    outgoing: bool,
    since: Time,
}

/// The connected peers of one torrent, by who they say they are.
#[derive(Debug)]
pub struct Roster {
    ours: PeerId,
    peers: BTreeMap<ConnId, Entry>,
    ids: BTreeSet<(PeerId, ConnId)>,
    holders: BTreeMap<Holder, usize>,
}

impl Roster {
    /// Nobody yet; `ours` is our peer id in this torrent.
    pub fn new(ours: PeerId) -> Self {
        Self { ours, peers: BTreeMap::new(), ids: BTreeSet::new(), holders: BTreeMap::new() }
    }

    /// How many are connected.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// All connections, ascending.
    pub fn conns(&self) -> impl Iterator<Item = ConnId> + '_ {
        self.peers.keys().copied()
    }

    /// Whether no other can be taken in.
    pub fn is_full(&self) -> bool {
        self.peers.len() >= PEERS_MAX
    }

    /// Judges a connection by its handshake's peer id, whether or not there is a place left. `outgoing` is whether we dialled it.
    pub(crate) fn judge(&self, now: Time, addr: Remote, outgoing: bool, id: PeerId) -> Admission {
        if id == self.ours {
            return Admission::Refused(CloseReason::Ourselves);
        }
        if let Some((first, known)) = self.twins(addr, id).next() {
            let crossed = known.outgoing != outgoing && now.since(known.since) < SIMULTANEOUS;
            let new_stays = crossed && outgoing == (self.ours > id);
            return if new_stays { Admission::Instead(first) } else { Admission::Refused(CloseReason::Duplicate) };
        }
        let here = self.holders.get(&addr.holder()).copied().unwrap_or(0);
        if here >= PEERS_PER_HOLDER_MAX && !addr.is_loopback() {
            return Admission::Refused(CloseReason::TooMany);
        }
        Admission::Welcome
    }

    /// Judges a connection and takes it in when it may stay.
    pub fn admit(&mut self, now: Time, conn: ConnId, addr: Remote, outgoing: bool, id: PeerId) -> Admission {
        let admission = match self.judge(now, addr, outgoing, id) {
            Admission::Welcome if self.is_full() => Admission::Refused(CloseReason::TooMany),
            admission => admission,
        };
        if let Admission::Instead(first) = admission {
            self.leave(first);
        }
        if !matches!(admission, Admission::Refused(_)) {
            self.enter(conn, Entry { id, addr, outgoing, since: now });
        }
        admission
    }

    /// The connections of that id.
    fn called(&self, id: PeerId) -> impl Iterator<Item = (ConnId, &Entry)> {
        let all = self.ids.range((id, ConnId(0))..=(id, ConnId(u64::MAX)));
        all.filter_map(|(_, conn)| Some((*conn, self.peers.get(conn)?)))
    }

    /// The connections of that id and that holder.
    fn twins(&self, addr: Remote, id: PeerId) -> impl Iterator<Item = (ConnId, &Entry)> {
        self.called(id).filter(move |(_, known)| known.addr.holder() == addr.holder())
    }

    /// The connection that a peer of that id has from where that address is.
    pub(crate) fn twin(&self, addr: Remote, id: PeerId) -> Option<ConnId> {
        self.twins(addr, id).next().map(|(conn, _)| conn)
    }

    /// The connections of that id whose holder is another than that of the address.
    pub(crate) fn elsewhere(&self, id: PeerId, addr: Remote) -> impl Iterator<Item = ConnId> {
        self.called(id).filter(move |(_, known)| known.addr.holder() != addr.holder()).map(|(conn, _)| conn)
    }

    /// Each connection whose id another one has as well, with that other.
    pub(crate) fn doubles(&self) -> impl Iterator<Item = (ConnId, ConnId)> {
        let next = self.ids.iter().zip(self.ids.iter().skip(1)).filter(|((one, _), (other, _))| one == other);
        next.flat_map(|((_, one), (_, other))| [(*one, *other), (*other, *one)])
    }

    /// A connection is gone; unknown ones are none of this roster's.
    pub fn leave(&mut self, conn: ConnId) {
        let Some(entry) = self.peers.remove(&conn) else { return };
        self.ids.remove(&(entry.id, conn));
        let holder = entry.addr.holder();
        if let Some(count) = self.holders.get_mut(&holder) {
            *count -= 1;
            if *count == 0 {
                self.holders.remove(&holder);
            }
        }
    }

    fn enter(&mut self, conn: ConnId, entry: Entry) {
        self.ids.insert((entry.id, conn));
        *self.holders.entry(entry.addr.holder()).or_default() += 1;
        self.peers.insert(conn, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> Remote {
        text.parse::<core::net::SocketAddr>().unwrap().into()
    }

    #[test]
    fn row_31_ourselves_and_duplicates_are_refused() {
        let mut roster = Roster::new(PeerId([5; 20]));
        let a = addr("8.8.8.8:5000");
        let now = Time::ZERO;
        let refused = Admission::Refused;
        assert_eq!(roster.admit(now, ConnId(1), a, true, PeerId([5; 20])), refused(CloseReason::Ourselves));
        assert_eq!(roster.admit(now, ConnId(2), a, true, PeerId([6; 20])), Admission::Welcome);
        assert_eq!(roster.admit(now, ConnId(3), a, true, PeerId([6; 20])), refused(CloseReason::Duplicate));
        roster.leave(ConnId(2));
        assert_eq!(roster.admit(now, ConnId(4), a, true, PeerId([6; 20])), Admission::Welcome);
    }

    #[test]
    fn row_2_of_the_audit_nobody_is_locked_out_or_put_out_by_an_id() {
        let mut roster = Roster::new(PeerId([5; 20]));
        let id = PeerId([6; 20]);
        assert_eq!(roster.admit(Time::ZERO, ConnId(1), addr("8.8.8.8:5000"), false, id), Admission::Welcome);
        assert_eq!(roster.admit(Time::ZERO, ConnId(2), addr("9.9.9.9:5000"), true, id), Admission::Welcome);
        assert_eq!(roster.doubles().collect::<alloc::vec::Vec<_>>(), [(ConnId(1), ConnId(2)), (ConnId(2), ConnId(1))]);
        assert!(roster.elsewhere(id, addr("8.8.8.8:9")).eq([ConnId(2)]));
        roster.leave(ConnId(1));
        assert_eq!((roster.doubles().count(), roster.len()), (0, 1));
    }

    #[test]
    fn in_a_simultaneous_open_both_sides_keep_the_one_the_greater_id_dialled() {
        let (small, great) = (PeerId([1; 20]), PeerId([9; 20]));
        let a = addr("8.8.8.8:5000");
        // Connection 1 is dialled by the smaller id, 2 by the greater; each side may see them in either order.
        for (ours, theirs) in [(small, great), (great, small)] {
            for first in [1, 2] {
                let mut roster = Roster::new(ours);
                let dialled_by_us = |conn: u64| (conn == 1) == (ours == small);
                let second = 3 - first;
                roster.admit(Time::ZERO, ConnId(first), a, dialled_by_us(first), theirs);
                let got = roster.admit(Time::ZERO, ConnId(second), a, dialled_by_us(second), theirs);
                let want =
                    if first == 1 { Admission::Instead(ConnId(1)) } else { Admission::Refused(CloseReason::Duplicate) };
                assert_eq!(got, want);
                assert!(roster.ids.iter().eq([&(theirs, ConnId(2))]));
            }
        }
    }

    #[test]
    #[allow(clippy::type_complexity)] // a table of cases
    fn row_45_eight_of_one_holder_but_for_loopback_and_eighty_in_all() {
        let id = |n: u8| PeerId([n; 20]);
        let of_a_64 = |n: u8| addr(&alloc::format!("[2001:db8:0:7::{n:x}]:5000"));
        let cases: [(&str, &dyn Fn(u8) -> Remote, usize); 4] = [
            ("an address", &|_| addr("8.8.8.8:5000"), 8),
            ("this machine", &|_| addr("127.0.0.1:5000"), 80),
            ("a /64 with an address for each connection", &of_a_64, 8),
            ("an address in both clothings", &|n| addr(["8.8.8.8:5000", "[::ffff:8.8.8.8]:5000"][n as usize % 2]), 8),
        ];
        for (text, of, stay) in cases {
            let mut roster = Roster::new(id(255));
            let welcome = (0..100)
                .filter(|n| {
                    let conn = ConnId(u64::from(*n));
                    roster.admit(Time::ZERO, conn, of(*n), false, id(*n)) == Admission::Welcome
                })
                .count();
            assert_eq!(welcome, stay, "{text}");
            assert_eq!(roster.len(), stay);
            roster.leave(ConnId(0));
            assert_eq!(roster.admit(Time::ZERO, ConnId(200), of(0), false, id(200)), Admission::Welcome);
        }
    }
}
