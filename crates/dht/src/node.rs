//! A node of one address and family (BEP 5, 45): what it is told, what it does, and when it wants to be woken.
//!
//! ```text
//! packet(now, from, bytes)     a packet came
//! tick(now)                    the deadline is there
//! commands                     look up, announce, put, hint, …
//! poll() -> Option<Act>        until there is none, after each of those
//! deadline() -> Option<Time>   when to tick
//! ```
use crate::act::Act;
use crate::announces::Announces;
use crate::ground::{Counts, Ground, Settings, VERSION};
use crate::id::Id;
use crate::krpc::decode::{DecodeError, Limits, decode};
use crate::krpc::message::{Body, Contact, Message, Method, Query, Response};
use crate::lookup::running::{Lookups, Port};
use crate::lookup::{Item, LookupId, Question, Then};
use crate::outside::Wins;
use crate::secure;
use crate::served::{Asker, Kept, Served, Us};
use crate::transactions::{Open, Purpose, Silence};
use crate::upkeep::Upkeep;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use teem_basis::rng::Rng;
use teem_basis::time::Time;
use teem_wire::compact::Family;
use teem_wire::reach::Reach;

/// A machine of packets and time.
#[derive(Debug)]
pub struct Node {
    ground: Ground,
    lookups: Lookups,
    upkeep: Upkeep,
    announces: Announces,
    served: Served,
}

/// How a node stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// The id that we have now; it follows from the address once that is known.
    pub id: Id,
    /// The address that the nodes see us at.
    pub outside: Option<IpAddr>,
    /// Nodes in the table.
    pub nodes: usize,
    /// Those that have answered and did not fail since.
    pub good: usize,
    /// Nodes in the whole network, as far as that can be told.
    pub network: Option<u64>,
    /// Look-ups under way.
    pub lookups: usize,
    /// Look-ups that wait for their turn.
    pub waiting: usize,
    /// Torrents that we are announced for.
    pub announced: usize,
    /// After that time an answer is late.
    pub late_after: Duration,
    /// What is kept for others.
    pub kept: Kept,
    /// What was done so far.
    pub counts: Counts,
}

impl Node {
    /// A node with the id of its last run, or with a new one. The key is 128 bits that nobody else knows.
    pub fn new(now: Time, family: Family, settings: Settings, id: Option<Id>, key: [u64; 2], mut rng: Rng) -> Self {
        let id = id.unwrap_or_else(|| Id::random(&mut rng));
        let served = Served::new(key, rng.fork(), settings.is_open);
        Self {
            ground: Ground::new(family, settings, id, rng),
            lookups: Lookups::default(),
            upkeep: Upkeep::new(now),
            announces: Announces::default(),
            served,
        }
    }

    /// The id that it has now; it follows from the address once that is known.
    pub fn id(&self) -> Id {
        self.ground.id
    }

    /// The family that it speaks.
    pub fn family(&self) -> Family {
        self.ground.family
    }

    /// How it stands.
    pub fn status(&self) -> Status {
        let (lookups, waiting) = self.lookups.counts();
        Status {
            id: self.ground.id,
            outside: self.ground.outside.address(),
            nodes: self.ground.table.len(),
            good: self.ground.table.good(),
            network: self.ground.size(),
            lookups,
            waiting,
            announced: self.announces.len(),
            late_after: self.ground.late_after(),
            kept: self.served.kept(),
            counts: self.ground.counts,
        }
    }

    /// The nodes that the next run may begin with.
    pub fn to_save(&self) -> Vec<Contact> {
        self.ground.table.to_save()
    }

    /// Nodes of the last run.
    pub fn load(&mut self, now: Time, nodes: &[Contact]) {
        for node in nodes.iter().filter(|node| Family::of(node.addr.ip()) == self.ground.family) {
            if node.addr.port() != 0 && Reach::of(node.addr.ip()) != Reach::Nowhere && node.id != self.ground.id {
                self.ground.table.saved(now, *node, Ground::fits(node));
            }
        }
        if self.ground.table.len() > 0 {
            self.upkeep.begin(now);
        }
        self.work(now);
    }

    /// An address that may be a node's: of a torrent's `nodes`, of a peer that sent PORT, of the list that everybody begins with.
    pub fn hint(&mut self, now: Time, addr: SocketAddr) {
        let usable =
            addr.port() != 0 && Family::of(addr.ip()) == self.ground.family && Reach::of(addr.ip()) != Reach::Nowhere;
        if usable && self.upkeep.hint(now, addr) {
            self.lookups.hint(now, &mut self.ground, addr);
            self.work(now);
        }
    }

    /// Looks something up; `None` when too many look-ups wait.
    pub fn look_up(&mut self, now: Time, question: Question) -> Option<LookupId> {
        let id = self.lookups.begin(now, &mut self.ground, self.upkeep.hints(), question, Then::Tell);
        self.work(now);
        id
    }

    /// Stores an item at the nodes closest to its target; `None` when too many look-ups wait.
    pub fn put(&mut self, now: Time, target: Id, item: Item) -> Option<LookupId> {
        let salt = item.signature.as_ref().map_or(Vec::new(), |of| of.salt.clone());
        let question = Question::Item { target, salt };
        let then = Then::Put(item.into());
        let id = self.lookups.begin(now, &mut self.ground, self.upkeep.hints(), question, then);
        self.work(now);
        id
    }

    /// Asks one address whether a node is there.
    pub fn ping(&mut self, now: Time, addr: SocketAddr) -> LookupId {
        let id = self.lookups.name();
        self.ground.ask(now, addr, Purpose::Ping(id), Method::Ping);
        id
    }

    /// Ends a look-up; nothing more is told of it.
    pub fn cancel(&mut self, now: Time, id: LookupId) {
        self.lookups.cancel(now, &mut self.ground, self.upkeep.hints(), id);
        self.work(now);
    }

    /// From now on we are announced as a peer of that torrent, as soon as a port is known; false when there are too many.
    pub fn announce(&mut self, now: Time, info_hash: Id, seed: bool) -> bool {
        let taken = self.announces.add(now, info_hash, seed);
        self.work(now);
        taken
    }

    /// We are not announced for that torrent any more; the nodes forget us in time.
    pub fn withdraw(&mut self, now: Time, info_hash: Id) {
        if let Some(id) = self.announces.remove(info_hash) {
            self.lookups.cancel(now, &mut self.ground, self.upkeep.hints(), id);
        }
        self.work(now);
    }

    /// Where peers reach us: all torrents are announced anew when that has changed. Without it torrents are looked up and not announced.
    pub fn listens(&mut self, now: Time, port: Option<Port>) {
        if self.lookups.port != port {
            self.lookups.port = port;
            self.announces.all_again(now);
            self.work(now);
        }
    }

    /// The next thing to be done or to be told.
    pub fn poll(&mut self) -> Option<Act> {
        self.ground.acts.pop_front()
    }

    /// When [`Self::tick`] has something to do.
    pub fn deadline(&self) -> Option<Time> {
        Time::earliest([self.ground.transactions.deadline(), self.upkeep.deadline(), self.announces.deadline()])
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Time) {
        while let Some(silence) = self.ground.transactions.silent(now) {
            match silence {
                Silence::Late(addr, Purpose::Step(id)) => self.lookups.late(now, &mut self.ground, id, addr),
                Silence::Late(..) => {}
                Silence::Failed(addr, purpose) => {
                    self.ground.counts.silent += 1;
                    self.ground.table.failed(addr);
                    match purpose {
                        Purpose::Step(id) => self.lookups.failed(now, &mut self.ground, id, addr),
                        Purpose::Store(id) => self.lookups.stored(now, &mut self.ground, id, false),
                        Purpose::Ping(lookup) => self.ground.acts.push_back(Act::Pinged { lookup, answer: None }),
                        Purpose::Check => {}
                    }
                }
            }
        }
        self.work(now);
    }

    /// Holds all parts against each other: for tests and fuzzing, since it looks at everything.
    ///
    /// # Panics
    /// Where something does not agree.
    pub fn check(&self) {
        self.ground.table.check();
        self.ground.transactions.check();
        self.lookups.check(&self.ground);
    }

    /// A packet came from an address.
    pub fn packet(&mut self, now: Time, from: SocketAddr, bytes: &[u8]) {
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        if Family::of(from.ip()) == self.ground.family {
            self.read(now, from, bytes);
        }
        self.work(now);
    }

    fn read(&mut self, now: Time, from: SocketAddr, bytes: &[u8]) {
        match decode(bytes, &Limits::NODE) {
            Ok(message) => match &message.body {
                Body::Response(response) => self.answered(now, from, &message, response),
                Body::Error(_) => self.refused(now, from, message.transaction),
                Body::Query(query) => self.asked(now, from, message.transaction, query),
            },
            Err(DecodeError::BadResponse { transaction }) => self.refused(now, from, transaction),
            Err(DecodeError::BadQuery { transaction, code, why }) => {
                if let Some((asker, us)) = self.asker(now, from) {
                    let reply = self.served.refuse(now, asker, us, transaction, code, why);
                    self.reply(from, reply);
                }
            }
            Err(DecodeError::NotKrpc) => self.ground.counts.strange += 1,
        }
    }

    /// Somebody asks something.
    fn asked(&mut self, now: Time, from: SocketAddr, transaction: &[u8], query: &Query<'_>) {
        let Some((asker, us)) = self.asker(now, from) else { return };
        if !query.read_only {
            self.upkeep.visited(&self.ground, Contact { id: query.id, addr: from });
        }
        let reply = self.served.answer(now, asker, us, transaction, query, &self.ground);
        self.reply(from, reply);
    }

    /// The one that asks, if it is answered.
    fn asker(&mut self, now: Time, from: SocketAddr) -> Option<(Asker, Us<'static>)> {
        self.ground.counts.queries += 1;
        let answers = !self.ground.settings.read_only && self.served.may_ask(now, from);
        let asker = Asker { addr: from, is_known: self.ground.table.has_proven(from) };
        answers.then_some((asker, Us { id: self.ground.id, version: VERSION }))
    }

    fn reply(&mut self, to: SocketAddr, reply: Option<Vec<u8>>) {
        if let Some(bytes) = reply {
            self.ground.counts.answered += 1;
            self.ground.acts.push_back(Act::Send { to, bytes });
        }
    }

    /// A node has answered.
    fn answered(&mut self, now: Time, from: SocketAddr, message: &Message<'_>, response: &Response<'_>) {
        let Some(open) = self.closed(now, from, message.transaction) else { return };
        let contact = Contact { id: response.id, addr: from };
        if contact.id != self.ground.id {
            self.ground.table.answered(now, contact, Ground::fits(&contact));
            self.take_named(now, from.ip(), response);
        }
        if let Some(seen) = message.ip {
            let counts = self.ground.outside.vote(self.ground.family, from.ip(), seen.ip());
            if counts.is_some() {
                self.ground.acts.push_back(Act::Seen { by: from.ip(), at: seen.ip() });
            }
            if counts == Some(Wins(true)) {
                self.settle(now);
            }
        }
        match open.purpose {
            Purpose::Step(id) => self.lookups.answered(now, &mut self.ground, id, contact, response),
            Purpose::Store(id) => self.lookups.stored(now, &mut self.ground, id, true),
            Purpose::Ping(lookup) => self.ground.acts.push_back(Act::Pinged { lookup, answer: Some(contact) }),
            Purpose::Check => {}
        }
        if self.ground.table.good() == 1 {
            // The first node: what was announced to nobody is announced now.
            self.announces.failed_again(now);
        }
    }

    /// A node has refused what it was asked.
    fn refused(&mut self, now: Time, from: SocketAddr, transaction: &[u8]) {
        let Some(open) = self.closed(now, from, transaction) else { return };
        match open.purpose {
            Purpose::Step(id) => self.lookups.failed(now, &mut self.ground, id, from),
            Purpose::Store(id) => self.lookups.stored(now, &mut self.ground, id, false),
            Purpose::Ping(lookup) => self.ground.acts.push_back(Act::Pinged { lookup, answer: None }),
            Purpose::Check => self.ground.table.failed(from),
        }
    }

    /// The query that an answer belongs to.
    fn closed(&mut self, now: Time, from: SocketAddr, transaction: &[u8]) -> Option<Open> {
        let open = self.ground.transactions.end(now, from, transaction, &mut self.ground.trips);
        match open {
            Some(_) => self.ground.counts.answers += 1,
            None => self.ground.counts.strange += 1,
        }
        open
    }

    /// Nodes that are named take free places until they are asked.
    fn take_named(&mut self, now: Time, by: IpAddr, response: &Response<'_>) {
        let named = if self.ground.family == Family::V4 { &response.nodes } else { &response.nodes6 };
        for node in named.iter().flatten() {
            if self.ground.may_ask(by, node) && self.ground.table.wants(node) {
                self.ground.table.saved(now, *node, Ground::fits(node));
            }
        }
    }

    /// Our address is known: if our id does not fit it, we take one that does (BEP 42).
    fn settle(&mut self, now: Time) {
        let Some(ip) = self.ground.outside.address() else { return };
        if !secure::fits(self.ground.id, ip) {
            let id = secure::id_for(ip, &mut self.ground.rng);
            self.ground.id = id;
            self.ground.table.rebase(id);
            self.upkeep.moved(now);
        }
    }

    /// Does all that is due.
    fn work(&mut self, now: Time) {
        self.upkeep.tick(now, &mut self.ground, &mut self.lookups);
        self.lookups.fill(now, &mut self.ground, self.upkeep.hints());
        self.note_announced(now);
        while let Some((info_hash, seed)) = self.announces.next(now) {
            let question = Question::Peers { info_hash, no_seeds: seed, scrape: false };
            let then = Then::Announce { seed };
            let id = self.lookups.begin(now, &mut self.ground, self.upkeep.hints(), question, then);
            self.announces.began(now, info_hash, id);
            self.note_announced(now);
        }
    }

    /// Those whose look-ups have ended come again in their time.
    fn note_announced(&mut self, now: Time) {
        for told in self.lookups.announced() {
            self.announces.done(now, told, &mut self.ground.rng);
        }
    }
}
