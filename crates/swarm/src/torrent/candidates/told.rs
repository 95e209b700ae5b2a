//! Addresses that peers tell of (BEP 11) and have us dial (BEP 55): which of them are taken, and what is known of who told.
use super::introduced::Introducer;
use super::{Candidates, State};
use crate::ids::ConnId;
use crate::remote::{Plan, Transport};
use crate::time::Time;
use crate::torrent::address::{PeerSource, may_dial};
use core::net::SocketAddr;
use teem_wire::peer::message::{Contact, PexFlags};

impl Candidates {
    /// Takes what a peer tells of, as much as it may introduce; ourselves it cannot.
    pub(crate) fn introduce(&mut self, now: Time, by: Introducer, source: PeerSource, list: &[Contact]) {
        let mut room = self.introduced.room(by.party);
        self.counted.list(source, list.len());
        for Contact { addr, flags } in list.iter().copied() {
            let counted = self.introduced.has(addr, by.party);
            if self.is_ours(addr) || !may_dial(addr, source) || room == 0 && !counted {
                continue;
            }
            self.add_one(now, source, addr);
            if self.known.contains_key(&addr) {
                room -= usize::from(!counted);
                self.introduced.add(addr, flags, by);
            }
        }
    }

    /// Whether we are there, as far as is known.
    pub(crate) fn is_ours(&self, addr: SocketAddr) -> bool {
        let ip = addr.ip();
        self.external.iter().any(|ours| ours == ip) && self.doors.get().port_for(ip) == addr.port()
    }

    /// What was said of an address by those that told of it.
    pub(crate) fn said_of(&self, addr: SocketAddr) -> Option<PexFlags> {
        self.introduced.flags(addr)
    }

    /// Those that told of an address, the latest first.
    pub(crate) fn introducers(&self, addr: SocketAddr) -> impl Iterator<Item = ConnId> {
        self.introduced.of(addr)
    }

    /// Somebody there dials us at this moment: the way to dial it over uTP, under way from then on. None while a dial over uTP is: the packets of that have
    /// opened the way for its own. One whose uTP has failed while TCP is silent yet has it begin anew.
    pub(crate) fn punch(&mut self, now: Time, source: PeerSource, addr: SocketAddr) -> Option<Plan> {
        let how = self.ways.over(Transport::Utp).filter(|_| !self.is_ours(addr))?;
        self.meets(addr);
        self.add_one(now, source, addr);
        let candidate = self.known.get_mut(&addr).filter(|_| may_dial(addr, source))?;
        let begins = match candidate.state {
            State::Waiting(_) => true,
            State::Pending => candidate.stands.is_none() && candidate.failed.has(how),
            State::Connected => false,
        };
        if !begins {
            return None;
        }
        candidate.failed = candidate.failed.without_transport(how);
        self.set(addr, State::Pending);
        if let Some(candidate) = self.known.get_mut(&addr) {
            self.counted.begins(candidate.sources, !core::mem::replace(&mut candidate.tried, true));
        }
        self.meets(addr);
        Some(how.into())
    }

    /// What comes of uTP there from now on until the dial is over is counted as a meeting with a third's help.
    fn meets(&mut self, addr: SocketAddr) {
        if let Some(candidate) = self.known.get_mut(&addr).filter(|c| c.state == State::Pending) {
            candidate.punched = true;
        }
    }

    /// Whether a dial or a handshake there is under way.
    pub(crate) fn is_dialling(&self, addr: SocketAddr) -> bool {
        self.known.get(&addr).is_some_and(|c| c.state == State::Pending)
    }

    /// A peer is not connected with that address any more.
    pub(crate) fn departed(&mut self, addr: SocketAddr, by: ConnId) {
        self.introduced.departed(addr, by);
    }

    /// One that may have told of others is gone.
    pub(crate) fn introducer_gone(&mut self, conn: ConnId) {
        self.introduced.gone(conn);
    }
}
