//! Addresses that a torrent may dial, and when (BEP 3; interop rules 2 and 6).
//!
//! Each address waits for its moment: at once when it is new, 1, 5 and 30 minutes after failures, an hour after a
//! refusal; then the one named last goes first, and of those named together the one of the highest canonical priority (BEP 40), when
//! it is known from where the world sees us. A torrent without any peer, and with none on the way, tries those that
//! failed again within seconds: the seed that the user named may only be starting.
mod counted;
mod dial_queue;
pub(super) mod introduced;
mod told;

use super::address::{DialError, PeerSource, Sources, may_dial};
use crate::event::Dials;
use crate::external::External;
use crate::listening::Doors;
use crate::output::CloseReason;
use crate::remote::{Encryption, Failed, How, Plan, Transports, Ways};
use crate::rng::Rng;
use crate::search::Counts;
use crate::time::Time;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use counted::Counted;
use dial_queue::{DialQueue, Name, Place};
use introduced::Introduced;
use teem_wire::holder::{Holder, Network};
use teem_wire::reach::Reach;

/// Addresses kept for one torrent.
const CANDIDATES_MAX: usize = 2000;
/// Addresses taken from one list.
const LIST_MAX: usize = 500;
/// Bans kept of each kind: a list as long as that takes thousands of corrupted pieces.
const BANS_MAX: usize = 2000;
/// Waits after failures that may pass by themselves; the last is repeated.
const BACKOFF: [Duration; 3] = [minutes(1), minutes(5), minutes(30)];
/// The wait after a refusal: nobody listens there.
const REFUSED: Duration = minutes(60);
/// A wait counts from the refusal of a way, and not from the end of the others, by at most this: less than the shortest wait.
const SINCE_REFUSED: Duration = Duration::from_secs(4);
/// An address that turned out to be our own.
const OURSELVES: Duration = minutes(30);
/// For so long after we have moved, those that were peers are dialled again within [`REJOIN_MS`] milliseconds.
const REJOIN: Duration = Duration::from_secs(30);
const REJOIN_MS: u64 = 10_000;
/// Waits in seconds while there is nobody else, by failures so far.
const ALONE_S: [u64; 9] = [5, 10, 15, 15, 15, 30, 60, 120, 300];
/// The longest of these waits for an address that the user named.
const ALONE_USER_MAX_S: u64 = 15;

/// Addresses of one peer that are taken besides its first.
const OTHERS_MAX: usize = 7;

/// Both connections of a peer that end within this have ended because there were two.
const CROSSED: Duration = Duration::from_secs(10);
/// So often in a row a peer is dialled again at once after that, from [`AGAIN_MS`] milliseconds on and within as many more: the other side may do the same.
const CROSSINGS_MAX: usize = 3;
const AGAIN_MS: u64 = 500;

/// How often an address of our own network is tried because a link names it, if it never was a peer: a stranger may have made the link.
const NEAR_LINK_TRIES: usize = 3;

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

/// What an address is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// To be dialled when its moment has come.
    Waiting(Place),
    /// A dial or a handshake is under way.
    Pending,
    /// It is one of the torrent's peers.
    Connected,
}

/// An address that may be dialled, and what became of earlier dials.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    sources: Sources,
    state: State,
    failures: usize,
    /// The ways that have failed since it last waited for long.
    failed: Failed,
    /// When the first of them was refused.
    refused: Option<Time>,
    /// The way of the connection with it whose handshake has not come.
    stands: Option<How>,
    /// The way by which it was one of the torrent's peers.
    worked: Option<How>,
    name: Name,
    /// Whether it was ever dialled.
    tried: bool,
    /// Whether a third has it dial us while we dial it.
    punched: bool,
    /// Whether it was ever one of the torrent's peers: worth saving.
    good: bool,
    /// Whether it was dialled once without a wait after it had closed.
    came_back: bool,
    /// The first of the addresses of one peer, where several are known to be one's.
    of: Option<SocketAddr>,
    /// When the second of two connections with it ended.
    crossed: Option<Time>,
    /// How often in a row both have ended.
    crossings: usize,
}

impl Candidate {
    /// The other side has ended the last connection; whether because there were two, and not for ever so.
    fn ends_crossed(&mut self, now: Time) -> bool {
        let because_of_two = self.crossed.take().is_some_and(|at| now.since(at) < CROSSED);
        self.crossings = if because_of_two { self.crossings + 1 } else { 0 };
        because_of_two && self.crossings <= CROSSINGS_MAX
    }
}

/// The addresses of one torrent.
#[derive(Debug)]
pub(crate) struct Candidates {
    known: BTreeMap<SocketAddr, Candidate>,
    /// Those that wait.
    queue: DialQueue,
    connected: usize,
    /// Until when those that were peers are dialled again soon.
    rejoining: Time,
    banned: BTreeSet<SocketAddr>,
    banned_holders: BTreeSet<Holder>,
    banned_networks: BTreeSet<Network>,
    counted: Counted,
    rng: Rng,
    /// What peers have told of.
    introduced: Introduced,
    /// The ways that there are to dial.
    ways: Ways,
    /// Where we are dialled, as far as is known.
    external: External,
    doors: Doors,
}

impl Candidates {
    /// An empty table; `rng` is its own, `doors` say where we listen.
    pub(crate) fn new(rng: Rng, doors: Doors) -> Self {
        Self {
            known: BTreeMap::new(),
            queue: DialQueue::default(),
            connected: 0,
            rejoining: Time::ZERO,
            banned: BTreeSet::new(),
            banned_holders: BTreeSet::new(),
            banned_networks: BTreeSet::new(),
            counted: Counted::default(),
            rng,
            introduced: Introduced::default(),
            ways: Ways::of(Encryption::Off, Transports::Tcp),
            external: External::default(),
            doors,
        }
    }

    /// Dials go by what is wanted from now on.
    pub(crate) fn dial_by(&mut self, encryption: Encryption, transports: Transports) {
        self.ways = Ways::of(encryption, transports);
    }

    /// The world sees us from there: those that wait are put into the order that follows from it.
    pub(crate) fn set_external(&mut self, external: External) {
        self.external = external;
        for candidate in self.known.values_mut() {
            let tie = tie(external.priority(&self.doors.get(), candidate.name.addr), candidate.name.tie as u32);
            if let State::Waiting(place) = candidate.state {
                self.queue.leave(candidate.name, place);
                candidate.name.tie = tie;
                self.queue.put(candidate.name, place);
            }
            candidate.name.tie = tie;
        }
    }

    /// From where the world sees us.
    pub(crate) fn external(&self) -> External {
        self.external
    }

    /// The canonical priority of a connection with that address (BEP 40), when it is known.
    pub(crate) fn priority(&self, addr: SocketAddr) -> Option<u32> {
        self.external.priority(&self.doors.get(), addr)
    }

    /// Takes a list; what may not be dialled, is known or has no room is left out. Returns how many were new.
    pub(crate) fn add(&mut self, now: Time, source: PeerSource, list: &[SocketAddr]) -> usize {
        self.counted.list(source, list.len());
        list.iter().take(LIST_MAX).filter(|addr| self.add_one(now, source, **addr)).count()
    }

    /// Takes the other addresses of the peer that is at `first` (RFC 8305): each is dialled a moment after the one before, or when that has failed, and
    /// none once the peer is connected.
    pub(crate) fn add_others(&mut self, now: Time, source: PeerSource, first: SocketAddr, others: &[SocketAddr]) {
        for (n, addr) in (1..).zip(others.iter().take(OTHERS_MAX)) {
            if self.add_one(now, source, *addr) {
                let at = now + Plan::HEAD_START * n;
                self.wait(*addr, at, at);
                for one in [first, *addr] {
                    if let Some(candidate) = self.known.get_mut(&one) {
                        candidate.of = Some(first);
                    }
                }
            }
        }
    }

    /// The other addresses of the same peer that wait and were not tried.
    fn untried(&self, addr: SocketAddr) -> Vec<SocketAddr> {
        let Some(first) = self.known.get(&addr).and_then(|c| c.of) else { return Vec::new() };
        let waits = |c: &Candidate| c.of == Some(first) && c.failures == 0 && matches!(c.state, State::Waiting(_));
        self.known.iter().filter(|(other, c)| **other != addr && waits(c)).map(|(other, _)| *other).collect()
    }

    /// Takes an address in as [`Self::take_in`] does, and counts it where its source is the first of its kind to name it.
    fn add_one(&mut self, now: Time, source: PeerSource, addr: SocketAddr) -> bool {
        let kind = source.kind();
        let named = self.known.get(&addr).is_some_and(|c| c.sources.has_kind(kind));
        let is_new = self.take_in(now, source, addr);
        if let Some(candidate) = self.known.get(&addr).filter(|c| !named && c.sources.has_kind(kind)) {
            self.counted.named(source, candidate.tried, candidate.good);
        }
        is_new
    }

    /// Takes an address in, if it may be dialled and there is room; whether it is new.
    fn take_in(&mut self, now: Time, source: PeerSource, addr: SocketAddr) -> bool {
        if !may_dial(addr, source) || self.is_banned(addr) {
            return false;
        }
        if let Some(known) = self.known.get_mut(&addr) {
            known.sources.add(source);
            if let State::Waiting(place) = known.state {
                self.queue.rename(now, known.name, place);
            }
            known.name.named = now;
            return false;
        }
        if self.known.len() >= CANDIDATES_MAX && !self.make_room(now, source) {
            return false;
        }
        let tie = tie(self.priority(addr), self.rng.next_u64() as u32);
        let name = Name { addr, named: now, tie };
        self.known.insert(
            addr,
            Candidate {
                sources: source.into(),
                state: State::Pending,
                failures: 0,
                failed: Failed::default(),
                refused: None,
                stands: None,
                worked: None,
                name,
                tried: false,
                punched: false,
                good: false,
                came_back: false,
                of: None,
                crossed: None,
                crossings: 0,
            },
        );
        self.wait(addr, now, now);
        true
    }

    /// Forgets the address that would be dialled last, when it is one that failed (or the user has named a better one).
    fn make_room(&mut self, now: Time, source: PeerSource) -> bool {
        let Some((time, addr)) = self.queue.last() else { return false };
        let spare = self.known.get(&addr).is_some_and(|c| !c.sources.has(PeerSource::User));
        let may = spare && (time.is_some_and(|time| time > now) || source == PeerSource::User);
        if may {
            self.forget(addr);
        }
        may
    }

    /// The address to dial now; its dial is under way from then on, until `failed`, `closed` or `connected`.
    pub(crate) fn next(&mut self, now: Time) -> Option<SocketAddr> {
        while let Some(candidate) = self.queue.coming(now).and_then(|addr| self.known.get_mut(&addr)) {
            let State::Waiting(place) = &mut candidate.state else { break };
            self.queue.come(candidate.name, place);
        }
        let addr = self.queue.first(now, self.is_alone())?;
        self.set(addr, State::Pending);
        if let Some(candidate) = self.known.get_mut(&addr) {
            self.counted.begins(candidate.sources, !core::mem::replace(&mut candidate.tried, true));
        }
        Some(addr)
    }

    /// When there will be one to dial; `None` when there is none as things are.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.queue.deadline(self.is_alone())
    }

    /// The ways that an address is to be dialled: first the one that has worked before, else the first that has not failed. Where a router hides us uTP is
    /// the first: a peer that is reached by it knows an end of ours that others can dial with its help (BEP 55), and one of TCP leads nowhere.
    pub(crate) fn plan(&self, addr: SocketAddr) -> Plan {
        let known = self.known.get(&addr);
        let plan = known.and_then(|c| self.ways.plan(c.worked, c.failed)).unwrap_or_else(|| self.ways.first().into());
        let hidden = known.is_none_or(|c| c.worked.is_none()) && self.doors.hides_from(addr.ip());
        if hidden { plan.utp_first() } else { plan }
    }

    /// A dial has come to a connection by that way. What answers there has still to say a word.
    pub(crate) fn stands(&mut self, addr: SocketAddr, how: How) {
        if let Some(candidate) = self.known.get_mut(&addr) {
            candidate.stands = Some(how);
        }
    }

    /// A way to an address came to nothing. When that was the last of its dial (`over`), another is tried at once, if there is one; else the address
    /// waits.
    pub(crate) fn failed(&mut self, now: Time, addr: SocketAddr, how: How, why: DialError, over: bool) {
        self.counted.failed(addr, how, why, self.known.get(&addr).is_some_and(|c| c.punched));
        let Some(candidate) = self.known.get_mut(&addr) else { return };
        if why == DialError::Refused {
            candidate.refused.get_or_insert(now);
        }
        candidate.failed = match why {
            DialError::NoMse => candidate.failed.with(how),
            // No way leads past a list of addresses.
            DialError::Filtered => candidate.failed.with_transport(How::TCP).with_transport(How::UTP),
            _ => candidate.failed.with_transport(how),
        };
        if !over {
            return;
        }
        if self.ways.plan(candidate.worked, candidate.failed).is_some() {
            return self.wait(addr, now, now);
        }
        candidate.failed = Failed::default();
        let refused = candidate.refused.take();
        let final_for_now = refused.is_some() && !candidate.sources.has(PeerSource::User);
        // Another way may have been silent for seconds since: a seed that listens a moment after the refusal is found all the same.
        let since = refused.map_or(now, |at| at.max(now - SINCE_REFUSED));
        self.back_off(now, since, addr, final_for_now.then_some(REFUSED));
    }

    /// A connection to (or, with the port it told, from) that address is one of the torrent's peers. An address that is
    /// not known is taken in when it may be dialled.
    pub(crate) fn connected(&mut self, now: Time, addr: SocketAddr) {
        if let Some((how, candidate)) = self.known.get(&addr).and_then(|c| Some((c.stands?, c))) {
            self.counted.led(addr, how, candidate.punched);
            if !candidate.good {
                self.counted.reached(candidate.sources);
            }
            self.take_in(now, PeerSource::Inbound, addr);
        } else {
            self.add_one(now, PeerSource::Inbound, addr);
            if let Some(candidate) = self.known.get(&addr).filter(|c| !c.good) {
                self.counted.reached(candidate.sources);
            }
        }
        if let Some(candidate) = self.known.get_mut(&addr) {
            candidate.failures = 0;
            candidate.worked = candidate.stands.take().or(candidate.worked);
            (candidate.failed, candidate.refused) = (Failed::default(), None);
            candidate.good = true;
            self.set(addr, State::Connected);
            for other in self.untried(addr) {
                self.wait(other, now + BACKOFF[2], now + BACKOFF[0]);
            }
        }
    }

    /// A connection to that address has ended, before or after its handshake. One without a handshake is a way that failed: something in
    /// between may let a connection through and no word of the protocol.
    pub(crate) fn closed(&mut self, now: Time, addr: SocketAddr, why: CloseReason) {
        let Some(candidate) = self.known.get_mut(&addr) else { return };
        let unproven = candidate.stands.take().filter(|_| candidate.state == State::Pending);
        if let Some(how) = unproven {
            candidate.failed = candidate.failed.with(how);
            // That it was ourselves, or connected already, is no failure.
            if !matches!(why, CloseReason::Ourselves | CloseReason::Duplicate) {
                self.counted.failed(addr, how, DialError::NoMse, candidate.punched);
            }
        }
        let of_the_way = matches!(why, CloseReason::Remote | CloseReason::TimedOut | CloseReason::NotBitTorrent);
        let plan = self.ways.plan(candidate.worked, candidate.failed);
        let another_way = unproven.is_some() && of_the_way && plan.is_some();
        if !another_way {
            (candidate.failed, candidate.refused) = (Failed::default(), None);
        }
        let because_of_two = why == CloseReason::Remote && candidate.ends_crossed(now);
        match why {
            CloseReason::Remote if because_of_two => {
                let soon = now + Duration::from_millis(AGAIN_MS + self.rng.below(AGAIN_MS));
                self.wait(addr, soon, soon);
            }
            CloseReason::Banned => self.ban(addr),
            CloseReason::Ourselves => self.wait(addr, now + OURSELVES, now + OURSELVES),
            CloseReason::BothSeeds => self.wait(addr, now + REFUSED, now + REFUSED),
            CloseReason::TooMany => self.wait(addr, now + BACKOFF[1], now + BACKOFF[0]),
            CloseReason::Duplicate | CloseReason::Useless => self.wait(addr, now + BACKOFF[2], now + BACKOFF[0]),
            _ if another_way => self.wait(addr, now, now),
            _ => self.back_off(now, now, addr, None),
        }
    }

    /// The peer that listens there had two connections with us, of which one has ended.
    pub(crate) fn crosses(&mut self, now: Time, addr: SocketAddr) {
        if let Some(candidate) = self.known.get_mut(&addr).filter(|c| c.state == State::Connected) {
            candidate.crossed = Some(now);
        }
    }

    /// One that waits is dialled at once, a single time: so that one that keeps coming and going cannot make us dial without a pause.
    pub(crate) fn comes_back(&mut self, now: Time, addr: SocketAddr) {
        let waits = |c: &&mut Candidate| matches!(c.state, State::Waiting(_));
        if let Some(candidate) = self.known.get_mut(&addr).filter(waits)
            && !core::mem::replace(&mut candidate.came_back, true)
        {
            self.wait(addr, now, now);
        }
    }

    /// Never to be dialled again in this run.
    pub(crate) fn ban(&mut self, addr: SocketAddr) {
        self.forget(addr);
        if self.banned.len() < BANS_MAX {
            self.banned.insert(addr);
        }
    }

    /// The same for all addresses of a holder. Not to be done with loopback, behind which everybody on this machine is.
    pub(crate) fn ban_holder(&mut self, holder: Holder) {
        if self.banned_holders.len() < BANS_MAX {
            self.banned_holders.insert(holder);
            self.forget_banned();
        }
    }

    /// The same for all of a network.
    pub(crate) fn ban_network(&mut self, network: Network) {
        if self.banned_networks.len() < BANS_MAX {
            self.banned_networks.insert(network);
            self.forget_banned();
        }
    }

    fn forget_banned(&mut self) {
        let there: Vec<_> = self.known.keys().filter(|addr| self.is_banned(**addr)).copied().collect();
        for addr in there {
            self.forget(addr);
        }
    }

    /// Whether connections with that address are refused.
    pub(crate) fn is_banned(&self, addr: SocketAddr) -> bool {
        let holder = Holder::of(addr.ip());
        self.banned.contains(&addr)
            || self.banned_holders.contains(&holder)
            || self.banned_networks.contains(&holder.wider())
    }

    /// Forgets all addresses but those of live connections (BEP 27: another tracker, other peers).
    pub(crate) fn drop_all(&mut self) {
        for addr in self.queue.clear() {
            self.known.remove(&addr);
        }
        self.introduced.clear();
    }

    /// We are elsewhere than before, or were away: those that were peers and were lost are dialled again, over some seconds.
    pub(crate) fn rejoin(&mut self, now: Time) {
        self.rejoining = now + REJOIN;
        let lost = |c: &Candidate| c.good && c.failures > 0 && matches!(c.state, State::Waiting(_));
        let lost: Vec<SocketAddr> = self.known.iter().filter(|(_, c)| lost(c)).map(|(addr, _)| *addr).collect();
        for addr in lost {
            self.wait_shortly(now, addr);
        }
    }

    /// Those that were peers are dialled again soon: also complete ones, which may be of use again.
    pub(crate) fn redial(&mut self, now: Time) {
        let waits = |c: &Candidate| c.good && matches!(c.state, State::Waiting(_));
        let good: Vec<SocketAddr> = self.known.iter().filter(|(_, c)| waits(c)).map(|(addr, _)| *addr).collect();
        for addr in good {
            self.wait_shortly(now, addr);
        }
    }

    fn wait_shortly(&mut self, now: Time, addr: SocketAddr) {
        let soon = now + Duration::from_millis(1 + self.rng.below(REJOIN_MS));
        self.wait(addr, soon, soon);
    }

    /// Whether somebody may be dialled now, or is on the way.
    pub(crate) fn has_more(&self, now: Time) -> bool {
        self.pending() > 0 || self.queue.deadline(false).is_some_and(|at| at <= now)
    }

    /// Dials and handshakes under way.
    pub(crate) fn pending(&self) -> usize {
        self.known.len() - self.connected - self.queue.len()
    }

    /// The figures of this run.
    pub(crate) fn dials(&self) -> Dials {
        self.counted.dials(self.known.len(), self.pending())
    }

    /// How many each source named, and what came of dialling them.
    pub(crate) fn counts(&self) -> &Counts {
        self.counted.counts()
    }

    /// Addresses worth dialling in the next run: those that were peers, at most `max`.
    pub(crate) fn worth_saving(&self, max: usize) -> impl Iterator<Item = SocketAddr> + '_ {
        self.known.iter().filter(|(_, c)| c.good).map(|(a, _)| *a).take(max)
    }

    /// Nobody is connected and nobody is on the way.
    fn is_alone(&self) -> bool {
        self.connected == 0 && self.pending() == 0
    }

    fn back_off(&mut self, now: Time, since: Time, addr: SocketAddr, wait: Option<Duration>) {
        if let Some(other) = self.untried(addr).first() {
            self.wait(*other, now, now);
        }
        let Some(candidate) = self.known.get_mut(&addr) else { return };
        let failures = candidate.failures;
        candidate.failures += 1;
        let near = Reach::of(addr.ip()) != Reach::Public;
        let named_by_a_link = candidate.sources.is_only(PeerSource::Link);
        if named_by_a_link && near && !candidate.good && candidate.failures >= NEAR_LINK_TRIES {
            return self.forget(addr);
        }
        if candidate.good && now < self.rejoining {
            return self.wait_shortly(now, addr);
        }
        let wait = wait.unwrap_or(BACKOFF[failures.min(BACKOFF.len() - 1)]);
        let mut alone = ALONE_S[failures.min(ALONE_S.len() - 1)];
        if candidate.sources.has(PeerSource::User) || candidate.sources.has(PeerSource::Link) {
            alone = alone.min(ALONE_USER_MAX_S);
        }
        self.wait(addr, since + wait, since + Duration::from_secs(alone));
    }

    fn wait(&mut self, addr: SocketAddr, ordinary: Time, alone: Time) {
        self.set(addr, State::Pending);
        if let Some(candidate) = self.known.get_mut(&addr) {
            candidate.state = State::Waiting(self.queue.enter(candidate.name, ordinary, alone));
        }
    }

    /// Puts it on the way or among the connected. Only here and in `wait` does a state change.
    fn set(&mut self, addr: SocketAddr, state: State) {
        let Some(candidate) = self.known.get_mut(&addr) else { return };
        // What was said of a dial is over with it.
        candidate.punched &= state == State::Pending && candidate.state == State::Pending;
        match core::mem::replace(&mut candidate.state, state) {
            State::Waiting(place) => self.queue.leave(candidate.name, place),
            State::Connected => self.connected -= 1,
            State::Pending => {}
        }
        self.connected += usize::from(state == State::Connected);
    }

    /// Nobody is there any more.
    pub(crate) fn forget(&mut self, addr: SocketAddr) {
        self.set(addr, State::Pending);
        self.known.remove(&addr);
        self.introduced.forget(addr);
    }
}

/// The order among those that are alike, the least first: by priority, at random where networks have the same; an address without one is anywhere
/// among the others.
fn tie(priority: Option<u32>, drawn: u32) -> u64 {
    let rank = priority.map_or(drawn, |priority| u32::MAX - priority);
    u64::from(rank) << 32 | u64::from(drawn)
}

#[cfg(test)]
mod tests;
