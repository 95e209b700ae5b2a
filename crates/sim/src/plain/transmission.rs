//! Transmission 3.00 (BEP 3, 6, 10; its documented defaults).
//!
//! It acts in ticks: interest and slots every 10 s, requests twice a second (at most 250 of them, hence about 8 MB/s
//! from one peer), haves with the next request to that peer or after 10 s. What is begun comes before what is not, and
//! everybody works on it; then rarest first. Fourteen slots, given to the uninterested too while they last, one more by
//! chance for four rounds. It says that it takes 512 requests. SUGGEST is ignored.
//!
//! `namespace --plain transmission` gives 1.97 to 1.98 times the bound and 1.71 to 1.82 copies until
//! all is out (seeds 1 to 3); real ones took 2.56 times.
use super::habits::{Choice, EndGame, Habits, Haves, Moment, Queue, Seeding, Sharing, Slots, Starved};
use std::time::Duration;

/// The habits of Transmission.
pub(crate) fn habits() -> Habits {
    Habits {
        id: b"-TR3000-",
        name: "Transmission 3.00",
        fast: true,
        reqq: Some(512),
        conns: 50,
        choice: Choice::Rarest { random: 0 },
        sharing: Sharing::Together,
        queue: Queue::Rate { of: Duration::from_secs(10), min: 32, max: 250, slow_start: false },
        asks: Moment::Clock,
        end_game: EndGame::Copies(2),
        starved: Starved::Waits,
        heeds_suggest: false,
        interest: Moment::Clock,
        haves: Haves::WithOthers(Duration::from_secs(10)),
        tells_holders: true,
        tick: Duration::from_millis(500),
        patience: Duration::from_secs(90),
        slots: Slots::Rounds {
            earned: 14,
            random: 1,
            random_rounds: 4,
            every: Duration::from_secs(10),
            refilled: false,
            open_handed: true,
            seeding: Seeding::Fastest,
        },
        idle: None,
        flicker: None,
    }
}
