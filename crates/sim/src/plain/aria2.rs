//! aria2 1.36 (BEP 3, 6, 10; its documented defaults).
//!
//! Rarest first, one peer for each piece until nothing is left to begin; then everybody is asked for everything that is
//! missing. Six requests at first, twice as many whenever a quarter of them is answered at once, up to 256. Three slots
//! for those who gave lately and one by chance, a round every 10 s; as a seed it favours who was unchoked last. Haves go
//! out in packs of twenty or after 10 s. It hangs up on whoever it has nothing to do with for 30 s, on connections where
//! nothing moves for a minute, and on two choke changes within 5 s.
//!
//! `namespace --plain aria2` gives 1.44 to 1.80 times the bound and 1.29 to 1.37 copies until all is
//! out (seeds 1 to 3); real ones took 1.50 times.
use super::habits::{Choice, EndGame, Habits, Haves, Moment, Queue, Seeding, Sharing, Slots, Starved};
use std::time::Duration;

/// The habits of aria2.
pub(crate) fn habits() -> Habits {
    Habits {
        id: b"A2-1-36-",
        name: "aria2/1.36.0",
        fast: true,
        reqq: Some(250),
        conns: 55,
        choice: Choice::Rarest { random: 0 },
        sharing: Sharing::Alone,
        queue: Queue::Doubling { first: 6, max: 256 },
        asks: Moment::AtOnce,
        end_game: EndGame::Copies(8),
        starved: Starved::Waits,
        heeds_suggest: false,
        interest: Moment::AtOnce,
        haves: Haves::Packed(20, Duration::from_secs(10)),
        tells_holders: true,
        tick: Duration::from_secs(1),
        patience: Duration::from_secs(60),
        slots: Slots::Rounds {
            earned: 3,
            random: 1,
            random_rounds: 3,
            every: Duration::from_secs(10),
            refilled: false,
            open_handed: false,
            seeding: Seeding::Latest,
        },
        idle: Some(Duration::from_secs(30)),
        flicker: Some(Duration::from_secs(5)),
    }
}
