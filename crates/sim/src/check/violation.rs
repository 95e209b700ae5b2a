//! What a checker found (own design).
use std::fmt;
use teem_swarm::time::Time;

/// The rule that was broken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Rule {
    /// Time never goes back, and a `Tick` at the deadline makes progress.
    Time,
    /// Messages go only to open connections, the handshake first and once, the bitfield right after it.
    Connection,
    /// At most the limit of connections at a time.
    ConnectionLimit,
    /// Only whole blocks of pieces that the other side has shown and we lack are requested, and only when it allows it.
    Request,
    /// No more requests are outstanding at a peer than it takes.
    RequestLimit,
    /// Nothing is both had and in flight: what was asked of others is cancelled when a piece is there.
    InFlight,
    /// A block is asked of two peers at most at a time.
    Duplicate,
    /// Only pieces that were verified are claimed to peers.
    Claim,
    /// What is claimed, or complete, is really right on the disk.
    Truth,
    /// A block is sent only once for each request, unchoked or allowed fast.
    Serve,
    /// Choking one peer changes at most every 10 s, and only from one state to the other.
    Choke,
    /// No more peers that are interested are unchoked than there are slots, but by a source while it grants.
    Slots,
    /// What a peer says of itself agrees with what it heard, said and verified.
    Books,
    /// A block that is handed to a peer is handed on at once, to the disk or to who asked, or let go; no more is asked for than the disk
    /// can judge.
    Pool,
    /// A limit on sending holds, with bursts of a second.
    UpLimit,
    /// A limit on receiving holds, with bursts of a second.
    DownLimit,
    /// No honest peer is banned, or accused of breaking the protocol.
    Justice,
    /// Each event of the tracker's protocol is said once.
    Tracker,
    /// A swarm with a whole copy completes.
    Liveness,
}

/// One breach of a rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The moment at which it was seen.
    pub at: Time,
    /// The number of the peer that broke the rule.
    pub peer: u32,
    /// The rule that was broken.
    pub rule: Rule,
    /// What the peer did, for people.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.at.nanos() / 1_000_000;
        write!(f, "{}.{:03} s, peer {}: {:?}: {}", ms / 1000, ms % 1000, self.peer, self.rule, self.what)
    }
}

/// What one look at an event found: usually nothing.
pub(crate) type Finding = Result<(), (Rule, String)>;

/// Nothing wrong if `ok`; else the rule and what happened.
pub(crate) fn ensure(ok: bool, rule: Rule, what: impl FnOnce() -> String) -> Finding {
    if ok { Ok(()) } else { Err((rule, what())) }
}
