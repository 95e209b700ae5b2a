//! What a torrent is told, one verb for each kind of input (own design; BEP 3): messages, blocks, the disk, trackers, the owner, time.
//!
//! Every input is one [`Torrent::turn`], which settles at its end. Once a second while anything moves, else every ten, the peers are
//! looked over: stalls, keepalives, idleness, slots. What needs to be exact (limits, syncs, announces) has a deadline of its own. A
//! torrent without peers and work has none.
use super::Torrent;
use super::address::{DialError, PeerSource};
use super::announce::Heard;
use super::context::Context;
use super::download::{Download, end_doubts};
use super::phase::{Phase, Placing};
use super::step::Step;
use super::upload::pool;
use crate::ask::{Answer, AskId, again_after};
use crate::choke::ROUND;
use crate::event::Event;
use crate::external::{External, Voter};
use crate::ids::{ConnId, GroupId};
use crate::job::{Done, Reader};
use crate::memory::Memory;
use crate::output::CloseReason;
use crate::remote::{How, Remote, Via};
use crate::selection::Selection;
use crate::throttle::Shared;
use crate::time::Time;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use teem_metainfo::AnnounceUrl;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::Handshake;
use teem_wire::peer::message::Message;
use teem_wire::tracker::announce::{AnnounceError, AnnounceReply};
use teem_wire::tracker::url::TrackerUrl;

/// How often peers are looked over while something moves.
const BUSY: Duration = Duration::from_secs(1);
/// How often otherwise.
const QUIET: Duration = Duration::from_secs(10);
/// A connection on which nothing came for so long is dead: its other end sends at least keepalives.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// A connection on which neither side wanted anything for so long is given up.
const IDLE_MAX: Duration = Duration::from_secs(600);
/// We speak at least this often: well under the 120 s of others, and never twice in 60 s.
const KEEPALIVE: Duration = Duration::from_secs(100);
/// Being this late means that the machine slept or the clock jumped: nobody is to blame for the silence.
const SLEPT: Duration = Duration::from_secs(60);

/// When the peers are looked at next.
#[derive(Debug)]
pub(super) struct Rounds {
    /// All of them.
    housekeeping: Time,
    /// To give the slots anew.
    slots: Time,
}

impl Rounds {
    /// As soon as there is anybody.
    pub(super) fn new() -> Self {
        Self { housekeeping: Time::ZERO, slots: Time::ZERO }
    }

    /// A peer has come, the first or another.
    pub(super) fn hurry(&mut self, now: Time, first: bool) {
        let soon = now + BUSY;
        self.housekeeping = if first { soon } else { self.housekeeping.min(soon) };
    }
}

impl Torrent {
    /// Begins: the content is opened, or the metadata looked for.
    pub fn start<B>(&mut self, cx: &mut Context<'_, B>) {
        self.turn(cx, Self::begin);
    }

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
        self.turn(cx, |t, cx| t.welcome(cx, conn, addr, outgoing, handshake));
    }

    /// A peer makes room for a newcomer, here or at another torrent.
    pub fn make_room<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        self.turn(cx, |t, cx| t.drop_peer(cx, conn, CloseReason::TooMany));
    }

    /// A message has come.
    pub fn message<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, message: Message) {
        self.turn(cx, |t, cx| {
            let Some(peer) = t.ground.table.get_mut(conn) else { return };
            peer.clocks_mut().hear(cx.now);
            let outcome = t.react(cx, conn, message);
            t.judge(conn, outcome);
        });
    }

    /// A block has come.
    pub fn block<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, at: BlockRef, data: B) {
        self.turn(cx, |t, cx| {
            let outcome = t.take(cx, conn, at, data);
            if outcome.is_ok() {
                t.fill(cx, conn);
            }
            t.judge(conn, outcome);
        });
    }

    /// A peer has broken the rules, or not: then its connection ends, and what it held is for others.
    fn judge(&mut self, conn: ConnId, outcome: Result<(), CloseReason>) {
        if let Err(why) = outcome {
            self.ground.steps.extend([Step::Drop(conn, why), Step::Wake, Step::Rechoke]);
        }
    }

    /// Payload of blocks has gone to the kernel.
    pub fn sent<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, bytes: u64) {
        self.turn(cx, |t, cx| t.upload.sent(cx, &mut t.ground, t.phase.picker(), conn, bytes));
    }

    /// A piece of the info dictionary has gone to the kernel.
    pub fn metadata_sent<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        self.turn(cx, |t, cx| {
            t.metadata.sent(conn);
            t.metadata.send_due(cx, &t.ground);
        });
    }

    /// A connection has ended without our asking.
    pub fn closed<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, why: CloseReason) {
        self.turn(cx, |t, cx| {
            t.forget_peer(cx, conn, why);
            t.ground.steps.extend([Step::Wake, Step::Rechoke]);
        });
    }

    /// Takes addresses to dial.
    pub fn add_peers(&mut self, now: Time, source: PeerSource, list: &[SocketAddr]) {
        self.finder.add(now, source, list);
        self.finder.count(now, &self.ground.table);
    }

    /// A dial has come to a connection by that way; its handshake is waited for.
    pub fn dial_stands(&mut self, to: Remote, how: How) {
        self.finder.dial_stands(to, how);
    }

    /// A way to an end came to nothing, the last of its dial when that is `over`.
    pub fn dial_failed(&mut self, now: Time, to: impl Into<Remote>, how: How, why: DialError, over: bool) {
        self.finder.dial_failed(now, &self.ground.table, to.into(), (how, why), over);
    }

    /// How a peer's words come to us.
    pub fn comes_via(&mut self, conn: ConnId, via: Via) {
        if let Some(peer) = self.ground.table.get_mut(conn) {
            peer.who_mut().comes_via(via);
        }
    }

    /// A dialled connection has ended before its handshake.
    pub fn dial_closed(&mut self, now: Time, to: impl Into<Remote>, why: CloseReason) {
        self.finder.closed(now, &self.ground.table, to.into(), why);
        self.finder.count(now, &self.ground.table);
    }

    /// The disk has answered.
    pub fn disk<B>(&mut self, cx: &mut Context<'_, B>, done: Done<B>) {
        if self.phase.is_closing() || matches!(done, Done::Closed { .. }) {
            return self.let_go(cx, done);
        }
        self.turn(cx, |t, cx| match done {
            Done::Opened { have, check, facts, selection, .. } => {
                if t.phase.is_checking() {
                    t.opened(cx, &have, check, facts, selection);
                }
            }
            Done::Checked { piece, ok, .. } => t.checked(cx, piece, ok),
            Done::Piece { piece, verdict, digests, .. } => t.judged(cx, piece, verdict.is_right(), &digests),
            Done::Block { reader: Reader::Peer(conn), at, data, .. } => t.has_read(cx, conn, at, data),
            Done::ReadFailed { reader: Reader::Peer(conn), at, error, .. } => t.read_failed(cx, conn, at, error),
            Done::ReadFailed { reader: Reader::Local(_), at, error, .. } => t.unreadable(cx, at.piece, error),
            Done::Synced { .. } => {
                let complete = t.store.synced() && t.ground.content.is_done();
                cx.tell(Event::Durable { torrent: t.ground.id, complete });
            }
            Done::Metadata { result, hash_ok, .. } => t.metadata_judged(cx, result, hash_ok),
            Done::OpenFailed { error, .. } => t.fail(cx, error.message.clone(), Some(error)),
            Done::WriteFailed { piece, error, .. } => t.write_failed(cx, piece, &error),
            Done::SyncFailed { error, .. } => {
                t.store.sync_failed(cx.now);
                t.trouble(cx, &error, true);
            }
            Done::Trouble { error, .. } => t.trouble(cx, &error, false),
            Done::Remark { text, .. } => t.ground.notice(cx, text),
            Done::Recovered { .. } => t.recovered(cx),
            Done::Closed { .. } | Done::Block { .. } => {}
        });
    }

    /// The disk answers while the torrent ends.
    fn let_go<B>(&mut self, cx: &mut Context<'_, B>, done: Done<B>) {
        match done {
            Done::Closed { .. } if self.phase.is_closing() => self.phase = Phase::Stopping { closing: false },
            Done::OpenFailed { error, .. }
            | Done::WriteFailed { error, .. }
            | Done::SyncFailed { error, .. }
            | Done::Trouble { error, .. } => self.ground.notice(cx, error.message),
            Done::Remark { text, .. } => self.ground.notice(cx, text),
            _ => {}
        }
    }

    /// The answer to a question of this torrent (BEP 3, 9). One that it does not wait for (any more) changes nothing.
    pub fn answer<B>(&mut self, cx: &mut Context<'_, B>, id: AskId, answer: Answer) {
        self.turn(cx, |t, cx| match answer {
            Answer::Announced { source, reply } => t.announced(cx, id, source, &reply),
            Answer::Placed(result) => t.placed(cx, id, result),
            Answer::Busy if t.phase.has_asked(id) => {
                let at = cx.now + again_after(&mut t.ground.rng);
                t.phase = Phase::Placing(Placing::Again(at));
            }
            Answer::Busy => t.finder.busy(cx.now, id, &mut t.ground.rng),
            // Names are asked for by the engine's tracker client, and it is the engine that wakes what rests.
            Answer::Resolved(_) | Answer::Loaded(_) => {}
        });
    }

    /// A tracker has answered, or is not expected to.
    fn announced<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        id: AskId,
        source: PeerSource,
        reply: &Result<AnnounceReply, AnnounceError>,
    ) {
        let mut rng = self.ground.rng.fork();
        let Some(heard) = self.finder.reply(cx.now, id, reply, &mut rng) else { return };
        let Heard { url, result, warning, switched, completed } = heard;
        cx.tell(Event::Tracker { torrent: self.ground.id, url: url.clone(), result });
        if let Some(text) = warning {
            self.ground.notice(cx, text);
        }
        if switched {
            self.finder.drop_addresses();
            for conn in self.ground.table.conns() {
                self.drop_peer(cx, conn, CloseReason::Useless);
            }
        }
        if completed {
            self.store.ask();
        }
        if let Ok(good) = reply {
            if let (Some(ip), Ok(url)) = (good.external_ip, TrackerUrl::parse(url.reveal())) {
                cx.votes.vote(Voter::Tracker(url.host), ip);
            }
            self.add_peers(cx.now, source, &good.peers);
        }
    }

    /// We listen on another port: trackers and peers are told at once (BEP 10: a later handshake changes what it names), and the order of
    /// dialling follows (BEP 40).
    pub fn port_changed<B>(&mut self, cx: &mut Context<'_, B>) {
        self.turn(cx, |t, cx| {
            let spread = if matches!(t.phase, Phase::Seeding) { cx.turns.spread() } else { Duration::ZERO };
            t.finder.port_changed(cx.now, spread, &mut t.ground.rng);
            t.introduce_again(cx, None);
        });
    }

    /// From there the world sees us, as most say (BEP 24; BEP 10 `yourip`): votes of all torrents are counted together.
    pub fn seen_from_outside<B>(&mut self, cx: &mut Context<'_, B>, external: External) {
        for ip in self.finder.set_external(external) {
            cx.tell(Event::External { torrent: self.ground.id, ip });
        }
    }

    /// Chooses what is wanted from now on. Ignored where nothing is downloaded anyhow, because the content is ours to publish.
    pub fn select<B>(&mut self, cx: &mut Context<'_, B>, selection: Selection) {
        self.turn(cx, |t, cx| t.choose(cx, selection));
    }

    /// Makes all that is verified durable soon.
    pub fn sync<B>(&mut self, cx: &mut Context<'_, B>) {
        self.turn(cx, |t, _| t.store.ask());
    }

    /// Hashes all of it again as it lies on the disk; before it is known what is there, as soon as it is. `Event::Rechecked` tells the end.
    pub fn recheck<B>(&mut self, cx: &mut Context<'_, B>) {
        self.turn(cx, Self::hash_again);
    }

    /// Changes the torrent's own limits, in payload bytes a second; `None` is without limit. Those that wait go on by the new ones.
    pub fn set_limits<B>(&mut self, cx: &mut Context<'_, B>, up: Option<u64>, down: Option<u64>) {
        self.turn(cx, |t, cx| {
            t.upload.set_limit(cx.now, up);
            t.intake.throttle_mut().set_rate(cx.now, down);
            t.upload.pump(cx, &mut t.ground, t.phase.picker());
            if let Phase::Downloading(download) = &mut t.phase {
                download.pump(cx, &mut t.ground, &mut t.intake);
            }
        });
    }

    /// The torrent is in these groups from now on, and in no others: it shares the lowest of their limits each way.
    pub fn set_groups<B>(&mut self, cx: &mut Context<'_, B>, groups: &[GroupId]) {
        self.turn(cx, |t, cx| {
            t.upload.leave(cx.shared);
            t.intake.throttle_mut().leave(&mut cx.shared.down);
            cx.shared.regroup(t.ground.id, groups);
            t.upload.pump(cx, &mut t.ground, t.phase.picker());
            if let Phase::Downloading(download) = &mut t.phase {
                download.pump(cx, &mut t.ground, &mut t.intake);
            }
        });
    }

    /// Other trackers are asked from now on: those that are left out hear `stopped`, new ones `started`, the rest notice nothing.
    pub fn set_trackers<B>(&mut self, cx: &mut Context<'_, B>, tiers: &[Vec<AnnounceUrl>]) {
        self.turn(cx, |t, cx| t.finder.set_trackers(cx.now, tiers, &mut t.ground.rng));
    }

    /// Has the trackers asked as soon as they let themselves be asked again.
    pub fn announce<B>(&mut self, cx: &mut Context<'_, B>) {
        self.turn(cx, |t, cx| t.finder.hurry(cx.now));
    }

    /// The machine slept, or has another address than before: trackers are told, those that were peers are dialled again, and a
    /// word is sent on each connection so that those whose other end is gone are found out.
    pub fn rejoin<B>(&mut self, cx: &mut Context<'_, B>) {
        self.turn(cx, |t, cx| {
            let spread = if matches!(t.phase, Phase::Seeding) { cx.turns.spread() } else { Duration::ZERO };
            t.finder.rejoin(cx.now, spread, &mut t.ground.rng);
            for conn in t.ground.table.conns() {
                t.ground.table.send(cx, conn, Message::KeepAlive);
            }
        });
    }

    /// Its turn to announce has come: whatever tracker of it waited is asked, if it is due still.
    pub fn has_turn<B>(&mut self, cx: &mut Context<'_, B>) {
        self.turn(cx, |t, cx| t.finder.has_turn(cx.now));
    }

    /// What is to be kept of its announces for the next run.
    pub fn announce_memory(&self, now: Time) -> Option<Memory> {
        self.finder.memory(now)
    }

    /// The program ends and will go on with it: called before [`Self::remove`], it has its trackers notice nothing if it is alone; whether it is.
    pub fn part(&mut self) -> bool {
        self.finder.part()
    }

    /// Ends: peers are let go, `stopped` is announced, state saved. [`Self::is_removed`] tells when it is over.
    pub fn remove<B>(&mut self, cx: &mut Context<'_, B>) {
        if matches!(self.phase, Phase::Stopping { .. }) {
            self.turn(cx, |t, cx| t.finder.stop(cx.now)); // it was on its way to rest
        } else {
            self.turn(cx, Self::stop);
        }
    }

    /// The tests' own seam: a panic in the middle of a turn, with half of what it wanted pushed.
    #[cfg(debug_assertions)]
    pub fn panic<B>(&mut self, cx: &mut Context<'_, B>) {
        self.turn(cx, |t, cx| {
            t.ground.notice(cx, alloc::string::String::from("half of something"));
            panic!("planted in the torrent");
        });
    }

    /// A deadline has come.
    pub fn tick<B>(&mut self, cx: &mut Context<'_, B>) {
        self.turn(cx, |t, cx| {
            t.upload.pump(cx, &mut t.ground, t.phase.picker());
            if let Phase::Downloading(download) = &mut t.phase {
                download.pump(cx, &mut t.ground, &mut t.intake);
            }
            if cx.now >= t.rounds.housekeeping {
                t.look_over(cx);
            }
            if t.upload.is_refill_due(cx.now) {
                t.rechoke(cx, false);
            }
            if let Phase::Downloading(download) = &mut t.phase {
                download.retry_held(cx.now, &mut t.ground);
                let tries = download.is_to_be_tried(cx.now);
                t.carry_out(cx);
                if tries {
                    t.recovered(cx);
                }
            }
            let (idle, rate) = (t.upload.is_idle(&t.ground), t.upload.rate(cx.now));
            if t.granting.tick(cx, &mut t.ground, idle, rate) {
                t.grant(cx);
            }
            if t.phase.asks_again().is_some_and(|at| at <= cx.now) {
                t.ask_for_a_place(cx);
            }
            t.look_for_lost(cx);
            t.fetch_metadata(cx);
            t.metadata.send_due(cx, &t.ground);
            t.exchange.tell(cx, &mut t.ground);
            t.punch.tick(cx, &mut t.ground, &t.finder);
        });
    }

    /// When [`Self::tick`] is to be called next, if nothing happens before.
    pub fn deadline(&self, shared: &Shared, now: Time) -> Option<Time> {
        let fetching = self.phase.is_before_content() && !self.ground.content.is_known();
        Time::earliest([
            (!self.ground.table.is_empty()).then_some(self.rounds.housekeeping),
            if self.phase.is_open() { self.store.deadline() } else { None },
            if matches!(self.phase, Phase::Seeding) { self.store.regain_deadline() } else { None },
            self.phase.download().and_then(Download::deadline),
            self.phase.asks_again(),
            self.metadata.deadline(fetching),
            self.granting.deadline(),
            self.finder.deadline(),
            self.exchange.deadline(),
            self.punch.deadline(),
            self.upload.deadline(shared, now),
            self.intake.throttle().deadline(&shared.down, now),
        ])
    }

    /// Looks after all peers.
    fn look_over<B>(&mut self, cx: &mut Context<'_, B>) {
        let now = cx.now;
        if now.since(self.rounds.housekeeping) > SLEPT {
            self.ground.table.values_mut().for_each(|peer| peer.wake(now));
        }
        let mut hurry = false;
        if let Some(download) = self.phase.download_mut() {
            download.measure(now, &self.ground, &self.intake);
            hurry = download.find_stuck(now, &self.ground);
        }
        end_doubts(now, &mut self.ground.table);
        let mut moving = false;
        for conn in self.ground.table.conns() {
            match self.look_at(cx, conn, hurry) {
                Ok(busy) => moving |= busy,
                Err(why) => self.drop_peer(cx, conn, why),
            }
        }
        if (self.phase.is_before_content() || self.phase.is_downloading()) && self.finder.has_more(now) {
            for conn in self.ground.table.barren(now) {
                self.drop_peer(cx, conn, CloseReason::Useless);
            }
        }
        if let Some(stuck) = pool::stuck(cx, &self.ground) {
            self.drop_peer(cx, stuck, CloseReason::Flood("blocks that the peer does not read"));
        }
        self.upload.retry_short(cx, &mut self.ground, self.phase.picker());
        self.wake(cx);
        let round = now >= self.rounds.slots;
        if round {
            for conn in self.ground.table.useless_doubles(now) {
                self.drop_peer(cx, conn, CloseReason::Duplicate);
            }
            self.rounds.slots = now + ROUND;
            self.ground.looks.tick(now);
            for conn in self.ground.table.conns() {
                self.forgive(cx, conn);
            }
        }
        self.rechoke(cx, round);
        self.rounds.housekeeping = now + if moving { BUSY } else { QUIET };
    }

    /// Begins a new leaf with a peer: what it rejected may be asked for again.
    fn forgive<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let Some(peer) = self.ground.table.get_mut(conn) else { return };
        peer.conduct_mut().forgive();
        if peer.refusals_mut().end(cx.now) {
            if peer.refusals().is_barren() {
                // One block at a time until one comes.
                peer.pipeline_mut().stall(cx.now);
            }
            self.fill(cx, conn);
        }
    }

    /// Looks after one peer; whether anything moves between us.
    fn look_at<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, hurry: bool) -> Result<bool, CloseReason> {
        let now = cx.now;
        let Some(peer) = self.ground.table.get_mut(conn) else { return Ok(false) };
        if peer.clocks().silent_for(now) >= SILENCE_MAX {
            return Err(CloseReason::TimedOut);
        }
        if peer.stance().is_interested() || peer.stance().am_interested() {
            peer.clocks_mut().want_since(now - IDLE_MAX / 2);
        } else if peer.clocks().idle_for(now) >= IDLE_MAX && !self.phase.is_before_content() {
            return Err(CloseReason::Useless);
        }
        let moving = peer.is_engaged();
        self.upload.look_at(now, peer);
        let stalling = peer.pipeline().is_stalling(now, hurry);
        let released = peer.standing_mut().release(now);
        if peer.clocks().untold_for(now) >= KEEPALIVE {
            self.ground.table.send(cx, conn, Message::KeepAlive);
        }
        if stalling {
            self.stall(cx, conn);
        } else if released {
            self.fill(cx, conn);
        }
        Ok(moving)
    }
}
