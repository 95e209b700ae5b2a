//! Complete torrents without peers are records (own design; BEP 3 for what their trackers hear): no metadata, no candidates, no table of pieces,
//! nothing on the disk's side.
//!
//! A torrent that is complete, and to which nobody has been connected for a while ([`EngineConfig::rest`](crate::EngineConfig)), has its state saved and
//! becomes a [`Record`]. Its trackers notice nothing: they are asked at their interval, with the totals and under the id that they know. A handshake, an
//! answer that names downloaders, or a command that needs the content wakes it: its metadata is asked for (`Question::Load`), and it begins again from the
//! saved state. What came for it waits meanwhile ([`Parked`](super::parked::Parked) and [`Waking`]) and is handed to it once it is known what is there.
//!
//! Its owner hears `Event::Rests` and `Event::Woken`; that the disk was looked at in between is told only when something is missing.
//!
//! Invariants: a record has no place in `torrents`, and its info-hash leads to it; nothing looks at records but what concerns the one; each torrent in
//! `waking` is at rest, on its way there, or looks at its content.
use super::Engine;
use super::record::{Record, Step};
use super::resting::{self, Phase};
use crate::asks::Asker;
use crate::input::PeerSource;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use teem_metainfo::{AnnounceUrl, Info};
use teem_swarm::ask::{Answer, AskId, Question};
use teem_swarm::command::{AtRest, Command};
use teem_swarm::event::{Event, State};
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::output::{CloseReason, Output};
use teem_swarm::remote::Via;
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;
use teem_swarm::torrent::Torrent;
use teem_swarm::torrent::announce::{Announcer, Ask, Asking, Counters};
use teem_swarm::turns::Turns as _;
use teem_wire::peer::handshake::Handshake;
use teem_wire::peer::message::Message;
use teem_wire::tracker::announce::{AnnounceError, AnnounceReply};
use teem_wire::tracker::url::TrackerUrl;

/// Torrents that are being woken at once, unless their owner wants more.
const WAKING_MAX: usize = 64;
/// When the metadata is asked for again, where the question was not taken.
const LOAD_AGAIN: Duration = Duration::from_millis(100);

/// What waits for a torrent to be at work again.
#[derive(Debug, Default)]
pub(super) struct Waking {
    /// The metadata has been asked for.
    asked: bool,
    commands: Vec<Command>,
    peers: Vec<(PeerSource, Vec<SocketAddr>)>,
}

impl<B> Engine<B> {
    /// Calls the torrents whose turn to announce has come, at work or at rest.
    pub(super) fn announce(&mut self) {
        while let Some(torrent) = self.announces.next(self.now) {
            if self.torrents.contains_key(&torrent) {
                self.with(torrent, Torrent::has_turn);
            } else {
                self.with_trackers(torrent, |announcer, now, _| announcer.has_turn(now));
            }
            self.announces.called();
            self.carry_udp();
        }
    }

    /// Takes torrents on that rest, as they were kept.
    pub(super) fn add_at_rest(&mut self, all: Vec<AtRest>) {
        for AtRest { mut add, paused, private, wanted, pieces } in all {
            let torrent = add.torrent;
            if self.rests.contains_key(&torrent) || !self.routes.enter_torrent(add.key, torrent) {
                self.is_there(torrent);
                continue;
            }
            if paused {
                self.routes.leave_torrent(add.key, torrent);
            }
            let me = self.identity(&mut add);
            // One that is paused goes on with its trackers when it is resumed.
            let known = if paused { None } else { add.announced.take() };
            let mut rest = resting::Rest::new(add, me, Phase::Ending);
            let counters = Counters { left: Some(0), ..Counters::default() };
            let mut record = Record { announcer: None, counters, is_private: private, wanted, have: wanted, pieces };
            rest.phase = if paused {
                rest.slept = Some(private);
                Phase::Resting(Box::new(record.figures(self.now, torrent).at_rest()))
            } else {
                let known = known.as_deref().map(|memory| (memory, self.announces.spread()));
                record.announcer = rest.announcer(self.now, private, known, &mut self.rng).map(Box::new);
                Phase::Asleep(Box::new(record))
            };
            self.rests.insert(torrent, Box::new(rest));
            self.changed.insert(torrent);
            self.with_trackers(torrent, |_, _, _| {});
        }
    }

    /// Does what is to be done to records; whether there was anything.
    pub(super) fn carry_rest(&mut self) -> bool {
        let any = !self.rest_steps.is_empty();
        while let Some(step) = self.rest_steps.pop_front() {
            match step {
                Step::Look(torrent, is_idle, has_let_go) => self.look_after(torrent, is_idle, has_let_go),
                Step::LaidDown(torrent) => self.laid_down(torrent),
                Step::Found(torrent, source, list) => self.wake_for(torrent, source, list),
                Step::Answered(torrent, id, answer) => self.answer_record(torrent, id, answer),
                Step::Loaded(torrent, result) => self.loaded(torrent, result),
                Step::LoadLater(torrent) => self.load_later(torrent),
                Step::TurnAway(torrent) => self.turn_away(torrent),
                Step::Leave(torrent, pause) => self.leave_rest(torrent, pause),
                Step::Left(torrent) => self.has_left(torrent),
                Step::Again(torrent, is_private) => self.rest_again(torrent, is_private),
                Step::Trackers(torrent, tiers) => self.change_trackers_at_rest(torrent, &tiers),
                Step::Hurry(torrent) => _ = self.with_trackers(torrent, |announcer, now, _| announcer.hurry(now)),
                Step::Elsewhere(true) => {
                    let spread = self.announces.spread();
                    self.with_all_trackers(|announcer, now, rng| announcer.rejoin(now, spread, rng));
                }
                Step::Elsewhere(false) => {
                    let spread = self.announces.spread();
                    self.with_all_trackers(|announcer, now, rng| {
                        announcer.port_changed(now);
                        announcer.spread_port(now, spread, rng);
                    });
                }
            }
        }
        any
    }

    /// A message has come. One for a torrent that rests waits with its connection.
    pub(super) fn message(&mut self, conn: ConnId, message: Message) {
        if self.parked.has(conn) {
            if !self.parked.says(conn, message) {
                self.parked.take(conn);
                self.conns.take(conn);
                self.close(conn, CloseReason::Flood("messages before it was answered"));
            }
            return;
        }
        let port = if let Message::Port(port) = message { Some(port) } else { None };
        self.with_conn(conn, |t, cx| t.message(cx, conn, message));
        if let Some(port) = port {
            self.hear_of_node(conn, port);
        }
    }

    /// After each call of a torrent, where torrents rest: whether it has been idle long enough is looked at later, and what waited for it is handed over.
    fn look_after(&mut self, torrent: TorrentId, is_idle: bool, has_let_go: bool) {
        let Some(after) = self.config.rest else { return };
        match self.rests.get(&torrent).map(|rest| &rest.phase) {
            Some(Phase::LyingDown) if has_let_go => return self.laid_down(torrent),
            Some(Phase::Running) => {}
            _ => return self.idle.set(torrent, None),
        }
        let since = self.idle.get(torrent);
        self.idle.set(torrent, is_idle.then(|| since.unwrap_or(self.now + after)));
        if self.waking.contains_key(&torrent) {
            self.hand_over(torrent);
        }
    }

    /// Torrents that have been idle long enough go to rest, and connections that have waited long enough are closed.
    pub(super) fn tick_rest(&mut self) {
        let now = self.now;
        while let Some(torrent) = self.idle.pop_due(now) {
            self.lie_down(torrent);
        }
        while let Some(conn) = self.parked.pop_late(now) {
            self.conns.take(conn);
            self.close(conn, CloseReason::TimedOut);
        }
    }

    /// The moment of a record has come.
    pub(super) fn tick_record(&mut self, torrent: TorrentId) {
        if self.waking.get(&torrent).is_some_and(|waking| !waking.asked) {
            self.load(torrent);
        }
        self.with_trackers(torrent, |_, _, _| {});
    }

    /// A torrent goes to rest, unless something is to be done for it after all.
    fn lie_down(&mut self, torrent: TorrentId) {
        let is_idle = self.ask_torrent(torrent, |one| one.is_idle()).unwrap_or(false);
        let Some(rest) = self.rests.get_mut(&torrent).filter(|rest| matches!(rest.phase, Phase::Running)) else {
            return;
        };
        if !is_idle || self.removals.get(torrent).is_some() || self.waking.contains_key(&torrent) {
            return;
        }
        rest.phase = Phase::LyingDown;
        self.let_dials_go(torrent);
        self.removals.set(torrent, Some(self.now + resting::REMOVAL_MAX));
        self.with(torrent, Torrent::lie_down);
    }

    /// The disk has let go of a torrent that goes to rest, or has not in time.
    fn laid_down(&mut self, torrent: TorrentId) {
        let Some(one) = self.torrents.remove(&torrent) else { return };
        self.shared.pool.gone(torrent, one.held(), one.served());
        for conn in self.routes.of_torrent(torrent) {
            self.routes.leave(conn);
            self.close(conn, CloseReason::Stopping);
        }
        self.removals.set(torrent, None);
        self.idle.set(torrent, None);
        self.timers.set(torrent, None);
        let now = self.now;
        let left = self.wall.behind(move || {
            let (figures, is_private) = (one.snapshot(now), one.is_private());
            (figures, is_private, one.into_announcer(now))
        });
        let Some(rest) = self.rests.get_mut(&torrent) else { return };
        let (figures, is_private, (announcer, counters)) = match left {
            Ok(left) => left,
            Err(what) => return self.fault(torrent, &what),
        };
        let (wanted, have, pieces) = (figures.wanted, figures.have, figures.pieces);
        rest.has_moved(figures);
        rest.forget_metadata();
        let announcer = (!announcer.is_empty()).then(|| Box::new(announcer));
        rest.phase = Phase::Asleep(Box::new(Record { announcer, counters, is_private, wanted, have, pieces }));
        self.changed.insert(torrent);
        self.outputs.push_back(Output::Event(Event::Rests { torrent }));
        self.with_trackers(torrent, |_, _, _| {});
        if self.waking.contains_key(&torrent) {
            self.load(torrent);
        }
    }

    /// Wakes a torrent that rests or is about to; where it waits to be told what came for it, unless too many are being woken.
    fn wake(&mut self, torrent: TorrentId, max: usize) -> Option<&mut Waking> {
        if self.waking.contains_key(&torrent) {
            return self.waking.get_mut(&torrent);
        }
        let lies = match self.rests.get(&torrent)?.phase {
            Phase::Asleep(_) => true,
            Phase::LyingDown => false,
            _ => return None,
        };
        if self.waking.len() >= max {
            return None;
        }
        self.waking.insert(torrent, Waking::default());
        if lies {
            self.load(torrent);
        }
        self.waking.get_mut(&torrent)
    }

    /// Asks for the metadata of a torrent that is to work again.
    fn load(&mut self, torrent: TorrentId) {
        if let Some(waking) = self.waking.get_mut(&torrent) {
            waking.asked = true;
            let id = self.asks.ids().draw();
            self.asks.left(id, Asker::Rest(torrent));
            self.outputs.push_back(Output::Ask { id, question: Question::Load { torrent } });
        }
    }

    /// The question for the metadata was not taken.
    fn load_later(&mut self, torrent: TorrentId) {
        if let Some(waking) = self.waking.get_mut(&torrent) {
            waking.asked = false;
            let again = self.now + LOAD_AGAIN;
            let before = self.timers.get(torrent).map_or(again, |at| at.min(again));
            self.timers.set(torrent, Some(before));
        }
    }

    /// The metadata of a torrent that rests is there, or is not to be had.
    fn loaded(&mut self, torrent: TorrentId, result: Result<Arc<Info>, String>) {
        let Some(rest) = self.rests.get_mut(&torrent).filter(|rest| matches!(rest.phase, Phase::Asleep(_))) else {
            return;
        };
        match result {
            Ok(info) if self.waking.contains_key(&torrent) => {
                let Phase::Asleep(record) = core::mem::replace(&mut rest.phase, Phase::Running) else { return };
                rest.know(info.clone());
                self.timers.set(torrent, None);
                self.outputs.push_back(Output::Event(Event::Woken { torrent, info }));
                self.begin(torrent, Some(record));
            }
            Ok(_) => {}
            Err(text) => {
                self.turn_away(torrent);
                self.outputs.push_back(Output::Event(Event::Notice { torrent, text }));
            }
        }
    }

    /// Nothing comes of waking a torrent: those who wait for it are let go.
    fn turn_away(&mut self, torrent: TorrentId) {
        let waiting = self.waking.remove(&torrent);
        for conn in self.parked.of(torrent) {
            self.parked.take(conn);
            self.conns.take(conn);
            self.close(conn, CloseReason::Stopping);
        }
        for command in waiting.into_iter().flat_map(|waking| waking.commands) {
            if let Command::Read { id, .. } = command {
                let result = Err(teem_swarm::job::ReadError::NoTorrent);
                self.outputs.push_back(Output::Read { id, result });
            }
        }
    }

    /// A torrent that is being woken gets what came for it, once it is known what is there.
    fn hand_over(&mut self, torrent: TorrentId) {
        let is_open = |state| !matches!(state, State::Metadata | State::Checking);
        if !self.ask_torrent(torrent, |one| one.state()).is_some_and(is_open) {
            return;
        }
        let Some(Waking { commands, peers, .. }) = self.waking.remove(&torrent) else { return };
        for (source, list) in peers {
            self.with(torrent, |t, cx| t.add_peers(cx.now, source, &list));
        }
        for conn in self.parked.of(torrent) {
            let Some(waits) = self.parked.take(conn) else { continue };
            self.hello(conn, waits.handshake, waits.via);
            for message in waits.messages {
                self.message(conn, message);
            }
        }
        for command in commands {
            self.command(command);
        }
    }

    /// A handshake has come for a torrent: whether that rests, so that the connection waits or is refused.
    pub(super) fn parks(&mut self, conn: ConnId, handshake: &Handshake, via: Via) -> bool {
        let is_guest = self.config.rest.is_some() && self.conns.came(conn);
        let known = if is_guest { self.routes.torrent(handshake.info_hash) } else { None };
        let Some(torrent) = known else { return false };
        let rests = self.rests.get(&torrent).is_some_and(|rest| rest.phase.is_at_rest());
        if !rests && !self.waking.contains_key(&torrent) {
            return false;
        }
        let now = self.now;
        if self.wake(torrent, WAKING_MAX).is_none() || !self.parked.add(now, conn, torrent, *handshake, via) {
            self.conns.take(conn);
            self.close(conn, CloseReason::TooMany);
        }
        true
    }

    /// A command for a torrent: whether that rests, so that it waits until the torrent is at work.
    pub(super) fn delays(&mut self, command: &Command) -> bool {
        let (Command::Recheck(torrent)
        | Command::Select(torrent, _)
        | Command::Sync(torrent)
        | Command::Read { torrent, .. }
        | Command::Peers { torrent, .. }) = command
        else {
            return false;
        };
        if self.config.rest.is_none() {
            return false;
        }
        let Some(waking) = self.wake(*torrent, usize::MAX) else { return false };
        waking.commands.push(command.clone());
        true
    }

    /// Peers were found for a torrent that rests.
    fn wake_for(&mut self, torrent: TorrentId, source: PeerSource, list: Vec<SocketAddr>) {
        if !list.is_empty()
            && let Some(waking) = self.wake(torrent, WAKING_MAX)
        {
            waking.peers.push((source, list));
        }
    }

    /// The tracker's answer to a record.
    fn answer_record(&mut self, torrent: TorrentId, id: AskId, answer: Answer) {
        match answer {
            Answer::Announced { source, reply } => self.announced_at_rest(torrent, id, source, reply),
            Answer::Busy => {
                self.with_trackers(torrent, |announcer, now, rng| announcer.busy(now, id, rng));
            }
            Answer::Resolved(_) | Answer::Placed(_) | Answer::Loaded(_) => {}
        }
    }

    fn announced_at_rest(
        &mut self,
        torrent: TorrentId,
        id: AskId,
        source: PeerSource,
        reply: Result<AnnounceReply, AnnounceError>,
    ) {
        let heard = self.with_trackers(torrent, |announcer, now, rng| announcer.reply(now, id, &reply, rng));
        self.has_announced(torrent);
        let Some(heard) = heard.flatten() else { return };
        let (url, result) = (heard.url.clone(), heard.result);
        self.outputs.push_back(Output::Event(Event::Tracker { torrent, url, result }));
        let Ok(good) = reply else { return };
        if let (Some(ip), Ok(url)) = (good.external_ip, TrackerUrl::parse(heard.url.reveal())) {
            self.votes.tracker_sees(url.host, ip);
        }
        // A tracker that counts nobody who misses something names other seeds.
        if good.incomplete != Some(0) {
            self.wake_for(torrent, source, good.peers);
        }
    }

    /// Calls the trackers of a record, asks those that are due, and sets its moment; `None` where there are none. A record that is leaving is gone when
    /// they know.
    fn with_trackers<R>(
        &mut self,
        torrent: TorrentId,
        call: impl FnOnce(&mut Announcer, Time, &mut Rng) -> R,
    ) -> Option<R> {
        let (now, rng, ids, turns) = (self.now, &mut self.rng, self.asks.ids(), &mut self.announces);
        let rest = self.rests.get_mut(&torrent)?;
        let (record, leaves) = match &mut rest.phase {
            Phase::Asleep(record) => (record, false),
            Phase::Leaving { record, .. } => (record, true),
            _ => return None,
        };
        let counters = record.counters;
        let announcer = record.announcer.as_mut()?;
        let mut asks = Vec::new();
        let called = self.wall.behind(|| {
            let answer = call(announcer, now, rng);
            let asking = Asking { torrent, ids, turns };
            announcer.poll(now, counters, rng, asking, |ask| asks.push(ask));
            (answer, announcer.deadline(), leaves && announcer.is_stopped(now))
        });
        let (answer, deadline, has_left) = match called {
            Ok(after) => after,
            Err(what) => {
                self.fault(torrent, &what);
                return None;
            }
        };
        self.timers.set(torrent, deadline);
        for Ask { id, url, announce } in asks {
            self.carry_announce(torrent, id, url, announce);
        }
        if has_left {
            self.has_left(torrent);
        }
        Some(answer)
    }

    /// Calls the trackers of all records: the world sees us elsewhere.
    fn with_all_trackers(&mut self, call: impl Fn(&mut Announcer, Time, &mut Rng)) {
        let at_rest = self.rests.iter().filter(|(_, rest)| matches!(rest.phase, Phase::Asleep(_)));
        let all: Vec<TorrentId> = at_rest.map(|(torrent, _)| *torrent).collect();
        for torrent in all {
            self.with_trackers(torrent, &call);
        }
    }

    /// A record has other trackers.
    fn change_trackers_at_rest(&mut self, torrent: TorrentId, tiers: &[Vec<AnnounceUrl>]) {
        let Some(rest) = self.rests.get_mut(&torrent) else { return };
        let Phase::Asleep(record) = &rest.phase else { return };
        if record.announcer.is_some() {
            self.with_trackers(torrent, |announcer, now, rng| announcer.set_trackers(now, tiers, rng));
            return;
        }
        let announcer = rest.announcer(self.now, record.is_private, None, &mut self.rng).map(Box::new);
        if let Phase::Asleep(record) = &mut rest.phase {
            record.announcer = announcer;
        }
        self.with_trackers(torrent, |_, _, _| {});
    }

    /// A record is to be paused or removed: its trackers hear `stopped`, within 4 s.
    fn leave_rest(&mut self, torrent: TorrentId, pause: bool) {
        let Some(rest) = self.rests.get_mut(&torrent) else { return };
        match core::mem::replace(&mut rest.phase, Phase::Ending) {
            Phase::Asleep(record) => rest.phase = Phase::Leaving { record, pause },
            // One that was to be paused may be removed as well.
            Phase::Leaving { record, pause: before } => {
                rest.phase = Phase::Leaving { record, pause: before && pause };
                return;
            }
            other => {
                rest.phase = other;
                return;
            }
        }
        let key = rest.key();
        self.routes.leave_torrent(key, torrent);
        self.changed.insert(torrent);
        self.turn_away(torrent);
        self.removals.set(torrent, Some(self.now + resting::REMOVAL_MAX));
        if pause {
            self.outputs.push_back(Output::Event(Event::State { torrent, state: State::Stopping }));
        }
        let stopped = self.with_trackers(torrent, |announcer, now, _| announcer.stop(now));
        if stopped.is_none() {
            self.has_left(torrent);
        }
    }

    /// The trackers of a record that was to leave know it, or have had their time.
    fn has_left(&mut self, torrent: TorrentId) {
        let Some(rest) = self.rests.get_mut(&torrent) else { return };
        let Phase::Leaving { record, pause } = &rest.phase else { return };
        let pause = *pause;
        self.timers.set(torrent, None);
        self.removals.set(torrent, None);
        self.udp.forget(torrent);
        self.announces.forget(torrent);
        if pause {
            let figures = rest.and_before(record.figures(self.now, torrent)).at_rest();
            rest.slept = Some(record.is_private);
            rest.phase = Phase::Resting(Box::new(figures));
            self.tell_paused(torrent);
        } else {
            self.rests.remove(&torrent);
            self.outputs.push_back(Output::Event(Event::Removed { torrent }));
        }
    }

    /// A torrent that was paused while it rested rests again: its trackers hear `started`.
    fn rest_again(&mut self, torrent: TorrentId, is_private: bool) {
        let Some(rest) = self.rests.get_mut(&torrent) else { return };
        let Phase::Resting(figures) = &rest.phase else { return };
        let (wanted, have, pieces) = (figures.wanted, figures.have, figures.pieces);
        let announcer = rest.announcer(self.now, is_private, None, &mut self.rng).map(Box::new);
        let counters = Counters { left: Some(wanted.saturating_sub(have)), ..Counters::default() };
        rest.phase = Phase::Asleep(Box::new(Record { announcer, counters, is_private, wanted, have, pieces }));
        self.changed.insert(torrent);
        self.outputs.push_back(Output::Event(Event::State { torrent, state: State::Seeding }));
        self.with_trackers(torrent, |_, _, _| {});
    }

    /// A fault of ours in what is kept of a torrent ends it alone.
    fn fault(&mut self, torrent: TorrentId, what: &str) {
        self.turn_away(torrent);
        self.routes.forget_torrent(torrent);
        self.changed.insert(torrent);
        self.timers.set(torrent, None);
        self.removals.set(torrent, None);
        self.udp.forget(torrent);
        self.announces.forget(torrent);
        let (why, _) = resting::broken(&mut self.rests, torrent, false, what);
        self.outputs.push_back(Output::Event(Event::Fault { torrent, why }));
    }
}
