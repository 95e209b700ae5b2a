//! Everything that a torrent, and the engine that holds it, can want done (own design; BEP 3, 15): one alphabet from a decision to
//! the socket. A torrent pushes into the queue that its context carries; the engine looks at what concerns it and passes the rest on.
use crate::ask::{AskId, Question};
use crate::event::Event;
use crate::ids::{ConnId, ReadId, TorrentId};
use crate::job::{Job, ReadError};
use crate::remote::{Plan, Remote};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::Handshake;
use teem_wire::peer::message::Message;

/// One thing to be done. The host carries them out in order.
#[derive(Debug)]
pub enum Output<B> {
    /// Connect: for each way that fails `DialFailed` follows with the same torrent and remote end, until one of them says that it was the last or
    /// `Connected` comes.
    Dial {
        /// The torrent that it is done for.
        torrent: TorrentId,
        /// The peer's end.
        to: Remote,
        /// The ways to it.
        plan: Plan,
    },
    /// Send our handshake.
    Hello {
        /// The connection that it goes out on.
        conn: ConnId,
        /// Our handshake on that torrent.
        handshake: Handshake,
    },
    /// Send a message.
    Send {
        /// The connection that it goes out on.
        conn: ConnId,
        /// The message, sent as it is.
        message: Message,
    },
    /// Send a block as PIECE: `Sent` follows when its bytes have gone to the kernel.
    SendBlock {
        /// The connection that it goes out on.
        conn: ConnId,
        /// Where the block lies.
        at: BlockRef,
        /// The payload of the block.
        data: B,
    },
    /// Close a connection once what was sent before is out (2 s at most). No `Closed` follows, and no other input of it.
    Close {
        /// The connection to be closed.
        conn: ConnId,
        /// Why, for the log and the display.
        why: CloseReason,
    },
    /// Work for the storage.
    Disk(Job<B>),
    /// Ask something of the world outside: one [`Answer`](crate::ask::Answer) follows, under the same id.
    Ask {
        /// The question's name.
        id: AskId,
        /// What is asked.
        question: Question,
    },
    /// Send a UDP packet to a tracker, from the socket of the listening port (of the address's family).
    Datagram {
        /// The receiver's address.
        to: SocketAddr,
        /// The packet, at most 4 KiB.
        bytes: Vec<u8>,
    },
    /// Give the owner what it wanted to read.
    Read {
        /// As it was asked.
        id: ReadId,
        /// The content, or why there is none.
        result: Result<B, ReadError>,
    },
    /// Tell the owner.
    Event(Event),
}

/// Where handlers push outputs.
pub type Outputs<B> = VecDeque<Output<B>>;

/// Why a connection ends. A peer's fault is one of these, never an error of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// The torrent is being removed, is paused or hashed again, or the program ends.
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
