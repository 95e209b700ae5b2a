//! The checkers of a world together (own design): one account per peer, fed with all it hears and does.
use crate::bits::Bits;
use crate::block::SimBlock;
use crate::check::asking::Asking;
use crate::check::books;
use crate::check::conduct::Bucket;
use crate::check::pool::Pool;
use crate::check::serving::Serving;
use crate::check::violation::{Finding, Rule, Violation, ensure};
use crate::content::Content;
use crate::node::Node;
use crate::scenario::Role;
use crate::storage::SimDisk;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use teem_engine::input::Input;
use teem_swarm::conn_map::ConnMap;
use teem_swarm::event::Event;
use teem_swarm::ids::ConnId;
use teem_swarm::job::{Done, Verdict};
use teem_swarm::output::CloseReason;
use teem_swarm::output::Output;
use teem_swarm::time::Time;
use teem_wire::peer::message::Message;

/// How many violations are kept; the first ones tell.
const KEPT: usize = 100;

/// The longest that a peer may have more unchoked than there are slots, after it has let everybody ask as a source: a
/// round of 10 s in which those stay that were unchoked less than 10 s ago or say only then that they are interested,
/// another round, and one to spare.
const SETTLED: Duration = Duration::from_secs(30);

/// What the checkers know of all peers of a world.
#[derive(Debug)]
pub(crate) struct Roster {
    by_ip: BTreeMap<IpAddr, u32>,
    /// Whether the peer of that number may be neither banned nor accused.
    honest: Vec<bool>,
}

impl Roster {
    /// The peers of a world, numbered by their place.
    pub(crate) fn new(nodes: &[Node]) -> Self {
        let by_ip = (0..).zip(nodes).map(|(peer, node)| (node.addr.ip(), peer)).collect();
        Self { by_ip, honest: nodes.iter().map(|node| node.spec.role.honest()).collect() }
    }
}

/// What checkers have found.
#[derive(Debug, Default)]
pub struct Findings {
    found: Vec<Violation>,
    count: u64,
    banned: Vec<(Time, u32, u32)>,
}

impl Findings {
    /// What the checkers of several parts of a world found, in the order in which spans and peers follow each other, and then what
    /// they found at the end.
    pub fn merge(parts: Vec<Self>, judged: Vec<Self>, span: Duration) -> Self {
        let mut all = Self::default();
        for part in parts {
            all.add(part);
        }
        let span = |at: Time| at.since(Time::ZERO).as_nanos() / span.as_nanos().max(1);
        all.found.sort_by_key(|one| (span(one.at), one.peer));
        all.banned.sort_by_key(|(at, by, _)| (span(*at), *by));
        for part in judged {
            all.add(part);
        }
        all.found.truncate(KEPT);
        all
    }

    fn add(&mut self, part: Self) {
        self.found.extend(part.found);
        self.count += part.count;
        self.banned.extend(part.banned);
    }

    /// The first violations.
    pub fn found(&self) -> &[Violation] {
        &self.found
    }

    /// How many violations there were in all.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The bans: when, and the numbers of the peer that bans and the one that is banned.
    pub fn banned(&self) -> &[(Time, u32, u32)] {
        &self.banned
    }
}

/// The checkers of some peers that follow each other. They go by their place among these.
#[derive(Debug)]
pub(crate) struct Checker {
    content: Content,
    roster: Arc<Roster>,
    /// The number of the first.
    first: u32,
    peers: Vec<Account>,
    now: Time,
    findings: Findings,
}

#[derive(Debug)]
struct Account {
    /// Nobody may ban or accuse it, and it completes.
    honest: bool,
    /// The rules are watched: it plays the engine.
    watched: bool,
    now: Time,
    /// Since when it has slots; `None` while it may be granting, when it shows pieces instead of choking.
    chokes: Option<Time>,
    /// Whether it has them from the start.
    always: bool,
    verified: Bits,
    /// Pieces verified by the last input.
    fresh: Vec<u32>,
    asking: Asking,
    serving: Serving,
    pool: Pool,
    remotes: ConnMap<u32>,
    up: Option<Bucket>,
    down: Option<Bucket>,
}

impl Checker {
    /// One that has seen nothing. Of `lenient` ones nobody is watched for more than that it completes.
    pub(crate) fn new(content: Content, roster: Arc<Roster>, first: u32, nodes: &[Node], lenient: bool) -> Self {
        let account = |node: &Node| {
            let role = node.spec.role;
            Account {
                honest: role.honest(),
                watched: !lenient && matches!(role, Role::Seed | Role::Downloader),
                now: Time::ZERO,
                chokes: (role != Role::Seed).then_some(Time::ZERO),
                always: role != Role::Seed,
                verified: Bits::new(content.pieces()),
                fresh: Vec::new(),
                asking: Asking::new(content.clone()),
                serving: Serving::default(),
                pool: Pool::default(),
                remotes: ConnMap::new(),
                up: node.spec.limit_up.map(Bucket::new),
                down: node.spec.limit_down.map(Bucket::new),
            }
        };
        let peers = nodes.iter().map(account).collect();
        Self { content, roster, first, peers, now: Time::ZERO, findings: Findings::default() }
    }

    /// What they found since they were asked last.
    pub(crate) fn take_findings(&mut self) -> Findings {
        std::mem::take(&mut self.findings)
    }

    /// What is noted from here on was found at that moment.
    pub(crate) fn set_now(&mut self, now: Time) {
        self.now = now;
    }

    /// A connection exists for a peer; `remote` is at its other end. Comes before the input that tells the peer.
    pub(crate) fn connected(&mut self, me: usize, conn: ConnId, remote: u32) {
        let account = &mut self.peers[me];
        account.remotes.insert(conn, remote);
        account.asking.opened(conn);
        account.serving.opened(conn);
    }

    /// The peer's process ended, or begins.
    pub(crate) fn restarted(&mut self, me: usize) {
        let account = &mut self.peers[me];
        account.remotes.clear();
        account.asking.clear();
        account.serving.clear();
        account.pool.clear();
        account.chokes = account.chokes.filter(|_| account.always);
        account.verified = Bits::new(self.content.pieces());
    }

    /// Reads ahead what is known of a connection of a peer.
    pub(crate) fn approach(&self, me: usize, conn: ConnId) {
        let account = &self.peers[me];
        black_box((account.now, account.verified.count(), account.fresh.len()));
        account.asking.approach(conn);
        account.serving.approach(conn);
    }

    /// A peer hears something.
    pub(crate) fn input(&mut self, now: Time, me: usize, input: &Input<SimBlock>) {
        self.now = now;
        let account = &mut self.peers[me];
        // Peers live through a span one after the other, so each has a present of its own.
        let backwards = now < account.now;
        account.now = now;
        let fresh = std::mem::take(&mut account.fresh);
        let late = fresh.into_iter().find(|piece| account.asking.pending(*piece));
        account.pool.input(input);
        match input {
            Input::Closed { conn, .. } => account.ended(*conn),
            Input::Message { conn, message } => {
                let lost = account.asking.heard(*conn, message);
                if let Some(bucket) = &mut account.down {
                    bucket.give_back(lost);
                }
                account.serving.heard(*conn, message);
            }
            Input::Block { conn, at, .. } => {
                account.asking.settled(*conn, *at);
            }
            Input::Disk(Done::Opened { have, .. }) => have.iter().for_each(|piece| account.verified.set(*piece, true)),
            Input::Disk(Done::Checked { piece, ok, .. }) => account.verified.set(*piece, *ok),
            Input::Disk(Done::Piece { piece, verdict: Verdict::Right, .. }) => {
                account.verified.set(*piece, true);
                account.fresh.push(*piece);
            }
            _ => {}
        }
        let late = late.map(|piece| format!("has piece {piece} and still waits for blocks of it"));
        self.note(me, late.map_or(Ok(()), |what| Err((Rule::InFlight, what))));
        self.note(me, ensure(!backwards, Rule::Time, || "hears of the past".into()));
    }

    /// A peer does something.
    pub(crate) fn output(&mut self, now: Time, me: usize, output: &Output<SimBlock>, disk: &SimDisk) {
        let account = &mut self.peers[me];
        let finding = match output {
            Output::Event(event) => self.event(now, me, event, disk),
            Output::Close { conn, why } => {
                let remote = account.remotes.get(conn).copied();
                account.ended(*conn);
                self.blamed(*why, remote)
            }
            Output::Disk(job) => account.pool.job(job, &self.content, &account.verified, disk),
            output => account.output(now, output, disk, &self.content),
        };
        self.note(me, finding);
    }

    /// Adds what others found.
    pub(crate) fn note(&mut self, me: usize, finding: Finding) {
        let Err((rule, what)) = finding else { return };
        let account = &self.peers[me];
        // Of other people's clients only this is known: they complete.
        if !account.watched && (!account.honest || rule != Rule::Liveness) {
            return;
        }
        let Findings { found, count, .. } = &mut self.findings;
        *count += 1;
        if found.len() < KEPT {
            found.push(Violation { at: self.now, peer: self.first + me as u32, rule, what });
        }
    }

    fn event(&mut self, now: Time, me: usize, event: &Event, disk: &SimDisk) -> Finding {
        match event {
            Event::Complete { .. } => ensure(disk.is_whole(), Rule::Truth, || {
                format!("says that it is complete with {} right pieces", disk.good_pieces())
            }),
            Event::PieceVerified { piece, .. } => {
                ensure(disk.is_good(*piece), Rule::Truth, || format!("took piece {piece} for right, which is wrong"))
            }
            Event::Banned { addr, why, .. } => {
                let Some(&other) = addr.ip().and_then(|ip| self.roster.by_ip.get(&ip)) else { return Ok(()) };
                if self.peers[me].watched {
                    self.findings.banned.push((now, self.first + me as u32, other));
                }
                ensure(!self.roster.honest[other as usize], Rule::Justice, || {
                    format!("bans the honest peer {other}: {why}")
                })
            }
            Event::Snapshot(told) => {
                let account = &mut self.peers[me];
                // A downloader's slots are judged when it unchokes: those it left unchoked may come to want what it has later.
                if !account.always && account.chokes.is_some_and(|since| now.since(since) >= SETTLED) {
                    account.serving.served()?;
                }
                books::agree(told, &account.verified, &mut account.asking, &account.serving)
            }
            Event::Availability { pieces, .. } => books::available(pieces, &mut self.peers[me].asking),
            _ => Ok(()),
        }
    }

    fn blamed(&self, why: CloseReason, remote: Option<u32>) -> Finding {
        let fault = matches!(
            why,
            CloseReason::Protocol(_) | CloseReason::Flood(_) | CloseReason::NotBitTorrent | CloseReason::Banned
        );
        let honest = remote.is_some_and(|remote| self.roster.honest[remote as usize]);
        ensure(!(fault && honest), Rule::Justice, || format!("closes on the honest peer {remote:?}: {why:?}"))
    }
}

impl Account {
    fn ended(&mut self, conn: ConnId) {
        self.remotes.remove(&conn);
        let lost = self.asking.closed(conn);
        if let Some(bucket) = &mut self.down {
            bucket.give_back(lost);
        }
        self.serving.closed(conn);
    }

    fn output(&mut self, now: Time, output: &Output<SimBlock>, disk: &SimDisk, content: &Content) -> Finding {
        let conn = match output {
            Output::Hello { conn, .. } | Output::Send { conn, .. } | Output::SendBlock { conn, .. } => *conn,
            _ => return Ok(()),
        };
        ensure(self.serving.is_open(conn), Rule::Connection, || {
            format!("speaks on connection {}, which is closed", conn.0)
        })?;
        match output {
            Output::Hello { .. } => self.serving.hello(conn),
            Output::SendBlock { at, data, .. } => {
                let in_limit = self.up.as_mut().is_none_or(|bucket| bucket.add(now, u64::from(at.len)));
                self.serving.block(conn, *at, &self.verified)?;
                self.pool.sent(conn, *at, *data)?;
                ensure(data.fits(*at), Rule::Truth, || format!("sends a wrong block {at:?}"))?;
                ensure(in_limit, Rule::UpLimit, || "sends more than its limit".into())
            }
            Output::Send { message: Message::Request(at), .. } => {
                let in_limit = self.down.as_mut().is_none_or(|bucket| bucket.add(now, u64::from(at.len)));
                self.asking.request(conn, *at, &self.verified)?;
                self.pool.request()?;
                ensure(in_limit, Rule::DownLimit, || "asks for more than its limit".into())
            }
            Output::Send { message, .. } => {
                if let Message::Cancel(at) = message
                    && self.asking.settled(conn, *at)
                    && let Some(bucket) = &mut self.down
                {
                    bucket.give_back(u64::from(at.len));
                }
                self.serving.message(now, conn, message, &self.verified, disk, content.pieces())?;
                if shows_all(message) {
                    self.chokes.get_or_insert(now);
                }
                if *message == Message::Unchoke && self.chokes.is_some() { self.serving.slots() } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }
}

/// Whether this is said only by who does not grant, or no more: a source shows nothing at first, and piece by piece then; when it is
/// done with that it says that it wants nothing (BEP 21).
fn shows_all(message: &Message) -> bool {
    match message {
        Message::HaveAll | Message::Bitfield(_) => true,
        Message::ExtendedHandshake(hello) => hello.upload_only == Some(true),
        _ => false,
    }
}
