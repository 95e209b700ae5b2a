//! What a node answers and what it keeps for others (BEP 5, 32, 33, 44, 51), within bounds on memory, packets and bytes.
//!
//! ```text
//!  packet ──> may_ask? ──> decode ──> answer ──> fits into what strangers get? ──> reply
//!               5 a second              │                8 kB a second
//!               an address        peers, items, samples; nodes from the table
//! ```
//!
//! A reply is no longer than 1,024 bytes (BEP 32), but for one with an item, whose nodes have to make room first.
mod items;
mod limits;
mod peers;
mod samples;

use crate::id::Id;
use crate::krpc::message::{
    Body, Contact, FILTER_LEN, FilterPair, Message, Method, Query, Refusal, Response, Signed, Want, code,
};
use crate::token::Tokens;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use teem_basis::rng::Rng;
use teem_basis::time::Time;
use teem_wire::compact::Family;
use teem_wire::reach::Reach;

/// Length in bytes that a reply should not exceed (BEP 32, "Maximum packet size").
const REPLY_MAX: usize = 1_024;
/// What a response to `get_peers` has besides peers, nodes and filters, in bytes at most.
const REPLY_FRAME: usize = 150;
/// Peers in a response; more are not taken.
const VALUES_MAX: usize = 100;
/// Nodes in a response, of each family (BEP 5: K).
const NODES_MAX: usize = 8;
/// The same beside filters, which leave room for no more.
const NODES_BESIDE_FILTERS: usize = 4;
/// The same beside an item, so that the packet stays within 1,420 bytes.
const NODES_BESIDE_ITEM: usize = 2;
/// How often is looked for what is old.
const SWEPT_EACH: Duration = Duration::from_secs(60);
/// To one that did not ask before, asked from elsewhere, or too long ago.
const BAD_TOKEN: (i64, &str) = (code::PROTOCOL, "bad token");

/// From where the nodes of a response come: the routing tables.
pub trait Table {
    /// The nodes of a family that are closest to a target, the closest first; `None` where there is no table of that family.
    fn closest(&self, family: Family, target: Id) -> Option<Vec<Contact>>;
}

/// What is kept at present.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Kept {
    /// Torrents that there are peers of.
    pub torrents: usize,
    /// Peers of all of them.
    pub peers: usize,
    /// Items, of both kinds.
    pub items: usize,
}

/// The serving half of a node.
#[derive(Debug)]
pub struct Served {
    tokens: Tokens,
    rates: limits::Rates,
    peers: peers::Peers,
    items: items::Items,
    sampled: samples::Sampled,
    rng: Rng,
    swept: Time,
}

/// What each of our replies says of us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Us<'a> {
    /// The id of our node.
    pub id: Id,
    /// `v`: our program.
    pub version: &'a [u8],
}

/// The sender of a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asker {
    /// Where its packet came from, and where the reply goes.
    pub addr: SocketAddr,
    /// It has answered us before, so the address is its own.
    pub is_known: bool,
}

impl Served {
    /// From 128 bits that nobody else knows, and a generator. One that is open answers without bounds on packets and bytes: for measurements.
    pub fn new(key: [u64; 2], rng: Rng, is_open: bool) -> Self {
        Self {
            tokens: Tokens::new(key),
            rates: limits::Rates::new([key[1], key[0]], is_open),
            peers: peers::Peers::default(),
            items: items::Items::default(),
            sampled: samples::Sampled::default(),
            rng,
            swept: Time::ZERO,
        }
    }

    /// Whether a packet from this address, which is no answer to us, is looked at.
    pub fn may_ask(&mut self, now: Time, from: SocketAddr) -> bool {
        from.port() != 0 && Reach::of(from.ip()) != Reach::Nowhere && self.rates.may_ask(now, from.ip())
    }

    /// How much is kept.
    pub fn kept(&self) -> Kept {
        Kept { torrents: self.peers.hashes().len(), peers: self.peers.len(), items: self.items.len() }
    }

    /// The reply to a query, if there is one: what a stranger is sent is bounded.
    pub fn answer(
        &mut self,
        now: Time,
        asker: Asker,
        us: Us<'_>,
        transaction: &[u8],
        query: &Query<'_>,
        table: &dyn Table,
    ) -> Option<Vec<u8>> {
        self.sweep(now);
        let frame = Frame { us, transaction, to: asker.addr };
        let reply = match &query.method {
            Method::Ping => Ok(frame.response(Response::new(us.id))),
            Method::FindNode { target } | Method::Other { target: Some(target), .. } => {
                Ok(frame.response(with_nodes(us.id, asker.addr, query, *target, NODES_MAX, table)))
            }
            Method::Other { .. } => Err((code::UNKNOWN_METHOD, "unknown method")),
            Method::GetPeers { info_hash, no_seeds, scrape } => {
                let nodes = if *scrape { NODES_BESIDE_FILTERS } else { NODES_MAX };
                let response = with_nodes(us.id, asker.addr, query, *info_hash, nodes, table);
                Ok(self.peers_of(now, &frame, response, *info_hash, *no_seeds, *scrape))
            }
            Method::AnnouncePeer { info_hash, port, implied_port, seed, token } => {
                { self.announced(now, asker.addr, *info_hash, (!implied_port).then_some(*port), *seed, token) }
                    .map(|()| frame.response(Response::new(us.id)))
            }
            Method::Get { target, seq } => {
                let item = self.items.find(now, *target, *seq);
                let nodes = if item.value.is_some() { NODES_BESIDE_ITEM } else { NODES_MAX };
                let token = self.tokens.token(now, asker.addr.ip(), *target);
                let response = with_nodes(us.id, asker.addr, query, *target, nodes, table);
                Ok(frame.response(Response { token: Some(&token), item, ..response }))
            }
            Method::Put { token, value, signed } => {
                self.put(now, asker.addr, token, value, signed.as_ref()).map(|()| frame.response(Response::new(us.id)))
            }
            Method::SampleInfohashes { target } => {
                let response = with_nodes(us.id, asker.addr, query, *target, NODES_MAX, table);
                let samples = Some(self.sampled.told(now, self.peers.hashes(), &mut self.rng));
                Ok(frame.response(Response { samples, ..response }))
            }
        };
        let reply = reply.unwrap_or_else(|(code, why)| frame.refusal(code, why));
        self.sent(now, asker, reply)
    }

    /// The reply to a query that lacks something.
    pub fn refuse(
        &mut self,
        now: Time,
        asker: Asker,
        us: Us<'_>,
        transaction: &[u8],
        code: i64,
        why: &str,
    ) -> Option<Vec<u8>> {
        let reply = Frame { us, transaction, to: asker.addr }.refusal(code, why);
        self.sent(now, asker, reply)
    }

    fn sent(&mut self, now: Time, asker: Asker, reply: Vec<u8>) -> Option<Vec<u8>> {
        (asker.is_known || self.rates.may_send(now, reply.len())).then_some(reply)
    }

    fn peers_of(
        &mut self,
        now: Time,
        frame: &Frame<'_>,
        response: Response<'_>,
        info_hash: Id,
        no_seeds: bool,
        scrape: bool,
    ) -> Vec<u8> {
        let ip = frame.to.ip();
        let token = self.tokens.token(now, ip, info_hash);
        let filters = if scrape { self.peers.filters(now, info_hash) } else { None };
        let filters = filters.as_ref().map(|[seeds, peers]| FilterPair { seeds: &seeds.0, peers: &peers.0 });
        let entry = |v4, v6| if Family::of(ip) == Family::V4 { v4 } else { v6 };
        let nodes: usize = [&response.nodes, &response.nodes6].into_iter().flatten().map(Vec::len).sum();
        let taken = REPLY_FRAME + nodes * entry(26, 38) + filters.map_or(0, |_| 2 * FILTER_LEN + 20);
        let room = REPLY_MAX.saturating_sub(taken) / entry(8, 21);
        let max = room.min(VALUES_MAX);
        let values = self.peers.some(now, info_hash, ip, no_seeds, max, &mut self.rng);
        let values = values.filter(|values| !values.is_empty());
        frame.response(Response { token: Some(&token), values, filters, ..response })
    }

    fn announced(
        &mut self,
        now: Time,
        from: SocketAddr,
        info_hash: Id,
        port: Option<u16>,
        seed: bool,
        token: &[u8],
    ) -> Result<(), (i64, &'static str)> {
        if !self.tokens.is_ours(now, from.ip(), info_hash, token) {
            return Err(BAD_TOKEN);
        }
        let peer = SocketAddr::new(from.ip().to_canonical(), port.unwrap_or(from.port()));
        self.peers.announce(now, info_hash, peer, seed);
        Ok(())
    }

    fn put(
        &mut self,
        now: Time,
        from: SocketAddr,
        token: &[u8],
        value: &[u8],
        signed: Option<&Signed<'_>>,
    ) -> Result<(), (i64, &'static str)> {
        let target = items::target(value, signed).map_err(|code| (code, in_words(code)))?;
        if !self.tokens.is_ours(now, from.ip(), target, token) {
            return Err(BAD_TOKEN);
        }
        if signed.is_some() && !self.rates.may_verify(now) {
            return Err((code::SERVER, "too busy to check signatures"));
        }
        self.items.put(now, from.ip(), target, value, signed).map_err(|code| (code, in_words(code)))
    }

    fn sweep(&mut self, now: Time) {
        if now.since(self.swept) >= SWEPT_EACH {
            self.swept = now;
            self.peers.forget_the_old(now);
            self.items.forget_the_old(now);
        }
    }
}

/// What stands around each reply.
struct Frame<'a> {
    us: Us<'a>,
    transaction: &'a [u8],
    to: SocketAddr,
}

impl Frame<'_> {
    fn response(&self, response: Response<'_>) -> Vec<u8> {
        self.packet(Body::Response(response))
    }

    fn refusal(&self, code: i64, why: &str) -> Vec<u8> {
        self.packet(Body::Error(Refusal { code, text: why.as_bytes() }))
    }

    fn packet(&self, body: Body<'_>) -> Vec<u8> {
        let ip = SocketAddr::new(self.to.ip().to_canonical(), self.to.port());
        Message { transaction: self.transaction, version: Some(self.us.version), ip: Some(ip), body }.encode()
    }
}

/// A response with nodes of the families that are wanted, else of that of the packet (BEP 32).
fn with_nodes<'a>(
    id: Id,
    asker: SocketAddr,
    query: &Query<'_>,
    target: Id,
    max: usize,
    table: &dyn Table,
) -> Response<'a> {
    let own = Family::of(asker.ip());
    let want = query.want.unwrap_or(Want { v4: own == Family::V4, v6: own == Family::V6 });
    let nodes = |family: Family, is_wanted: bool| {
        let mut nodes = if is_wanted { table.closest(family, target)? } else { return None };
        let reach = Reach::of(asker.ip());
        nodes.retain(|node| node.addr != asker && Reach::of(node.addr.ip()).told_to(reach));
        nodes.truncate(max);
        Some(nodes)
    };
    Response { nodes: nodes(Family::V4, want.v4), nodes6: nodes(Family::V6, want.v6), ..Response::new(id) }
}

fn in_words(code: i64) -> &'static str {
    match code {
        code::VALUE_TOO_LONG => "value is longer than 1000 bytes",
        code::SALT_TOO_LONG => "salt is longer than 64 bytes",
        code::BAD_SIGNATURE => "signature does not fit",
        code::CAS_MISMATCH => "another sequence number is stored",
        _ => "sequence number is not newer",
    }
}
