//! What each message means for the torrent (BEP 3, 6, 10).
use super::Torrent;
use super::context::Context;
use crate::ids::ConnId;
use crate::output::{CloseReason, Output};
use teem_wire::peer::message::{ExtendedHandshake, Message};

/// Pieces that are kept of those a peer lets us ask for while it chokes us (bad input, row 39).
const FAST_FROM_MAX: usize = 16;

impl Torrent {
    /// A message has come.
    pub fn message<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, message: Message) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.heard = cx.now;
            if let Err(why) = self.react(cx, conn, message) {
                self.drop_peer(cx, conn, why);
                self.wake_hungry(cx);
                self.rechoke(cx, false);
            }
            self.settle(cx);
        }
    }

    /// Whether a peer may use the words of BEP 6: both sides have to speak it, and we do.
    fn may_say(&self, conn: ConnId, message: &Message) -> Result<(), CloseReason> {
        let of_fast = matches!(
            message,
            Message::Suggest(_) | Message::HaveAll | Message::HaveNone | Message::Reject(_) | Message::AllowedFast(_)
        );
        if of_fast && self.peers.get(&conn).is_some_and(|peer| !peer.is_fast()) {
            return Err(CloseReason::Protocol("a message of the fast extension, which it does not speak"));
        }
        Ok(())
    }

    fn react<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, message: Message) -> Result<(), CloseReason> {
        self.may_say(conn, &message)?;
        match message {
            Message::Port(_) | Message::Unknown { .. } | Message::Suggest(_) => self.idle_word(conn),
            Message::KeepAlive => match self.peers.get_mut(&conn) {
                Some(peer) => peer.conduct.keepalive(cx.now),
                None => Ok(()),
            },
            Message::Choke => self.on_choke(cx, conn),
            Message::Unchoke => self.on_unchoke(cx, conn),
            Message::Interested => self.on_interest(cx, conn, true),
            Message::NotInterested => self.on_interest(cx, conn, false),
            Message::Have(piece) => self.on_have(cx, conn, piece),
            Message::DontHave { piece, .. } => self.on_dont_have(cx, conn, piece),
            Message::Bitfield(bytes) => self.on_bitfield(cx, conn, &bytes),
            Message::HaveAll => self.on_have_all(cx, conn),
            Message::HaveNone => self.on_have_none(cx, conn),
            Message::Request(at) => self.on_request(cx, conn, at),
            Message::Cancel(at) => self.on_cancel(cx, conn, at),
            Message::Reject(at) => self.on_reject(cx, conn, at),
            Message::AllowedFast(piece) => self.on_allowed_fast(cx, conn, piece),
            Message::ExtendedHandshake(handshake) => self.on_extended(cx, conn, handshake),
            Message::Metadata { message, .. } => self.on_metadata(cx, conn, message),
        }
    }

    fn on_interest<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, interested: bool) -> Result<(), CloseReason> {
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        if peer.interested != interested {
            self.audience.leave(peer);
            peer.interested = interested;
            self.audience.enter(peer);
            peer.busy = cx.now;
            self.rechoke(cx, false);
        }
        self.idle_word(conn)
    }

    fn on_allowed_fast<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, piece: u32) -> Result<(), CloseReason> {
        let pieces = self.geometry.pieces;
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        let known = pieces == 0 || piece < pieces;
        if !known || peer.fast_from.len() >= FAST_FROM_MAX || peer.fast_from.contains(&piece) {
            return self.idle_word(conn);
        }
        peer.fast_from.push(piece);
        self.fill(cx, conn);
        Ok(())
    }

    fn on_extended<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        conn: ConnId,
        said: ExtendedHandshake,
    ) -> Result<(), CloseReason> {
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        if let Some(client) = said.client {
            peer.client = Some(client).filter(|c| !c.is_empty());
        }
        if let Some(reqq) = said.reqq {
            peer.pipeline.set_reqq(reqq);
        }
        if let Some(id) = said.ut_metadata {
            peer.ut_metadata = Some(id).filter(|id| *id != 0);
        }
        if let Some(id) = said.lt_donthave {
            peer.lt_donthave = Some(id).filter(|id| *id != 0);
        }
        peer.holds = said.teem_source.or(peer.holds);
        peer.upload_only = said.upload_only.unwrap_or(peer.upload_only);
        if let Some(port) = said.port.filter(|port| *port != 0 && peer.listen_port.is_none()) {
            peer.listen_port = Some(port);
            if let Some(addr) = peer.dial_addr().addr() {
                self.candidates.connected(cx.now, addr);
            }
        }
        self.hear_of_us(cx, conn, said.your_ip);
        self.source_hears(cx.now, conn, said.metadata_size.is_some());
        self.grant(cx);
        self.offer_metadata(cx, conn, said.ut_metadata, said.metadata_size)?;
        self.fill(cx, conn);
        self.idle_word(conn)
    }

    /// Counts a message that changes nothing, or that nobody needs often.
    pub(super) fn idle_word(&mut self, conn: ConnId) -> Result<(), CloseReason> {
        self.peers.get_mut(&conn).map_or(Ok(()), |peer| peer.conduct.idle_word())
    }

    /// Sends a message to a connected peer.
    pub(super) fn send<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, message: Message) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.told = cx.now;
            cx.out.push_back(Output::Send { conn, message });
        }
    }
}
