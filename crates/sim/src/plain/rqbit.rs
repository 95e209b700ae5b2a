//! rqbit 9 (BEP 3, 10).
//!
//! Pieces in the content's order, one peer for each, 128 requests ahead: all of a swarm want the same pieces at the same
//! time, and the source sends almost everything to everybody. Whoever is interested is unchoked, for good. It does not
//! speak the fast extension and hangs up on its messages; it never tells a peer of a piece that the peer has, so a source
//! does not learn what arrived; with nothing to ask it looks at haves only every 5 s; a piece that takes too long is
//! asked of another peer too.
//!
//! `namespace --plain rqbit` gives 8.0 times the bound and 8.0 copies; real ones had not finished after 7.9 copies.
use super::habits::{Choice, EndGame, Habits, Haves, Moment, Queue, Sharing, Slots, Starved};
use std::time::Duration;

/// The habits of rqbit.
pub(crate) fn habits() -> Habits {
    Habits {
        id: b"-rQ9010-",
        name: "rqbit 9.1.0",
        fast: false,
        reqq: Some(250),
        conns: 50,
        choice: Choice::InOrder,
        sharing: Sharing::Alone,
        queue: Queue::Fixed(128),
        asks: Moment::AtOnce,
        end_game: EndGame::Steal(Duration::from_secs(10)),
        starved: Starved::Looks(Duration::from_secs(5)),
        heeds_suggest: false,
        interest: Moment::AtOnce,
        haves: Haves::AtOnce,
        tells_holders: false,
        tick: Duration::from_secs(1),
        patience: Duration::from_secs(60),
        slots: Slots::Interested,
        idle: None,
        flicker: None,
    }
}
