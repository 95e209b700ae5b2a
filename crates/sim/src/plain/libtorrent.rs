//! libtorrent 2, which is qBittorrent's and Deluge's too (BEP 3, 6, 10; its documented defaults).
//!
//! Rarest first after four random pieces; a fast peer is given whole pieces, and helps with others' only when there is
//! nothing else. Three seconds' worth of requests, growing by one with each block at first; with nothing left to ask it
//! falls back to one, which is why a source must not show too little at a time. Eight slots, one of them by chance, a
//! round every 15 s; a slot that is free is given at once. A seed's slots go round after 20 pieces and a minute.
//!
//! `namespace --plain libtorrent` gives 1.39 to 1.42 times the bound and 1.38 to 1.41 copies until
//! all is out (seeds 1 to 3); real ones took 1.73 times.
use super::habits::{Choice, EndGame, Habits, Haves, Moment, Queue, Seeding, Sharing, Slots, Starved};
use std::time::Duration;

/// The habits of libtorrent.
pub(crate) fn habits() -> Habits {
    Habits {
        id: b"-LT2110-",
        name: "libtorrent/2.1.1.0",
        fast: true,
        reqq: Some(2_000),
        conns: 50,
        choice: Choice::Rarest { random: 4 },
        sharing: Sharing::Preferred,
        queue: Queue::Rate { of: Duration::from_secs(3), min: 2, max: 500, slow_start: true },
        asks: Moment::AtOnce,
        end_game: EndGame::OneIdle,
        starved: Starved::OneRequest,
        heeds_suggest: true,
        interest: Moment::AtOnce,
        haves: Haves::AtOnce,
        tells_holders: true,
        tick: Duration::from_secs(1),
        patience: Duration::from_secs(60),
        slots: Slots::Rounds {
            earned: 7,
            random: 1,
            random_rounds: 2,
            every: Duration::from_secs(15),
            refilled: true,
            open_handed: false,
            seeding: Seeding::InTurn(20),
        },
        idle: None,
        flicker: None,
    }
}
