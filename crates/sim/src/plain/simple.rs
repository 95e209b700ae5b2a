//! The plainest client (BEP 3): pieces at random, sixteen requests ahead, everybody unchoked, no extensions.
use super::habits::{Choice, EndGame, Habits, Haves, Moment, Queue, Sharing, Slots, Starved};
use std::time::Duration;

/// The habits of the plainest client.
pub fn habits() -> Habits {
    Habits {
        id: b"-PL0001-",
        name: "plain",
        fast: false,
        reqq: None,
        conns: 50,
        choice: Choice::Random,
        sharing: Sharing::Preferred,
        queue: Queue::Fixed(16),
        asks: Moment::AtOnce,
        end_game: EndGame::Never,
        starved: Starved::Waits,
        heeds_suggest: false,
        interest: Moment::AtOnce,
        haves: Haves::AtOnce,
        tells_holders: true,
        tick: Duration::from_secs(5),
        patience: Duration::from_secs(60),
        slots: Slots::Everybody,
        idle: None,
        flicker: None,
    }
}
