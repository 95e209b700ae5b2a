//! Carrying out a ban (own design; bad input, row 37).
use super::Torrent;
use super::context::Context;
use super::evidence::Suspect;
use crate::event::Event;
use crate::ids::ConnId;
use crate::output::CloseReason;
use crate::remote::Remote;
use alloc::string::ToString;

impl Torrent {
    /// Bans a peer that sent corrupt data, connected or not. Loopback is never banned as a whole.
    pub(super) fn ban<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, why: &str) {
        let live = self.peers.get(&conn).map(|p| Suspect::of(p));
        let Some(who) = live.or_else(|| self.evidence.gone(conn).cloned()) else { return };
        if self.evidence.is_banned(&who.peer_id) {
            return;
        }
        if let (true, Some(ip)) = (self.evidence.ban(&who), who.addr.ip()) {
            self.candidates.ban_whole(ip);
        }
        cx.tell(Event::Banned { torrent: self.id, addr: who.addr, client: who.client, why: why.to_string() });
        self.drop_peer(cx, conn, CloseReason::Banned);
        for addr in [who.addr, who.dial_addr].into_iter().filter_map(Remote::addr) {
            self.candidates.ban(addr);
        }
    }
}
