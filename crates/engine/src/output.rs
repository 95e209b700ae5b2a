//! Everything the engine can want done (own design; BEP 3, 15).
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use teem_swarm::effect::CloseReason;
use teem_swarm::event::Event;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::job::Job;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::Handshake;
use teem_wire::peer::message::Message;
use teem_wire::tracker::announce::Announce;

/// One thing to be done. The host carries them out in order.
#[derive(Debug)]
pub enum Output<B> {
    /// Connect: `Connected` or `DialFailed` follows with the same torrent and address.
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
    /// Send a block as PIECE: `Sent` follows when its bytes have gone to the kernel.
    SendBlock {
        /// To whom.
        conn: ConnId,
        /// What.
        at: BlockRef,
        /// The payload.
        data: B,
    },
    /// Close a connection once what was sent before is out (2 s at most). No `Closed` follows, and no other input of it.
    Close {
        /// Which.
        conn: ConnId,
        /// Why.
        why: CloseReason,
    },
    /// Work for the storage.
    Disk(Job<B>),
    /// Announce over HTTP or HTTPS: `Tracker` follows.
    Announce {
        /// For which torrent.
        torrent: TorrentId,
        /// The URL.
        url: String,
        /// What to say.
        announce: Announce,
    },
    /// Send a UDP packet to a tracker, from the socket of the listening port (of the address's family).
    Datagram {
        /// To whom.
        to: SocketAddr,
        /// The packet.
        bytes: Vec<u8>,
    },
    /// Resolve a host name (of a UDP tracker): `Resolved` follows. The egress policy is applied by the resolver.
    Resolve {
        /// The name.
        host: String,
        /// The port, handed back.
        port: u16,
    },
    /// Tell the owner.
    Event(Event),
}
