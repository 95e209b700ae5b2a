//! A party that wants a target for itself: many nodes, as near to it as they may stand, that name each other and peers that do not exist.
use std::net::SocketAddr;
use std::sync::Arc;
use teem_dht::id::{ID_LEN, Id};
use teem_dht::krpc::decode::{Limits, decode};
use teem_dht::krpc::message::{Body, Contact, Message, Method, Query, Response};
use teem_dht::secure;
use teem_swarm::rng::Rng;

/// Nodes that are named in an answer.
const NAMED: usize = 8;

/// How the party chooses its ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// At the target, whatever the address.
    Anywhere,
    /// As near to the target as an id that fits the address can be (BEP 42).
    Fitting,
}

/// One of its nodes.
pub(crate) struct Sybil {
    /// The id that it has taken.
    id: Id,
    /// The target that it wants.
    target: Id,
    /// All nodes of the party.
    party: Arc<Vec<Contact>>,
}

impl Sybil {
    /// One node of a party.
    pub(crate) fn new(id: Id, target: Id, party: Arc<Vec<Contact>>) -> Self {
        Self { id, target, party }
    }

    /// The id that a node at that address takes.
    pub(crate) fn id_at(choice: Choice, target: Id, addr: SocketAddr, rng: &mut Rng) -> Id {
        let beside = |mut id: Id, from: usize, rng: &mut Rng| {
            id.0[from..ID_LEN - 1].copy_from_slice(&target.0[from..ID_LEN - 1]);
            for byte in &mut id.0[8..ID_LEN - 1] {
                *byte = rng.next_u64() as u8;
            }
            id
        };
        match choice {
            Choice::Anywhere => beside(target, 0, rng),
            Choice::Fitting => {
                let tries = (0..64).map(|_| secure::id_for(addr.ip(), rng)).collect::<Vec<_>>();
                let nearest = tries.into_iter().min_by_key(|id| id.distance(target)).unwrap_or(target);
                beside(nearest, 3, rng)
            }
        }
    }

    /// A query by which it comes into the table of a node.
    pub(crate) fn visit(&self, rng: &mut Rng) -> Vec<u8> {
        let transaction = rng.next_u64().to_be_bytes();
        let method = Method::FindNode { target: self.target };
        let query = Query { id: self.id, read_only: false, want: None, method };
        Message { transaction: &transaction[..4], version: None, ip: None, body: Body::Query(query) }.encode()
    }

    /// What it says to a query: its own party around the target, and around whatever else is asked for.
    pub(crate) fn answer(&self, from: SocketAddr, bytes: &[u8], rng: &mut Rng) -> Option<Vec<u8>> {
        let message = decode(bytes, &Limits::NODE).ok()?;
        let Body::Query(query) = &message.body else { return None };
        let named: Vec<Contact> = (0..NAMED).filter_map(|_| Some(self.party[rng.index(self.party.len())?])).collect();
        let mut response = Response { nodes: Some(named), ..Response::new(self.id) };
        let made_up: Vec<SocketAddr> =
            (0..20).map(|_| SocketAddr::from((((rng.next_u64() as u32) | 0x0100_0000).to_be_bytes(), 1))).collect();
        match query.method {
            Method::GetPeers { info_hash, .. } => {
                response.token = Some(b"token");
                response.values = (info_hash == self.target).then_some(made_up);
            }
            Method::Ping | Method::AnnouncePeer { .. } => response.nodes = None,
            _ => {}
        }
        let body = Body::Response(response);
        Some(Message { transaction: message.transaction, version: None, ip: Some(from), body }.encode())
    }
}
