//! Peers tell each other of peers (BEP 11; bad-input row 42): what is told to whom, and when; what is taken of whom.
//!
//! Each peer that offers the extension is told the peers that we are connected with: at once when there is somebody to tell of, then at most once a
//! minute what has changed. What each was told is kept, so that nobody is met twice, lost without having been met, or both in one message. Where few are
//! connected the first message names those that were until lately, too, and the next takes them back, as BEP 11 has it: so one that comes hears of others
//! although they have parted from us.
//! Nothing is said of a private torrent or taken for one (BEP 27), and the extension is not offered there.
use super::context::Context;
use super::ground::Ground;
use crate::ids::ConnId;
use crate::output::CloseReason;
use crate::peer::Peer;
use crate::remote::Transport;
use crate::time::Time;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use teem_wire::compact::Family;
use teem_wire::peer::message::{Contact, Message, PexFlags, PexMessage};
use teem_wire::peer::pex::CONTACTS_MAX;
use teem_wire::reach::Reach;

/// The least time between two messages to one peer (BEP 11).
const EVERY: Duration = Duration::from_secs(60);
/// How long others are waited for once there is something to tell.
const GATHER: Duration = Duration::from_secs(1);
/// Messages of one peer within a minute that are let pass; one is what BEP 11 allows.
const PER_MINUTE_MAX: u32 = 6;

/// Peers of a family that are told of although they are not connected any more, with those that are; BEP 11 has this number.
const FEW: usize = 25;

/// What was exchanged with one peer.
#[derive(Default, Debug)]
struct Told {
    /// Its id for our messages, while it takes any.
    id: Option<u8>,
    /// Those that it takes for connected with us.
    known: BTreeSet<SocketAddr>,
    /// When it may be told more.
    next: Time,
    /// Whether there may be something to tell.
    news: bool,
    /// Whether it has been told anything.
    begun: bool,
    /// Since when its messages are counted, and how many came.
    heard: (Time, u32),
}

impl Told {
    /// When it is to be looked at.
    fn due(&self) -> Option<Time> {
        (self.id.is_some() && self.news).then_some(self.next)
    }
}

/// The exchange of one torrent.
#[derive(Default, Debug)]
pub(super) struct Exchange {
    with: BTreeMap<ConnId, Told>,
    /// Those that were connected, the latest last; of each family no more than [`FEW`].
    were: VecDeque<Contact>,
    /// The first moment that one of them is due.
    next: Option<Time>,
}

impl Exchange {
    /// When [`Self::tell`] has something to do.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.next
    }

    /// A peer has said by which id it takes messages, or that it takes none any more.
    pub(super) fn offers(&mut self, now: Time, conn: ConnId, id: Option<u8>) {
        let told = self.with.entry(conn).or_default();
        if told.id.is_none() && id.is_some() {
            told.news = true;
            told.next = told.next.max(now);
        }
        told.id = id;
        self.plan();
    }

    /// Somebody has come, is gone, or is known by another address: the others hear of it, and of those that come at the same time.
    pub(super) fn changed(&mut self, now: Time) {
        for told in self.with.values_mut().filter(|told| !told.news) {
            told.news = true;
            told.next = told.next.max(now + GATHER);
        }
        self.plan();
    }

    /// A peer is gone, for that reason.
    pub(super) fn gone(&mut self, now: Time, peer: &Peer, why: CloseReason) {
        self.with.remove(&peer.conn());
        let may_be_there =
            matches!(why, CloseReason::Remote | CloseReason::BothSeeds | CloseReason::TooMany | CloseReason::Useless);
        if may_be_there && let Some(contact) = contact(peer).filter(|_| peer.who().is_introduced()) {
            let family = Family::of(contact.addr.ip());
            let alike = |one: &Contact| Family::of(one.addr.ip()) == family;
            self.were.retain(|one| one.addr != contact.addr);
            if self.were.iter().filter(|one| alike(one)).count() >= FEW
                && let Some(oldest) = self.were.iter().position(alike)
            {
                self.were.remove(oldest);
            }
            self.were.push_back(contact);
        }
        self.changed(now);
    }

    /// Nobody is told any more of one that was banned.
    pub(super) fn forget(&mut self, addr: SocketAddr) {
        self.were.retain(|one| one.addr != addr);
    }

    /// Nothing is exchanged any more.
    pub(super) fn end(&mut self) {
        self.with.values_mut().for_each(|told| told.id = None);
        self.plan();
    }

    fn plan(&mut self) {
        self.next = self.with.values().filter_map(Told::due).min();
    }

    /// Tells those that are due what has changed.
    pub(super) fn tell<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground) {
        if self.next.is_none_or(|at| at > cx.now) {
            return;
        }
        let all: Vec<(ConnId, Contact)> = ground.table.values().filter_map(|p| Some((p.conn(), contact(p)?))).collect();
        ground.work += all.len() as u64;
        let now = cx.now;
        let due = |told: &Told| told.due().is_some_and(|at| at <= now);
        for (conn, told) in self.with.iter_mut().filter(|(_, told)| due(told)) {
            let Some(peer) = ground.table.get(*conn) else { continue };
            let reach = peer.ip().map_or(Reach::Public, Reach::of);
            let (itself, own) = (peer.who().addr().addr(), peer.who().dial_addr().addr());
            let meets = |at: SocketAddr| Some(at) != itself && Reach::of(at.ip()).told_to(reach);
            let there: BTreeMap<SocketAddr, PexFlags> =
                all.iter().filter(|(one, c)| one != conn && meets(c.addr)).map(|(_, c)| (c.addr, c.flags)).collect();
            ground.work += there.len() as u64;
            let lost: Vec<SocketAddr> = told.known.iter().filter(|addr| !there.contains_key(*addr)).copied().collect();
            let met = there.iter().filter(|(addr, _)| !told.known.contains(*addr));
            let mut met: Vec<Contact> = met.map(|(addr, flags)| Contact { addr: *addr, flags: *flags }).collect();
            let live = met.len();
            if !told.begun {
                let concerned =
                    self.were.iter().filter(|c| meets(c.addr) && own != Some(c.addr) && !there.contains_key(&c.addr));
                add_former(&mut met, concerned);
            }
            told.news = met.len() > live || lost.len() > CONTACTS_MAX || met.len() > CONTACTS_MAX;
            let message = PexMessage {
                added: met.into_iter().take(CONTACTS_MAX).collect(),
                dropped: lost.into_iter().take(CONTACTS_MAX).collect(),
            };
            let Some(id) = told.id.filter(|_| message != PexMessage::default()) else { continue };
            (told.next, told.begun) = (now + EVERY, true);
            told.known.extend(message.added.iter().map(|contact| contact.addr));
            for addr in &message.dropped {
                told.known.remove(addr);
            }
            ground.table.send(cx, *conn, Message::Pex { id, message });
        }
        self.plan();
    }

    /// A message has come, whatever stands in it: too many are a flood.
    pub(super) fn hear(&mut self, now: Time, conn: ConnId) -> Result<(), CloseReason> {
        let heard = &mut self.with.entry(conn).or_default().heard;
        if now.since(heard.0) >= EVERY {
            *heard = (now, 0);
        }
        heard.1 += 1;
        if heard.1 > PER_MINUTE_MAX {
            Err(CloseReason::Flood("peers named more than six times a minute"))
        } else {
            Ok(())
        }
    }
}

/// Puts those that were connected, the latest first, behind those that are, up to [`FEW`] of each family.
fn add_former<'a>(met: &mut Vec<Contact>, were: impl DoubleEndedIterator<Item = &'a Contact>) {
    for one in were.rev() {
        let family = Family::of(one.addr.ip());
        if met.iter().filter(|known| Family::of(known.addr.ip()) == family).count() < FEW {
            met.push(*one);
        }
    }
}

/// A peer as others are told of it, where it is known how to reach it. A router may have another port for its packets than the one it says, and that is the
/// port of a connection over uTP.
fn contact(peer: &Peer) -> Option<Contact> {
    let who = peer.who();
    let over_utp = who.via().transport == Some(Transport::Utp);
    let addr = if over_utp { who.addr().addr() } else { who.dial_addr().addr().filter(|_| who.says_where()) };
    let mut flags = PexFlags::default();
    for (flag, holds) in [
        (PexFlags::ENCRYPTION, who.prefers_encryption()),
        (PexFlags::SEED, peer.is_complete() || who.is_upload_only()),
        (PexFlags::UTP, over_utp),
        (PexFlags::HOLEPUNCH, who.ut_holepunch().is_some()),
        (PexFlags::REACHABLE, who.is_outgoing()),
    ] {
        flags.0 |= if holds { flag } else { 0 };
    }
    let addr = addr.filter(|addr| addr.port() != 0 && Reach::of(addr.ip()) != Reach::Nowhere)?;
    Some(Contact { addr, flags })
}
