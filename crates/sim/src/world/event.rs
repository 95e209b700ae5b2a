//! What can happen to a peer (own design).

/// What is to happen to a peer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// The peer appears.
    Come,
    /// Its process of that life goes.
    Go { life: u32, crash: bool },
    /// An input of its process of that life is due.
    Mail { place: u32, life: u32 },
    /// A datagram arrives at its downlink, for its process of that life.
    Datagram { place: u32, life: u32 },
    /// Its uplink has sent a batch.
    Uplink,
    /// The window of what it sends opens at one of its ends.
    Room { end: u32 },
    /// A batch arrives at its downlink.
    Arrive { end: u32 },
    /// A HAVE by itself arrives at its downlink, or has been received.
    Have { end: u32, piece: u32, received: bool },
    /// A batch has been received.
    Deliver { end: u32 },
    /// Somebody dials it, and knows that dial by a number.
    Knock { from: u32, dial: u32 },
    /// One of its dials is answered: where the other end of the connection lies.
    Answer { dial: u32, there: u32 },
    /// A connection that it closed has lingered long enough.
    Linger { end: u32 },
}
