//! What peers say of other peers (BEP 11, 55), and what becomes of it.
use super::Torrent;
use super::context::Context;
use crate::ids::ConnId;
use crate::output::CloseReason;
use crate::peer::Peer;
use crate::time::Time;
use teem_wire::peer::message::{Holepunch, HolepunchMessage, PexMessage};

impl Torrent {
    /// A peer has introduced itself: it is told of others if it wants that, and others of it.
    pub(super) fn exchange_with(&mut self, now: Time, conn: ConnId, elsewhere: bool) {
        let offered = self.ground.exchanges_peers();
        if let Some(who) = self.ground.table.get_mut(conn).filter(|_| offered).map(Peer::who_mut) {
            let (first, id) = (!who.is_introduced(), who.ut_pex());
            who.set_introduced();
            if first || elsewhere {
                self.exchange.changed(now);
            }
            self.exchange.offers(now, conn, id);
        }
    }

    /// A peer tells of others (BEP 11). Those that it lost may be there still, but it cannot help to reach them.
    pub(super) fn on_pex<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        conn: ConnId,
        said: &PexMessage,
    ) -> Result<(), CloseReason> {
        let (true, Some(peer)) = (self.ground.exchanges_peers(), self.ground.table.get(conn)) else {
            return self.ground.table.idle_word(conn);
        };
        self.exchange.hear(cx.now, conn)?;
        self.finder.introduce(cx.now, conn, peer.who().addr(), said);
        self.finder.count(cx.now, &self.ground.table);
        Ok(())
    }

    /// A peer asks for help to meet another, or helps (BEP 55).
    pub(super) fn on_holepunch<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        conn: ConnId,
        said: HolepunchMessage,
    ) -> Result<(), CloseReason> {
        if self.ground.punches() && !self.phase.is_over() {
            let about = (conn, said.at);
            match said.what {
                Holepunch::Rendezvous => {
                    let ours = self.finder.is_ours(said.at);
                    self.punch.relay(cx, &mut self.ground, ours, about);
                }
                Holepunch::Connect => self.punch.connect(cx, &self.ground, &mut self.finder, about),
                Holepunch::Error(_) => self.punch.refused(cx, &mut self.ground, &self.finder, about),
            }
        }
        self.ground.table.idle_word(conn)
    }
}
