//! A peer's coming and going (BEP 3, 6, 10; bad input, rows 31 and 45).
use super::Torrent;
use super::connect::{Admission, MOVED_AFTER};
use super::context::Context;
use super::evidence::Suspect;
use super::metadata::METADATA_MAX;
use crate::event::State;
use crate::ids::ConnId;
use crate::output::{CloseReason, Output};
use crate::peer::Peer;
use crate::peer::upload::REQQ;
use crate::remote::Remote;
use crate::time::Time;
use alloc::boxed::Box;
use alloc::string::ToString;
use core::net::IpAddr;
use teem_wire::peer::handshake::{Handshake, PeerId};
use teem_wire::peer::ids::{LT_DONTHAVE, UT_METADATA};
use teem_wire::peer::message::{ExtendedHandshake, Message};

/// What we call ourselves (BEP 10 `v`).
const CLIENT: &str = "Teem 0.1.0";

impl Torrent {
    /// Both handshakes are through. The peer is told what we have and who we are, or the connection is closed.
    pub fn peer_ready<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        conn: ConnId,
        addr: impl Into<Remote>,
        outgoing: bool,
        handshake: Handshake,
    ) {
        let addr = addr.into();
        if let Err(why) = self.admit(cx, conn, addr, outgoing, handshake) {
            if outgoing {
                self.address_closed(cx.now, addr, why);
            }
            cx.out.push_back(Output::Close { conn, why });
            return;
        }
        if let (true, Some(addr)) = (outgoing, addr.addr()) {
            self.candidates.connected(cx.now, addr);
        }
        self.peers.insert(conn, Box::new(Peer::new(cx.now, conn, addr, outgoing, handshake, self.geometry.pieces)));
        let soon = cx.now + super::timers::BUSY;
        self.housekeeping = if self.peers.len() == 1 { soon } else { self.housekeeping.min(soon) };
        self.introduce(cx, conn);
        self.count_peers(cx.now);
    }

    fn admit<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        conn: ConnId,
        addr: Remote,
        outgoing: bool,
        handshake: Handshake,
    ) -> Result<(), CloseReason> {
        if matches!(self.state, State::Stopping | State::Failed) {
            return Err(CloseReason::Stopping);
        }
        if self.is_banned(addr) || self.evidence.is_banned(&handshake.peer_id) {
            return Err(CloseReason::Banned);
        }
        self.let_move(cx, addr, &handshake.peer_id);
        self.make_room(cx, addr, outgoing);
        match self.roster.admit(cx.now, conn, addr, outgoing, handshake.peer_id) {
            Admission::Welcome => Ok(()),
            Admission::Instead(other) => {
                self.drop_peer(cx, other, CloseReason::Duplicate);
                Ok(())
            }
            Admission::Refused(why) => Err(why),
        }
    }

    /// A peer that comes from another address has lost the former: what stands under its name there is let go, unless it was heard of just now,
    /// lest somebody who knows its id alone could have it put out.
    fn let_move<B>(&mut self, cx: &mut Context<'_, B>, addr: Remote, id: &PeerId) {
        let former = self.roster.elsewhere(id, addr).and_then(|conn| self.peers.get(&conn));
        if let Some(peer) = former.filter(|peer| cx.now.since(peer.heard) >= MOVED_AFTER) {
            self.drop_peer(cx, peer.conn, CloseReason::TimedOut);
        }
    }

    /// The first messages: what we have, and the extension handshake.
    fn introduce<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let Some(peer) = self.peers.get(&conn) else { return };
        let (fast, extended, ip) = (peer.is_fast(), peer.handshake.features.extended, peer.addr.ip());
        let complete = self.geometry.pieces > 0 && self.have.is_full();
        if self.is_source() {
            if fast {
                self.send(cx, conn, Message::HaveNone);
            }
        } else if fast && complete {
            self.send(cx, conn, Message::HaveAll);
        } else if !self.have.is_empty() {
            self.send(cx, conn, Message::Bitfield(self.have.to_wire()));
        } else if fast {
            self.send(cx, conn, Message::HaveNone);
        }
        if extended {
            let partial = self.is_done() && !self.have.is_full() && !self.publish;
            let handshake = self.extended_handshake(ip, partial.then_some(true));
            self.send(cx, conn, Message::ExtendedHandshake(handshake));
        }
        self.source_greets(cx, conn);
    }

    /// What we say of ourselves (BEP 10). A source tells by a key of its own how much it holds, since its HAVEs do not.
    pub(super) fn extended_handshake(&self, your_ip: Option<IpAddr>, upload_only: Option<bool>) -> ExtendedHandshake {
        ExtendedHandshake {
            ut_metadata: Some(UT_METADATA),
            lt_donthave: Some(LT_DONTHAVE),
            port: Some(self.me.port.get()).filter(|p| *p != 0),
            client: Some(CLIENT.to_string()),
            reqq: Some(REQQ as u32),
            metadata_size: self.metadata_size(),
            your_ip,
            upload_only,
            teem_source: self.source.as_ref().map(|_| self.have.count()),
            ..ExtendedHandshake::default()
        }
    }

    /// The size of our info dictionary, when we have it and it is short enough to be given (BEP 9).
    pub(super) fn metadata_size(&self) -> Option<u32> {
        let size = self.info.as_ref()?.raw().len();
        u32::try_from(size).ok().filter(|s| *s <= METADATA_MAX)
    }

    /// A connection has ended without our asking.
    pub fn closed<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, why: CloseReason) {
        self.forget_peer(cx, conn, why);
        self.wake_hungry(cx);
        self.rechoke(cx, false);
        self.settle(cx);
    }

    /// Ends a connection for a reason of ours.
    pub(super) fn drop_peer<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, why: CloseReason) {
        if self.peers.contains_key(&conn) {
            cx.out.push_back(Output::Close { conn, why });
            self.forget_peer(cx, conn, why);
        }
    }

    /// Lets go of everything that stands under a connection's name.
    fn forget_peer<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, why: CloseReason) {
        self.give_up_requests(cx, conn);
        let Some(peer) = self.peers.remove(&conn) else { return };
        self.audience.leave(&peer);
        self.ahead.changed(peer.upload.ahead(), 0);
        if let Some(picker) = &mut self.picker {
            picker.peer_left(&peer.has, peer.counted_as_everything, &mut self.rng);
        }
        self.shown.gone(&peer);
        self.source_loses(cx.now, &peer);
        self.roster.leave(conn);
        self.hungry.remove(&conn);
        if peer.waits_up {
            self.up.forget(conn);
        }
        if peer.waits_down {
            self.down.forget(conn);
        }
        self.fetch.gone(conn);
        self.give.gone(conn);
        self.address_closed(cx.now, peer.dial_addr(), why);
        self.evidence.leave(conn, Suspect::of(&peer));
        self.count_peers(cx.now);
    }

    /// A dial of or a connection with an address has ended. That says nothing of it while whoever listens there has another connection with
    /// us: where both dialled at one moment one is closed, and a peer may have another id on each (libtorrent), so that ids don't tell.
    pub(super) fn address_closed(&mut self, now: Time, addr: Remote, why: CloseReason) {
        let is_connected = self.is_connected_with(addr);
        let Some(addr) = addr.addr() else { return };
        if why != CloseReason::Banned && is_connected {
            self.candidates.connected(now, addr);
        } else {
            self.candidates.closed(now, addr, why);
        }
    }

    /// Whether one of the peers listens there.
    pub(super) fn is_connected_with(&self, addr: Remote) -> bool {
        self.peers.values().any(|peer| peer.dial_addr() == addr)
    }

    /// Tells the announcer whether there is anybody, so that it asks for more sooner.
    pub(super) fn count_peers(&mut self, now: Time) {
        // Only those that are connected: addresses that lead nowhere must not keep us from asking for others.
        self.announcer.set_peers(now, self.peers.len() as u32, self.candidates.has_more(now));
    }
}
