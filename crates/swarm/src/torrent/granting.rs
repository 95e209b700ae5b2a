//! A torrent that is a source: what [`super::source`] hears of the peers, and what it has shown to them (own design; BEP 3, 6, 10, 21).
//!
//! Invariant: a source knows exactly the connected peers.
use super::context::Context;
use super::departed::Departed;
use super::ground::Ground;
use super::source::Source;
use crate::bitfield::Bitfield;
use crate::command::Spreading;
use crate::event::Event;
use crate::ids::ConnId;
use crate::output::Output;
use crate::peer::Peer;
use crate::time::Time;
use alloc::vec::Vec;
use core::time::Duration;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::PeerId;
use teem_wire::peer::message::Message;

/// HAVEs sent in one go once everything is out; the next go follows at once, after whatever else is to be done.
const REVEALED_AT_ONCE: u32 = 16_384;
/// A peer that neither says the metadata's size nor asks for it has it already.
const METADATA_SILENCE: Duration = Duration::from_secs(3);

/// What a source hears of a peer.
#[derive(Clone, Copy, Debug)]
pub(super) enum PeerEvent<'a> {
    /// It has come.
    Came,
    /// It says that it is interested.
    Wants,
    /// It has said something, or time has passed; whether it has shown that it knows the metadata.
    Spoke { knows_metadata: bool },
    /// It shows one more piece.
    Shows(u32),
    /// It has said all that it has; before that it had shown these.
    ShowsAll { before: &'a Bitfield },
    /// It has a piece no more.
    Lost(u32),
    /// It asks for a block of a piece that is here.
    Asks(u32),
}

/// What a source makes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reply {
    /// The event asks for nothing.
    None,
    /// This may be the moment to show more.
    MayGrant,
    /// The piece was never shown to that peer.
    Refused,
}

/// What has come of showing more.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Granted {
    /// Every piece has just come to be out.
    pub(super) all_out: bool,
    /// Everything is shown to everybody: the torrent is an ordinary seed from now on.
    pub(super) over: bool,
}

/// How a torrent gives its content away.
#[derive(Debug)]
pub(super) struct Granting {
    spreading: Spreading,
    /// Exists while a complete holder gives its content away piece by piece.
    source: Option<Source>,
    /// Which blocks have left.
    departed: Departed,
    /// Pieces that have left, as earlier runs or an earlier source left them.
    out_before: Vec<u8>,
    /// Pieces that were on their way to peers when an earlier run ended.
    under_way_before: Vec<(PeerId, u32)>,
}

impl Granting {
    /// No source yet.
    pub(super) fn new(spreading: Spreading) -> Self {
        Self {
            spreading,
            source: None,
            departed: Departed::default(),
            out_before: Vec::new(),
            under_way_before: Vec::new(),
        }
    }

    /// What earlier runs left.
    pub(super) fn remember(&mut self, out: Vec<u8>, under_way: Vec<(PeerId, u32)>) {
        (self.out_before, self.under_way_before) = (out, under_way);
    }

    /// What has left and what is under way, for the saved state.
    pub(super) fn memories(&self, ground: &Ground) -> (Vec<u8>, Vec<(PeerId, u32)>) {
        match &self.source {
            Some(source) => (source.out().to_wire(), source.under_way(ground.table.peers())),
            None => (self.out_before.clone(), self.under_way_before.clone()),
        }
    }

    /// Whether the choker has no say, because a source decides whom it serves.
    pub(super) fn is_source(&self) -> bool {
        self.source.is_some()
    }

    /// How many pieces are out, while not all of them are.
    pub(super) fn first_copy(&self) -> Option<u32> {
        self.source.as_ref().and_then(Source::first_copy)
    }

    /// What leaves is followed from now on.
    pub(super) fn follow(&mut self, ground: &Ground) {
        self.departed.begin(ground.content.geometry());
    }

    /// Becomes a source, if it is to be one: everything is there, or will be when it is checked. Whether it did.
    pub(super) fn begin<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground) -> bool {
        let all = ground.content.pieces();
        let wanted = self.spreading != Spreading::Ordinary && all > 1;
        if !wanted || self.source.is_some() {
            return false;
        }
        let geometry = *ground.content.geometry();
        let out = Bitfield::from_wire(&self.out_before, all).unwrap_or_else(|_| Bitfield::new(all));
        self.departed.begin(&geometry);
        out.iter().for_each(|piece| self.departed.left_before(&geometry, piece));
        let frugal = self.spreading == Spreading::Frugal;
        if out.is_full() && !frugal {
            return false;
        }
        let mut source = Source::new(cx.now, geometry, ground.content.have(), &out, frugal, &mut ground.rng);
        source.reserve_earlier(cx.now, core::mem::take(&mut self.under_way_before));
        self.source = Some(source);
        for conn in ground.table.conns() {
            // They came while the content was looked at, and were shown nothing.
            self.on(cx, ground, conn, PeerEvent::Came);
            self.on(cx, ground, conn, PeerEvent::ShowsAll { before: &Bitfield::default() });
        }
        true
    }

    /// Stops being a source: what it has not shown is shown. Only for one that has lost its place, not for one that is done.
    pub(super) fn end<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground) {
        let Some(source) = self.source.take() else { return };
        self.tell_upload(cx.now, ground);
        self.out_before = source.out().to_wire();
        let have = ground.content.have().clone();
        for conn in ground.table.conns() {
            for piece in have.iter().filter(|p| !source.has_shown(conn, *p)) {
                ground.table.send(cx, conn, Message::Have(piece));
            }
        }
    }

    /// Hears something of a peer.
    pub(super) fn on<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        conn: ConnId,
        event: PeerEvent<'_>,
    ) -> Reply {
        if let PeerEvent::Spoke { knows_metadata: true } | PeerEvent::Lost(_) = event
            && let Some(peer) = ground.table.get_mut(conn)
        {
            peer.who_mut().learn_metadata();
        }
        let Some(source) = &mut self.source else { return Reply::None };
        let (now, pieces) = (cx.now, ground.content.pieces());
        let Some(peer) = ground.table.get_mut(conn) else { return Reply::None };
        match event {
            // A peer of a source is let in for good: as it comes where it is known to bear that, else once it is interested.
            PeerEvent::Came | PeerEvent::Wants => {
                if matches!(event, PeerEvent::Came) {
                    source.came(now, conn);
                }
                let may = peer.stance().is_interested() || Source::lets_in_early(peer);
                if may && peer.stance().am_choking() {
                    ground.table.set_choking(cx, conn, false);
                }
            }
            PeerEvent::Spoke { .. } => judge(source, now, peer, pieces),
            PeerEvent::Shows(piece) => {
                let news = source.has(now, conn, peer, piece);
                let before = source.is_candidate(conn);
                peer.who_mut().learn_metadata();
                judge(source, now, peer, pieces);
                if news || !before {
                    return Reply::MayGrant;
                }
            }
            PeerEvent::ShowsAll { before } => {
                if !before.is_empty() {
                    source.unshows(before);
                }
                source.shows(now, conn, peer);
                // After it has asked for the metadata a peer says this once it has that (libtorrent, webtorrent), also where it has nothing else.
                if peer.has().count() > 0 || peer.who().asked_metadata().is_some() {
                    peer.who_mut().learn_metadata();
                }
                judge(source, now, peer, pieces);
            }
            PeerEvent::Lost(piece) => {
                source.lost_at(conn, piece);
                judge(source, now, peer, pieces);
            }
            PeerEvent::Asks(piece) => {
                if !source.asks(now, conn, piece) {
                    return Reply::Refused;
                }
                peer.who_mut().learn_metadata();
                judge(source, now, peer, pieces);
            }
        }
        Reply::None
    }

    /// A peer is gone.
    pub(super) fn gone(&mut self, now: Time, conn: ConnId, peer: &Peer) {
        if let Some(source) = &mut self.source {
            source.gone(now, conn, peer);
        }
    }

    /// Whether a peer that wants the content has left alone what it was shown; `None` where there is no source.
    pub(super) fn is_ignored_by(&self, conn: ConnId) -> Option<bool> {
        self.source.as_ref().map(|source| source.is_ignored_by(conn))
    }

    /// A piece is here that was not; whether a source will show it.
    pub(super) fn add(&mut self, ground: &mut Ground, piece: u32) -> bool {
        let Some(source) = &mut self.source else { return false };
        source.add(piece, &mut ground.rng);
        true
    }

    /// A piece is here no more: those who were shown it are told, and it is granted to nobody.
    pub(super) fn lose<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground, piece: u32) {
        let was_shown = |conn| self.source.as_ref().is_none_or(|source| source.has_shown(conn, piece));
        let shown = ground.table.values().filter(|peer| was_shown(peer.conn()));
        let told: Vec<(ConnId, u8)> = shown.filter_map(|p| Some((p.conn(), p.who().lt_donthave()?))).collect();
        for (conn, id) in told {
            ground.table.send(cx, conn, Message::DontHave { id, piece });
        }
        if let Some(source) = &mut self.source {
            source.lose(piece);
        }
    }

    /// A block leaves. Whether more may be granted by that.
    pub(super) fn sent(&mut self, now: Time, ground: &Ground, conn: ConnId, at: BlockRef) -> bool {
        self.source.as_mut().is_some_and(|source| source.sent(now, conn, at, ground.table.peers()))
    }

    /// A block leaves: tells when it was the last that had not.
    pub(super) fn mark<B>(&mut self, cx: &mut Context<'_, B>, ground: &Ground, at: BlockRef) {
        if let Some(sent) = self.departed.mark(ground.content.geometry(), at) {
            cx.tell(Event::AllOut { torrent: ground.id, sent, elsewhere: 0 });
        }
    }

    /// When [`Self::tick`] is to be called.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.source.as_ref().and_then(Source::deadline)
    }

    /// Time has passed; `idle` is whether nothing is queued for any peer, `rate` what goes in bytes a second. Whether more may be granted.
    pub(super) fn tick<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground, idle: bool, rate: u64) -> bool {
        if self.deadline().is_none_or(|at| at > cx.now) {
            return false;
        }
        for conn in ground.table.conns() {
            self.on(cx, ground, conn, PeerEvent::Spoke { knows_metadata: false });
        }
        if let Some(source) = &mut self.source {
            source.tick(cx.now, idle, rate, ground.table.peers());
        }
        self.tell_upload(cx.now, ground);
        true
    }

    /// Which peers are sent the same again and again.
    fn tell_upload(&self, now: Time, ground: &mut Ground) {
        for conn in ground.table.conns() {
            let round = self.source.as_ref().is_some_and(|source| source.goes_round(now, conn));
            if let Some(peer) = ground.table.get_mut(conn) {
                peer.upload_mut().set_round(round);
            }
        }
    }

    /// Shows what is to be shown now. While pieces are still being checked, more are to come.
    pub(super) fn grant<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        rate: u64,
        checking: bool,
    ) -> Granted {
        let mut granted = Granted::default();
        let Some(source) = &mut self.source else { return granted };
        while let Some((conn, piece)) = source.next_show(cx.now, rate, ground.table.peers()) {
            ground.table.send(cx, conn, Message::Have(piece));
        }
        granted.all_out = !checking && source.turned(cx.now);
        if granted.all_out
            && let Some((sent, elsewhere)) = self.departed.with(ground.content.geometry(), source.out())
        {
            cx.out.push_back(Output::Event(Event::AllOut { torrent: ground.id, sent, elsewhere }));
        }
        // Once everything is out everything is shown, a part at a time.
        let mut budget = REVEALED_AT_ONCE;
        while budget > 0
            && let Some((conn, show)) = source.reveal(ground.content.have(), ground.table.peers(), budget)
        {
            budget -= (show.len() as u32).min(budget);
            for piece in show {
                ground.table.send(cx, conn, Message::Have(piece));
            }
        }
        granted.over = source.is_over();
        if granted.over {
            self.out_before = source.out().to_wire();
            self.source = None;
            self.tell_upload(cx.now, ground);
        }
        granted
    }

    /// Whether the source knows the connected peers and no other.
    pub(super) fn check(&self, ground: &Ground) -> Result<(), &'static str> {
        match &self.source {
            Some(source) if !source.conns().eq(ground.table.peers().keys().copied()) => {
                Err("the source knows other peers than are connected")
            }
            _ => Ok(()),
        }
    }
}

/// Something was heard of a peer by which it may turn out to be one that can use grants, or not any more.
fn judge(source: &mut Source, now: Time, peer: &Peer, pieces: u32) {
    let who = peer.who();
    let quiet = now.since(who.asked_metadata().unwrap_or(peer.clocks().since())) >= METADATA_SILENCE;
    let knows = who.knows_metadata() || quiet || !who.is_extended();
    let can = knows && !(peer.is_seed(pieces) || who.is_upload_only());
    if can != source.is_candidate(peer.conn()) {
        source.candidate(now, peer.conn(), peer, can);
    }
}
