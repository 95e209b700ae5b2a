//! Whether a peer claims and serves as it may (BEP 3, 6): the account of what it showed and was asked.
use crate::bits::{Bits, pieces_of};
use crate::check::blocks::Blocks;
use crate::check::violation::{Finding, Rule, ensure};
use crate::storage::SimDisk;
use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::Duration;
use teem_swarm::conn_map::ConnMap;
use teem_swarm::ids::ConnId;
use teem_swarm::time::Time;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::Message;

/// Shortest time between two choke changes of one peer (aria2 aborts on two within 5 s).
const CHOKE_INTERVAL_MIN: Duration = Duration::from_secs(10);

/// Connections of one torrent; those whose handshake is not through come on top.
const CONNECTIONS_MAX: usize = 80;
/// Most peers that a downloader serves at once: fifty, and a few by chance.
const SLOTS_MAX: usize = 56;

/// The account of one peer's uploads.
#[derive(Debug, Default)]
pub(crate) struct Serving {
    conns: ConnMap<Served>,
    /// Connections on which more than a handshake was said: those that count as ours.
    spoken: usize,
}

#[derive(Debug, Default)]
struct Served {
    greeted: bool,
    /// Whether the other side is interested.
    wanted: bool,
    /// Messages sent after the handshake.
    said: u64,
    unchoked: bool,
    changed: Option<Time>,
    allowed_fast: BTreeSet<u32>,
    /// How often each block was asked and neither sent nor rejected.
    asked: Blocks<u32>,
}

impl Serving {
    /// A connection began.
    pub(crate) fn opened(&mut self, conn: ConnId) {
        self.conns.insert(conn, Served::default());
    }

    /// Reads ahead what is known of a connection.
    pub(crate) fn approach(&self, conn: ConnId) {
        black_box(self.conns.get(&conn).map(|served| (served.said, served.unchoked, served.asked.len())));
    }

    /// A connection ended.
    pub(crate) fn closed(&mut self, conn: ConnId) {
        self.spoken -= usize::from(self.conns.remove(&conn).is_some_and(|served| served.said > 0));
    }

    /// The process ended.
    pub(crate) fn clear(&mut self) {
        self.conns.clear();
        self.spoken = 0;
    }

    /// Whether a connection is open.
    pub(crate) fn is_open(&self, conn: ConnId) -> bool {
        self.conns.contains_key(&conn)
    }

    /// The other side asks.
    pub(crate) fn heard(&mut self, conn: ConnId, message: &Message) {
        if !matches!(message, Message::Request(_) | Message::Interested | Message::NotInterested) {
            return;
        }
        let Some(served) = self.conns.get_mut(&conn) else { return };
        match message {
            Message::Request(at) => *served.asked.entry(*at).or_default() += 1,
            Message::Interested => served.wanted = true,
            Message::NotInterested => served.wanted = false,
            _ => {}
        }
    }

    /// Whether we unchoke a peer.
    pub(crate) fn unchokes(&self, conn: ConnId) -> bool {
        self.conns.get(&conn).is_some_and(|served| served.unchoked)
    }

    /// At most [`SLOTS_MAX`] peers that want something are unchoked at a time, whether they use their slot or
    /// not.
    pub(crate) fn slots(&self) -> Finding {
        let taken = self.conns.values().filter(|served| served.unchoked && served.wanted).count();
        ensure(taken <= SLOTS_MAX, Rule::Slots, || format!("serves {taken} peers at once"))
    }

    /// At any time no more are served than there are slots. Who asks for nothing takes none: he may be left unchoked, and so may he who
    /// was not interested when the slots were given.
    pub(crate) fn served(&self) -> Finding {
        let asking = |served: &&Served| served.unchoked && served.wanted && !served.asked.is_empty();
        let served = self.conns.values().filter(asking).count();
        ensure(served <= SLOTS_MAX, Rule::Slots, || format!("goes on serving {served} peers"))
    }

    /// We send our handshake.
    pub(crate) fn hello(&mut self, conn: ConnId) -> Finding {
        let Some(served) = self.conns.get_mut(&conn) else { return Ok(()) };
        ensure(!std::mem::replace(&mut served.greeted, true), Rule::Connection, || "shakes hands twice".into())
    }

    /// We send a message.
    pub(crate) fn message(
        &mut self,
        now: Time,
        conn: ConnId,
        message: &Message,
        verified: &Bits,
        disk: &SimDisk,
        pieces: u32,
    ) -> Finding {
        let Some(served) = self.conns.get_mut(&conn) else { return Ok(()) };
        ensure(served.greeted, Rule::Connection, || "speaks before its handshake".into())?;
        let first = served.said == 0;
        served.said += 1;
        if first {
            self.spoken += 1;
            let spoken = self.spoken;
            ensure(spoken <= CONNECTIONS_MAX, Rule::ConnectionLimit, || format!("has {spoken} connections"))?;
        }
        let claim = |piece: u32| {
            ensure(verified.has(piece), Rule::Claim, || format!("claims piece {piece}, which was not verified"))?;
            ensure(disk.is_good(piece), Rule::Truth, || format!("claims piece {piece}, which is wrong on its disk"))
        };
        match message {
            Message::Have(piece) => claim(*piece),
            Message::Bitfield(bits) => {
                ensure(first, Rule::Connection, || "sends its bitfield late".into())?;
                pieces_of(bits).try_for_each(claim)
            }
            Message::HaveAll => {
                ensure(first, Rule::Connection, || "sends HAVE_ALL late".into())?;
                (0..pieces).try_for_each(claim)
            }
            Message::HaveNone => ensure(first, Rule::Connection, || "sends HAVE_NONE late".into()),
            Message::AllowedFast(piece) => {
                served.allowed_fast.insert(*piece);
                Ok(())
            }
            Message::Reject(at) => served.answered(*at),
            Message::Choke | Message::Unchoke => {
                let unchoke = *message == Message::Unchoke;
                ensure(served.unchoked != unchoke, Rule::Choke, || format!("says {message:?} twice"))?;
                served.unchoked = unchoke;
                let before = served.changed.replace(now);
                let since = before.map(|before| now.since(before));
                ensure(since.is_none_or(|since| since >= CHOKE_INTERVAL_MIN), Rule::Choke, || {
                    format!("says {message:?} {since:?} after the last change")
                })
            }
            _ => Ok(()),
        }
    }

    /// We send a block.
    pub(crate) fn block(&mut self, conn: ConnId, at: BlockRef, verified: &Bits) -> Finding {
        let Some(served) = self.conns.get_mut(&conn) else { return Ok(()) };
        served.said += 1;
        ensure(verified.has(at.piece), Rule::Serve, || format!("sends {at:?}, which was not verified"))?;
        ensure(served.unchoked || served.allowed_fast.contains(&at.piece), Rule::Serve, || {
            format!("sends {at:?} to a peer that it chokes")
        })?;
        served.answered(at)
    }
}

impl Served {
    fn answered(&mut self, at: BlockRef) -> Finding {
        let asked = self.asked.get_mut(&at);
        ensure(asked.is_some(), Rule::Serve, || format!("answers {at:?}, which was not asked"))?;
        if let Some(count) = asked {
            *count -= 1;
            if *count == 0 {
                self.asked.remove(&at);
            }
        }
        Ok(())
    }
}
