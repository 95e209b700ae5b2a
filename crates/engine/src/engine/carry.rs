//! What torrents want done becomes outputs (own design): dials only within the budget, UDP trackers by the engine's own
//! client (BEP 15), everything else as it is. Whatever calls a torrent does it here, so that nothing it wants is missed.
use super::record::Step;
use super::resting::Phase;
use super::{Engine, resting};
use crate::announces::is_udp;
use crate::asks::Asker;
use crate::dht::{Dht, Found};
use crate::input::PeerSource;
use crate::udp_tracker::Act;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;
use teem_metainfo::{AnnounceUrl, InfoHash};
use teem_swarm::ask::{Answer, AskId, Question, Speaks};
use teem_swarm::event::{Event, State};
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::memory::Memory;
use teem_swarm::output::{CloseReason, Output};
use teem_swarm::torrent::Torrent;
use teem_swarm::torrent::context::Context;
use teem_wire::tracker::announce::Announce;

impl<B> Engine<B> {
    /// Carries out what is left to do after an input and its announces: what the DHT wants, and dials that the budget allows.
    pub(super) fn carry_on(&mut self) {
        self.look_at_dht();
        self.carry_dht();
        self.look_from_outside();
        self.dial();
    }

    /// Carries out what the client of UDP trackers wants.
    pub(super) fn carry_udp(&mut self) {
        while let Some(act) = self.udp.act() {
            match act {
                Act::Send(to, bytes) => self.outputs.push_back(Output::Datagram { to, bytes }),
                Act::Resolve(host, port) => {
                    let id = self.asks.ids().draw();
                    let asker = Asker::Name(host.clone(), port);
                    self.ask(asker, id, Question::Resolve { host, port, speaks: Speaks::Tracker });
                }
                Act::Answer(torrent, id, source, reply) => {
                    self.answer_torrent(torrent, id, Answer::Announced { source, reply });
                }
                Act::Peers(torrent, source, list) => self.found(torrent, source, list),
            }
        }
    }

    /// Carries out what the nodes of the DHT want, and gives torrents the peers that were found.
    fn carry_dht(&mut self) {
        while let Some(found) = self.dht.as_mut().and_then(Dht::poll) {
            match found {
                Found::Send(to, bytes) => self.outputs.push_back(Output::Datagram { to, bytes }),
                Found::Resolve(host, port) => {
                    let id = self.asks.ids().draw();
                    self.ask(Asker::Node, id, Question::Resolve { host, port, speaks: Speaks::Dht });
                }
                Found::Seen { by, at } => self.votes.node_sees(by, at),
                Found::Peers { by, info_hash, peers } => {
                    let torrent = self.routes.torrent(InfoHash(info_hash.0));
                    let is_member = |torrent: &TorrentId| self.dht.as_ref().is_some_and(|dht| dht.has(*torrent));
                    if let Some(torrent) = torrent.filter(is_member) {
                        if let Some(dht) = &mut self.dht {
                            dht.has_named(torrent, by, peers.len());
                        }
                        self.found(torrent, PeerSource::dht(by.ip()), peers);
                    }
                }
            }
        }
    }

    /// Peers were found for a torrent, at work or at rest.
    fn found(&mut self, torrent: TorrentId, source: PeerSource, list: Vec<SocketAddr>) {
        if self.torrents.contains_key(&torrent) {
            self.with(torrent, |t, cx| t.add_peers(cx.now, source, &list));
        } else {
            self.rest_step(Step::Found(torrent, source, list));
        }
    }

    /// The answer to a question of a torrent, at work or at rest.
    fn answer_torrent(&mut self, torrent: TorrentId, id: AskId, answer: Answer) {
        if self.torrents.contains_key(&torrent) {
            let announced = matches!(answer, Answer::Announced { .. });
            self.with(torrent, |t, cx| t.answer(cx, id, answer));
            if announced {
                self.has_announced(torrent);
            }
        } else {
            self.rest_step(Step::Answered(torrent, id, answer));
        }
    }

    /// Something is to be done to a record, or to what may become one, at the end of the input.
    pub(super) fn rest_step(&mut self, step: Step) {
        if self.config.rest.is_some() {
            self.rest_steps.push_back(step);
        }
    }

    /// A question leaves the engine.
    fn ask(&mut self, asker: Asker, id: AskId, question: Question) {
        self.asks.left(id, asker);
        self.outputs.push_back(Output::Ask { id, question });
    }

    /// An answer has come. It is dropped when nothing waits for it: the id is unknown, or the torrent gone.
    pub(super) fn answer(&mut self, id: AskId, answer: Answer) {
        self.announces.answered(id);
        match (self.asks.answered(id), answer) {
            (Some(Asker::Torrent(torrent)), answer) => self.answer_torrent(torrent, id, answer),
            (Some(Asker::Rest(torrent)), Answer::Loaded(result)) => self.rest_step(Step::Loaded(torrent, result)),
            (Some(Asker::Rest(torrent)), Answer::Busy) => self.rest_step(Step::LoadLater(torrent)),
            (Some(Asker::Name(host, port)), Answer::Resolved(addrs)) => self.udp.resolved(self.now, host, port, addrs),
            (Some(Asker::Name(host, port)), Answer::Busy) => self.udp.not_resolved_yet(self.now, host, port),
            (Some(Asker::Node), Answer::Resolved(addrs)) => {
                if let (Some(dht), Ok(addrs)) = (&mut self.dht, addrs) {
                    dht.hints(self.now, &addrs);
                }
            }
            (Some(Asker::Name(..)), Answer::Announced { .. } | Answer::Placed(_) | Answer::Loaded(_))
            | (None | Some(Asker::Gone | Asker::Node | Asker::Rest(_)), _) => {}
        }
    }

    /// A tracker has answered a torrent, at work or at rest: its owner hears what is to be kept of that. What one that ends leaves was told when
    /// its end began.
    pub(super) fn has_announced(&mut self, torrent: TorrentId) {
        if self.removals.get(torrent).is_none()
            && let Some(memory) = self.announce_memory(torrent)
        {
            self.outputs.push_back(Output::Event(Event::Announced { torrent, memory: Box::new(memory) }));
        }
    }

    /// The trackers of a torrent are about to hear `stopped`: its owner hears what is to be kept then.
    pub(super) fn is_stopping(&mut self, torrent: TorrentId) {
        if let Some(mut memory) = self.announce_memory(torrent) {
            memory.stop();
            self.outputs.push_back(Output::Event(Event::Announced { torrent, memory: Box::new(memory) }));
        }
    }

    /// What is to be kept of a torrent's announces, where that is kept.
    fn announce_memory(&mut self, torrent: TorrentId) -> Option<Memory> {
        let now = self.now;
        if !self.config.keep_announces {
            return None;
        }
        match self.rests.get(&torrent).map(|rest| &rest.phase) {
            Some(Phase::Asleep(record)) => record.announcer.as_ref()?.memory(now),
            _ => self.ask_torrent(torrent, |one| one.announce_memory(now))?,
        }
    }

    /// The program ends and will go on with a torrent: one without peers ends without its trackers noticing, where what they know is kept.
    pub(super) fn part(&mut self, torrent: TorrentId) {
        if !self.config.keep_announces || self.removals.get(torrent).is_some() {
            return;
        }
        let is_alone = match self.rests.get_mut(&torrent).map(|rest| &mut rest.phase) {
            Some(Phase::Asleep(record)) => record.announcer.as_mut().is_none_or(|announcer| announcer.part()),
            _ => self.ask_torrent(torrent, Torrent::part).unwrap_or(true),
        };
        if !is_alone {
            self.is_stopping(torrent);
        }
    }

    /// Tells the torrents from where the world sees us, when that has changed.
    fn look_from_outside(&mut self) {
        let seen = self.votes.external();
        if seen != self.external {
            self.external = seen;
            let all: Vec<_> = self.torrents.keys().copied().collect();
            for torrent in all {
                self.with(torrent, |t, cx| t.seen_from_outside(cx, seen));
            }
        }
    }

    /// Lets torrents dial in turn, as long as the budget lasts.
    fn dial(&mut self) {
        while !self.routes.is_full() {
            let Some(torrent) = self.dialler.turn(self.now) else { return };
            let now = self.now;
            let asked =
                self.ask_torrent(torrent, |one| (one.next_dial(now), one.dial_deadline(), one.punch_deadline()));
            let Some((dial, next, punch)) = asked else { continue };
            if let Some(at) = punch.filter(|at| self.timers.get(torrent).is_none_or(|timer| *at < timer)) {
                self.timers.set(torrent, Some(at));
            }
            if let Some((to, plan)) = dial {
                self.dialler.begun(self.now, torrent, to);
                self.outputs.push_back(Output::Dial { torrent, to, plan });
            }
            self.dialler.wants(torrent, next);
        }
    }

    /// Passes on what a torrent has pushed, and looks at what concerns the engine: dials count, whoever is closed leaves the routes.
    pub(super) fn carry_pushed(&mut self, torrent: TorrentId) {
        while let Some(output) = self.pushed.pop_front() {
            match &output {
                Output::Dial { torrent, to, .. } => self.dialler.begun(self.now, *torrent, *to),
                Output::Close { conn, .. } => {
                    self.routes.leave(*conn);
                }
                // A magnet link may have named only one of a hybrid's hashes.
                Output::Event(Event::State { torrent, .. }) => _ = self.changed.insert(*torrent),
                Output::Event(Event::Metadata { torrent, info }) => {
                    self.changed.insert(*torrent);
                    self.routes.learn(info.key(), *torrent);
                    resting::name(&mut self.rests, *torrent, info);
                }
                _ => {}
            }
            match output {
                Output::Ask { id, question: Question::Announce { url, announce, .. } } => {
                    self.carry_announce(torrent, id, url, announce);
                }
                Output::Ask { id, question } => self.ask(Asker::Torrent(torrent), id, question),
                Output::Event(event) if self.is_old_news(&event) => {}
                output => self.outputs.push_back(output),
            }
        }
        self.pushed.clear(); // the next ones begin where these did, near in memory
    }

    /// Whether a torrent looks at its content because it was woken: what it says of that is not news.
    fn is_old_news(&self, event: &Event) -> bool {
        let is_known = match event {
            Event::State { state, .. } => matches!(state, State::Checking | State::Seeding),
            Event::Complete { at_start, .. } => *at_start,
            _ => false,
        };
        is_known && event.torrent().is_some_and(|torrent| self.waking.contains_key(&torrent))
    }

    /// A torrent, at work or at rest, asks a tracker.
    pub(super) fn carry_announce(&mut self, torrent: TorrentId, id: AskId, url: AnnounceUrl, announce: Announce) {
        if is_udp(url.reveal()) {
            self.udp.announce(self.now, torrent, id, url, announce);
        } else {
            self.ask(Asker::Torrent(torrent), id, Question::Announce { torrent, url, announce });
        }
    }

    /// Calls a torrent, then carries out what it wants and sets its timers.
    pub(super) fn with(&mut self, torrent: TorrentId, call: impl FnOnce(&mut Torrent, &mut Context<'_, B>)) {
        let Some(one) = self.torrents.get_mut(&torrent) else { return };
        let mut context = Context {
            now: self.now,
            shared: &mut self.shared,
            votes: &mut self.votes,
            ids: self.asks.ids(),
            turns: &mut self.announces,
            out: &mut self.pushed,
        };
        let rests = self.config.rest.is_some();
        let called = self.wall.behind(|| {
            call(one, &mut context);
            let deadline = one.deadline(context.shared, context.now);
            let rest = rests.then(|| (one.is_idle(), one.has_let_go()));
            (deadline, one.dial_deadline(), one.is_removed(context.now), rest)
        });
        let (deadline, dial, ended, rest) = match called {
            Ok(after) => after,
            Err(what) => return self.expel(torrent, &what),
        };
        self.timers.set(torrent, deadline);
        self.dialler.wants(torrent, dial);
        self.carry_pushed(torrent);
        if ended {
            self.gone(torrent);
        } else if let Some((is_idle, has_let_go)) = rest {
            self.rest_step(Step::Look(torrent, is_idle, has_let_go));
        }
    }

    pub(super) fn with_conn(&mut self, conn: ConnId, call: impl FnOnce(&mut Torrent, &mut Context<'_, B>)) {
        if let Some(torrent) = self.routes.of(conn) {
            self.with(torrent, call);
        }
    }

    /// A torrent has ended, or has not in time: nothing of it stays.
    pub(super) fn gone(&mut self, torrent: TorrentId) {
        match self.rests.get(&torrent).map(|rest| &rest.phase) {
            Some(Phase::LyingDown) => return self.rest_step(Step::LaidDown(torrent)),
            Some(Phase::Leaving { .. }) => return self.rest_step(Step::Left(torrent)),
            _ => {}
        }
        let Some(one) = self.torrents.remove(&torrent) else { return };
        self.shared.pool.gone(torrent, one.held(), one.served());
        let now = self.now;
        // Its last figures are not worth a fault.
        let last = self.wall.behind(|| (one.key(), one.snapshot(now))).ok();
        for conn in self.routes.of_torrent(torrent) {
            self.routes.leave(conn);
            self.close(conn, CloseReason::Stopping);
        }
        match &last {
            Some((key, _)) => self.routes.leave_torrent(*key, torrent),
            None => self.routes.forget_torrent(torrent),
        }
        self.changed.insert(torrent);
        self.dialler.forget(torrent);
        self.timers.set(torrent, None);
        self.removals.set(torrent, None);
        self.idle.set(torrent, None);
        self.rest_step(Step::TurnAway(torrent));
        self.udp.forget(torrent);
        self.announces.forget(torrent);
        let rests = resting::ended(&mut self.rests, torrent, last.map(|(_, figures)| figures));
        let event = if rests { Event::State { torrent, state: State::Paused } } else { Event::Removed { torrent } };
        self.outputs.push_back(Output::Event(event));
    }

    /// Closes a connection that is nowhere any more.
    pub(super) fn close(&mut self, conn: ConnId, why: CloseReason) {
        self.outputs.push_back(Output::Close { conn, why });
    }
}
