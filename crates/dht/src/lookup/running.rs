//! All look-ups of a node (BEP 5, 33, 44, 51): which run, what each asks next, what its answers mean, and what is stored at its end.
use super::search::{Next, Search};
use super::{Item, Lookup, LookupId, Question, Signature, Then, Told};
use crate::act::Act;
use crate::ground::Ground;
use crate::id::Id;
use crate::item::{VALUE_MAX, is_signed, target_of_key, target_of_value};
use crate::krpc::message::{Contact, Method, Response};
use crate::transactions::Purpose;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::net::SocketAddr;
use teem_basis::time::Time;
use teem_wire::compact::Family;
use teem_wire::reach::Reach;

/// Look-ups under way at once; others wait for their turn.
const RUNNING_MAX: usize = 32;
/// Look-ups that wait: more than a client has torrents.
const WAITING_MAX: usize = 20_000;
/// Nodes of our own that a look-up begins with.
const SEEDS: usize = 16;
/// With fewer good nodes than that, addresses without an id are asked too.
const GOOD_ENOUGH: usize = 8;

/// Where we are a peer: what announces say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Port {
    /// The port that peers reach us at.
    pub port: u16,
    /// The packets of this node come from that same port, also as others see it: they may take it from there.
    pub implied: bool,
}

/// Those that run, and those that wait for their turn.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    running: BTreeMap<LookupId, Lookup>,
    /// What somebody waits for comes before what is only to be kept up.
    wanted: VecDeque<(LookupId, Question, Then)>,
    upkeep: VecDeque<(LookupId, Question, Then)>,
    last: u32,
    /// Those that have not come to their end.
    active: usize,
    /// Torrents that were announced.
    announced: Vec<Told>,
    pub(crate) port: Option<Port>,
}

impl Lookups {
    /// A name for something that is asked.
    pub(crate) fn name(&mut self) -> LookupId {
        self.last = self.last.wrapping_add(1);
        LookupId(self.last)
    }

    /// Whether a look-up waits, or has not come to its end.
    pub(crate) fn is_running(&self, id: LookupId) -> bool {
        let waits = |queue: &VecDeque<(LookupId, Question, Then)>| queue.iter().any(|(waiting, ..)| *waiting == id);
        self.running.get(&id).is_some_and(|lookup| !lookup.ended) || waits(&self.wanted) || waits(&self.upkeep)
    }

    /// The torrents that were announced since this was asked last.
    pub(crate) fn announced(&mut self) -> Vec<Told> {
        core::mem::take(&mut self.announced)
    }

    /// Those under way, and those that wait.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.active, self.wanted.len() + self.upkeep.len())
    }

    /// Begins a look-up, or lets it wait for its turn; `None` when too many wait already.
    pub(crate) fn begin(
        &mut self,
        now: Time,
        ground: &mut Ground,
        hints: &[SocketAddr],
        question: Question,
        then: Then,
    ) -> Option<LookupId> {
        if self.wanted.len() + self.upkeep.len() >= WAITING_MAX {
            return None;
        }
        let id = self.name();
        let first = matches!(then, Then::Tell | Then::Put(_));
        let queue = if first { &mut self.wanted } else { &mut self.upkeep };
        queue.push_back((id, question, then));
        self.fill(now, ground, hints);
        Some(id)
    }

    /// Ends a look-up without a word.
    pub(crate) fn cancel(&mut self, now: Time, ground: &mut Ground, hints: &[SocketAddr], id: LookupId) {
        self.wanted.retain(|(waiting, ..)| *waiting != id);
        self.upkeep.retain(|(waiting, ..)| *waiting != id);
        if self.running.remove(&id).is_some_and(|lookup| !lookup.ended) {
            self.active -= 1;
        }
        self.fill(now, ground, hints);
    }

    /// Lets those that wait begin.
    pub(crate) fn fill(&mut self, now: Time, ground: &mut Ground, hints: &[SocketAddr]) {
        while self.active < RUNNING_MAX {
            let Some((id, question, then)) = self.wanted.pop_front().or_else(|| self.upkeep.pop_front()) else {
                return;
            };
            let target = question.target();
            // Only a look-up whose target nobody else chose may teach the size, so only the others are held against it.
            let size = ground.size().filter(|_| then != Then::Learn);
            let mut search = Search::new(target, ground.width(), size);
            for contact in ground.table.closest(target, SEEDS) {
                search.know(contact, Ground::fits(&contact));
            }
            if ground.table.good() < GOOD_ENOUGH {
                for hint in hints {
                    search.know_address(*hint);
                }
            }
            self.running.insert(id, Lookup::new(now, question, then, search));
            self.active += 1;
            self.advance(now, ground, id);
        }
    }

    /// A new address is known: those that have nobody else to ask take it.
    pub(crate) fn hint(&mut self, now: Time, ground: &mut Ground, addr: SocketAddr) {
        let starving = |(_, lookup): &(&LookupId, &mut Lookup)| !lookup.ended && lookup.search.is_starving();
        let ids: Vec<LookupId> = self
            .running
            .iter_mut()
            .filter(starving)
            .map(|(id, lookup)| {
                lookup.search.know_address(addr);
                *id
            })
            .collect();
        for id in ids {
            self.advance(now, ground, id);
        }
    }

    /// A step of a look-up is answered.
    pub(crate) fn answered(
        &mut self,
        now: Time,
        ground: &mut Ground,
        id: LookupId,
        from: Contact,
        response: &Response<'_>,
    ) {
        let Some(lookup) = self.running.get_mut(&id) else { return };
        lookup.open = lookup.open.saturating_sub(1);
        lookup.answered += 1;
        let named = if ground.family == Family::V4 { &response.nodes } else { &response.nodes6 };
        let by = from.addr.ip();
        let nodes =
            named.iter().flatten().filter(|node| ground.may_ask(by, node)).map(|node| (*node, Ground::fits(node)));
        lookup.search.answered(from, Ground::fits(&from), response.token, nodes);
        found(ground, id, lookup, from, response);
        if lookup.ended {
            self.store_late(now, ground, id, from.addr);
        } else {
            self.advance(now, ground, id);
        }
        self.drop_if_over(id);
    }

    /// The answer to a step is late.
    pub(crate) fn late(&mut self, now: Time, ground: &mut Ground, id: LookupId, addr: SocketAddr) {
        if let Some(lookup) = self.running.get_mut(&id) {
            lookup.search.late(addr);
            self.advance(now, ground, id);
        }
    }

    /// A step is not answered.
    pub(crate) fn failed(&mut self, now: Time, ground: &mut Ground, id: LookupId, addr: SocketAddr) {
        if let Some(lookup) = self.running.get_mut(&id) {
            lookup.open = lookup.open.saturating_sub(1);
            lookup.search.failed(addr);
            self.announced.extend(tell(now, ground, id, lookup));
            self.advance(now, ground, id);
            self.drop_if_over(id);
        }
    }

    /// What was to be stored is taken, or not.
    pub(crate) fn stored(&mut self, now: Time, ground: &mut Ground, id: LookupId, taken: bool) {
        if let Some(lookup) = self.running.get_mut(&id) {
            lookup.open = lookup.open.saturating_sub(1);
            lookup.stored += u32::from(taken);
            self.announced.extend(tell(now, ground, id, lookup));
            self.drop_if_over(id);
        }
    }

    /// Holds the look-ups against the queries that are under way for them.
    pub(crate) fn check(&self, ground: &Ground) {
        let active = self.running.values().filter(|lookup| !lookup.ended).count();
        assert_eq!(active, self.active, "look-ups under way");
        assert!(active <= RUNNING_MAX && self.wanted.len() + self.upkeep.len() <= WAITING_MAX);
        for (id, lookup) in &self.running {
            assert_eq!(lookup.open, ground.transactions.of(*id), "{id:?} waits for queries that are not there");
            assert!(lookup.open > 0 || !lookup.ended, "{id:?} is over");
            assert!(lookup.open > 0 || !ground.transactions.has_room(), "{id:?} waits for nothing");
        }
    }

    /// Asks whom there is to ask, and ends the look-up where nobody is left.
    fn advance(&mut self, now: Time, ground: &mut Ground, id: LookupId) {
        let Some(lookup) = self.running.get_mut(&id).filter(|lookup| !lookup.ended) else { return };
        while ground.transactions.has_room() {
            match lookup.search.next() {
                Next::Ask(addr) => {
                    lookup.open += 1;
                    ground.ask(now, addr, Purpose::Step(id), method(&lookup.question, lookup.newest));
                }
                Next::Wait => return,
                Next::End => {
                    lookup.ended = true;
                    self.active -= 1;
                    self.end(now, ground, id);
                    return;
                }
            }
        }
    }

    /// The closest are known: what is to be stored is stored there.
    fn end(&mut self, now: Time, ground: &mut Ground, id: LookupId) {
        let Some(lookup) = self.running.get_mut(&id) else { return };
        if lookup.then == Then::Learn
            && let Some(size) = lookup.search.size_of_network()
        {
            ground.learn_size(size);
        }
        let closest: Vec<(SocketAddr, Vec<u8>)> = lookup
            .search
            .closest()
            .into_iter()
            .filter_map(|(contact, token)| Some((contact.addr, token?.to_vec())))
            .collect();
        for (to, token) in closest {
            store(now, ground, id, lookup, to, &token, self.port);
        }
        self.announced.extend(tell(now, ground, id, lookup));
        self.drop_if_over(id);
    }

    /// An answer came after the end: if it is one of the closest, it gets what the others got.
    fn store_late(&mut self, now: Time, ground: &mut Ground, id: LookupId, from: SocketAddr) {
        let Some(lookup) = self.running.get_mut(&id) else { return };
        let closest = lookup.search.closest();
        let token = closest.into_iter().find(|(contact, _)| contact.addr == from).and_then(|(_, token)| token);
        if let Some(token) = token.map(<[u8]>::to_vec) {
            store(now, ground, id, lookup, from, &token, self.port);
        }
    }

    fn drop_if_over(&mut self, id: LookupId) {
        if self.running.get(&id).is_some_and(|lookup| lookup.ended && lookup.open == 0) {
            self.running.remove(&id);
        }
    }
}

/// What a look-up asks.
fn method<'a>(question: &Question, newest: Option<i64>) -> Method<'a> {
    match question {
        Question::Nodes { target } => Method::FindNode { target: *target },
        Question::Peers { info_hash, no_seeds, scrape } => {
            Method::GetPeers { info_hash: *info_hash, no_seeds: *no_seeds, scrape: *scrape }
        }
        Question::Item { target, .. } => Method::Get { target: *target, seq: newest },
        Question::Samples { target } => Method::SampleInfohashes { target: *target },
    }
}

/// Passes on what an answer brings.
fn found(ground: &mut Ground, id: LookupId, lookup: &mut Lookup, from: Contact, response: &Response<'_>) {
    match &lookup.question {
        Question::Peers { info_hash, .. } => {
            let info_hash = *info_hash;
            let near = Reach::of(from.addr.ip());
            let peers = response.values.iter().flatten().copied();
            let peers = lookup.new_peers(peers.filter(|peer| peer.port() != 0 && Reach::of(peer.ip()).told_to(near)));
            if let Some(filters) = response.filters {
                lookup.merge_filters(filters.seeds, filters.peers);
            }
            if !peers.is_empty() {
                ground.acts.push_back(Act::Peers { lookup: id, info_hash, by: from.addr, peers });
            }
        }
        Question::Item { target, salt } => {
            let Some(item) = item(*target, salt, response) else { return };
            let seq = item.signature.as_ref().map(|of| of.seq);
            let is_new = seq.is_some_and(|seq| lookup.newest.is_none_or(|newest| seq > newest));
            if is_new || (seq.is_none() && lookup.newest.is_none()) {
                // An item that cannot be changed is one whatever the number.
                lookup.newest = Some(seq.unwrap_or(i64::MAX));
                ground.acts.push_back(Act::Item { lookup: id, item });
            }
        }
        Question::Samples { .. } => {
            if let Some(samples) = response.samples {
                let hashes = samples.iter().collect();
                let (held, interval_s) = (samples.held, samples.interval_s);
                ground.acts.push_back(Act::Samples { lookup: id, by: from, held, interval_s, hashes });
            }
        }
        Question::Nodes { .. } => {}
    }
}

/// The item of an answer, if it is what was looked for: its target follows from it, and its signature is right.
fn item(target: Id, salt: &[u8], response: &Response<'_>) -> Option<Item> {
    let value = response.item.value.filter(|value| value.len() <= VALUE_MAX)?;
    let signature = match (response.item.key, response.item.signature, response.item.seq) {
        (Some(key), Some(signature), Some(seq)) => {
            let right = target_of_key(key, salt) == target && is_signed(key, signature, salt, seq, value);
            Some(right.then(|| Signature { key: *key, signature: *signature, seq, cas: None, salt: salt.to_vec() })?)
        }
        _ if target_of_value(value) == target => None,
        _ => return None,
    };
    Some(Item { value: value.to_vec(), signature })
}

/// Stores at one node what the look-up was for.
fn store(
    now: Time,
    ground: &mut Ground,
    id: LookupId,
    lookup: &mut Lookup,
    to: SocketAddr,
    token: &[u8],
    port: Option<Port>,
) {
    if lookup.stores.contains(&to) || !ground.transactions.has_room() {
        return;
    }
    let method = match (&lookup.then, port) {
        (Then::Announce { seed }, Some(Port { port, implied })) => Method::AnnouncePeer {
            info_hash: lookup.question.target(),
            port,
            implied_port: implied,
            seed: *seed,
            token,
        },
        (Then::Put(item), _) => Method::Put { token, value: &item.value, signed: item.signed() },
        _ => return,
    };
    ground.ask(now, to, Purpose::Store(id), method);
    lookup.open += 1;
    lookup.stores.push(to);
}

/// Tells the owner of the end, once what was stored is taken or nothing more can come: the torrent that was announced.
fn tell(now: Time, ground: &mut Ground, id: LookupId, lookup: &mut Lookup) -> Option<Told> {
    let waits = lookup.stored < lookup.stores.len() as u32 && lookup.open > 0;
    if !lookup.ended || lookup.told || waits {
        return None;
    }
    lookup.told = true;
    let outcome = lookup.outcome(now);
    match &lookup.then {
        Then::Announce { .. } => {
            let (info_hash, stored) = (lookup.question.target(), outcome.stored);
            let met = lookup.has_peer_beside(ground.outside.address());
            ground.acts.push_back(Act::Announced { info_hash, outcome });
            return Some(Told { info_hash, stored, met });
        }
        Then::Tell | Then::Put(_) => ground.acts.push_back(Act::End { lookup: id, outcome }),
        Then::Learn => {}
    }
    None
}
