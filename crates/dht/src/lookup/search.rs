//! The nodes that a look-up asks next, and when it has come to its end (BEP 5; the order, and what keeps liars out, are of own design).
//!
//! ```text
//!  named ──> Fresh ──next()──> Asked ──late()──> Late ──failed()──> Failed
//!                                │                 │
//!                                └───answered()────┴──> Answered
//! ```
//!
//! The nearest nodes are asked first, and those count whose answers are not late. It ends when the eight nearest that can be counted on have answered. One party that places nodes
//! around a target can be recognised in four ways, and such nodes are not counted, however near they are:
//! an id that does not fit its address (BEP 42); a third of one network; many more within some distance than the size of the network lets expect; named by one
//! whose other nodes do not exist. What is not counted is asked too, beside the others and less of it, since many honest nodes take any id. Where those that
//! count are still more than expected, the look-up goes on until all that lie where the closest honest ones must be have answered.
use super::candidate::{Candidate, State};
use crate::id::{Distance, Id};
use crate::krpc::message::Contact;
use alloc::vec::Vec;
use core::net::SocketAddr;

/// The nodes that hold what belongs to a target (BEP 5: K).
pub(crate) const CLOSEST: usize = 8;
/// Nodes that a look-up keeps in mind, the nearest.
const CANDIDATES_MAX: usize = 160;
/// Queries of one look-up, however many it is sent on to.
const ASKED_MAX: usize = 96;
/// Nodes taken from one answer.
const OF_ONE_ANSWER: usize = 16;
/// Nodes of one network that are counted.
const OF_ONE_NETWORK: usize = 2;
/// Queries under way to those whose ids do not fit, while others can be asked.
const UNFIT_WIDTH: usize = 2;
/// Queries in all to those, once there are enough others.
const UNFIT_MAX: usize = 12;
/// Nodes that are named by one and do not answer, until it is not believed.
const BROKEN_MAX: u32 = 3;
/// Nodes may be so many times as dense around the target as elsewhere.
const DENSE_TIMES: u128 = 4;
/// And so many more, since few may lie close by chance.
const DENSE_MORE: u128 = 2;
/// Where more than so many lie within the distance that the closest eight are expected in, somebody crowds around the target.
const CROWD: usize = 12;
/// Then all count that lie where so many are expected, which the honest eight hardly ever lie beyond.
const CROWDED_REACH: u64 = 13;
/// Up to so many.
const CROWDED_MAX: usize = 40;
/// Times that one is asked where there is nobody else to ask.
const TRIES_MAX: u8 = 3;

/// How many queries may be under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Width {
    /// To those that may still be among the closest.
    pub(crate) near: usize,
    /// In all whose answers are not late.
    pub(crate) all: usize,
}

/// Of those that may be among the closest, three in ten may be dead, and each holds its place until its answer is late: with four at once one look-up in
/// twenty waited half as long again, with eight a tenth more are asked and nothing is won.
pub(crate) const WIDTH: Width = Width { near: 6, all: 8 };

/// What is to be done next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// A query goes to that address.
    Ask(SocketAddr),
    /// Answers are waited for.
    Wait,
    /// The closest have answered, or there is nobody left.
    End,
}

/// An address whose id is not known yet: where a beginner starts.
#[derive(Debug)]
struct Unnamed {
    addr: SocketAddr,
    state: State,
    tries: u8,
}

/// One that has named nodes.
#[derive(Debug)]
struct Introducer {
    addr: SocketAddr,
    failed: u32,
    answered: u32,
}

/// A look-up's nodes.
#[derive(Debug)]
pub(crate) struct Search {
    target: Id,
    candidates: Vec<Candidate>,
    unnamed: Vec<Unnamed>,
    introducers: Vec<Introducer>,
    /// Nodes in the network, if that is known.
    size: Option<u64>,
    width: Width,
    asked: usize,
}

/// What the nodes come to, from near to far.
#[derive(Default)]
struct Standing {
    /// The nearest that is to be asked, of those that count; of those whose ids do not fit; of the rest.
    fresh: [Option<usize>; 3],
    /// On their way, of those that may be among the closest.
    pending: [usize; 3],
    /// Answers of those.
    answered: [usize; 3],
    /// Whether enough were seen.
    full: [bool; 3],
    /// How many of those that count have to answer.
    wanted: usize,
}

/// The lanes that nodes are in.
const COUNTED: usize = 0;
const UNFIT: usize = 1;
const SURPLUS: usize = 2;

impl Search {
    pub(crate) fn new(target: Id, width: Width, size: Option<u64>) -> Self {
        Self { target, candidates: Vec::new(), unnamed: Vec::new(), introducers: Vec::new(), size, width, asked: 0 }
    }

    /// Queries that were sent.
    pub(crate) fn asked(&self) -> usize {
        self.asked
    }

    /// Whether there is anybody to begin with.
    pub(crate) fn is_starving(&self) -> bool {
        !self.candidates.iter().any(Candidate::has_answered)
    }

    /// A node that we know ourselves.
    pub(crate) fn know(&mut self, contact: Contact, fits: bool) {
        self.add(contact, fits, None);
    }

    /// An address without a known id.
    pub(crate) fn know_address(&mut self, addr: SocketAddr) {
        let known = self.unnamed.iter().any(|unnamed| unnamed.addr == addr)
            || self.candidates.iter().any(|candidate| candidate.contact.addr == addr);
        if !known && self.unnamed.len() < CANDIDATES_MAX {
            self.unnamed.push(Unnamed { addr, state: State::Fresh, tries: 0 });
        }
    }

    /// What is to be done next; one that is to be asked counts as asked.
    pub(crate) fn next(&mut self) -> Next {
        let states = self.candidates.iter().map(|it| &it.state).chain(self.unnamed.iter().map(|it| &it.state));
        let on_time = states.filter(|state| **state == State::Asked).count();
        let standing = self.stand();
        if on_time < self.width.all && self.asked < ASKED_MAX {
            if let Some(at) = self.choose(&standing) {
                let candidate = &mut self.candidates[at];
                candidate.state = State::Asked;
                candidate.tries += 1;
                self.asked += 1;
                return Next::Ask(candidate.contact.addr);
            }
            let unnamed = self.unnamed.iter_mut().find(|unnamed| unnamed.state == State::Fresh);
            if let Some(unnamed) = unnamed.filter(|_| !standing.full[COUNTED]) {
                unnamed.state = State::Asked;
                unnamed.tries += 1;
                self.asked += 1;
                return Next::Ask(unnamed.addr);
            }
        }
        if standing.full[COUNTED] && standing.pending[COUNTED] + standing.pending[UNFIT] == 0 {
            return Next::End;
        }
        if on_time > 0 {
            return Next::Wait;
        }
        let enough = standing.answered[COUNTED] + standing.answered[UNFIT] >= standing.wanted;
        if enough || self.asked >= ASKED_MAX { Next::End } else { self.again() }
    }

    /// The candidate to be asked, if there is a place for it.
    fn choose(&self, standing: &Standing) -> Option<usize> {
        let [counted, unfit, surplus] = standing.fresh;
        if let Some(at) = counted.filter(|_| standing.pending[COUNTED] < self.width.near) {
            return Some(at);
        }
        let starving = counted.is_none() && !standing.full[COUNTED];
        let (width, most) = if starving { (self.width.near, ASKED_MAX) } else { (UNFIT_WIDTH, UNFIT_MAX) };
        let sent = self.candidates.iter().filter(|candidate| !candidate.fits && candidate.tries > 0).count();
        if let Some(at) = unfit.filter(|_| standing.pending[UNFIT] < width && sent < most) {
            return Some(at);
        }
        let last = starving && unfit.is_none() && standing.pending[SURPLUS] < UNFIT_WIDTH;
        surplus.filter(|_| last && standing.answered[COUNTED] + standing.answered[UNFIT] < CLOSEST)
    }

    /// There is nobody left to ask and too few have answered: packets may have been lost, so those that are late are asked once more.
    fn again(&mut self) -> Next {
        let late = |state: &State, tries: u8| *state == State::Late && tries < TRIES_MAX;
        if let Some(candidate) = self.candidates.iter_mut().find(|it| late(&it.state, it.tries)) {
            candidate.tries += 1;
            candidate.state = State::Asked;
            self.asked += 1;
            return Next::Ask(candidate.contact.addr);
        }
        if let Some(unnamed) = self.unnamed.iter_mut().find(|it| late(&it.state, it.tries)) {
            unnamed.tries += 1;
            unnamed.state = State::Asked;
            self.asked += 1;
            return Next::Ask(unnamed.addr);
        }
        let waits = self.candidates.iter().any(|candidate| candidate.state == State::Late)
            || self.unnamed.iter().any(|unnamed| unnamed.state == State::Late);
        if waits { Next::Wait } else { Next::End }
    }

    /// The answer of a node is late.
    pub(crate) fn late(&mut self, addr: SocketAddr) {
        for state in self.states(addr) {
            if *state == State::Asked {
                *state = State::Late;
            }
        }
    }

    /// A node does not answer.
    pub(crate) fn failed(&mut self, addr: SocketAddr) {
        let (introducers, candidates) = (&mut self.introducers, &mut self.candidates);
        for candidate in candidates.iter_mut().filter(|it| it.contact.addr == addr && !it.has_answered()) {
            candidate.state = State::Failed;
            if let Some(introducer) = candidate.introducer.and_then(|at| introducers.get_mut(at)) {
                introducer.failed += 1;
            }
        }
        self.unnamed.retain(|unnamed| unnamed.addr != addr);
    }

    /// A node has answered: its id, whether that fits, its token, and the nodes that it names.
    pub(crate) fn answered(
        &mut self,
        contact: Contact,
        fits: bool,
        token: Option<&[u8]>,
        nodes: impl IntoIterator<Item = (Contact, bool)>,
    ) {
        self.unnamed.retain(|unnamed| unnamed.addr != contact.addr);
        let at = self.settle(contact, fits);
        if let Some(at) = at {
            self.candidates[at].state = State::Answered(token.map(<[u8]>::to_vec));
            self.candidates[at].fits = fits;
            if let Some(introducer) = self.candidates[at].introducer.and_then(|at| self.introducers.get_mut(at)) {
                introducer.answered += 1;
            }
        }
        let introducer = self.introducer(contact.addr);
        for (node, fits) in nodes.into_iter().take(OF_ONE_ANSWER).filter(|(node, _)| node.addr != contact.addr) {
            self.add(node, fits, introducer);
        }
    }

    /// The closest that have answered, each with its token, from near to far: those that count, and what lies nearer than the last of them.
    pub(crate) fn closest(&self) -> Vec<(Contact, Option<&[u8]>)> {
        let mut out = Vec::new();
        let (wanted, mut counted, mut others) = (self.wanted(), 0, 0);
        self.walk(|_, candidate, lane| {
            if let State::Answered(token) = &candidate.state {
                let (count, most) = if lane == COUNTED { (&mut counted, wanted) } else { (&mut others, CLOSEST) };
                if *count < most {
                    out.push((candidate.contact, token.as_deref()));
                }
                *count += 1;
            }
            counted < wanted
        });
        out
    }

    /// How many nodes the network has, going by how near the closest are; not known when the look-up has not come to its end.
    pub(crate) fn size_of_network(&self) -> Option<u64> {
        let answered = self.candidates.iter().filter(|candidate| candidate.has_answered());
        let eighth = answered.map(|candidate| upper(candidate.distance)).nth(CLOSEST - 1)?;
        u64::try_from(((CLOSEST as u128) << 64) / u128::from(eighth.max(1))).ok()
    }

    fn states(&mut self, addr: SocketAddr) -> impl Iterator<Item = &mut State> {
        let candidates = self.candidates.iter_mut().filter(move |it| it.contact.addr == addr).map(|it| &mut it.state);
        let unnamed = self.unnamed.iter_mut().filter(move |it| it.addr == addr).map(|it| &mut it.state);
        candidates.chain(unnamed)
    }

    /// The place of a node that has answered, if this is its first answer. It may have been named under other ids: nobody has those there, and whatever was asked under
    /// them is answered.
    fn settle(&mut self, contact: Contact, fits: bool) -> Option<usize> {
        let here = |it: &Candidate| it.contact.addr == contact.addr;
        if self.candidates.iter().any(|it| here(it) && it.has_answered()) {
            return None;
        }
        let named = self.candidates.iter().find(|it| here(it) && it.state != State::Fresh);
        let introducer = named.or_else(|| self.candidates.iter().find(|it| here(it))).and_then(|it| it.introducer);
        self.candidates.retain(|it| !here(it) || it.contact == contact);
        if !self.candidates.iter().any(here) {
            self.add(contact, fits, introducer);
        }
        self.candidates.iter().position(|it| it.contact == contact)
    }

    fn introducer(&mut self, addr: SocketAddr) -> Option<usize> {
        let known = self.introducers.iter().position(|it| it.addr == addr);
        known.or_else(|| {
            self.introducers.push(Introducer { addr, failed: 0, answered: 0 });
            Some(self.introducers.len() - 1)
        })
    }

    fn add(&mut self, contact: Contact, fits: bool, introducer: Option<usize>) {
        // One address may be named under two ids, so that nobody hides another's by naming it wrongly; it is asked once.
        let mut same = 0;
        for known in self.candidates.iter_mut().filter(|it| it.contact.addr.ip() == contact.addr.ip()) {
            if known.contact == contact {
                known.confirmed |= known.introducer != introducer;
                return;
            }
            if known.network.is_some() {
                same += 1;
            }
            if known.contact.addr == contact.addr && known.state != State::Fresh {
                return;
            }
        }
        if same >= 2 {
            return;
        }
        let distance = contact.id.distance(self.target);
        let at = self.candidates.partition_point(|it| it.distance < distance);
        if at >= CANDIDATES_MAX {
            return;
        }
        self.candidates.insert(at, Candidate::new(contact, distance, fits, introducer));
        if self.candidates.len() > CANDIDATES_MAX {
            self.candidates.pop();
        }
    }

    /// Goes through those that have not failed, from near to far, each with its lane, as long as it is wanted.
    fn walk<'a>(&'a self, mut visit: impl FnMut(usize, &'a Candidate, usize) -> bool) {
        let mut networks: Vec<[u8; 8]> = Vec::with_capacity(2 * CLOSEST);
        let mut seen = [0u128; 2];
        for (at, candidate) in self.candidates.iter().enumerate() {
            if candidate.state == State::Failed {
                continue;
            }
            let lane = if candidate.fits { COUNTED } else { UNFIT };
            let crowd = networks.iter().filter(|network| Some(**network) == candidate.network).count();
            let surplus =
                crowd >= OF_ONE_NETWORK || self.is_broken(candidate) || self.is_dense(candidate.distance, seen[lane]);
            if !surplus {
                networks.extend(candidate.network);
                seen[lane] += 1;
            }
            if !visit(at, candidate, if surplus { SURPLUS } else { lane }) {
                return;
            }
        }
    }

    fn stand(&self) -> Standing {
        let mut standing = Standing { wanted: self.wanted(), ..Standing::default() };
        self.walk(|at, candidate, lane| {
            if !standing.full[lane] {
                match candidate.state {
                    State::Fresh if standing.fresh[lane].is_some() || self.is_asked_elsewhere(candidate) => {}
                    State::Fresh => standing.fresh[lane] = Some(at),
                    State::Asked => standing.pending[lane] += 1,
                    State::Answered(_) => standing.answered[lane] += 1,
                    State::Late | State::Failed => {}
                }
                let wanted = if lane == COUNTED { standing.wanted } else { CLOSEST };
                standing.full[lane] = standing.answered[lane] + standing.pending[lane] >= wanted;
            }
            // What lies beyond the closest eight is of no interest, whatever its id.
            !standing.full[COUNTED]
        });
        standing
    }

    /// How many of those that count have to answer: the closest, or more where somebody crowds around the target with ids that fit.
    fn wanted(&self) -> usize {
        let Some(size) = self.size.filter(|size| *size > 0) else { return CLOSEST };
        let reach = |expected: u64| u64::try_from((u128::from(expected) << 64) / u128::from(size)).unwrap_or(u64::MAX);
        let (near, far) = (reach(CLOSEST as u64), reach(CROWDED_REACH));
        let (mut crowd, mut within) = (0, 0);
        self.walk(|_, candidate, lane| {
            let distance = upper(candidate.distance);
            crowd += usize::from(lane == COUNTED && distance <= near);
            within += usize::from(lane == COUNTED && distance <= far);
            distance <= far
        });
        if crowd > CROWD { within.clamp(CLOSEST, CROWDED_MAX) } else { CLOSEST }
    }

    /// The same socket is asked under another id.
    fn is_asked_elsewhere(&self, candidate: &Candidate) -> bool {
        let addr = candidate.contact.addr;
        self.candidates.iter().any(|it| it.contact.addr == addr && it.state != State::Fresh)
    }

    /// It was named by one alone, whose nodes are not there.
    fn is_broken(&self, candidate: &Candidate) -> bool {
        let introducer = candidate.introducer.and_then(|at| self.introducers.get(at));
        let broken = introducer.is_some_and(|it| it.answered == 0 && it.failed >= BROKEN_MAX);
        broken && !candidate.confirmed && candidate.state == State::Fresh
    }

    /// There are more nodes within that distance than a network of this size has there.
    fn is_dense(&self, distance: Distance, seen: u128) -> bool {
        let expected = |size: u64| (u128::from(size) * u128::from(upper(distance)) * DENSE_TIMES) >> 64;
        self.size.is_some_and(|size| seen >= DENSE_MORE + expected(size))
    }
}

/// The first 64 bits of a distance.
fn upper(distance: Distance) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&distance.0[..8]);
    u64::from_be_bytes(bytes)
}
