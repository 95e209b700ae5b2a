//! How much one turn of the loop may do, and how much strangers may hold (own design; rows 44 and 71 of the list of bad inputs).
//!
//! What is left over when a budget is spent stays in a list and goes on in the next turn behind the others: nobody starves.
use core::time::Duration;

/// The scratch buffer and so the longest read, in bytes: calls of this size cost half as much a byte as those of 16 KiB.
pub(crate) const READ_LEN: usize = 256 * 1024;

/// Bytes read from all connections in one turn, so that answers and timers do not wait behind hundreds of full sockets.
pub(crate) const TURN_READ_LEN: usize = 2 * 1024 * 1024;

/// Connections accepted in one turn from one listener.
pub(crate) const ACCEPTS_PER_TURN: usize = 64;

/// How long accepting rests when descriptors or kernel memory have run out.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

/// Accepted connections that have not yet said whether they are a peer's; the oldest of the most crowded network goes when one more comes.
pub(crate) const UNDECIDED_MAX: usize = 128;

/// How long a connection may take to say what it is: one to four bytes.
pub(crate) const DECIDE_LIMIT: Duration = Duration::from_secs(5);

/// Peers' connections of which no whole handshake has come; the oldest of the most crowded network goes when one more comes.
pub(crate) const UNPROVEN_MAX: usize = 256;

/// Sockets of peers in all: dialling, connected and closing. The engine's own limit lies far below.
pub(crate) const SOCKETS_MAX: usize = 4096;

/// Bytes of messages, blocks apart, that may wait for a peer that does not read.
pub(crate) const UNREAD_MESSAGES_MAX: usize = 512 * 1024;

/// Bytes that may wait for all peers together, messages, pieces of metadata and blocks alike: twice what there is of blocks, so that the rest is a
/// bitfield of the largest torrent for 32 of them. When it is full, the holder with most of it loses a connection.
pub(crate) const UNREAD_ALL_MAX: usize = 16 * 1024 * 1024;

/// How long a closed connection may take to send what was queued.
pub(crate) const FLUSH_LIMIT: Duration = Duration::from_secs(2);

/// How soon an empty pool is asked again, should it forget to wake us.
pub(crate) const STARVED_RETRY: Duration = Duration::from_millis(20);

/// How often outputs and their consequences are worked off within one turn.
pub(crate) const ROUNDS_PER_TURN: usize = 4;

/// How long the removal of all torrents may take when the host ends.
pub(crate) const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// How long the storage may take to save what there is when the host ends by a fault.
pub(crate) const RESCUE_LIMIT: Duration = Duration::from_secs(3);
