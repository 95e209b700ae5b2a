//! A peer's coming, and what each of its messages means for the torrent (BEP 3, 6, 9, 10, 54; bad input, rows 25 to 27, 31 to 36, 45).
use super::Torrent;
use super::context::Context;
use super::granting::{PeerEvent, Reply};
use super::phase::Phase;
use super::table::Table;
use super::table::roster::Admission;
use super::upload::Upload;
use crate::bitfield::Bitfield;
use crate::event::Event;
use crate::external::Voter;
use crate::ids::ConnId;
use crate::output::{CloseReason, Output};
use crate::peer::Peer;
use crate::peer::pieces::Early;
use crate::remote::Remote;
use crate::time::Time;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;
use teem_metainfo::Info;
use teem_wire::compact::Family;
use teem_wire::peer::allowed_fast::{ALLOWED_FAST_COUNT, allowed_fast};
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::Handshake;
use teem_wire::peer::ids::UT_PEX;
use teem_wire::peer::message::{ExtendedHandshake, Message, PexMessage};

impl Torrent {
    /// A peer is told what we have and who we are, or its connection is closed.
    pub(super) fn welcome<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        conn: ConnId,
        addr: Remote,
        outgoing: bool,
        handshake: Handshake,
    ) {
        let crossed = match self.admit(cx, conn, addr, outgoing, handshake) {
            Ok(crossed) => crossed,
            Err(why) => {
                if why == CloseReason::Duplicate
                    && let Some(stays) = self.ground.table.twin(addr, handshake.peer_id)
                {
                    self.crosses(cx.now, stays, outgoing.then_some(addr));
                }
                if outgoing {
                    self.finder.closed(cx.now, &self.ground.table, addr, why);
                }
                cx.out.push_back(Output::Close { conn, why });
                return;
            }
        };
        if let (true, Some(addr)) = (outgoing, addr.addr()) {
            self.finder.connected(cx.now, addr);
        }
        let punched = addr.addr().is_some_and(|addr| self.punch.met(addr));
        let pieces = self.ground.content.pieces();
        self.ground.table.enter(cx.now, conn, addr, outgoing, handshake, pieces);
        if let Some(peer) = self.ground.table.get_mut(conn).filter(|_| punched) {
            peer.who_mut().set_punched();
        }
        if crossed.is_some() {
            self.crosses(cx.now, conn, crossed);
        }
        self.rounds.hurry(cx.now, self.ground.table.len() == 1);
        self.introduce(cx, conn);
        self.finder.count(cx.now, &self.ground.table);
    }

    /// A peer has had another connection with us, dialled there if we dialled it: the one that stays may end as well, by rules of the other side.
    fn crosses(&mut self, now: Time, stays: ConnId, was_dialled: Option<Remote>) {
        let Some(peer) = self.ground.table.get_mut(stays) else { return };
        if let Some(at) = was_dialled.filter(|_| !peer.who().is_outgoing()) {
            peer.who_mut().was_dialled_at(at);
            if let Some(addr) = peer.who().dial_addr().addr() {
                self.finder.connected(now, addr);
            }
        }
        if let Some(addr) = self.ground.table.get(stays).and_then(|peer| peer.who().dial_addr().addr()) {
            self.finder.crosses(now, addr);
        }
    }

    /// Whether a connection whose handshake has come would be one more here: it may stay, and takes nobody's place.
    pub fn takes_one_more(&self, now: Time, addr: Remote, outgoing: bool, handshake: &Handshake) -> bool {
        let table = &self.ground.table;
        !self.phase.is_over()
            && !table.is_full()
            && !self.finder.is_banned(addr)
            && table.judge(now, addr, outgoing, handshake.peer_id) == Admission::Welcome
    }

    /// Whether a connection may stay. When it does instead of another of the same peer, where the one of both that we dialled was dialled.
    fn admit<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        conn: ConnId,
        addr: Remote,
        outgoing: bool,
        handshake: Handshake,
    ) -> Result<Option<Remote>, CloseReason> {
        if self.phase.is_over() {
            return Err(CloseReason::Stopping);
        }
        if self.finder.is_banned(addr) {
            return Err(CloseReason::Banned);
        }
        if self.ground.table.judge(cx.now, addr, outgoing, handshake.peer_id) == Admission::Welcome {
            if let Some(former) = self.ground.table.has_moved(cx.now, addr, &handshake.peer_id) {
                self.drop_peer(cx, former, CloseReason::TimedOut);
            }
            if let Some((yields, why)) = self.makes_room(cx, addr, outgoing) {
                self.drop_peer(cx, yields, why);
            }
        }
        match self.ground.table.admit(cx.now, conn, addr, outgoing, handshake.peer_id) {
            Admission::Welcome => Ok(None),
            Admission::Instead(other) => {
                let former = self.ground.table.get(other).map(|peer| peer.who().addr());
                self.drop_peer(cx, other, CloseReason::Duplicate);
                Ok(if outgoing { Some(addr) } else { former })
            }
            Admission::Refused(why) => Err(why),
        }
    }

    /// With the table full, the peer that has been of no use for longest, if there is one; else one of the most crowded network; else, for
    /// somebody who dials us, one with nothing under way whose canonical priority is lower. Of the useless a source keeps all but those that
    /// leave alone what they were shown: a peer that was shown nothing cannot have asked for anything.
    fn makes_room<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        comes: Remote,
        outgoing: bool,
    ) -> Option<(ConnId, CloseReason)> {
        if !self.ground.table.is_full() {
            return None;
        }
        let (download, have) = (self.phase.download(), self.ground.content.have());
        let is_needed = |p: &Peer| download.is_some_and(|d| d.needs(p, have));
        let granting = &self.granting;
        let useless = |p: &Peer| granting.is_ignored_by(p.conn()).unwrap_or_else(|| !is_needed(p));
        let useless = self.ground.table.useless(cx.now, useless).map(|conn| (conn, CloseReason::Useless));
        let crowded = || Some((self.ground.table.most_crowded(cx.now, comes.holder())?, CloseReason::TooMany));
        let yields = useless.or_else(crowded);
        let calm =
            |table: &mut Table| Some((table.next_turn(cx.now, comes.holder(), is_needed)?, CloseReason::Useless));
        let yields = yields.or_else(|| if outgoing { None } else { calm(&mut self.ground.table) });
        if yields.is_some() || outgoing || granting.is_source() {
            return yields;
        }
        let (finder, comes) = (&self.finder, comes.addr()?);
        let priority = |addr| finder.priority(addr);
        let outranked = self.ground.table.outranked(cx.now, comes, finder.external(), priority, is_needed)?;
        Some((outranked, CloseReason::Useless))
    }

    /// The first messages: what we have, and the extension handshake.
    fn introduce<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let ground = &mut self.ground;
        let Some(peer) = ground.table.get(conn) else { return };
        let (fast, extended, ip) = (peer.who().is_fast(), peer.who().is_extended(), peer.ip());
        let have = if self.granting.is_source() {
            fast.then_some(Message::HaveNone)
        } else if fast && ground.content.is_full() {
            Some(Message::HaveAll)
        } else if !ground.content.have().is_empty() {
            Some(Message::Bitfield(ground.content.have().to_wire()))
        } else {
            fast.then_some(Message::HaveNone)
        };
        if let Some(message) = have {
            ground.table.send(cx, conn, message);
        }
        if extended {
            let content = &ground.content;
            let partial = content.is_done() && !content.have().is_full() && !content.is_published();
            let said = ground.introduction(ip, partial.then_some(true), self.granting.is_source());
            ground.table.send(cx, conn, Message::ExtendedHandshake(said));
        }
        self.source_hears(cx, conn, PeerEvent::Came);
    }

    /// Whether a peer may use the words of BEP 6: both sides have to speak it, and we do.
    fn may_say(&self, conn: ConnId, message: &Message) -> Result<(), CloseReason> {
        let of_fast = matches!(
            message,
            Message::Suggest(_) | Message::HaveAll | Message::HaveNone | Message::Reject(_) | Message::AllowedFast(_)
        );
        if of_fast && self.ground.table.get(conn).is_some_and(|peer| !peer.who().is_fast()) {
            return Err(CloseReason::Protocol("a message of the fast extension, which it does not speak"));
        }
        Ok(())
    }

    /// What a message means. The error is why the connection has to be closed.
    pub(super) fn react<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        conn: ConnId,
        message: Message,
    ) -> Result<(), CloseReason> {
        self.may_say(conn, &message)?;
        match message {
            Message::Unknown { extended: Some(UT_PEX), .. } => self.on_pex(cx, conn, &PexMessage::default()),
            Message::Port(_) | Message::Unknown { .. } | Message::Suggest(_) => self.ground.table.idle_word(conn),
            Message::KeepAlive => match self.ground.table.get_mut(conn) {
                Some(peer) => peer.conduct_mut().keepalive(cx.now),
                None => Ok(()),
            },
            Message::Choke => self.on_choke(cx, conn),
            Message::Unchoke => self.on_unchoke(cx, conn),
            Message::Interested => self.on_interest(cx, conn, true),
            Message::NotInterested => self.on_interest(cx, conn, false),
            Message::Have(piece) => self.on_have(cx, conn, piece),
            Message::DontHave { piece, .. } => self.on_dont_have(cx, conn, piece),
            Message::Bitfield(bytes) => self.on_bitfield(cx, conn, bytes),
            Message::HaveAll => self.on_have_all(cx, conn),
            Message::HaveNone => self.on_have_none(cx, conn),
            Message::Request(at) => self.on_request(cx, conn, at),
            Message::Cancel(at) => {
                Upload::cancel(cx, &mut self.ground, conn, at);
                self.ground.table.idle_word(conn)
            }
            Message::Reject(at) => self.on_reject(cx, conn, at),
            Message::AllowedFast(piece) => self.on_allowed_fast(cx, conn, piece),
            Message::ExtendedHandshake(handshake) => self.on_extended(cx, conn, handshake),
            Message::Pex { message, .. } => self.on_pex(cx, conn, &message),
            Message::Holepunch { message, .. } => self.on_holepunch(cx, conn, message),
            Message::Metadata { message, .. } => self.metadata.message(cx, &mut self.ground, conn, message),
        }
    }

    fn on_choke<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) -> Result<(), CloseReason> {
        let Some(peer) = self.ground.table.get_mut(conn) else { return Ok(()) };
        if peer.choke_us()? {
            self.give_up_and_refill(cx, conn);
        }
        Ok(())
    }

    fn on_unchoke<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) -> Result<(), CloseReason> {
        let Some(peer) = self.ground.table.get_mut(conn) else { return Ok(()) };
        if peer.unchoke_us(cx.now)? {
            if let Some(download) = self.phase.download_mut() {
                download.measure(cx.now, &self.ground, &self.intake);
            }
            self.fill(cx, conn);
        }
        Ok(())
    }

    fn on_interest<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, interested: bool) -> Result<(), CloseReason> {
        if self.ground.table.set_interested(cx.now, conn, interested) {
            if interested {
                self.source_hears(cx, conn, PeerEvent::Wants);
            }
            self.rechoke(cx, false);
        }
        self.ground.table.idle_word(conn)
    }

    fn on_allowed_fast<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, piece: u32) -> Result<(), CloseReason> {
        let pieces = self.ground.content.pieces();
        let Some(peer) = self.ground.table.get_mut(conn) else { return Ok(()) };
        let known = pieces == 0 || piece < pieces;
        if !known || !peer.stance_mut().allow_us(piece) {
            return self.ground.table.idle_word(conn);
        }
        self.fill(cx, conn);
        Ok(())
    }

    fn on_extended<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        conn: ConnId,
        said: ExtendedHandshake,
    ) -> Result<(), CloseReason> {
        let Some(peer) = self.ground.table.get_mut(conn) else { return Ok(()) };
        if let Some(reqq) = said.reqq {
            peer.pipeline_mut().set_reqq(reqq);
        }
        let before = peer.who().dial_addr();
        let says_where = peer.who_mut().introduce(&said);
        let (now, moved) = (peer.who().dial_addr(), peer.who().has_moved());
        if moved && now != before {
            self.finder.left(&self.ground.table, before);
        }
        if let (true, Some(addr)) = (says_where, now.addr()) {
            self.finder.connected(cx.now, addr);
        }
        self.exchange_with(cx.now, conn, now != before);
        let Some(peer) = self.ground.table.get_mut(conn) else { return Ok(()) };
        // How a peer sees us counts once for a connection, so that counting costs it as much as us.
        if let Some(ip) = said.your_ip.filter(|ip| peer.ip().map(Family::of) == Some(Family::of(*ip)))
            && peer.who_mut().vote()
        {
            cx.votes.vote(Voter::Network(peer.network()), ip);
        }
        self.source_hears(cx, conn, PeerEvent::Spoke { knows_metadata: said.metadata_size.is_some() });
        self.grant(cx);
        self.metadata.offer(cx, &mut self.ground, conn, (said.ut_metadata, said.metadata_size))?;
        self.fill(cx, conn);
        self.exchange.tell(cx, &mut self.ground);
        self.ground.table.idle_word(conn)
    }

    fn on_request<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, at: BlockRef) -> Result<(), CloseReason> {
        let content = &self.ground.content;
        let there = content.geometry().allows(at)
            && content.has(at.piece)
            && self.granting.on(cx, &mut self.ground, conn, PeerEvent::Asks(at.piece)) != Reply::Refused;
        self.upload.request(cx, &mut self.ground, self.phase.picker(), conn, (at, there))
    }

    fn on_reject<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, at: BlockRef) -> Result<(), CloseReason> {
        match self.intake.reject(cx, &mut self.ground, conn, at) {
            Some(true) => {
                if let Some(download) = self.phase.download_mut() {
                    download.rejected(&mut self.ground, conn, at);
                }
                self.wake(cx);
                self.fill(cx, conn);
                Ok(())
            }
            Some(false) => Ok(()),
            None => self.ground.table.idle_word(conn),
        }
    }

    fn on_have<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, piece: u32) -> Result<(), CloseReason> {
        let known = self.ground.content.is_known();
        let geometry = *self.ground.content.geometry();
        let Some(peer) = self.ground.table.get_mut(conn) else { return Ok(()) };
        if !known {
            return peer.pieces_mut().show_early(piece);
        }
        if piece >= geometry.pieces {
            return Err(CloseReason::Protocol("it shows a piece that there is not"));
        }
        if !peer.pieces_mut().show(piece) {
            return peer.conduct_mut().repeated_have();
        }
        self.ground.table.count_gain(&geometry, conn, false);
        if self.granting.on(cx, &mut self.ground, conn, PeerEvent::Shows(piece)) == Reply::MayGrant {
            self.grant(cx);
        }
        let Some(peer) = self.ground.table.get_mut(conn) else { return Ok(()) };
        if let Phase::Downloading(download) = &mut self.phase {
            download.shows(piece, &mut self.ground.rng);
            if self.ground.content.lacks(piece) {
                peer.pieces_mut().gain_use();
            } else if !peer.is_complete() {
                return Ok(()); // nothing more to be asked for than before
            }
        }
        self.after_showing(cx, conn)
    }

    fn on_bitfield<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, bytes: Vec<u8>) -> Result<(), CloseReason> {
        if self.is_early(conn, || Early { bitfield: Some(bytes.clone()), ..Early::default() })? {
            return Ok(());
        }
        let has = Bitfield::from_wire(&bytes, self.ground.content.pieces())
            .map_err(|_| CloseReason::Protocol("its bitfield has the wrong length or spare bits"))?;
        self.shows_all(cx, conn, has)
    }

    fn on_have_all<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) -> Result<(), CloseReason> {
        if self.is_early(conn, || Early { all: true, ..Early::default() })? {
            return Ok(());
        }
        self.shows_all(cx, conn, Bitfield::full(self.ground.content.pieces()))
    }

    fn on_have_none<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) -> Result<(), CloseReason> {
        if self.is_early(conn, Early::default)? {
            return Ok(());
        }
        self.shows_all(cx, conn, Bitfield::new(self.ground.content.pieces()))
    }

    /// A peer says all that it has; whether that has to wait until the number of pieces is known.
    fn is_early(&mut self, conn: ConnId, said: impl FnOnce() -> Early) -> Result<bool, CloseReason> {
        let early = !self.ground.content.is_known();
        let Some(peer) = self.ground.table.get_mut(conn) else { return Ok(true) };
        peer.conduct_mut().statement()?;
        if early {
            peer.pieces_mut().show_all_early(said());
        }
        Ok(early)
    }

    /// A peer says all that it has; that replaces what it said before.
    fn shows_all<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, has: Bitfield) -> Result<(), CloseReason> {
        let ground = &mut self.ground;
        let Some(peer) = ground.table.get_mut(conn) else { return Ok(()) };
        if *peer.has() == has && !has.is_empty() {
            return Ok(()); // it says what it has said before
        }
        // Sixteen pieces are looked at as quickly as one is counted.
        let differing = peer.has().count_without(&has) + has.count_without(peer.has());
        let whole = peer.pieces().is_counted_as_everything() || has.is_full();
        let counted = if whole { u64::from(has.len()) / 16 } else { u64::from(differing) };
        let price = counted + u64::from(has.len()) / 16;
        ground.looks.charge(conn, peer.who().addr(), price)?;
        ground.work += price;
        let before = peer.pieces_mut().show_all(has);
        if let Phase::Downloading(download) = &mut self.phase {
            download.shows_all(peer, &before, &ground.content, &mut ground.rng);
        }
        let geometry = *ground.content.geometry();
        ground.table.count_gain(&geometry, conn, true);
        self.source_hears(cx, conn, PeerEvent::ShowsAll { before: &before });
        self.grant(cx);
        self.allow_fast(cx, conn);
        self.after_showing(cx, conn)
    }

    fn after_showing<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) -> Result<(), CloseReason> {
        let content = &self.ground.content;
        let Some(peer) = self.ground.table.get(conn) else { return Ok(()) };
        if peer.is_seed(content.pieces()) && content.wants_nothing() {
            return Err(CloseReason::BothSeeds);
        }
        self.update_interest(cx, conn);
        self.fill(cx, conn);
        Ok(())
    }

    /// Lets a newcomer that has next to nothing ask for a few pieces while it is choked (BEP 6).
    fn allow_fast<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let ground = &mut self.ground;
        let Some(peer) = ground.table.get_mut(conn) else { return };
        let Some(IpAddr::V4(ip)) = peer.ip() else { return };
        let newcomer =
            peer.who().is_fast() && peer.has().count() < ALLOWED_FAST_COUNT as u32 && !peer.stance().has_allowed();
        if !newcomer || ground.content.have().is_empty() || self.granting.is_source() {
            return;
        }
        let set = allowed_fast(ip, &ground.me.torrent.wire(), ground.content.pieces(), ALLOWED_FAST_COUNT);
        let granted: Vec<u32> = set.into_iter().filter(|p| ground.content.has(*p) && !peer.has().get(*p)).collect();
        peer.stance_mut().allow(granted.clone());
        for piece in granted {
            ground.table.send(cx, conn, Message::AllowedFast(piece));
        }
    }

    /// A peer has a piece no more (BEP 54): nothing of it is asked there, and a peer that alone had it does not count as a holder. A
    /// peer that has no word for it is found out by rejects (BEP 6) or silence.
    fn on_dont_have<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, piece: u32) -> Result<(), CloseReason> {
        let ground = &mut self.ground;
        let pieces = ground.content.pieces();
        let Some(peer) = ground.table.get_mut(conn) else { return Ok(()) };
        if !ground.content.is_known() {
            return peer.pieces_mut().lose_early(piece);
        }
        if piece >= pieces {
            return Err(CloseReason::Protocol("it has lost a piece that there is not"));
        }
        // Each counts: showing and losing in turn would cost us more than it costs the peer.
        peer.conduct_mut().idle_word()?;
        if peer.pieces().is_counted_as_everything() {
            // From now on each of its pieces is counted.
            ground.looks.charge(conn, peer.who().addr(), u64::from(pieces))?;
            ground.work += u64::from(pieces);
        }
        if !peer.pieces_mut().lose(piece) {
            return Ok(());
        }
        peer.stance_mut().keep_allowed(|p| p != piece);
        peer.who_mut().holds_less_than(pieces);
        let asked: Vec<BlockRef> = peer.pipeline().asked().filter(|at| at.piece == piece).collect();
        if let Phase::Downloading(download) = &mut self.phase {
            download.lost_at(peer, piece, &ground.content, &mut ground.rng);
        }
        self.source_hears(cx, conn, PeerEvent::Lost(piece));
        // Each of them is rejected, said or not.
        asked.into_iter().try_for_each(|at| self.on_reject(cx, conn, at))?;
        self.update_interest(cx, conn);
        self.grant(cx);
        Ok(())
    }

    /// Fetched metadata was judged.
    pub(super) fn metadata_judged<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        result: Result<Arc<Info>, String>,
        hash_ok: bool,
    ) {
        self.metadata.judged(&mut self.ground, hash_ok);
        self.carry_out(cx);
        match result {
            Ok(info) if hash_ok => self.metadata_here(cx, info),
            Err(why) if hash_ok => self.fail(cx, why, None),
            _ => self.fetch_metadata(cx),
        }
    }

    /// Asks for what is missing of the metadata, while that is what is done.
    pub(super) fn fetch_metadata<B>(&mut self, cx: &mut Context<'_, B>) {
        if self.phase.is_before_content() && !self.ground.content.is_known() {
            self.metadata.ask(cx, &mut self.ground);
        }
    }

    fn metadata_here<B>(&mut self, cx: &mut Context<'_, B>, info: Arc<Info>) {
        if self.ground.content.is_known() {
            return;
        }
        if info.is_private() {
            self.finder.set_private();
            self.exchange.end();
            self.ground.withdraw_pex();
            let text = String::from("the torrent is private: peers come from its tracker only (BEP 27)");
            self.ground.notice(cx, text);
        }
        self.ground.adopt(info.clone());
        let said = self.ground.learnt();
        for conn in self.ground.table.conns() {
            if let Err(why) = self.judge_early(cx, conn) {
                self.drop_peer(cx, conn, why);
            } else if self.ground.table.get(conn).is_some_and(|p| p.who().is_extended()) {
                self.ground.table.send(cx, conn, Message::ExtendedHandshake(said.clone()));
            }
        }
        cx.tell(Event::Metadata { torrent: self.ground.id, info });
        self.know(cx);
    }

    /// The number of pieces is known now: what a peer said before is judged.
    fn judge_early<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) -> Result<(), CloseReason> {
        let pieces = self.ground.content.pieces();
        let Some(peer) = self.ground.table.get_mut(conn) else { return Ok(()) };
        let early = peer.pieces_mut().begin(pieces);
        peer.stance_mut().keep_allowed(|p| p < pieces);
        if early.all {
            self.on_have_all(cx, conn)?;
        } else if let Some(bytes) = early.bitfield {
            self.on_bitfield(cx, conn, bytes)?;
        }
        early.haves.into_iter().try_for_each(|piece| self.on_have(cx, conn, piece))?;
        early.lost.into_iter().try_for_each(|piece| self.on_dont_have(cx, conn, piece))
    }
}
