//! What tells one client from another (own design): the ways in which the one machine of `plain` can behave.
//!
//! Only what decides how a swarm fares is here; each client's file says why it has these habits and what they come to.
use std::time::Duration;

/// A client's ways.
#[derive(Clone, Debug)]
pub struct Habits {
    /// How its peer ids begin.
    pub id: &'static [u8; 8],
    /// What it calls itself (BEP 10 `v`); a source goes by it.
    pub name: &'static str,
    /// Whether it speaks the fast extension (BEP 6); who does not hangs up on its messages.
    pub fast: bool,
    /// The requests it says that it takes, in an extension handshake (BEP 10); `None`: it sends none.
    pub reqq: Option<u32>,
    /// It dials while it has fewer connections than this, and takes no more than this.
    pub conns: usize,
    /// Which piece it begins next.
    pub choice: Choice,
    /// How many peers work on one piece.
    pub sharing: Sharing,
    /// How many requests it keeps at a peer.
    pub queue: Queue,
    /// Whether requests follow each block, or only the tick.
    pub asks: Moment,
    /// When everything is asked of somebody.
    pub end_game: EndGame,
    /// When a peer offers nothing that is not asked already.
    pub starved: Starved,
    /// Whether it heeds SUGGEST (BEP 6).
    pub heeds_suggest: bool,
    /// Whether interest follows each message, or only the choke round.
    pub interest: Moment,
    /// When it tells of a piece.
    pub haves: Haves,
    /// Whether it tells of a piece those who have it.
    pub tells_holders: bool,
    /// How often it looks at things that nothing calls for.
    pub tick: Duration,
    /// How long requests may go without any block before they are given to others.
    pub patience: Duration,
    /// The peers that it unchokes.
    pub slots: Slots,
    /// Hangs up when neither side has been interested so long, or nothing was asked or sent for twice as long.
    pub idle: Option<Duration>,
    /// Hangs up on two choke changes within so long.
    pub flicker: Option<Duration>,
}

/// Which piece is begun next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// Any piece, at random.
    Random,
    /// The one that fewest peers have; the first so many at random.
    Rarest {
        /// Pieces that are chosen at random at the start.
        random: u32,
    },
    /// The first in the content's order.
    InOrder,
}

/// How many peers work on one piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sharing {
    /// One peer; the blocks it has not been asked for go to others only when there is no other piece.
    Preferred,
    /// One peer, alone until the end game.
    Alone,
    /// Everybody, and what is begun comes before what is not.
    Together,
}

/// How many requests are kept at a peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Queue {
    /// Always so many.
    Fixed(usize),
    /// What its rate delivers in a time.
    Rate {
        /// The time whose blocks are kept requested.
        of: Duration,
        /// At least so many.
        min: usize,
        /// At most so many.
        max: usize,
        /// Whether it grows by one with each block until the rate grows no more.
        slow_start: bool,
    },
    /// Twice as many whenever a quarter of them came within a second.
    Doubling {
        /// So many at first.
        first: usize,
        /// At most so many.
        max: usize,
    },
}

/// When something is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// With each message that may change it.
    AtOnce,
    /// Only when its clock comes round.
    Clock,
}

/// What is done when all blocks are asked of somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndGame {
    /// No block is asked twice.
    Never,
    /// A peer that owes nothing is asked for one block that another owes.
    OneIdle,
    /// Blocks are asked of so many peers at a time.
    Copies(u8),
    /// A piece that has been under way so long is asked of another peer too, at any time.
    Steal(Duration),
}

impl EndGame {
    /// Of how many peers a block is asked at most.
    pub(super) fn copies(self) -> u8 {
        match self {
            Self::Never => 1,
            Self::OneIdle | Self::Steal(_) => 2,
            Self::Copies(copies) => copies,
        }
    }
}

/// What is done when a peer offers nothing new.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Starved {
    /// The next HAVE is answered as any.
    Waits,
    /// One request only, until a block has come.
    OneRequest,
    /// HAVEs are looked at only so often.
    Looks(Duration),
}

/// When a piece is told of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Haves {
    /// When it is verified.
    AtOnce,
    /// With the next request or choke message to that peer, or after so long.
    WithOthers(Duration),
    /// When so many have gathered, or after so long.
    Packed(usize, Duration),
}

/// The peers that are unchoked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slots {
    /// Everybody, from the start.
    Everybody,
    /// Every peer that is interested.
    Interested,
    /// So many at a time, looked at round by round.
    Rounds {
        /// Peers that earn it.
        earned: usize,
        /// Peers that are given it at random.
        random: usize,
        /// How many rounds the random ones keep it.
        random_rounds: u32,
        /// Time from round to round.
        every: Duration,
        /// Whether a free slot is given as soon as somebody is interested.
        refilled: bool,
        /// Whether slots that nobody wants are given to those who are not interested.
        open_handed: bool,
        /// Which peers come first when there is nothing left to download.
        seeding: Seeding,
    },
}

/// Which peers a complete client serves first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seeding {
    /// Each in turn: a peer that has had this many pieces, and a minute, goes to the end.
    InTurn(u32),
    /// The peers that take fastest.
    Fastest,
    /// The peers that were unchoked last, for 20 s, then those that take fastest.
    Latest,
}
