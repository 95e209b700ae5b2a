//! What is kept of one connected peer (BEP 3: choking and interest in both directions).
//!
//! Its parts are machines of their own with private state: [`who`] it is, what [`pieces`] it has, how both sides stand to each other
//! (`stance`), what we ask of it (`pipeline`) and how far it is trusted with that (`standing`), what it will not give
//! ([`refusals`]), what it asks of us (`upload`), how often it has broken rules ([`conduct`]), and its `clocks`. What concerns
//! several parts at once is a verb here. The rules that need the whole torrent are in [`crate::torrent`].
pub(crate) mod clocks;
pub mod conduct;
pub mod pieces;
pub(crate) mod pipeline;
pub mod refusals;
pub(crate) mod stance;
pub(crate) mod standing;
pub(crate) mod upload;
pub mod who;

use crate::bitfield::Bitfield;
use crate::ids::ConnId;
use crate::output::CloseReason;
use crate::picker::pick::Asker;
use crate::rate::DISPLAY_SLOTS;
use crate::remote::Remote;
use crate::time::Time;
use alloc::collections::VecDeque;
use clocks::Clocks;
use conduct::Conduct;
use core::net::IpAddr;
use pieces::Pieces;
use pipeline::{Arrival, Pipeline};
use refusals::Refusals;
use stance::Stance;
use standing::Standing;
use teem_wire::holder::Network;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::Handshake;
use upload::Upload;
use who::Who;

/// One connected peer.
#[derive(Clone, Debug)]
pub struct Peer {
    who: Who,
    pieces: Pieces,
    stance: Stance,
    /// The piece that we fetch from it.
    current: Option<u32>,
    refusals: Refusals,
    pipeline: Pipeline,
    standing: Standing,
    upload: Upload,
    conduct: Conduct,
    clocks: Clocks,
    /// It waits for the download limit.
    waits_down: bool,
    /// It waits for the upload limit.
    waits_up: bool,
}

impl Peer {
    /// A peer whose handshake has come; `pieces` is 0 while their number is unknown.
    pub fn new(now: Time, conn: ConnId, addr: Remote, outgoing: bool, handshake: Handshake, pieces: u32) -> Self {
        Self {
            who: Who::new(conn, addr, outgoing, handshake),
            pieces: Pieces::new(pieces),
            stance: Stance::default(),
            current: None,
            refusals: Refusals::default(),
            pipeline: Pipeline::new(now),
            standing: Standing::default(),
            upload: Upload::default(),
            conduct: Conduct::default(),
            clocks: Clocks::new(now),
            waits_down: false,
            waits_up: false,
        }
    }

    /// The peer's identity: address, id, client, extensions.
    pub(crate) fn who(&self) -> &Who {
        &self.who
    }

    /// The same, to be changed.
    pub(crate) fn who_mut(&mut self) -> &mut Who {
        &mut self.who
    }

    /// The name of the peer's connection.
    pub fn conn(&self) -> ConnId {
        self.who.conn()
    }

    /// The address of its connection without the port, where there is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.who.addr().ip()
    }

    /// Its network, or itself where it came from none.
    pub fn network(&self) -> Network {
        self.who.holder().wider()
    }

    /// The pieces it has shown; of length 0 while their number is unknown.
    pub fn has(&self) -> &Bitfield {
        self.pieces.has()
    }

    /// Whether it has everything.
    pub fn is_complete(&self) -> bool {
        self.pieces.is_complete()
    }

    /// Whether it makes anything of our HAVEs. A complete aria2 does not; and it ends once it has queued as many bytes as it has, whereupon what it has not read has the system throw away what it has not sent.
    pub(crate) fn heeds_haves(&self) -> bool {
        !(self.is_complete() && self.who.is_aria2())
    }

    /// Whether it came for the metadata alone and, once it has closed, comes back for the content at once: a client that listens all the while,
    /// and looks for peers seconds later.
    pub(crate) fn comes_back(&self) -> bool {
        self.who.is_aria2() && self.who.asked_metadata().is_some() && self.has().count() == 0
    }

    /// Whether it has everything, or says that it does and shows less: of so many pieces.
    pub(crate) fn is_seed(&self, pieces: u32) -> bool {
        self.is_complete() || self.who.holds() == Some(pieces)
    }

    /// What it has.
    pub fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    /// The same, to be changed.
    pub(crate) fn pieces_mut(&mut self) -> &mut Pieces {
        &mut self.pieces
    }

    /// How both sides stand.
    pub(crate) fn stance(&self) -> &Stance {
        &self.stance
    }

    /// The same, to be changed.
    pub(crate) fn stance_mut(&mut self) -> &mut Stance {
        &mut self.stance
    }

    /// What we ask of it.
    pub(crate) fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The same, to be changed.
    pub(crate) fn pipeline_mut(&mut self) -> &mut Pipeline {
        &mut self.pipeline
    }

    /// What it has rejected.
    pub(crate) fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// The same, to be changed.
    pub(crate) fn refusals_mut(&mut self) -> &mut Refusals {
        &mut self.refusals
    }

    /// How far it is trusted.
    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The same, to be changed.
    pub(crate) fn standing_mut(&mut self) -> &mut Standing {
        &mut self.standing
    }

    /// What it asks of us.
    pub(crate) fn upload(&self) -> &Upload {
        &self.upload
    }

    /// The same, to be changed.
    pub(crate) fn upload_mut(&mut self) -> &mut Upload {
        &mut self.upload
    }

    /// The rules it has broken, to be counted.
    pub(crate) fn conduct_mut(&mut self) -> &mut Conduct {
        &mut self.conduct
    }

    /// The moments of its last words, wishes and payments.
    pub(crate) fn clocks(&self) -> &Clocks {
        &self.clocks
    }

    /// The same, to be changed.
    pub(crate) fn clocks_mut(&mut self) -> &mut Clocks {
        &mut self.clocks
    }

    /// It as the picker sees it.
    pub(crate) fn asker(&self, now: Time) -> Asker<'_> {
        Asker {
            conn: self.conn(),
            has: self.has(),
            current: self.current,
            useful: self.pieces.useful(),
            rate: self.pipeline.meter().rate(now, DISPLAY_SLOTS),
            only: self.stance.only(),
            refused: self.refusals.pieces(),
            trusted: self.standing.is_trusted(),
        }
    }

    /// Whether it may be asked for something, as far as it is concerned: it lets us, has something of use, and is trusted with more.
    /// A piece has so many blocks; `wary` is whether somebody has sent wrong data.
    pub(crate) fn may_be_asked(&self, now: Time, blocks: u32, wary: bool) -> bool {
        self.stance.lets_us_ask()
            && self.stance.am_interested()
            && !self.refusals.is_full()
            && self.pipeline.under_way() < self.standing.may_have_under_way(now, blocks, wary)
    }

    /// It is asked for a block.
    pub fn ask(&mut self, now: Time, at: BlockRef) {
        self.current = Some(at.piece);
        self.standing.ask();
        self.pipeline.ask(now, at);
        self.clocks.tell(now);
    }

    /// A block has come from it.
    pub fn deliver(&mut self, now: Time, at: BlockRef) -> Arrival {
        self.clocks.hear(now);
        self.clocks.pay(now);
        let arrival = self.pipeline.arrive(now, at);
        if arrival == Arrival::Asked {
            self.refusals.delivered();
        }
        arrival
    }

    /// It rejects a request.
    pub(crate) fn reject(&mut self, now: Time, at: BlockRef) -> Arrival {
        let arrival = self.pipeline.reject(at);
        if arrival == Arrival::Asked {
            // Asked again at once it would be rejected again.
            self.refusals.add(now, at.piece);
            self.stance.keep_allowed(|piece| piece != at.piece);
            self.leave_piece();
        }
        arrival
    }

    /// Nothing is waited for from it any more; what was, oldest first.
    pub(crate) fn give_up(&mut self, now: Time) -> VecDeque<(BlockRef, Time)> {
        self.leave_piece();
        self.pipeline.give_up(now)
    }

    /// It is at no piece any more.
    pub(crate) fn leave_piece(&mut self) {
        self.current = None;
        self.standing.end_trial();
    }

    /// It chokes us; whether that is news.
    pub(crate) fn choke_us(&mut self) -> Result<bool, CloseReason> {
        self.change_choke(true)
    }

    /// It unchokes us: what it rejected it may give now, and its time begins to run. Whether that is news.
    pub(crate) fn unchoke_us(&mut self, now: Time) -> Result<bool, CloseReason> {
        let news = self.change_choke(false)?;
        if news {
            self.refusals.unchoked();
            self.pipeline.unchoked(now);
        }
        Ok(news)
    }

    fn change_choke(&mut self, choking: bool) -> Result<bool, CloseReason> {
        if self.stance.is_choking_us() == choking {
            return self.conduct.idle_word().map(|()| false);
        }
        self.conduct.choke_change()?;
        self.stance.set_choking_us(choking);
        Ok(true)
    }

    /// We choke it; requests that are not served after all.
    pub(crate) fn drop_requests(&mut self) -> VecDeque<BlockRef> {
        let allowed = self.stance.allowed();
        self.upload.choke(|at| allowed.contains(&at.piece))
    }

    /// It asks for a block that is there. Whether it is taken, because it may ask and does not ask for too much.
    pub fn request(&mut self, at: BlockRef) -> bool {
        self.stance.may_be_asked(at.piece) && self.upload.ask(at)
    }

    /// Payload has gone to the kernel for it.
    pub fn sent(&mut self, now: Time, bytes: u64) {
        self.upload.sent(now, bytes);
        self.clocks.tell(now);
        self.clocks.pay(now);
    }

    /// The machine slept: nobody is to blame for the silence, and what it owes is waited for anew.
    pub fn wake(&mut self, now: Time) {
        self.clocks.wake(now);
        self.pipeline.woke(now);
    }

    /// Whether anything moves between us, or either side wants something of the other.
    pub(crate) fn is_engaged(&self) -> bool {
        self.pipeline.under_way() > 0
            || !self.upload.is_idle()
            || self.stance.is_interested()
            || self.stance.am_interested()
    }

    /// Whether it waits for the download limit.
    pub(crate) fn waits_down(&self) -> bool {
        self.waits_down
    }

    /// It waits for the download limit, or not any more; whether that is news.
    pub(crate) fn set_waits_down(&mut self, waits: bool) -> bool {
        core::mem::replace(&mut self.waits_down, waits) != waits
    }

    /// Whether it waits for the upload limit.
    pub(crate) fn waits_up(&self) -> bool {
        self.waits_up
    }

    /// It begins to wait for the upload limit; whether that is news.
    pub(crate) fn wait_up(&mut self, now: Time) -> bool {
        let news = !core::mem::replace(&mut self.waits_up, true);
        if news {
            self.upload.wait_since(now);
        }
        news
    }

    /// It waits for the upload limit no more.
    pub(crate) fn end_wait_up(&mut self) {
        self.waits_up = false;
    }
}
