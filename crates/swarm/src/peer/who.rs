//! A peer's identity: its connection and address, its handshake (BEP 3), and what it has said of itself since (BEP 10, 9, 21, 54).
use crate::ids::ConnId;
use crate::remote::{Remote, Via};
use crate::time::Time;
use alloc::string::{String, ToString};
use teem_wire::holder::Holder;
use teem_wire::peer::client_names::client_name;
use teem_wire::peer::handshake::{Handshake, PeerId};
use teem_wire::peer::message::ExtendedHandshake;

/// The identity of a peer.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    conn: ConnId,
    addr: Remote,
    holder: Holder,
    outgoing: bool,
    via: Via,
    handshake: Handshake,
    client: Option<String>,
    listen_port: Option<u16>,
    /// Where another connection with it was dialled.
    dialled_port: Option<u16>,
    /// Whether it has said another port than at first.
    moved: bool,
    ut_metadata: Option<u8>,
    lt_donthave: Option<u8>,
    ut_pex: Option<u8>,
    ut_holepunch: Option<u8>,
    prefers_encryption: bool,
    holds: Option<u32>,
    upload_only: bool,
    knows_metadata: bool,
    asked_metadata: Option<Time>,
    voted: bool,
    /// Whether it has sent an extension handshake that we made something of.
    introduced: bool,
    /// Whether a third's help led to it.
    punched: bool,
}

impl Who {
    /// What the connection and the handshake say.
    pub(super) fn new(conn: ConnId, addr: Remote, outgoing: bool, handshake: Handshake) -> Self {
        Self {
            conn,
            addr,
            holder: addr.holder(),
            outgoing,
            via: Via::TCP,
            handshake,
            client: None,
            listen_port: None,
            dialled_port: None,
            moved: false,
            ut_metadata: None,
            lt_donthave: None,
            ut_pex: None,
            ut_holepunch: None,
            prefers_encryption: false,
            holds: None,
            upload_only: false,
            knows_metadata: false,
            asked_metadata: None,
            voted: false,
            introduced: false,
            punched: false,
        }
    }

    /// Takes its extension handshake (BEP 10); later ones change what they name. Returns whether it says on which port it listens, for
    /// the first time or another than before.
    pub(crate) fn introduce(&mut self, said: &ExtendedHandshake) -> bool {
        if let Some(client) = &said.client {
            self.client = Some(client.clone()).filter(|c| !c.is_empty());
        }
        for (known, said) in [
            (&mut self.ut_metadata, said.ut_metadata),
            (&mut self.lt_donthave, said.lt_donthave),
            (&mut self.ut_pex, said.ut_pex),
            (&mut self.ut_holepunch, said.ut_holepunch),
        ] {
            if let Some(id) = said {
                *known = Some(id).filter(|id| *id != 0);
            }
        }
        self.prefers_encryption = said.prefers_encryption.unwrap_or(self.prefers_encryption);
        self.holds = said.teem_source.or(self.holds);
        self.upload_only = said.upload_only.unwrap_or(self.upload_only);
        let port = said.port.filter(|port| *port != 0 && self.listen_port != Some(*port));
        self.moved |= port.is_some() && self.listen_port.is_some();
        self.listen_port = port.or(self.listen_port);
        port.is_some()
    }

    /// The name of the peer's connection.
    pub(crate) fn conn(&self) -> ConnId {
        self.conn
    }

    /// Its end as the connection has it.
    pub(crate) fn addr(&self) -> Remote {
        self.addr
    }

    /// The party that it is, as far as its address tells.
    pub(crate) fn holder(&self) -> Holder {
        self.holder
    }

    /// How its words come to us.
    pub(crate) fn via(&self) -> Via {
        self.via
    }

    /// Its words come so.
    pub(crate) fn comes_via(&mut self, via: Via) {
        self.via = via;
    }

    /// Whether we dialled it.
    pub(crate) fn is_outgoing(&self) -> bool {
        self.outgoing
    }

    /// The peer id of its handshake.
    pub(crate) fn id(&self) -> PeerId {
        self.handshake.peer_id
    }

    /// Whether its peer id is one of aria2's (BEP 20).
    pub(super) fn is_aria2(&self) -> bool {
        self.handshake.peer_id.0.starts_with(b"A2-")
    }

    /// Whether both sides speak BEP 6; we always do.
    pub(crate) fn is_fast(&self) -> bool {
        self.handshake.features.fast
    }

    /// Whether it speaks BEP 10.
    pub(crate) fn is_extended(&self) -> bool {
        self.handshake.features.extended
    }

    /// Its id for `ut_metadata` (BEP 9), when it has one.
    pub(crate) fn ut_metadata(&self) -> Option<u8> {
        self.ut_metadata
    }

    /// Its id for `lt_donthave` (BEP 54), when it has one.
    pub(crate) fn lt_donthave(&self) -> Option<u8> {
        self.lt_donthave
    }

    /// Its id for `ut_pex` (BEP 11), when it has one.
    pub(crate) fn ut_pex(&self) -> Option<u8> {
        self.ut_pex
    }

    /// Its id for `ut_holepunch` (BEP 55), when it has one.
    pub(crate) fn ut_holepunch(&self) -> Option<u8> {
        self.ut_holepunch
    }

    /// Whether it would rather have connections encrypted.
    pub(crate) fn prefers_encryption(&self) -> bool {
        self.prefers_encryption
    }

    /// Pieces that it holds although it shows fewer: it is a source that grants them.
    pub(crate) fn holds(&self) -> Option<u32> {
        self.holds
    }

    /// It has lost a piece of these: a source among the peers holds fewer than it said.
    pub(crate) fn holds_less_than(&mut self, pieces: u32) {
        self.holds = self.holds.map(|n| n.min(pieces - 1));
    }

    /// Whether it wants nothing (BEP 21).
    pub(crate) fn is_upload_only(&self) -> bool {
        self.upload_only
    }

    /// Whether it has shown that it knows the metadata: it said its size, or spoke of pieces.
    pub(crate) fn knows_metadata(&self) -> bool {
        self.knows_metadata
    }

    /// It has shown that it knows the metadata.
    pub(crate) fn learn_metadata(&mut self) {
        self.knows_metadata = true;
    }

    /// When it last asked for metadata (BEP 9).
    pub(crate) fn asked_metadata(&self) -> Option<Time> {
        self.asked_metadata
    }

    /// It asks for metadata.
    pub(crate) fn ask_metadata(&mut self, now: Time) {
        self.asked_metadata = Some(now);
    }

    /// It says from where it sees us; whether for the first time, which is the one that counts.
    pub(crate) fn vote(&mut self) -> bool {
        !core::mem::replace(&mut self.voted, true)
    }

    /// Whether others were told of it.
    pub(crate) fn is_introduced(&self) -> bool {
        self.introduced
    }

    /// Others are told of it.
    pub(crate) fn set_introduced(&mut self) {
        self.introduced = true;
    }

    /// Whether a third's help led to it (BEP 55).
    pub(crate) fn is_punched(&self) -> bool {
        self.punched
    }

    /// A third's help has led to it.
    pub(crate) fn set_punched(&mut self) {
        self.punched = true;
    }

    /// Its name for people: what it says, or what its id suggests.
    pub(crate) fn name(&self) -> String {
        self.client.as_deref().map_or_else(|| client_name(&self.handshake.peer_id), ToString::to_string)
    }

    /// Whether it listens on another port than it said at first.
    pub(crate) fn has_moved(&self) -> bool {
        self.moved
    }

    /// Another connection with it was dialled there.
    pub(crate) fn was_dialled_at(&mut self, at: Remote) {
        if let Some(at) = at.addr().filter(|at| Some(at.ip()) == self.addr.ip()) {
            self.dialled_port = Some(at.port());
        }
    }

    /// Whether it is known on which port it listens.
    pub(crate) fn says_where(&self) -> bool {
        self.outgoing || self.listen_port.or(self.dialled_port).is_some()
    }

    /// Where it could be dialled: where we have dialled it, or on the port that it says. What it says at first counts for less than a dial
    /// that succeeded, since a router may forward another port.
    pub(crate) fn dial_addr(&self) -> Remote {
        let port = match self.listen_port {
            Some(port) if self.moved => Some(port),
            _ if self.outgoing => None,
            port => self.dialled_port.or(port),
        };
        port.map_or(self.addr, |port| self.addr.with_port(port))
    }
}
