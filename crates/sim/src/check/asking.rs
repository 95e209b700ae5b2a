//! Whether a peer asks as it may (BEP 3, 6, 10): the account of its requests.
//!
//! A request is outstanding from REQUEST until the block, a REJECT, our CANCEL, their CHOKE, or the end of the
//! connection. Blocks that come later are nobody's fault.
use crate::bits::Bits;
use crate::check::blocks::BlockSet;
use crate::check::violation::{Finding, Rule, ensure};
use crate::content::Content;
use std::collections::BTreeSet;
use std::hint::black_box;
use teem_swarm::conn_map::ConnMap;
use teem_swarm::ids::ConnId;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};
use teem_wire::peer::message::Message;

/// How many requests a peer takes that did not say (the default of most clients).
const REQQ_UNKNOWN: u32 = 250;
/// Most requests outstanding at one peer, whatever it says.
const REQUESTS_MAX: usize = 4096;
/// Of how many peers one block may be asked at a time.
const ASKED_MAX: u8 = 2;
/// HAVEs that are kept before they are entered. Each touches memory of its own; entered together they don't wait for it one by one.
const HEARD_MAX: usize = 256;

/// The account of one peer's requests.
#[derive(Debug)]
pub(crate) struct Asking {
    content: Content,
    conns: ConnMap<Asked>,
    asked_of: Counts,
    /// HAVEs that are not among what is `shown` yet, in their order.
    heard: Vec<(ConnId, u32)>,
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
    pub(crate) fn new(content: Content) -> Self {
        Self { asked_of: Counts::new(&content), conns: ConnMap::new(), heard: Vec::new(), content }
    }

    /// A connection began.
    pub(crate) fn opened(&mut self, conn: ConnId) {
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

    /// Reads ahead what is known of a connection.
    pub(crate) fn approach(&self, conn: ConnId) {
        black_box((
            self.heard.len(),
            self.conns.get(&conn).map(|asked| (asked.shown.count(), asked.outstanding.len())),
        ));
    }

    /// A connection ended; gives the bytes of requests that were outstanding.
    pub(crate) fn closed(&mut self, conn: ConnId) -> u64 {
        self.enter();
        let Some(asked) = self.conns.remove(&conn) else { return 0 };
        for &at in &asked.outstanding {
            self.asked_of.release(at);
        }
        asked.outstanding.iter().map(|at| u64::from(at.len)).sum()
    }

    /// The process ended.
    pub(crate) fn clear(&mut self) {
        self.conns.clear();
        self.heard.clear();
        self.asked_of = Counts::new(&self.content);
    }

    /// The other side said something; gives the bytes of requests that it will not answer.
    pub(crate) fn heard(&mut self, conn: ConnId, message: &Message) -> u64 {
        match message {
            Message::Have(piece) => {
                self.heard.push((conn, *piece));
                if self.heard.len() == HEARD_MAX {
                    self.enter();
                }
                return 0;
            }
            Message::Bitfield(_) | Message::HaveAll | Message::HaveNone | Message::DontHave { .. } => self.enter(),
            _ => {}
        }
        let Some(asked) = self.conns.get_mut(&conn) else { return 0 };
        match message {
            Message::Bitfield(bits) => asked.shown.read(bits),
            Message::HaveAll => asked.shown.fill(self.content.pieces(), true),
            Message::HaveNone => asked.shown.fill(self.content.pieces(), false),
            Message::DontHave { piece, .. } => asked.shown.set(*piece, false),
            Message::AllowedFast(piece) => {
                asked.allowed_fast.insert(*piece);
            }
            Message::ExtendedHandshake(hello) => asked.reqq = hello.reqq.unwrap_or(asked.reqq),
            Message::Unchoke => asked.unchoked = true,
            Message::Choke => {
                asked.unchoked = false;
                let gone = std::mem::take(&mut asked.outstanding);
                for &at in &gone {
                    self.asked_of.release(at);
                }
                return gone.iter().map(|at| u64::from(at.len)).sum();
            }
            Message::Reject(at) => return if self.settled(conn, *at) { u64::from(at.len) } else { 0 },
            _ => {}
        }
        0
    }

    /// Enters the HAVEs that were kept.
    fn enter(&mut self) {
        for (conn, piece) in self.heard.drain(..) {
            if let Some(asked) = self.conns.get_mut(&conn) {
                asked.shown.set(piece, true);
            }
        }
    }

    /// A block came; says whether it was asked for.
    pub(crate) fn settled(&mut self, conn: ConnId, at: BlockRef) -> bool {
        let was = self.conns.get_mut(&conn).is_some_and(|asked| asked.outstanding.remove(&at));
        if was {
            self.asked_of.release(at);
        }
        was
    }

    /// Whether blocks of a piece are outstanding.
    pub(crate) fn pending(&self, piece: u32) -> bool {
        self.asked_of.of_piece(piece) > 0
    }

    /// What a peer has shown, and whether it chokes us.
    pub(crate) fn heard_of(&mut self, conn: ConnId) -> Option<(u32, bool)> {
        self.enter();
        self.conns.get(&conn).map(|asked| (asked.shown.count(), !asked.unchoked))
    }

    /// How many of those connected have shown each piece.
    pub(crate) fn availability(&mut self) -> Vec<u16> {
        self.enter();
        let mut sums = vec![0; self.content.pieces() as usize];
        for piece in self.conns.values().flat_map(|asked| asked.shown.iter()) {
            if let Some(sum) = sums.get_mut(piece as usize) {
                *sum += 1;
            }
        }
        sums
    }

    /// Notes a request that we send, and whether it may be sent.
    pub(crate) fn request(&mut self, conn: ConnId, at: BlockRef, verified: &Bits) -> Finding {
        if self.conns.get(&conn).is_some_and(|asked| !asked.shown.has(at.piece)) {
            self.enter();
        }
        let Some(asked) = self.conns.get_mut(&conn) else { return Ok(()) };
        ensure(self.content.is_block(at), Rule::Request, || format!("asks for {at:?}, which is no block"))?;
        ensure(!verified.has(at.piece), Rule::Request, || format!("asks for {at:?}, which it has"))?;
        ensure(asked.shown.has(at.piece), Rule::Request, || format!("asks for {at:?}, which was not shown"))?;
        ensure(asked.unchoked || asked.allowed_fast.contains(&at.piece), Rule::Request, || {
            format!("asks for {at:?} while choked")
        })?;
        ensure(asked.outstanding.insert(at), Rule::Request, || format!("asks for {at:?} again"))?;
        let count = self.asked_of.add(at);
        ensure(count <= ASKED_MAX, Rule::Duplicate, || format!("asks {count} peers for {at:?}"))?;
        let limit = REQUESTS_MAX.min(asked.reqq as usize);
        let outstanding = asked.outstanding.len();
        ensure(outstanding <= limit, Rule::RequestLimit, || {
            format!("has {outstanding} requests at a peer that takes {limit}")
        })
    }
}

/// Of how many peers each block is asked.
#[derive(Debug)]
struct Counts {
    blocks: Vec<u8>,
    pieces: Vec<u32>,
    blocks_per_piece: u32,
}

impl Counts {
    fn new(content: &Content) -> Self {
        let (pieces, blocks_per_piece) = (content.pieces() as usize, content.blocks_max());
        Self { blocks: vec![0; pieces * blocks_per_piece as usize], pieces: vec![0; pieces], blocks_per_piece }
    }

    /// How many requests for blocks of a piece are outstanding.
    fn of_piece(&self, piece: u32) -> u32 {
        self.pieces[piece as usize]
    }

    /// One more peer is asked for a block of the content; how many that makes.
    fn add(&mut self, at: BlockRef) -> u8 {
        self.pieces[at.piece as usize] += 1;
        let count = &mut self.blocks[(at.piece * self.blocks_per_piece + at.begin / BLOCK_LEN) as usize];
        *count += 1;
        *count
    }

    /// One peer less is.
    fn release(&mut self, at: BlockRef) {
        self.pieces[at.piece as usize] -= 1;
        self.blocks[(at.piece * self.blocks_per_piece + at.begin / BLOCK_LEN) as usize] -= 1;
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
