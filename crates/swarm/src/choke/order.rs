//! Whose block is next when more is asked than the limit lets out, or without one the line (own design).
//!
//! Nobody waits for long that asks for something new; then comes what only we have and have not yet passed on, since the swarm waits for it; then the piece
//! that a peer has begun, because only whole pieces can be passed on; then the peer that we owe most.
use crate::ids::ConnId;
use core::cmp::Reverse;
use core::time::Duration;

/// A peer that has waited so long comes first: within five seconds every peer that may ask has a block.
const WAIT_MAX: Duration = Duration::from_secs(4);

/// A peer that waits for a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// Name of its connection.
    pub conn: ConnId,
    /// It is sent the same again and again: those that ask for something new come first, however long it waits.
    pub round: bool,
    /// For how long.
    pub waited: Duration,
    /// The block is of a piece that nobody else near us has, and has not left us.
    pub unique: bool,
    /// It is of the piece that the peer had a block of just before.
    pub goes_on: bool,
    /// What the peer is owed, in bytes.
    pub owed: i64,
}

/// The peer that is read for next.
pub fn next(waiting: impl Iterator<Item = Waiting>) -> Option<ConnId> {
    let key = |w: &Waiting| {
        let late = Some(w.waited).filter(|waited| *waited >= WAIT_MAX);
        (w.round, Reverse(late), !w.unique, !w.goes_on, Reverse(w.owed), Reverse(w.waited), w.conn)
    };
    waiting.min_by_key(key).map(|w| w.conn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn the_late_then_the_unique_then_the_piece_at_hand_then_whom_we_owe() {
        let waiting = |n: u64| Waiting {
            conn: ConnId(n),
            round: false,
            waited: Duration::from_millis(n * 10),
            unique: false,
            goes_on: false,
            owed: 0,
        };
        let mut all = [
            Waiting { waited: Duration::from_secs(4), ..waiting(5) },
            Waiting { unique: true, ..waiting(4) },
            Waiting { goes_on: true, owed: -1, ..waiting(3) },
            Waiting { owed: 10, ..waiting(0) },
            waiting(2),
            waiting(1),
            Waiting { round: true, waited: Duration::from_secs(60), ..waiting(6) },
        ]
        .to_vec();
        let mut order = Vec::new();
        while let Some(conn) = next(all.iter().copied()) {
            all.retain(|w| w.conn != conn);
            order.push(conn.0);
        }
        assert_eq!(order, [5, 4, 3, 0, 2, 1, 6]);
    }
}
