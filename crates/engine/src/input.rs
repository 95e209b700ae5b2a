//! Everything that can happen to the engine (own design; BEP 3, 15).
use alloc::vec::Vec;
use core::net::SocketAddr;
use teem_swarm::ask::{Answer, AskId};
use teem_swarm::command::Command;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::job::Done;
use teem_swarm::output::CloseReason;
use teem_swarm::remote::{How, Remote, Via};
pub use teem_swarm::torrent::address::{DialError, PeerSource};
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::Handshake;
use teem_wire::peer::message::Message;

/// One thing that happened.
#[derive(Debug)]
pub enum Input<B> {
    /// The deadline has come.
    Tick,
    /// A dial succeeded; nothing has been sent yet.
    Connected {
        /// The connection's name, given by the host.
        conn: ConnId,
        /// For which torrent it was dialled.
        torrent: TorrentId,
        /// The other end, as it was dialled.
        remote: Remote,
        /// The way that stands.
        how: How,
        /// Our end, where the connection has an address.
        local: Option<SocketAddr>,
    },
    /// A dial, or one of its ways, came to nothing.
    DialFailed {
        /// For which torrent.
        torrent: TorrentId,
        /// The remote that was dialled.
        to: Remote,
        /// The way that was tried.
        how: How,
        /// What went wrong.
        why: DialError,
        /// No other way of that dial is tried any more.
        over: bool,
    },
    /// Somebody dialled us; nothing is known but the other end.
    Accepted {
        /// The connection's name, given by the host.
        conn: ConnId,
        /// The other end.
        remote: Remote,
        /// Our end, where the connection has an address.
        local: Option<SocketAddr>,
    },
    /// A connection ended without our asking.
    Closed {
        /// The connection that ended.
        conn: ConnId,
        /// Why, as the host saw it (remote end, decode error).
        why: CloseReason,
    },
    /// The peer's handshake.
    Hello {
        /// The connection that it came on.
        conn: ConnId,
        /// What the peer says of itself.
        handshake: Handshake,
        /// How its words come.
        via: Via,
    },
    /// A message without payload of content arrived.
    Message {
        /// The connection that it came on.
        conn: ConnId,
        /// The message as it was decoded.
        message: Message,
    },
    /// A block came as PIECE. The host has copied it into a buffer of the storage.
    Block {
        /// The connection that it came on.
        conn: ConnId,
        /// What it says it is; nothing about it has been checked but that its length is at most a block's.
        at: BlockRef,
        /// The bytes of the block, as a handle.
        data: B,
    },
    /// Payload bytes of blocks that have gone to the kernel since the last such input.
    Sent {
        /// On which connection.
        conn: ConnId,
        /// How many bytes.
        bytes: u64,
    },
    /// A metadata piece (BEP 9) has gone to the kernel, whole.
    MetadataSent {
        /// On which connection.
        conn: ConnId,
    },
    /// A UDP packet from a tracker (BEP 15), undecoded.
    Datagram {
        /// The address that sent it.
        from: SocketAddr,
        /// The packet, at most 4 KiB.
        bytes: Vec<u8>,
    },
    /// The disk answers.
    Disk(Done<B>),
    /// The answer to an `Output::Ask`. One that nothing waits for (any more) is dropped.
    Answer {
        /// The question's name.
        id: AskId,
        /// What came of it.
        answer: Answer,
    },
    /// This machine slept, or has another address than before: whoever was connected may be gone, and nobody finds us where we were.
    Moved,
    /// Whether our own address toward the world of IPv4 is one that nobody there reaches: a router stands between. Before it is said none does.
    Routed(bool),
    /// The owner asks.
    Command(Command),
}
