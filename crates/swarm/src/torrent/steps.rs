//! Carrying out what owners decide (own design): one loop, at the end of every input.
//!
//! An owner that finds out what concerns others pushes a [`Step`]; [`Torrent::turn`] runs what an input means, then the steps, then what is
//! due anyhow. The verbs that concern several owners are here: to drop a peer, to show a piece, to give the slots. They call owners and
//! nothing above them, so that the calls between the files of a torrent go one way.
use super::Torrent;
use super::announce::Asking;
use super::context::Context;
use super::download::evidence::Suspect;
use super::granting::PeerEvent;
use super::phase::Phase;
use super::step::Step;
use crate::ask::Question;
use crate::event::{Event, State};
use crate::ids::ConnId;
use crate::job::Job;
use crate::output::{CloseReason, Output};
use crate::peer::Peer;
use crate::remote::Remote;
use alloc::string::ToString;
use teem_wire::peer::message::Message;

impl Torrent {
    /// Does what an input means, carries out the steps that follow from it, and settles.
    pub(super) fn turn<B>(&mut self, cx: &mut Context<'_, B>, act: impl FnOnce(&mut Self, &mut Context<'_, B>)) {
        act(self, cx);
        self.carry_out(cx);
        self.settle(cx);
        #[cfg(debug_assertions)]
        self.assert_sound();
    }

    /// Carries out the steps that owners have pushed, in their order, and those that follow from them.
    pub(super) fn carry_out<B>(&mut self, cx: &mut Context<'_, B>) {
        while let Some(step) = self.ground.steps.pop_front() {
            match step {
                Step::Drop(conn, why) => self.drop_peer(cx, conn, why),
                Step::Ban(conn, why) => self.ban(cx, conn, why),
                Step::Fill(conn) => self.fill(cx, conn),
                Step::Wake => self.wake(cx),
                Step::Rechoke => self.rechoke(cx, false),
            }
        }
    }

    /// What is due now anyhow.
    fn settle<B>(&mut self, cx: &mut Context<'_, B>) {
        if self.phase.is_open() && self.store.begin_sync(cx.now, self.ground.content.is_done()) {
            cx.out.push_back(Output::Disk(Job::Sync { torrent: self.ground.id, facts: self.facts() }));
        }
        if self.finder.deadline().is_some_and(|at| at <= cx.now) {
            let counters = self.counters();
            let out = &mut *cx.out;
            let asking = Asking { torrent: self.ground.id, ids: cx.ids, turns: cx.turns };
            self.finder.poll(cx.now, counters, &mut self.ground.rng, asking, |ask| {
                let question = Question::Announce { torrent: self.ground.id, url: ask.url, announce: ask.announce };
                out.push_back(Output::Ask { id: ask.id, question });
            });
        }
        self.upload.settle(cx.shared, cx.now);
        self.intake.throttle_mut().settle(&mut cx.shared.down, cx.now);
    }

    /// Ends a connection for a reason of ours.
    pub(super) fn drop_peer<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, why: CloseReason) {
        if self.ground.table.get(conn).is_some() {
            cx.out.push_back(Output::Close { conn, why });
            self.forget_peer(cx, conn, why);
        }
    }

    /// Lets go of everything that stands under a connection's name.
    pub(super) fn forget_peer<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, why: CloseReason) {
        self.give_up(cx, conn);
        let Some(peer) = self.ground.table.leave(conn) else { return };
        self.upload.gone(&mut cx.shared.pool, conn, &peer);
        if let Some(download) = self.phase.download_mut() {
            download.gone(&peer, &mut self.ground.rng);
        }
        self.granting.gone(cx.now, conn, &peer);
        self.metadata.gone(conn);
        self.exchange.gone(cx.now, &peer, why);
        self.punch.gone(conn);
        self.finder.closed(cx.now, &self.ground.table, peer.who().dial_addr(), why);
        self.finder.introducer_gone(conn);
        if why == CloseReason::Remote && peer.comes_back() {
            self.finder.comes_back(cx.now, peer.who().dial_addr());
        }
        self.intake.gone(conn, &peer);
        self.finder.count(cx.now, &self.ground.table);
    }

    /// Everything a peer was asked for is free for others.
    fn give_up<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        if let Some(download) = self.phase.download_mut() {
            download.give_up(cx, &mut self.ground, &mut self.intake, conn);
        } else if let Some(peer) = self.ground.table.get_mut(conn) {
            self.intake.give_up(&mut cx.shared.down, cx.now, peer);
        }
    }

    /// Bans a peer that sent corrupt data, connected or not. Loopback is never banned as a whole.
    pub(super) fn ban<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, why: &str) {
        let live = self.ground.table.get(conn).map(Suspect::of);
        let evidence = self.intake.evidence_mut();
        let Some(who) = live.or_else(|| evidence.gone(conn).cloned()) else { return };
        let Some(extent) = evidence.ban(conn, &who) else { return };
        if !who.addr.is_loopback() {
            self.finder.ban_wider(who.addr.holder(), extent);
        }
        let torrent = self.ground.id;
        cx.tell(Event::Banned { torrent, addr: who.addr, client: who.client, why: why.to_string() });
        self.drop_peer(cx, conn, CloseReason::Banned);
        for addr in [who.addr, who.dial_addr].into_iter().filter_map(Remote::addr) {
            self.finder.ban(addr);
            self.exchange.forget(addr);
        }
    }

    /// Asks a peer for blocks, as many as it and the limit take.
    pub(super) fn fill<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        if let Phase::Downloading(download) = &mut self.phase {
            download.fill(cx, &mut self.ground, &mut self.intake, conn);
        }
    }

    /// Lets those try again that had nothing to be asked for.
    pub(super) fn wake<B>(&mut self, cx: &mut Context<'_, B>) {
        if let Phase::Downloading(download) = &mut self.phase {
            download.wake(cx, &mut self.ground, &mut self.intake);
        }
    }

    /// A peer chokes us or rejects what it was asked for, and keeps nothing of it.
    pub(super) fn give_up_and_refill<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        self.give_up(cx, conn);
        self.wake(cx);
        self.fill(cx, conn);
    }

    /// A peer that keeps us waiting is asked one block at a time.
    pub(super) fn stall<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        if let Phase::Downloading(download) = &mut self.phase {
            download.stall(cx, &mut self.ground, &mut self.intake, conn);
        }
        // Others first: the block that comes free should not go back to the one that sat on it.
        self.wake(cx);
        self.fill(cx, conn);
    }

    /// Says INTERESTED or NOT_INTERESTED to a peer when that has changed.
    pub(super) fn update_interest<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let wants = self.phase.download().is_some();
        let Some(peer) = self.ground.table.get_mut(conn) else { return };
        let interested = wants && peer.pieces().useful() > 0;
        if peer.stance_mut().want(interested) {
            peer.clocks_mut().want(cx.now);
            let message = if interested { Message::Interested } else { Message::NotInterested };
            self.ground.table.send(cx, conn, message);
        }
    }

    /// Gives the slots: all anew in a round, only free ones in between. A source gives none.
    pub(super) fn rechoke<B>(&mut self, cx: &mut Context<'_, B>, round: bool) {
        if self.granting.is_source() {
            self.upload.leave_slots();
        } else {
            self.upload.rechoke(cx, &mut self.ground, self.phase.is_downloading(), round);
        }
    }

    /// A source shows what is to be shown now; when it is done the choker takes over.
    pub(super) fn grant<B>(&mut self, cx: &mut Context<'_, B>) {
        if !self.granting.is_source() {
            return;
        }
        let rate = self.upload.rate(cx.now);
        let granted = self.granting.grant(cx, &mut self.ground, rate, self.phase.is_checking());
        if granted.all_out {
            self.store.ask();
        }
        if granted.over {
            self.announce_upload_only(cx);
            self.rechoke(cx, true);
        }
    }

    /// A source hears something of a peer.
    pub(super) fn source_hears<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, event: PeerEvent<'_>) {
        self.granting.on(cx, &mut self.ground, conn, event);
    }

    /// Tells the peers that nothing is wanted here (BEP 21). Only once everything was shown: libtorrent leaves a peer that wants
    /// nothing and has shown nothing that it lacks, and then its last pieces come from the others alone.
    pub(super) fn announce_upload_only<B>(&mut self, cx: &mut Context<'_, B>) {
        self.introduce_again(cx, Some(true));
    }

    /// Tells the peers anew who we are, since something of it has changed. It is said whole: some clients take what a later handshake
    /// leaves out of `m` for given up.
    pub(super) fn introduce_again<B>(&mut self, cx: &mut Context<'_, B>, upload_only: Option<bool>) {
        for peer in self.ground.table.values().filter(|p| p.who().is_extended()) {
            let said = self.ground.introduction(peer.ip(), upload_only, self.granting.is_source());
            cx.out.push_back(Output::Send { conn: peer.conn(), message: Message::ExtendedHandshake(said) });
        }
    }

    /// A piece is there: what is missing and wanted is counted anew. The peers are not told yet.
    pub(super) fn gain(&mut self, piece: u32) {
        if let Some(download) = self.phase.download_mut() {
            download.found(piece);
        }
        self.ground.content.gain(piece);
    }

    /// Shows a new piece to every peer, and notes that we need it from none of them any more. Complete ones too: a source judges by it how
    /// far its content has spread. Not those that make nothing of it.
    pub(super) fn spread<B>(&mut self, cx: &mut Context<'_, B>, piece: u32) {
        if self.granting.add(&mut self.ground, piece) {
            return self.grant(cx);
        }
        let wanted = self.phase.download().is_some() && !self.ground.content.skips(piece);
        for conn in self.ground.table.conns() {
            if let Some(peer) = self.ground.table.get_mut(conn)
                && wanted
                && peer.has().get(piece)
            {
                peer.pieces_mut().lose_use();
            }
            if self.ground.table.get(conn).is_some_and(Peer::heeds_haves) {
                self.ground.table.send(cx, conn, Message::Have(piece));
            }
            self.update_interest(cx, conn);
        }
    }

    /// Goes over to another phase; the owner is told.
    pub(super) fn enter<B>(&mut self, cx: &mut Context<'_, B>, phase: Phase) {
        let before = self.phase.state();
        self.phase = phase;
        self.tell_state(cx, before);
    }

    /// Tells the owner what the torrent is doing when that is something else than before.
    pub(super) fn tell_state<B>(&mut self, cx: &mut Context<'_, B>, before: State) {
        let state = self.phase.state();
        if state != before {
            cx.tell(Event::State { torrent: self.ground.id, state });
        }
    }
}
