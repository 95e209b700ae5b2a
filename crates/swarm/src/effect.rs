//! What a torrent wants done (own design): pushed into a queue by its handlers, carried out by whoever owns it.
use crate::event::Event;
use crate::external::Voter;
use crate::ids::{ConnId, TorrentId};
use crate::job::Job;
use alloc::collections::VecDeque;
use alloc::string::String;
use core::net::{IpAddr, SocketAddr};
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::Handshake;
use teem_wire::peer::message::Message;
use teem_wire::tracker::announce::Announce;

/// One thing to be done.
#[derive(Debug)]
pub enum Effect<B> {
    /// Connect to a peer; answered by `connected` or `dial_failed` with the same address.
    Dial {
        /// For which torrent.
        torrent: TorrentId,
        /// Where.
        addr: SocketAddr,
    },
    /// Send our handshake.
    Hello {
        /// To whom.
        conn: ConnId,
        /// It.
        handshake: Handshake,
    },
    /// Send a message.
    Send {
        /// To whom.
        conn: ConnId,
        /// It.
        message: Message,
    },
    /// Send a block as PIECE; `sent` comes when its bytes have gone to the kernel.
    SendBlock {
        /// To whom.
        conn: ConnId,
        /// What.
        at: BlockRef,
        /// The payload.
        data: B,
    },
    /// Close a connection, after what was sent before has gone out (2 s at most). No `closed` comes for it.
    Close {
        /// Which.
        conn: ConnId,
        /// Why, for the log and the display.
        why: CloseReason,
    },
    /// Ask the disk.
    Disk(Job<B>),
    /// Announce to one tracker; answered by `tracker` with the same torrent and URL.
    Announce {
        /// For which torrent.
        torrent: TorrentId,
        /// The tracker's URL.
        url: String,
        /// What to say.
        announce: Announce,
    },
    /// Somebody has said at which address it sees us: a vote, of which all torrents hear the outcome by `seen_from_outside`.
    SeenAs {
        /// Who.
        voter: Voter,
        /// Where.
        ip: IpAddr,
    },
    /// Tell the owner.
    Event(Event),
}

/// Where handlers push effects.
pub type Effects<B> = VecDeque<Effect<B>>;

/// Why a connection ends. A peer's fault is one of these, never an error of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// The torrent is being removed, or the program ends.
    Stopping,
    /// The other side closed, or the network broke.
    Remote,
    /// Nothing came for too long (handshake 10 s, otherwise 120 s, 600 s with nothing to do).
    TimedOut,
    /// The first bytes were not the BitTorrent handshake (perhaps MSE).
    NotBitTorrent,
    /// The info-hash is not one of ours.
    UnknownTorrent,
    /// It is ourselves.
    Ourselves,
    /// The peer is connected already.
    Duplicate,
    /// Too many connections, or too many from one address.
    TooMany,
    /// Both are complete: nothing to give each other.
    BothSeeds,
    /// A message broke the protocol; the text says how.
    Protocol(&'static str),
    /// Too much of something harmless.
    Flood(&'static str),
    /// It sent corrupt data.
    Banned,
    /// It was of no use and others wait.
    Useless,
}
