//! Whether a peer asks as it may (BEP 3, 6, 10): the account of its requests.
//!
//! A request is outstanding from REQUEST until the block, a REJECT, our CANCEL, their CHOKE, or the end of the
//! connection. Blocks that come later are nobody's fault.
use crate::check::bits::Bits;
use crate::check::blocks::BlockSet;
use crate::check::violation::{Finding, Rule, ensure};
use crate::content::Content;
use std::collections::{BTreeMap, BTreeSet};
use teem_swarm::conn_map::ConnMap;
use teem_swarm::ids::ConnId;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::Message;

/// How many requests a peer takes that did not say (the default of most clients).
const REQQ_UNKNOWN: u32 = 250;
/// Most requests outstanding at one peer, whatever it says.
const REQUESTS_MAX: usize = 4096;
/// Of how many peers one block may be asked at a time.
const ASKED_MAX: u8 = 2;

/// The account of one peer's requests.
#[derive(Debug)]
pub struct Asking {
    content: Content,
    conns: ConnMap<Asked>,
    asked_of: BTreeMap<BlockRef, u8>,
}

#[derive(Debug)]
struct Asked {
    shown: Bits,
    allowed_fast: BTreeSet<u32>,
    unchoked: bool,
    reqq: u32,
    outstanding: BlockSet,
}

impl Asking {
    /// An empty account.
    pub fn new(content: Content) -> Self {
        Self { content, conns: ConnMap::new(), asked_of: BTreeMap::new() }
    }

    /// A connection began.
    pub fn opened(&mut self, conn: ConnId) {
        let shown = Bits::new(self.content.pieces());
        let asked = Asked {
            shown,
            allowed_fast: BTreeSet::new(),
            unchoked: false,
            reqq: REQQ_UNKNOWN,
            outstanding: BlockSet::default(),
        };
        self.conns.insert(conn, asked);
    }

    /// A connection ended; gives the bytes of requests that were outstanding.
    pub fn closed(&mut self, conn: ConnId) -> u64 {
        let Some(asked) = self.conns.remove(&conn) else { return 0 };
        for &at in &asked.outstanding {
            release(&mut self.asked_of, at);
        }
        asked.outstanding.iter().map(|at| u64::from(at.len)).sum()
    }

    /// The process ended.
    pub fn clear(&mut self) {
        self.conns.clear();
        self.asked_of.clear();
    }

    /// The other side said something; gives the bytes of requests that it will not answer.
    pub fn heard(&mut self, conn: ConnId, message: &Message) -> u64 {
        let Some(asked) = self.conns.get_mut(&conn) else { return 0 };
        match message {
            Message::Have(piece) => asked.shown.set(*piece, true),
            Message::Bitfield(bits) => asked.shown.read(bits),
            Message::HaveAll => asked.shown.fill(self.content.pieces(), true),
            Message::HaveNone => asked.shown.fill(self.content.pieces(), false),
            Message::AllowedFast(piece) => {
                asked.allowed_fast.insert(*piece);
            }
            Message::ExtendedHandshake(hello) => asked.reqq = hello.reqq.unwrap_or(asked.reqq),
            Message::Unchoke => asked.unchoked = true,
            Message::Choke => {
                asked.unchoked = false;
                let gone = std::mem::take(&mut asked.outstanding);
                for &at in &gone {
                    release(&mut self.asked_of, at);
                }
                return gone.iter().map(|at| u64::from(at.len)).sum();
            }
            Message::Reject(at) => return if self.settled(conn, *at) { u64::from(at.len) } else { 0 },
            _ => {}
        }
        0
    }

    /// A block came; says whether it was asked for.
    pub fn settled(&mut self, conn: ConnId, at: BlockRef) -> bool {
        let was = self.conns.get_mut(&conn).is_some_and(|asked| asked.outstanding.remove(&at));
        if was {
            release(&mut self.asked_of, at);
        }
        was
    }

    /// Whether blocks of a piece are outstanding.
    pub fn pending(&self, piece: u32) -> bool {
        let at = |piece| BlockRef { piece, begin: 0, len: 0 };
        self.asked_of.range(at(piece)..at(piece + 1)).next().is_some()
    }

    /// What a peer has shown, and whether it chokes us.
    pub fn heard_of(&self, conn: ConnId) -> Option<(u32, bool)> {
        self.conns.get(&conn).map(|asked| (asked.shown.count(), !asked.unchoked))
    }

    /// We ask.
    pub fn request(&mut self, conn: ConnId, at: BlockRef, verified: &Bits) -> Finding {
        let Some(asked) = self.conns.get_mut(&conn) else { return Ok(()) };
        ensure(self.content.is_block(at), Rule::Request, || format!("asks for {at:?}, which is no block"))?;
        ensure(!verified.has(at.piece), Rule::Request, || format!("asks for {at:?}, which it has"))?;
        ensure(asked.shown.has(at.piece), Rule::Request, || format!("asks for {at:?}, which was not shown"))?;
        ensure(asked.unchoked || asked.allowed_fast.contains(&at.piece), Rule::Request, || {
            format!("asks for {at:?} while choked")
        })?;
        ensure(asked.outstanding.insert(at), Rule::Request, || format!("asks for {at:?} again"))?;
        let count = self.asked_of.entry(at).or_default();
        *count += 1;
        ensure(*count <= ASKED_MAX, Rule::Duplicate, || format!("asks {count} peers for {at:?}"))?;
        let limit = REQUESTS_MAX.min(asked.reqq as usize);
        let outstanding = asked.outstanding.len();
        ensure(outstanding <= limit, Rule::RequestLimit, || {
            format!("has {outstanding} requests at a peer that takes {limit}")
        })
    }
}

fn release(asked_of: &mut BTreeMap<BlockRef, u8>, at: BlockRef) {
    if let Some(count) = asked_of.get_mut(&at) {
        *count -= 1;
        if *count == 0 {
            asked_of.remove(&at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use teem_swarm::rng::Rng;

    #[test]
    fn a_third_peer_asked_for_a_block_is_one_too_many() {
        let content = Content::new(2, 32_768, 0, &mut Rng::new(1));
        let at = content.block(1, 0);
        let verified = Bits::new(2);
        let mut asking = Asking::new(content);
        let mut ask = |conn: u64| {
            let conn = ConnId(conn);
            asking.opened(conn);
            asking.heard(conn, &Message::HaveAll);
            asking.heard(conn, &Message::Unchoke);
            asking.request(conn, at, &verified).map_err(|(rule, _)| rule)
        };
        assert_eq!([ask(1), ask(2), ask(3)], [Ok(()), Ok(()), Err(Rule::Duplicate)]);
    }
}
