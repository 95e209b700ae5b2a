//! Where peers come from (BEP 3, 12, 20, 27): trackers are asked by the [`announcer`](super::announce), addresses wait among the
//! [`candidates`](super::candidates) until they are dialled.
use super::address::{DialError, PeerSource};
use super::announce::{Announcer, Ask, Asking, Counters, Heard, Identity};
use super::candidates::Candidates;
use super::candidates::introduced::Introducer;
use super::download::evidence::Extent;
use super::table::Table;
use crate::ask::AskId;
use crate::event::{Dials, TrackerStats};
use crate::external::External;
use crate::ids::ConnId;
use crate::memory::Memory;
use crate::output::CloseReason;
use crate::remote::{Encryption, How, Plan, Remote, Transports};
use crate::rng::Rng;
use crate::search::Counts;
use crate::time::Time;
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use teem_metainfo::AnnounceUrl;
use teem_wire::holder::Holder;
use teem_wire::peer::message::{Contact, PexFlags, PexMessage};
use teem_wire::reach::Reach;
use teem_wire::tracker::announce::{AnnounceError, AnnounceReply};

/// Peers in the saved facts.
const SAVED_PEERS_MAX: usize = 200;

/// Trackers and addresses.
#[derive(Debug)]
pub(super) struct Finder {
    announcer: Announcer,
    candidates: Candidates,
    /// Peers that were named by hand, until the torrent begins.
    named: Vec<(PeerSource, Vec<SocketAddr>)>,
}

impl Finder {
    /// Silent until [`Self::start`].
    pub(super) fn new(
        me: Identity,
        trackers: &[Vec<AnnounceUrl>],
        private: bool,
        named: Vec<(PeerSource, Vec<SocketAddr>)>,
        rng: &mut Rng,
    ) -> Self {
        let announcer = Announcer::new(me.clone(), trackers, private, rng);
        Self { announcer, candidates: Candidates::new(rng.fork(), me.doors.clone()), named }
    }

    /// The torrent begins: peers named by hand are taken, unless it is private; whether there were such and they are ignored.
    pub(super) fn take_named(&mut self, now: Time, private: bool) -> bool {
        let named = core::mem::take(&mut self.named);
        if private && !named.is_empty() {
            return true;
        }
        for source in [PeerSource::User, PeerSource::Link] {
            let of = || named.iter().filter(|(by, _)| *by == source).filter_map(|(_, addrs)| addrs.split_first());
            let firsts: Vec<SocketAddr> = of().map(|(first, _)| *first).collect();
            if !firsts.is_empty() {
                self.candidates.add(now, source, &firsts);
            }
            for (first, others) in of() {
                self.candidates.add_others(now, source, *first, others);
            }
        }
        false
    }

    /// Other trackers are asked from now on.
    pub(super) fn set_trackers(&mut self, now: Time, tiers: &[Vec<AnnounceUrl>], rng: &mut Rng) {
        self.announcer.set_trackers(now, tiers, rng);
    }

    /// Goes on with trackers that were asked while the torrent rested.
    pub(super) fn take_up(&mut self, now: Time, mut announcer: Announcer) {
        announcer.wake(now);
        self.announcer = announcer;
    }

    /// The trackers, which go on being asked while the torrent rests.
    pub(super) fn into_announcer(self, now: Time) -> Announcer {
        let mut announcer = self.announcer;
        announcer.rest(now);
        announcer
    }

    /// Whether a tracker has still to be told of the completion.
    pub(super) fn owes_completed(&self) -> bool {
        self.announcer.owes_completed()
    }

    /// Goes on announcing where an earlier run was. Before [`Self::start`].
    pub(super) fn recall(&mut self, now: Time, memory: &Memory, wants: bool, spread: Duration, rng: &mut Rng) {
        self.announcer.recall(now, memory, wants, spread, rng);
    }

    /// What is to be kept of its announces.
    pub(super) fn memory(&self, now: Time) -> Option<Memory> {
        self.announcer.memory(now)
    }

    /// The program ends and will go on: trackers of a torrent without peers hear nothing of it; whether it is one.
    pub(super) fn part(&mut self) -> bool {
        self.announcer.part()
    }

    /// Begins to announce.
    pub(super) fn start(&mut self, now: Time) {
        self.announcer.start(now);
    }

    /// Says `stopped` to all trackers that were told `started`.
    pub(super) fn stop(&mut self, now: Time) {
        self.announcer.stop(now);
    }

    /// Whether all trackers know, or have had their time.
    pub(super) fn is_stopped(&self, now: Time) -> bool {
        self.announcer.is_stopped(now)
    }

    /// Everything has come to be here by downloading.
    pub(super) fn completed(&mut self, now: Time) {
        self.announcer.completed(now);
    }

    /// Whether all that is wanted is here and not everything (BEP 21).
    pub(super) fn set_partial(&mut self, now: Time, partial: bool) {
        self.announcer.set_partial(now, partial);
    }

    /// The metadata said that the torrent is private: one tracker at a time, and the peers come from it alone.
    pub(super) fn set_private(&mut self) {
        self.announcer.set_private();
        self.candidates.drop_all();
    }

    /// What earlier runs left: trackers that know of the completion, peers.
    pub(super) fn remember(&mut self, now: Time, completed_at: &[String], peers: &[String], private: bool) {
        self.announcer.remember(completed_at);
        if !private {
            // Of a private torrent only the tracker says who may take part (BEP 27).
            let saved: Vec<SocketAddr> = peers.iter().filter_map(|p| p.parse().ok()).collect();
            if !saved.is_empty() {
                self.candidates.add(now, PeerSource::Saved, &saved);
            }
        }
    }

    /// Trackers that know of the completion, and peers worth dialling in the next run.
    pub(super) fn memories(&self, private: bool) -> (Vec<String>, Vec<String>) {
        let peers = if private {
            Vec::new()
        } else {
            self.candidates.worth_saving(SAVED_PEERS_MAX).map(|a| a.to_string()).collect()
        };
        (self.announcer.completed_at().to_vec(), peers)
    }

    /// Takes addresses to dial.
    pub(super) fn add(&mut self, now: Time, source: PeerSource, list: &[SocketAddr]) {
        self.candidates.add(now, source, list);
    }

    /// A peer tells of others (BEP 11): of what is at one address the first is taken, save on this machine, and never ourselves.
    pub(super) fn introduce(&mut self, now: Time, conn: ConnId, by: Remote, said: &PexMessage) {
        let source = by.ip().map_or(PeerSource::Pex(Reach::Public), PeerSource::pex);
        let party = if by.is_loopback() { Holder::named(conn.0 as u32) } else { by.holder() };
        let mut seen = BTreeSet::new();
        let first = |contact: &Contact| {
            let ip = contact.addr.ip();
            Reach::of(ip) == Reach::Loopback || seen.insert(ip)
        };
        let met: Vec<Contact> = said.added.iter().copied().filter(first).collect();
        self.candidates.introduce(now, Introducer { conn, party }, source, &met);
        for addr in &said.dropped {
            self.candidates.departed(*addr, conn);
        }
    }

    /// What was said of an address by those that told of it.
    pub(super) fn said_of(&self, addr: SocketAddr) -> Option<PexFlags> {
        self.candidates.said_of(addr)
    }

    /// Those that told of an address, the latest first.
    pub(super) fn introducers(&self, addr: SocketAddr) -> impl Iterator<Item = ConnId> {
        self.candidates.introducers(addr)
    }

    /// Whether we are there, as far as is known.
    pub(super) fn is_ours(&self, addr: SocketAddr) -> bool {
        self.candidates.is_ours(addr)
    }

    /// A peer has another dial us: the way to dial that one, under way from then on, unless a dial is under way already or it may not be dialled.
    pub(super) fn punch(&mut self, now: Time, by: Remote, addr: SocketAddr) -> Option<Plan> {
        let source = by.ip().map_or(PeerSource::Pex(Reach::Public), PeerSource::pex);
        self.candidates.punch(now, source, addr)
    }

    /// Whether a dial or a handshake there is under way.
    pub(super) fn is_dialling(&self, addr: SocketAddr) -> bool {
        self.candidates.is_dialling(addr)
    }

    /// One that may have told of others is gone.
    pub(super) fn introducer_gone(&mut self, conn: ConnId) {
        self.candidates.introducer_gone(conn);
    }

    /// Forgets all addresses but those of live connections.
    pub(super) fn drop_addresses(&mut self) {
        self.candidates.drop_all();
    }

    /// Where to dial now and how; that dial is under way from then on. An address from which one of the peers has come is not dialled: over uTP
    /// a client dials from the port that it listens on, and two connections at one moment may both be closed by it.
    pub(super) fn next_dial(&mut self, now: Time, table: &Table) -> Option<(Remote, Plan)> {
        loop {
            let addr = self.candidates.next(now)?;
            if !table.is_connected_with(addr.into()) {
                return Some((addr.into(), self.candidates.plan(addr)));
            }
            self.candidates.connected(now, addr);
        }
    }

    /// A dial has come to a connection by that way.
    pub(super) fn dial_stands(&mut self, to: Remote, how: How) {
        if let Some(addr) = to.addr() {
            self.candidates.stands(addr, how);
        }
    }

    /// Dials go by what is wanted from now on.
    pub(super) fn dial_by(&mut self, encryption: Encryption, transports: Transports) {
        self.candidates.dial_by(encryption, transports);
    }

    /// When [`Self::next_dial`] will have something.
    pub(super) fn dial_deadline(&self) -> Option<Time> {
        self.candidates.deadline()
    }

    /// Dials and handshakes under way.
    pub(super) fn dialling(&self) -> usize {
        self.candidates.pending()
    }

    /// Whether somebody may be dialled now, or is on the way.
    pub(super) fn has_more(&self, now: Time) -> bool {
        self.candidates.has_more(now)
    }

    /// A way to an end came to nothing, the last of its dial when that is `over`.
    pub(super) fn dial_failed(
        &mut self,
        now: Time,
        table: &Table,
        to: Remote,
        (how, why): (How, DialError),
        over: bool,
    ) {
        match to.addr() {
            Some(addr) if table.is_connected_with(to) => self.candidates.connected(now, addr),
            Some(addr) => self.candidates.failed(now, addr, how, why, over),
            None => {}
        }
        self.count(now, table);
    }

    /// One of the peers listens there.
    pub(super) fn connected(&mut self, now: Time, addr: SocketAddr) {
        self.candidates.connected(now, addr);
    }

    /// A peer that listened there says that it listens elsewhere.
    pub(super) fn left(&mut self, table: &Table, end: Remote) {
        if let Some(addr) = end.addr()
            && !table.is_connected_with(end)
        {
            self.candidates.forget(addr);
        }
    }

    /// A dial of or a connection with an address has ended. That says nothing of it while the peer that listens there has another connection
    /// with us: where both dialled at one moment one is closed, and a peer may have another id on each (libtorrent), so that ids don't tell.
    pub(super) fn closed(&mut self, now: Time, table: &Table, end: Remote, why: CloseReason) {
        let Some(addr) = end.addr() else { return };
        if why != CloseReason::Banned && table.is_connected_with(end) {
            self.candidates.connected(now, addr);
            self.candidates.crosses(now, addr);
        } else {
            self.candidates.closed(now, addr, why);
        }
    }

    /// The peer that listens there, with which we are connected, had another connection with us as well.
    pub(super) fn crosses(&mut self, now: Time, addr: SocketAddr) {
        self.candidates.crosses(now, addr);
    }

    /// A peer that has closed is to be dialled at once: it wants more than it came for.
    pub(super) fn comes_back(&mut self, now: Time, end: Remote) {
        if let Some(addr) = end.addr() {
            self.candidates.comes_back(now, addr);
        }
    }

    /// Tells the announcer whether there is anybody, so that it asks for more sooner.
    pub(super) fn count(&mut self, now: Time, table: &Table) {
        // Only those that are connected: addresses that lead nowhere must not keep us from asking for others.
        self.announcer.set_peers(now, table.len() as u32, self.candidates.has_more(now));
    }

    /// Bans an address.
    pub(super) fn ban(&mut self, addr: SocketAddr) {
        self.candidates.ban(addr);
    }

    /// Bans everybody of a holder, or of its network, where the ban reaches so far.
    pub(super) fn ban_wider(&mut self, holder: Holder, extent: Extent) {
        match extent {
            Extent::Address => {}
            Extent::Holder => self.candidates.ban_holder(holder),
            Extent::Network => self.candidates.ban_network(holder.wider()),
        }
    }

    /// Whether connections with that end are to be refused.
    pub(super) fn is_banned(&self, remote: Remote) -> bool {
        remote.addr().is_some_and(|addr| self.candidates.is_banned(addr))
    }

    /// We are elsewhere than before, or were away: trackers are told, those that were peers are dialled again.
    pub(super) fn rejoin(&mut self, now: Time, spread: Duration, rng: &mut Rng) {
        self.announcer.rejoin(now, spread, rng);
        self.candidates.rejoin(now);
    }

    /// The owner wants the trackers asked now.
    pub(super) fn hurry(&mut self, now: Time) {
        self.announcer.hurry(now);
    }

    /// Peers were let go for a reason that is over: they are dialled again.
    pub(super) fn redial(&mut self, now: Time) {
        self.candidates.redial(now);
    }

    /// From where the world sees us.
    pub(super) fn external(&self) -> External {
        self.candidates.external()
    }

    /// The world sees us from there. Returns the addresses that are news.
    pub(super) fn set_external(&mut self, external: External) -> Vec<IpAddr> {
        let before = self.candidates.external();
        self.candidates.set_external(external);
        external.iter().filter(|ip| before.iter().all(|known| known != *ip)).collect()
    }

    /// The canonical priority of a connection with that address (BEP 40), when it is known.
    pub(super) fn priority(&self, addr: SocketAddr) -> Option<u32> {
        self.candidates.priority(addr)
    }

    /// We listen on another port: trackers are told at once, or within `spread`, and the order of dialling follows (BEP 40).
    pub(super) fn port_changed(&mut self, now: Time, spread: Duration, rng: &mut Rng) {
        self.announcer.port_changed(now);
        self.announcer.spread_port(now, spread, rng);
        self.candidates.set_external(self.candidates.external());
    }

    /// An ask was not taken: it is made again shortly, and the tracker is not to blame.
    pub(super) fn busy(&mut self, now: Time, id: AskId, rng: &mut Rng) {
        self.announcer.busy(now, id, rng);
    }

    /// When [`Self::poll`] has something to do.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.announcer.deadline()
    }

    /// Asks the trackers that are due.
    pub(super) fn poll(
        &mut self,
        now: Time,
        counters: Counters,
        rng: &mut Rng,
        asking: Asking<'_>,
        out: impl FnMut(Ask),
    ) {
        self.announcer.poll(now, counters, rng, asking, out);
    }

    /// Trackers that waited for their turn may be asked.
    pub(super) fn has_turn(&mut self, now: Time) {
        self.announcer.has_turn(now);
    }

    /// A tracker's answer. `None` when it was not asked.
    pub(super) fn reply(
        &mut self,
        now: Time,
        id: AskId,
        reply: &Result<AnnounceReply, AnnounceError>,
        rng: &mut Rng,
    ) -> Option<Heard> {
        self.announcer.reply(now, id, reply, rng)
    }

    /// How many each source named, and what came of dialling them.
    pub(super) fn counts(&self) -> Counts {
        *self.candidates.counts()
    }

    /// The figures of dialling.
    pub(super) fn dials(&self) -> Dials {
        self.candidates.dials()
    }

    /// What came of asking each tracker, and when it is asked next.
    pub(super) fn trackers(&self, now: Time) -> Vec<TrackerStats> {
        self.announcer.stats(now)
    }
}
