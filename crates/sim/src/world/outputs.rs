//! Carries out what a peer wants (own design): the part of a host, in virtual time.
use super::common::{TORRENT, TRACKER};
use super::event::Event;
use super::exchange::News;
use super::part::Part;
use crate::block::SimBlock;
use crate::draw::between;
use crate::makers::NODES;
use crate::name::place;
use crate::packet::Packet;
use crate::scenario::{Departure, Role};
use std::time::Duration;
use teem_engine::input::Input;
use teem_swarm::ask::{Answer, AskId, Question};
use teem_swarm::command::Command;
use teem_swarm::event::Event as Told;
use teem_swarm::job::Job;
use teem_swarm::output::Output;
use teem_swarm::time::Time;
use teem_wire::peer::message::{Message, MetadataMessage};

/// How often a peer is asked for its own account.
const AUDIT: Duration = Duration::from_secs(20);
/// What the owner of a torrent takes to say where it shall lie.
const OWNER: Duration = Duration::from_millis(1);

impl Part {
    /// Gives a peer an input and carries out what it wants.
    pub(super) fn feed(&mut self, me: usize, input: Input<SimBlock>) {
        let now = self.now;
        let node = &mut self.nodes[me];
        let Some(brain) = &mut node.brain else { return };
        node.trace.input(now, &input);
        self.checker.input(now, me, &input);
        if let Input::Block { at, .. } = &input {
            node.received += u64::from(at.len);
        }
        brain.handle(now, input);
        while let Some(output) = self.nodes[me].brain.as_mut().and_then(|brain| brain.poll_output()) {
            let node = &mut self.nodes[me];
            node.trace.output(now, &output);
            self.checker.output(now, me, &output, &node.disk);
            self.carry_out(now, me, output);
        }
    }

    pub(super) fn carry_out(&mut self, now: Time, me: usize, output: Output<SimBlock>) {
        match output {
            Output::Dial { torrent, to, plan } => self.dial(now, me, torrent, (to, plan.first)),
            Output::Hello { conn, handshake } => self.push(me, conn, Packet::Hello(Box::new(handshake))),
            Output::Send { conn, message } => {
                if matches!(message, Message::Metadata { message: MetadataMessage::Data { .. }, .. }) {
                    // Lines here carry it in its time; the bound on what is unsent is the business of the crates' own tests.
                    self.post(me, now, Input::MetadataSent { conn });
                }
                self.push(me, conn, Packet::message(message));
            }
            Output::SendBlock { conn, at, data } => {
                if self.nodes[me].spec.role == Role::Seed {
                    self.news.push(News::Left(at));
                }
                self.push(me, conn, Packet::Block(at, data));
            }
            Output::Close { conn, .. } => self.close(now, me, conn),
            Output::Disk(job) => {
                let mut answers = Vec::new();
                let written = if let Job::Write { at, .. } = &job { Some(at.piece) } else { None };
                let node = &mut self.nodes[me];
                let before = node.disk.good_pieces();
                node.disk.run(job, &mut answers);
                if let Some(piece) = written.filter(|_| node.disk.good_pieces() > before && node.spec.role.gives()) {
                    self.holders.gained(piece);
                }
                for (after, done) in answers {
                    self.post(me, now + after, Input::Disk(done));
                }
            }
            Output::Ask { id, question } => self.asked(now, me, id, question),
            Output::Datagram { to, bytes } => self.send_datagram(now, me, to, bytes),
            Output::Read { .. } => {}
            Output::Event(event) => self.told(now, me, &event),
        }
    }

    /// A peer asks something of the world: the tracker, or the owner of its torrent.
    fn asked(&mut self, now: Time, me: usize, id: AskId, question: Question) {
        let (after, answer) = match question {
            Question::Announce { announce, .. } => {
                let (peer, life) = (self.number(me), self.nodes[me].life);
                return self.news.push(News::Announce { now, peer, life, id, announce });
            }
            Question::Resolve { host, .. } => {
                let known = host == NODES && !self.common.routers.is_empty();
                let addrs =
                    if known { Ok(self.common.routers.clone()) } else { Err(format!("no {host} in this world")) };
                (TRACKER, Answer::Resolved(addrs))
            }
            Question::Place { .. } => (OWNER, Answer::Placed(Ok(None))),
            Question::Load { .. } => (OWNER, Answer::Loaded(Ok(self.common.content.info().clone()))),
        };
        self.post(me, now + after, Input::Answer { id, answer });
    }

    /// Asks a peer for its own account some time later; the checkers compare it with theirs.
    pub(super) fn audit(&mut self, me: usize) {
        let at = self.now + AUDIT;
        self.post(me, at, Input::Command(Command::Snapshot(TORRENT)));
    }

    /// It was asked for its own account: for what the account does not hold it is asked in the same moment, so that a run has no
    /// event more.
    pub(super) fn audited(&mut self, me: usize) {
        self.feed(me, Input::Command(Command::Availability(TORRENT)));
    }

    fn told(&mut self, now: Time, me: usize, event: &Told) {
        let node = &mut self.nodes[me];
        match event {
            Told::Complete { .. } if node.complete.is_none() && node.spec.role.wants() => {
                node.complete = Some(now);
                let (life, must) = (node.life, node.must());
                if let Departure::WhenComplete(after) = node.spec.departure {
                    self.put(me, now + after, Event::Go { life, crash: false });
                }
                if must {
                    self.news.push(News::Settled(now));
                }
            }
            Told::Snapshot(_) => self.audit(me),
            Told::Removed { .. } => self.stop(now, me),
            _ => {}
        }
    }

    /// The process is gone; its disk and its line remain.
    pub(super) fn stop(&mut self, now: Time, me: usize) {
        let node = &mut self.nodes[me];
        if node.spec.role.gives() && node.brain.is_some() {
            self.holders.moved(node, false);
        }
        node.brain = None;
        node.life += 1;
        node.drop_mail();
        node.tick_at = None;
        node.disk.crash();
        let missing = node.complete.is_none();
        let dead = missing && node.must() && matches!(node.spec.departure, Departure::Dies(_));
        if let Departure::Comes { away, .. } = node.spec.departure
            && missing
        {
            let after = between(&mut node.rng, away / 2, away * 3 / 2);
            self.put(me, now + after, Event::Come);
        }
        if dead {
            self.news.push(News::Settled(now));
        }
        for conn in std::mem::take(&mut self.nodes[me].pipes) {
            self.reset(me, place(conn));
        }
        self.checker.restarted(me);
    }
}
