//! Sending the info dictionary to peers that came by a magnet link (BEP 9; bad-input rows 25, 27, 39).
//!
//! Requests are cheap to send and 16 KiB to answer, so each peer's are few, all of them share a budget of bytes a second, and
//! peers take turns. A peer gets a further piece only as those before it have gone to the kernel: one that asks and does not read
//! makes us hold four pieces, whatever it asks for, and one with a slow line is waited for.
use super::{METADATA_PIECE_LEN, metadata_piece_len};
use crate::ids::ConnId;
use crate::time::Time;
use alloc::collections::{BTreeMap, VecDeque};
use core::time::Duration;
use teem_wire::peer::message::MetadataMessage;

/// Requests of one peer that wait; further ones are rejected.
const QUEUED_MAX: usize = 64;
/// Peers whose requests wait; further ones are rejected.
const PEERS_MAX: usize = 80;
/// Between two pieces once the burst is used up: 1 MiB/s.
const EVERY: Duration = Duration::from_micros(15_625);
/// Pieces that may go at once.
const BURST: u32 = 64;

/// Pieces that may be on their way to the kernel for one connection: 64 KiB, a round trip of an ordinary line.
const UNSENT_MAX: u32 = 4;

/// The waiting requests of one peer.
#[derive(Debug)]
struct Queue {
    conn: ConnId,
    /// The peer's own number for `ut_metadata`.
    id: u8,
    pieces: VecDeque<u32>,
}

/// The requests of all peers of one torrent.
#[derive(Debug, Default)]
pub(crate) struct MetadataUpload {
    queues: VecDeque<Queue>,
    /// Pieces of each connection that have not gone to the kernel, where there are any.
    unsent: BTreeMap<ConnId, u32>,
    /// When the budget is whole again; each piece moves it by [`EVERY`].
    whole: Time,
}

impl MetadataUpload {
    /// A request. `size` is that of our info dictionary, `None` while we have none ourselves; `id` is the peer's number
    /// for `ut_metadata`. Returns what to say at once, if anything.
    pub(crate) fn request(&mut self, conn: ConnId, id: u8, piece: u32, size: Option<u32>) -> Option<MetadataMessage> {
        let reject = Some(MetadataMessage::Reject { piece });
        if size.and_then(|size| metadata_piece_len(size, piece)).is_none() {
            return reject;
        }
        if let Some(queue) = self.queues.iter_mut().find(|q| q.conn == conn) {
            if queue.pieces.len() >= QUEUED_MAX {
                return reject;
            }
            queue.id = id;
            queue.pieces.push_back(piece);
        } else if self.queues.len() < PEERS_MAX {
            self.queues.push_back(Queue { conn, id, pieces: VecDeque::from([piece]) });
        } else {
            return reject;
        }
        None
    }

    /// The connection is gone.
    pub(crate) fn gone(&mut self, conn: ConnId) {
        self.queues.retain(|q| q.conn != conn);
        self.unsent.remove(&conn);
    }

    /// A piece has gone to the kernel.
    pub(crate) fn sent(&mut self, conn: ConnId) {
        if let Some(unsent) = self.unsent.get_mut(&conn) {
            *unsent -= 1;
            if *unsent == 0 {
                self.unsent.remove(&conn);
            }
        }
    }

    /// Whether a connection has room for another piece.
    fn has_room(&self, conn: ConnId) -> bool {
        self.unsent.get(&conn).is_none_or(|unsent| *unsent < UNSENT_MAX)
    }

    /// The place of the queue whose turn it is.
    fn turn(&self) -> Option<usize> {
        self.queues.iter().position(|q| self.has_room(q.conn))
    }

    /// When [`Self::poll`] has something to send.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.turn().map(|_| self.whole - EVERY * (BURST - 1))
    }

    /// Sends what the budget allows, one piece of each peer in turn. `bytes` is the info dictionary as it stands;
    /// `send` gets the connection, the peer's number for `ut_metadata` and the message.
    pub(crate) fn poll(&mut self, now: Time, bytes: &[u8], mut send: impl FnMut(ConnId, u8, MetadataMessage)) {
        while self.deadline().is_some_and(|at| at <= now) {
            let Some(mut queue) = self.turn().and_then(|place| self.queues.remove(place)) else { return };
            if let Some(piece) = queue.pieces.pop_front() {
                let begin = piece as usize * METADATA_PIECE_LEN as usize;
                let end = bytes.len().min(begin + METADATA_PIECE_LEN as usize);
                let message = match bytes.get(begin..end) {
                    Some(data) => {
                        *self.unsent.entry(queue.conn).or_default() += 1;
                        MetadataMessage::Data { piece, total_size: bytes.len() as u32, data: data.to_vec() }
                    }
                    None => MetadataMessage::Reject { piece },
                };
                self.whole = self.whole.max(now) + EVERY;
                send(queue.conn, queue.id, message);
            }
            if !queue.pieces.is_empty() {
                self.queues.push_back(queue);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    fn send_due(upload: &mut MetadataUpload, now: Time, bytes: &[u8]) -> Vec<(u64, MetadataMessage)> {
        let mut out = Vec::new();
        upload.poll(now, bytes, |conn, id, message| {
            assert_eq!(u64::from(id), conn.0);
            out.push((conn.0, message));
        });
        out
    }

    #[test]
    fn row_27_pieces_past_the_end_are_rejected() {
        let mut s = MetadataUpload::default();
        for piece in [2, u32::MAX] {
            assert_eq!(s.request(ConnId(1), 1, piece, Some(20_000)), Some(MetadataMessage::Reject { piece }));
        }
        assert_eq!(s.request(ConnId(1), 1, 0, None), Some(MetadataMessage::Reject { piece: 0 }));
        assert_eq!(s.deadline(), None);
    }

    #[test]
    fn pieces_are_cut_where_they_should() {
        let mut s = MetadataUpload::default();
        let bytes: Vec<u8> = (0..20_000u32).map(|n| n as u8).collect();
        assert_eq!(s.request(ConnId(1), 1, 1, Some(20_000)), None);
        let got = send_due(&mut s, Time::ZERO, &bytes);
        let data = bytes[16_384..].to_vec();
        assert_eq!(got, [(1, MetadataMessage::Data { piece: 1, total_size: 20_000, data })]);
    }

    #[test]
    fn peers_take_turns_within_the_budget_and_queues_are_bounded() {
        let mut s = MetadataUpload::default();
        let bytes = vec![0; 100];
        let rejected = (0..100).filter(|_| s.request(ConnId(1), 1, 0, Some(100)).is_some()).count();
        assert_eq!(rejected, 36);
        for _ in 0..64 {
            assert_eq!(s.request(ConnId(2), 2, 0, Some(100)), None);
        }
        let now = Time::from_nanos(1_000_000_000_000);
        let mut got = Vec::new();
        while got.len() < BURST as usize {
            let some = send_due(&mut s, now, &bytes);
            assert!((1..=2 * UNSENT_MAX as usize).contains(&some.len()));
            for (conn, _) in &some {
                s.sent(ConnId(*conn));
            }
            got.extend(some);
        }
        assert_eq!(got.len(), BURST as usize);
        assert_eq!(got.iter().filter(|(conn, _)| *conn == 1).count(), 32);
        let next = s.deadline().unwrap();
        assert!(next > now);
        assert_eq!(send_due(&mut s, next, &bytes).len(), 1);
        s.gone(ConnId(1));
        s.gone(ConnId(2));
        assert_eq!(s.deadline(), None);
    }

    #[test]
    fn who_does_not_read_makes_us_hold_four_pieces_and_keeps_nobody_waiting() {
        let mut s = MetadataUpload::default();
        let bytes = vec![0; 100];
        let mut now = Time::from_nanos(1_000_000_000_000);
        (0..64).for_each(|_| drop(s.request(ConnId(1), 1, 0, Some(100))));
        assert_eq!(send_due(&mut s, now, &bytes).len(), 4);
        assert_eq!(s.deadline(), None, "nothing to wake up for");
        now = now + Duration::from_secs(3600);
        assert!(send_due(&mut s, now, &bytes).is_empty());
        assert_eq!(s.request(ConnId(2), 2, 0, Some(100)), None);
        let data = MetadataMessage::Data { piece: 0, total_size: 100, data: bytes.clone() };
        assert_eq!(send_due(&mut s, now, &bytes), [(2, data.clone())]);
        s.sent(ConnId(1));
        assert_eq!(send_due(&mut s, now, &bytes), [(1, data)]);
        s.gone(ConnId(1));
        s.sent(ConnId(1));
        assert_eq!((s.unsent.len(), s.deadline()), (1, None));
    }
}
