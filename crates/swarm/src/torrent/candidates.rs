//! Addresses that a torrent may dial, and when (BEP 3; interop rules 2 and 6).
//!
//! Each address waits for its moment: at once when it is new, 1, 5 and 30 minutes after failures, an hour after a
//! refusal; then the one named last goes first. A torrent without any peer, and with none on the way, tries those that
//! failed again within seconds: the seed that the user named may only be starting.
mod turns;

use super::address::{DialError, PeerSource, may_dial};
use crate::effect::CloseReason;
use crate::event::Dials;
use crate::rng::Rng;
use crate::time::Time;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use teem_wire::reach::Reach;
use turns::{Name, Place, Turns};

/// Addresses kept for one torrent.
const CANDIDATES_MAX: usize = 2000;
/// Addresses taken from one list.
const LIST_MAX: usize = 500;
/// Bans kept of each kind: who fills that has corrupted thousands of pieces first.
const BANS_MAX: usize = 2000;
/// Waits after failures that may pass by themselves; the last is repeated.
const BACKOFF: [Duration; 3] = [minutes(1), minutes(5), minutes(30)];
/// The wait after a refusal: nobody listens there.
const REFUSED: Duration = minutes(60);
/// An address that turned out to be our own.
const OURSELVES: Duration = minutes(30);
/// Waits in seconds while there is nobody else, by failures so far.
const ALONE_S: [u64; 9] = [5, 10, 15, 15, 15, 30, 60, 120, 300];
/// The longest of these waits for an address that the user named.
const ALONE_USER_MAX_S: u64 = 15;

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

/// What an address is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// To be dialled when it is its turn.
    Waiting(Place),
    /// A dial or a handshake is under way.
    Pending,
    /// It is one of the torrent's peers.
    Connected,
}

/// One address.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    source: PeerSource,
    state: State,
    failures: usize,
    name: Name,
    /// Whether it was ever one of the torrent's peers: worth saving.
    good: bool,
}

/// The addresses of one torrent.
#[derive(Debug)]
pub struct Candidates {
    known: BTreeMap<SocketAddr, Candidate>,
    /// Those that wait.
    turns: Turns,
    connected: usize,
    banned: BTreeSet<SocketAddr>,
    banned_whole: BTreeSet<IpAddr>,
    dials: Dials,
    rng: Rng,
}

impl Candidates {
    /// An empty table; `rng` is its own.
    pub fn new(rng: Rng) -> Self {
        Self {
            known: BTreeMap::new(),
            turns: Turns::default(),
            connected: 0,
            banned: BTreeSet::new(),
            banned_whole: BTreeSet::new(),
            dials: Dials::default(),
            rng,
        }
    }

    /// Takes a list; what may not be dialled, is known or has no room is left out. Returns how many were new.
    pub fn add(&mut self, now: Time, source: PeerSource, list: &[SocketAddr]) -> usize {
        list.iter().take(LIST_MAX).filter(|addr| self.add_one(now, source, **addr)).count()
    }

    fn add_one(&mut self, now: Time, source: PeerSource, addr: SocketAddr) -> bool {
        if !may_dial(addr, source) || self.is_banned(addr) {
            return false;
        }
        if let Some(known) = self.known.get_mut(&addr) {
            known.source = known.source.min(source);
            if let State::Waiting(place) = known.state {
                self.turns.rename(now, known.name, place);
            }
            known.name.named = now;
            return false;
        }
        if self.known.len() >= CANDIDATES_MAX && !self.make_room(now, source) {
            return false;
        }
        let name = Name { addr, named: now, tie: self.rng.next_u64() as u32 };
        self.known.insert(addr, Candidate { source, state: State::Pending, failures: 0, name, good: false });
        self.wait(addr, now, now);
        true
    }

    /// Forgets the address that would be dialled last, when it is one that failed (or the user has named a better one).
    fn make_room(&mut self, now: Time, source: PeerSource) -> bool {
        let Some((time, addr)) = self.turns.last() else { return false };
        let spare = self.known.get(&addr).is_some_and(|c| c.source != PeerSource::User);
        let may = spare && (time.is_some_and(|time| time > now) || source == PeerSource::User);
        if may {
            self.forget(addr);
        }
        may
    }

    /// The address to dial now; its dial is under way from then on, until `failed`, `closed` or `connected`.
    pub fn next(&mut self, now: Time) -> Option<SocketAddr> {
        while let Some(candidate) = self.turns.coming(now).and_then(|addr| self.known.get_mut(&addr)) {
            let State::Waiting(place) = &mut candidate.state else { break };
            self.turns.come(candidate.name, place);
        }
        let addr = self.turns.first(now, self.is_alone())?;
        self.set(addr, State::Pending);
        self.dials.tried = self.dials.tried.saturating_add(1);
        Some(addr)
    }

    /// When there will be one to dial; `None` when there is none as things are.
    pub fn deadline(&self) -> Option<Time> {
        self.turns.deadline(self.is_alone())
    }

    /// A dial came to nothing.
    pub fn failed(&mut self, now: Time, addr: SocketAddr, why: DialError) {
        let count = match why {
            DialError::Refused => &mut self.dials.refused,
            DialError::TimedOut => &mut self.dials.timed_out,
            DialError::Unreachable => &mut self.dials.failed,
        };
        *count = count.saturating_add(1);
        let final_for_now =
            why == DialError::Refused && self.known.get(&addr).is_some_and(|c| c.source != PeerSource::User);
        self.back_off(now, addr, final_for_now.then_some(REFUSED));
    }

    /// A connection to (or, with the port it told, from) that address is one of the torrent's peers. An address that is
    /// not known is taken in when it may be dialled.
    pub fn connected(&mut self, now: Time, addr: SocketAddr) {
        self.add_one(now, PeerSource::Inbound, addr);
        if let Some(candidate) = self.known.get_mut(&addr) {
            candidate.failures = 0;
            candidate.good = true;
            self.set(addr, State::Connected);
        }
    }

    /// A connection to that address has ended, before or after its handshake.
    pub fn closed(&mut self, now: Time, addr: SocketAddr, why: CloseReason) {
        let Some(candidate) = self.known.get_mut(&addr) else { return };
        if candidate.state == State::Pending {
            self.dials.failed = self.dials.failed.saturating_add(1);
        }
        match why {
            CloseReason::Banned => self.ban(addr),
            CloseReason::Ourselves => self.wait(addr, now + OURSELVES, now + OURSELVES),
            CloseReason::BothSeeds => self.wait(addr, now + REFUSED, now + REFUSED),
            CloseReason::TooMany => self.wait(addr, now + BACKOFF[1], now + BACKOFF[0]),
            CloseReason::Duplicate | CloseReason::Useless => self.wait(addr, now + BACKOFF[2], now + BACKOFF[0]),
            _ => self.back_off(now, addr, None),
        }
    }

    /// Never to be dialled again in this run.
    pub fn ban(&mut self, addr: SocketAddr) {
        self.forget(addr);
        if self.banned.len() < BANS_MAX {
            self.banned.insert(addr);
        }
    }

    /// The same for all ports of an address; never for loopback, behind which everybody on this machine is.
    pub fn ban_whole(&mut self, ip: IpAddr) {
        if Reach::of(ip) == Reach::Loopback || self.banned_whole.len() >= BANS_MAX {
            return;
        }
        let there: Vec<_> = self.known.keys().filter(|a| a.ip() == ip).copied().collect();
        for addr in there {
            self.forget(addr);
        }
        self.banned_whole.insert(ip);
    }

    /// Whether connections with that address are refused.
    pub fn is_banned(&self, addr: SocketAddr) -> bool {
        self.banned.contains(&addr) || self.banned_whole.contains(&addr.ip())
    }

    /// Forgets all addresses but those of live connections (BEP 27: another tracker, other peers).
    pub fn drop_all(&mut self) {
        for addr in self.turns.clear() {
            self.known.remove(&addr);
        }
    }

    /// How many are known and might be dialled at some time, connected ones left out.
    pub fn spare(&self) -> usize {
        self.known.len() - self.connected
    }

    /// Whether somebody may be dialled now, or is on the way.
    pub fn has_more(&self, now: Time) -> bool {
        self.pending() > 0 || self.turns.deadline(false).is_some_and(|at| at <= now)
    }

    /// Dials and handshakes under way.
    pub fn pending(&self) -> usize {
        self.known.len() - self.connected - self.turns.len()
    }

    /// The figures of this run.
    pub fn dials(&self) -> Dials {
        Dials { known: self.known.len() as u32, pending: self.pending() as u32, ..self.dials }
    }

    /// Addresses worth dialling in the next run: those that were peers, at most `max`.
    pub fn worth_saving(&self, max: usize) -> impl Iterator<Item = SocketAddr> + '_ {
        self.known.iter().filter(|(_, c)| c.good).map(|(a, _)| *a).take(max)
    }

    /// Nobody is connected and nobody is on the way.
    fn is_alone(&self) -> bool {
        self.connected == 0 && self.pending() == 0
    }

    fn back_off(&mut self, now: Time, addr: SocketAddr, wait: Option<Duration>) {
        let Some(candidate) = self.known.get_mut(&addr) else { return };
        let failures = candidate.failures;
        candidate.failures += 1;
        let wait = wait.unwrap_or(BACKOFF[failures.min(BACKOFF.len() - 1)]);
        let mut alone = ALONE_S[failures.min(ALONE_S.len() - 1)];
        if candidate.source == PeerSource::User {
            alone = alone.min(ALONE_USER_MAX_S);
        }
        self.wait(addr, now + wait, now + Duration::from_secs(alone));
    }

    fn wait(&mut self, addr: SocketAddr, ordinary: Time, alone: Time) {
        self.set(addr, State::Pending);
        if let Some(candidate) = self.known.get_mut(&addr) {
            candidate.state = State::Waiting(self.turns.enter(candidate.name, ordinary, alone));
        }
    }

    /// Puts it on the way or among the connected. Only here and in `wait` does a state change.
    fn set(&mut self, addr: SocketAddr, state: State) {
        let Some(candidate) = self.known.get_mut(&addr) else { return };
        match core::mem::replace(&mut candidate.state, state) {
            State::Waiting(place) => self.turns.leave(candidate.name, place),
            State::Connected => self.connected -= 1,
            State::Pending => {}
        }
        self.connected += usize::from(state == State::Connected);
    }

    fn forget(&mut self, addr: SocketAddr) {
        self.set(addr, State::Pending);
        self.known.remove(&addr);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_nanos(seconds * 1_000_000_000)
    }

    fn addr(n: u32) -> SocketAddr {
        (IpAddr::from((0x0808_0000 + n).to_be_bytes()), 5000).into()
    }

    fn table() -> Candidates {
        Candidates::new(Rng::new(7))
    }

    #[test]
    fn back_off_is_1_5_30_minutes_and_an_hour_after_a_refusal() {
        let mut c = table();
        c.add(at(0), PeerSource::PublicTracker, &[addr(1), addr(2)]);
        let a = c.next(at(0)).unwrap();
        let b = c.next(at(0)).unwrap();
        c.connected(at(0), b);
        let mut now = at(0);
        for wait in [1, 5, 30, 30] {
            c.failed(now, a, DialError::TimedOut);
            assert_eq!(c.deadline(), Some(now + minutes(wait)));
            now = now + minutes(wait);
            assert_eq!(c.next(now), Some(a));
        }
        c.failed(now, a, DialError::Refused);
        assert_eq!(c.deadline(), Some(now + minutes(60)));
        assert_eq!((c.dials().tried, c.dials().refused, c.dials().timed_out), (6, 1, 4));
    }

    #[test]
    fn with_nobody_else_a_seed_that_is_only_starting_is_tried_again_within_seconds() {
        let mut c = table();
        c.add(at(0), PeerSource::User, &[addr(1)]);
        let mut now = at(0);
        for wait in [5, 10, 15, 15, 15, 15, 15, 15, 15, 15, 15] {
            assert_eq!(c.next(now), Some(addr(1)));
            assert_eq!(c.deadline(), None, "under way");
            c.failed(now, addr(1), DialError::Refused);
            assert_eq!(c.deadline(), Some(now + Duration::from_secs(wait)));
            now = now + Duration::from_secs(wait);
        }
        c.add(now, PeerSource::PublicTracker, &[addr(2)]);
        assert!(c.next(now).is_some(), "new ones come first");
    }

    #[test]
    fn who_was_named_last_is_dialled_first() {
        let mut c = table();
        c.add(at(0), PeerSource::PublicTracker, &[addr(1), addr(2), addr(3)]);
        c.add(at(60), PeerSource::PublicTracker, &[addr(4)]);
        c.add(at(120), PeerSource::PublicTracker, &[addr(2)]);
        assert_eq!([c.next(at(120)), c.next(at(120))], [Some(addr(2)), Some(addr(4))]);
        c.closed(at(120), addr(2), CloseReason::Remote);
        assert_eq!(c.add(at(130), PeerSource::PublicTracker, &[addr(2), addr(3)]), 0);
        assert_eq!(c.next(at(130)), Some(addr(3)), "naming does not shorten the wait of who failed");
        assert_eq!([c.next(at(180)), c.next(at(180)), c.next(at(180))], [Some(addr(2)), Some(addr(1)), None]);
    }

    #[test]
    fn the_table_is_bounded_and_those_that_fail_make_room() {
        let mut c = table();
        for n in 0..3000 {
            c.add(at(0), PeerSource::PublicTracker, &[addr(n)]);
        }
        assert_eq!(c.dials().known as usize, CANDIDATES_MAX);
        assert_eq!(c.add(at(0), PeerSource::PublicTracker, &[addr(5000)]), 0);
        let gone = c.next(at(0)).unwrap();
        c.failed(at(0), gone, DialError::TimedOut);
        assert_eq!(c.add(at(0), PeerSource::PublicTracker, &[addr(5000)]), 1);
        assert_eq!(c.add(at(0), PeerSource::User, &[addr(5001)]), 1, "the user goes before");
        assert_eq!(c.dials().known as usize, CANDIDATES_MAX);
        let many: Vec<_> = (10_000..20_000).map(addr).collect();
        assert_eq!(table().add(at(0), PeerSource::Saved, &many), LIST_MAX);
    }

    #[test]
    fn ourselves_is_remembered_for_half_an_hour_and_bans_for_good() {
        let mut c = table();
        c.add(at(0), PeerSource::User, &[addr(1)]);
        c.next(at(0));
        c.closed(at(0), addr(1), CloseReason::Ourselves);
        assert_eq!(c.deadline(), Some(at(1800)));
        c.closed(at(0), addr(1), CloseReason::Banned);
        assert_eq!((c.add(at(0), PeerSource::User, &[addr(1)]), c.deadline()), (0, None));
        c.ban_whole(addr(2).ip());
        assert!(c.is_banned(SocketAddr::new(addr(2).ip(), 9)));
        c.ban_whole(IpAddr::from([127, 0, 0, 1]));
        assert!(!c.is_banned(SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 5000)));
    }

    #[test]
    fn queues_and_counts_agree_whatever_happens() {
        let mut rng = Rng::new(1);
        let mut c = table();
        for step in 0..20_000u64 {
            let (now, who) = (at(step * 7), addr(rng.below(60) as u32));
            match rng.below(9) {
                0 => _ = c.add(now, PeerSource::PublicTracker, &[who]),
                1 | 2 => _ = c.next(now),
                3 => c.failed(now, who, DialError::Refused),
                4 => c.connected(now, who),
                5 => c.closed(now, who, CloseReason::Remote),
                6 => c.closed(now, who, CloseReason::BothSeeds),
                7 if step % 50 == 0 => c.drop_all(),
                _ => c.closed(now, who, CloseReason::Duplicate),
            }
            let waiting = c.known.values().filter(|c| matches!(c.state, State::Waiting(_))).count();
            let connected = c.known.values().filter(|c| c.state == State::Connected).count();
            assert_eq!((c.turns.len(), c.connected), (waiting, connected));
        }
    }
}
