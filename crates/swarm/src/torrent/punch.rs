//! Peers behind routers are met with a third's help (BEP 55): it has both dial each other over uTP at one moment, so that each router takes the other's
//! packets for answers.
//!
//! Help is asked for a second after the dial of a peer began that can be asked and is not said to be reachable; whoever told of it is asked, being connected with
//! both. For others we are that third, between peers that both offer it and within the reach of both. Nobody makes us dial or pass on more than ten times
//! a minute. Where both routers give every connection another port nothing helps, and that is said after ten seconds.
use super::context::Context;
use super::finder::Finder;
use super::ground::Ground;
use crate::event::Punched;
use crate::ids::ConnId;
use crate::output::Output;
use crate::peer::Peer;
use crate::remote::{Remote, Transport};
use crate::time::Time;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use teem_wire::peer::message::{Holepunch, HolepunchError, HolepunchMessage, Message, PexFlags};
use teem_wire::reach::Reach;

/// How long a dial is given before a third is asked.
const ASK_AFTER: Duration = Duration::from_secs(1);
/// How long a third is given before another is asked: one may be connected with us in a way that names no end of ours where a packet would arrive.
const NEXT_AFTER: Duration = Duration::from_secs(2);
/// How long after the first was asked all are asked again, once: a dial may have been over before the other began.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// How long both are given to meet once the first was asked.
const GIVE_UP: Duration = Duration::from_secs(10);
/// Messages of one peer within [`MINUTE`] that lead to anything.
const PER_MINUTE_MAX: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);
/// Peers that are to be met at once; a torrent dials no more than a few at a time.
const WAITING_MAX: usize = 100;

/// Said once where no router let the other's packets in.
const IN_VAIN: &str = "a peer behind a router was not reached although a third had both dial at once: perhaps both routers give every connection another port; \
                       a port forwarded to us would help";

/// A peer that is to be met.
#[derive(Debug)]
struct Meeting {
    /// When a third is asked, or when it is given up.
    at: Time,
    /// Those that were asked, or had us dial.
    asked: Vec<ConnId>,
    /// When the first of them was.
    begun: Option<Time>,
    /// Whether all are being asked again.
    again: bool,
    /// Whether we want it, and not the other side.
    ours: bool,
}

/// The meetings of one torrent.
#[derive(Default, Debug)]
pub(super) struct Punch {
    meetings: BTreeMap<SocketAddr, Meeting>,
    /// Since when the messages of a peer are counted, and how many have come.
    counts: BTreeMap<ConnId, (Time, u32)>,
    next: Option<Time>,
    figures: Punched,
}

impl Punch {
    /// When [`Self::tick`] has something to do.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.next
    }

    /// What came of them.
    pub(super) fn figures(&self) -> Punched {
        self.figures
    }

    fn plan(&mut self) {
        self.next = self.meetings.values().map(|meeting| meeting.at).min();
    }

    /// A dial has begun of one that was told of with these words.
    pub(super) fn dials(&mut self, now: Time, to: SocketAddr, flags: PexFlags) {
        let helps = flags.has(PexFlags::HOLEPUNCH) && !flags.has(PexFlags::REACHABLE);
        if helps && self.meetings.len() < WAITING_MAX {
            let at = now + ASK_AFTER;
            let meeting = Meeting { at, asked: Vec::new(), begun: None, again: false, ours: true };
            self.meetings.entry(to).or_insert(meeting);
            self.plan();
        }
    }

    /// The peer there is met; whether that is a third's merit.
    pub(super) fn met(&mut self, at: SocketAddr) -> bool {
        let Some(meeting) = self.meetings.remove(&at) else { return false };
        self.plan();
        let punched = meeting.begun.is_some();
        self.figures.reached += u32::from(punched);
        punched
    }

    /// A peer is gone.
    pub(super) fn gone(&mut self, conn: ConnId) {
        self.counts.remove(&conn);
    }

    /// Asks those that are to be asked now, and gives up what has come to nothing.
    pub(super) fn tick<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground, finder: &Finder) {
        if self.next.is_none_or(|at| at > cx.now) {
            return;
        }
        let due: Vec<SocketAddr> =
            self.meetings.iter().filter(|(_, meeting)| meeting.at <= cx.now).map(|(addr, _)| *addr).collect();
        for addr in due {
            let Some(meeting) = self.meetings.get(&addr) else { continue };
            let over = meeting.begun.is_some_and(|begun| begun + GIVE_UP <= cx.now);
            match (over, meeting.ours) {
                (false, _) => self.ask(cx, ground, finder, addr),
                (true, ours) => {
                    self.meetings.remove(&addr);
                    self.figures.in_vain += 1;
                    if ours {
                        ground.notice(cx, String::from(IN_VAIN));
                    }
                }
            }
        }
        self.plan();
    }

    /// Asks the next of those that told of an address, if there is one that can help.
    fn ask<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground, finder: &Finder, addr: SocketAddr) {
        let Some(meeting) = self.meetings.get_mut(&addr) else { return };
        if !meeting.again && meeting.begun.is_some_and(|begun| begun + AGAIN_AFTER <= cx.now) {
            meeting.again = true;
            meeting.asked.clear();
        }
        let helps = |conn: &ConnId| {
            let id = ground.table.get(*conn).and_then(|peer| peer.who().ut_holepunch());
            id.filter(|_| !meeting.asked.contains(conn)).map(|id| (*conn, id))
        };
        let Some((third, id)) = finder.introducers(addr).find_map(|conn| helps(&conn)) else {
            match meeting.begun {
                Some(begun) => meeting.at = begun + if meeting.again { GIVE_UP } else { AGAIN_AFTER },
                None => drop(self.meetings.remove(&addr)),
            }
            return self.plan();
        };
        meeting.asked.push(third);
        self.figures.tried += u32::from(meeting.begun.is_none());
        let begun = *meeting.begun.get_or_insert(cx.now);
        meeting.at = (cx.now + NEXT_AFTER).min(begun + GIVE_UP);
        let message = HolepunchMessage { what: Holepunch::Rendezvous, at: addr };
        ground.table.send(cx, third, Message::Holepunch { id, message });
        self.plan();
    }

    /// A third that was asked cannot help: another may.
    pub(super) fn refused<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        finder: &Finder,
        (conn, addr): (ConnId, SocketAddr),
    ) {
        if self.meetings.get(&addr).is_some_and(|meeting| meeting.asked.last() == Some(&conn)) {
            self.ask(cx, ground, finder, addr);
        }
    }

    /// A third says that somebody dials us now: so do we, unless that is under way.
    pub(super) fn connect<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &Ground,
        finder: &mut Finder,
        (conn, addr): (ConnId, SocketAddr),
    ) {
        let Some(by) = ground.table.get(conn).map(|peer| peer.who().addr()) else { return };
        let met = ground.table.values().any(|peer| peer.who().addr() == addr || peer.who().dial_addr() == addr);
        if met || ground.table.is_full() || !self.counts_as_few(cx.now, conn) {
            return;
        }
        let plan = finder.punch(cx.now, by, addr);
        if plan.is_some() || finder.is_dialling(addr) {
            self.called(cx.now, addr, conn);
        }
        if let Some(plan) = plan {
            cx.out.push_back(Output::Dial { torrent: ground.id, to: Remote::Addr(addr), plan });
        }
    }

    /// A third has us dial there.
    fn called(&mut self, now: Time, addr: SocketAddr, by: ConnId) {
        if self.meetings.len() < WAITING_MAX || self.meetings.contains_key(&addr) {
            let at = now + GIVE_UP;
            let meeting = Meeting { at, asked: vec![by], begun: None, again: true, ours: false };
            let meeting = self.meetings.entry(addr).or_insert(meeting);
            self.figures.tried += u32::from(meeting.begun.is_none());
            meeting.begun.get_or_insert(now);
            self.plan();
        }
    }

    /// A peer asks us to have it and another dial each other.
    pub(super) fn relay<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        ours: bool,
        (conn, addr): (ConnId, SocketAddr),
    ) {
        let Some(asker) = ground.table.get(conn) else { return };
        let Some(id) = asker.who().ut_holepunch() else { return };
        if !self.counts_as_few(cx.now, conn) {
            return;
        }
        let from = endpoint(asker);
        let is_there = |peer: &&Peer| peer.who().addr() == addr || peer.who().dial_addr() == addr;
        let passes = |from: SocketAddr, to: SocketAddr| {
            let [from, to] = [from, to].map(|addr| Reach::of(addr.ip()));
            from.told_to(to) && to.told_to(from)
        };
        let answer = match (from, ground.table.values().find(is_there)) {
            _ if addr.port() == 0 || Reach::of(addr.ip()) == Reach::Nowhere => Err(HolepunchError::NoSuchPeer),
            _ if ours => Err(HolepunchError::NoSelf),
            (Some(from), Some(other)) if other.conn() != conn => match (other.who().ut_holepunch(), endpoint(other)) {
                (None, _) => Err(HolepunchError::NoSupport),
                (Some(id), Some(to)) if passes(from, to) => Ok((other.conn(), id, from, to)),
                _ => Err(HolepunchError::NotConnected),
            },
            (_, Some(_)) => Err(HolepunchError::NoSelf),
            (_, None) => Err(HolepunchError::NotConnected),
        };
        match answer {
            Ok((other, theirs, from, to)) => {
                let connect =
                    |id, at| Message::Holepunch { id, message: HolepunchMessage { what: Holepunch::Connect, at } };
                ground.table.send(cx, other, connect(theirs, from));
                ground.table.send(cx, conn, connect(id, to));
            }
            Err(why) => {
                let message = HolepunchMessage { what: Holepunch::Error(why), at: addr };
                ground.table.send(cx, conn, Message::Holepunch { id, message });
            }
        }
    }

    /// Counts a message of a peer; whether it may lead to anything.
    fn counts_as_few(&mut self, now: Time, conn: ConnId) -> bool {
        let (since, count) = self.counts.entry(conn).or_insert((now, 0));
        if now.since(*since) >= MINUTE {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= PER_MINUTE_MAX
    }
}

/// Where packets to a peer have to go: to where its own come from over uTP, else to the port that it says.
fn endpoint(peer: &Peer) -> Option<SocketAddr> {
    let who = peer.who();
    if who.via().transport == Some(Transport::Utp) {
        return who.addr().addr();
    }
    who.dial_addr().addr().filter(|_| who.says_where())
}
