//! The loop of the host's thread (own design): one turn after the other until it has been told to end.
//!
//! Invariants: nothing in a turn blocks but the poll; every turn's work is bounded by the budget; the poll does not sleep while the
//! engine has been given something whose consequences were not looked at.
use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Instant;
use teem_engine::input::Input;
use teem_engine::storage::Storage;
use teem_path::Path;
use teem_swarm::command::Command;
use teem_swarm::event::Event;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::job::{Done, Job};
use teem_swarm::output::Output;
use teem_swarm::time::Time;
use teem_wire::peer::encode::{encode, encode_handshake};
use teem_wire::peer::message::{Message, MetadataMessage};

use crate::budget::{FLUSH_LIMIT, ROUNDS_PER_TURN, SHUTDOWN_LIMIT};
use crate::error::HostError;
use crate::mailbox::{HostMsg, Mailbox};
use crate::net::Net;
use crate::owner::{Machine, Owner};
use crate::turn_times::Turns;
use crate::whereabouts::Whereabouts;

/// Events of the poll that one turn takes; the rest comes with the next.
const EVENTS_MAX: usize = 1024;

/// How far the host is in ending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Running,
    /// Torrents are being removed, until this moment at most.
    Removing(Time),
    /// Connections send their last bytes, until this moment at most.
    Flushing(Time),
}

/// Everything the thread owns.
pub(crate) struct EventLoop<S: Storage, M, O> {
    pub(crate) poll: mio::Poll,
    pub(crate) net: Net<S::Block>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) turns: Arc<Turns>,
    pub(crate) storage: S,
    pub(crate) core: Core<S::Block, M, O>,
}

/// The machine with what stands around it on this thread.
pub(crate) struct Core<B, M, O> {
    machine: M,
    pub(crate) owner: O,
    /// The clock: its zero is the start of the thread.
    start: Instant,
    /// Jobs that the storage has had no credit for yet.
    pub(crate) jobs: VecDeque<Job<B>>,
    /// Inputs that arose while outputs were carried out.
    pending: VecDeque<Input<B>>,
    /// Torrents that are to be removed before a good end, or closed before a bad one.
    pub(crate) torrents: BTreeSet<TorrentId>,
    /// Where this machine is.
    whereabouts: Whereabouts,
    /// What the machine takes for whether a router stands between us and the world.
    routed: bool,
    /// The machine was given something since its outputs were last drained.
    fed: bool,
}

impl<B, M: Machine<B>, O: Owner> Core<B, M, O> {
    pub(crate) fn new(machine: M, owner: O, path: &Path) -> Self {
        Self {
            machine,
            owner,
            start: Instant::now(),
            jobs: VecDeque::new(),
            pending: VecDeque::new(),
            torrents: BTreeSet::new(),
            whereabouts: Whereabouts::new(path),
            routed: false,
            // Before the first turn the machine may have something to say.
            fed: true,
        }
    }

    fn now(&self) -> Time {
        Time::ZERO + self.start.elapsed()
    }

    fn feed(&mut self, now: Time, input: Input<B>) {
        self.fed = true;
        self.machine.handle(now, input);
    }

    /// Tells the machine whether a router stands between us and the world, where that is news.
    fn say_whether_routed(&mut self, now: Time) {
        let routed = self.whereabouts.is_routed();
        if core::mem::replace(&mut self.routed, routed) != routed {
            self.feed(now, Input::Routed(routed));
        }
    }

    fn command(&mut self, now: Time, command: Command) {
        self.feed(now, Input::Command(command));
    }
}

impl<B, M, O> Core<B, M, O>
where
    B: AsRef<[u8]> + AsMut<[u8]>,
    M: Machine<B>,
    O: Owner,
{
    /// Whether all torrents are gone, and nothing is left to be said of any.
    fn is_done(&self) -> bool {
        self.torrents.is_empty() && !self.machine.has_last_words()
    }

    /// Carries out all that the machine wants done.
    fn drain(&mut self, now: Time, net: &mut Net<B>) {
        self.fed = false;
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Dial { torrent, to, plan } => {
                    net.dial(now, torrent, to, plan, &mut |input| self.pending.push_back(input));
                }
                Output::Hello { conn, handshake } => {
                    net.send(conn, |out| out.extend_from_slice(&encode_handshake(&handshake)));
                }
                Output::Send { conn, message } => match message {
                    Message::Metadata { message: MetadataMessage::Data { .. }, .. } => {
                        net.send_metadata(conn, &message);
                    }
                    _ => net.send(conn, |out| encode(&message, out)),
                },
                Output::SendBlock { conn, at, data } => net.send_block(conn, at, data),
                Output::Close { conn, why } => net.close(now, conn, why),
                Output::Disk(job) => self.jobs.push_back(job),
                Output::Ask { id, question } => {
                    if let Some(answer) = self.owner.on_ask(id, question) {
                        self.pending.push_back(Input::Answer { id, answer });
                    }
                }
                Output::Datagram { to, bytes } => net.datagram(now, to, &bytes),
                Output::Read { id, result } => self.owner.on_read(id, result.as_ref().map(AsRef::as_ref)),
                Output::Event(event) => {
                    if let Event::Removed { torrent } = &event {
                        self.torrents.remove(torrent);
                        net.torrents.remove(*torrent);
                    }
                    self.owner.on_event(event);
                }
            }
        }
    }
}

impl<S, M, O> EventLoop<S, M, O>
where
    S: Storage,
    M: Machine<S::Block>,
    O: Owner,
{
    /// Runs until told to end. An error is the poll's own, or the storage has failed: nothing can go on without them.
    pub(crate) fn run(&mut self) -> Result<(), HostError> {
        let bell = Arc::clone(&self.mailbox.bell);
        self.storage.set_waker(Arc::new(move || bell.ring()));
        let mut events = mio::Events::with_capacity(EVENTS_MAX);
        let mut phase = Phase::Running;
        let (mut mail, mut links, mut done) = (VecDeque::new(), Vec::new(), Vec::new());
        self.core.say_whether_routed(self.core.now());
        loop {
            let timeout = self.timeout(phase);
            match self.poll.poll(&mut events, timeout) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            }
            let now = self.core.now();
            self.network(now, &events);
            self.mailbox.bell.heard();
            phase = self.mail(now, phase, &mut mail);
            self.links(&mut links);
            self.answers(now, &mut done)?;
            self.look_where_we_are(now);
            if self.core.machine.deadline().is_some_and(|at| at <= now) {
                self.core.feed(now, Input::Tick);
            }
            self.work_off(now);
            self.core.owner.on_turn_end();
            self.net.utp_transmit(now);
            self.turns.took(self.core.now().since(now));
            phase = match phase {
                Phase::Removing(until) if self.core.is_done() || now >= until => self.flush(now),
                Phase::Flushing(until) if self.net.is_empty() || now >= until => return Ok(()),
                phase => phase,
            };
        }
    }

    /// How long the poll may sleep.
    fn timeout(&self, phase: Phase) -> Option<Duration> {
        if self.core.fed {
            return Some(Duration::ZERO);
        }
        let now = self.core.now();
        let ending = match phase {
            Phase::Running => None,
            Phase::Flushing(_) if self.net.is_empty() => Some(Duration::ZERO),
            Phase::Removing(until) | Phase::Flushing(until) => Some(until.since(now)),
        };
        let tick = self.core.machine.deadline().map(|at| at.since(now));
        let look = (!self.core.torrents.is_empty()).then(|| self.core.whereabouts.next().since(now));
        [self.net.sleep_max(now), ending, tick, look].into_iter().flatten().min()
    }

    /// What the sockets bring.
    fn network(&mut self, now: Time, events: &mio::Events) {
        let Self { net, storage, core, .. } = self;
        let mut take = |input| core.feed(now, input);
        for event in events {
            net.event(event, &mut take);
        }
        net.look_at_lists(&mut take);
        if net.look_at_relay(now) {
            take(Input::Moved);
        }
        // A buffer of another length than asked for would be a fault of the storage; it is as good as none.
        let mut alloc = |len| storage.alloc(len).filter(|block| block.as_ref().len() == len);
        net.receive(now, &mut alloc, &mut take);
        net.utp_news(now, &mut take);
        net.accept(now);
        net.decide(now, &mut take);
        net.expire(now, &mut take);
        net.read(&mut alloc, &mut take);
        for stream in net.visitors.drain(..) {
            core.owner.on_http(stream);
        }
        for datagram in net.questions.drain(..) {
            core.owner.on_datagram(datagram);
        }
    }

    /// Connections of addresses that are gone are ended, and the machine is told of a move.
    fn look_where_we_are(&mut self, now: Time) {
        let Self { net, core, .. } = self;
        if core.torrents.is_empty() || now < core.whereabouts.next() {
            return;
        }
        let change = core.whereabouts.look(now, &net.path);
        if change.standing {
            core.owner.on_standing(&core.whereabouts.standing);
        }
        if change.more || net.deaf {
            net.listen_again();
        }
        let standing = core.whereabouts.standing.clone();
        let lost = net.lose(now, &standing, &mut |input| core.feed(now, input));
        core.say_whether_routed(now);
        if change.moved || change.more || lost {
            net.strangers.came.forget();
            core.feed(now, Input::Moved);
        }
    }

    /// What other threads say.
    fn mail(&mut self, now: Time, mut phase: Phase, mail: &mut VecDeque<HostMsg>) -> Phase {
        self.mailbox.take(mail);
        for message in mail.drain(..) {
            match message {
                HostMsg::Command(command) => {
                    match &command {
                        Command::Add(add) | Command::AddPaused(add) => {
                            self.core.torrents.insert(add.torrent);
                            self.net.torrents.add(add.torrent, add.key.wires().map(|hash| hash.0));
                            if add.up.is_some() {
                                self.net.limit_upload(true);
                            }
                        }
                        Command::AddAtRest(all) => {
                            for add in all.iter().map(|at_rest| &at_rest.add) {
                                self.core.torrents.insert(add.torrent);
                                self.net.torrents.add(add.torrent, add.key.wires().map(|hash| hash.0));
                            }
                        }
                        Command::Limits { up, .. } => self.net.limit_upload(up.is_some()),
                        Command::GroupLimits { up: Some(_), .. } => self.net.limit_upload(true),
                        _ => {}
                    }
                    self.core.command(now, command);
                }
                HostMsg::Answer { id, answer } => self.core.feed(now, Input::Answer { id, answer }),
                HostMsg::Datagram(datagram) => self.net.answer(&datagram),
                // When everything ends no peer is accepted any more, and the end of a link is dropped, which closes it.
                HostMsg::Listen(_) | HostMsg::Attach { .. } if matches!(phase, Phase::Flushing(_)) => {}
                HostMsg::Listen(listeners) => {
                    let port = listeners.bound().port;
                    // Without a poll that takes them we stay where we were.
                    if self.net.listen(listeners).is_ok() {
                        self.core.command(now, Command::Listen(port));
                    }
                }
                HostMsg::Name(named) => self.net.ask_name(now, named),
                HostMsg::Attach { end, torrent } => {
                    let Self { net, core, mailbox, .. } = self;
                    net.attach(mailbox, end, torrent, &mut |input| core.feed(now, input));
                }
                HostMsg::Shutdown if phase == Phase::Running => {
                    for torrent in self.core.torrents.clone() {
                        self.core.command(now, Command::Part(torrent));
                    }
                    phase = Phase::Removing(now + SHUTDOWN_LIMIT);
                }
                HostMsg::Stop if !matches!(phase, Phase::Flushing(_)) => phase = self.flush(now),
                HostMsg::Shutdown | HostMsg::Stop => {}
            }
        }
        phase
    }

    /// Links without a descriptor that can move bytes again; what they bring is read in the next turn.
    fn links(&mut self, links: &mut Vec<ConnId>) {
        self.mailbox.take_links(links);
        for conn in links.drain(..) {
            self.net.link_ready(conn, true, true);
        }
    }

    /// What the storage answers.
    fn answers(&mut self, now: Time, done: &mut Vec<Done<S::Block>>) -> Result<(), HostError> {
        self.storage.poll(done);
        for answer in done.drain(..) {
            self.core.feed(now, Input::Disk(answer));
        }
        self.storage.fault().map_or(Ok(()), |what| Err(HostError::Fault(what)))
    }

    /// Carries out outputs, hands jobs over, writes; and again what follows from that, within the budget.
    fn work_off(&mut self, now: Time) {
        for _ in 0..ROUNDS_PER_TURN {
            self.core.drain(now, &mut self.net);
            if !self.core.jobs.is_empty() {
                self.storage.submit(&mut self.core.jobs);
            }
            let Self { net, core, .. } = self;
            net.write(&mut |input| core.feed(now, input));
            while let Some(input) = core.pending.pop_front() {
                core.feed(now, input);
            }
            if !core.fed {
                break;
            }
        }
    }

    /// Ends all connections: what is queued goes out, and no more.
    fn flush(&mut self, now: Time) -> Phase {
        self.net.close_all(now);
        Phase::Flushing(now + FLUSH_LIMIT)
    }
}
