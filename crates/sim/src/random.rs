//! Scenarios drawn from a seed (own design): sizes, lines, limits, arrivals, departures and hostile peers at random.
//!
//! Each of them can complete: one seed stays and can be dialled, and nobody who must complete is so slow that the time
//! would not do. What breaks a rule here goes, with its seed, into the list of regressions.
use crate::scenario::{Arrival, Departure, Group, Role, Scenario};
use std::time::Duration;
use teem_swarm::rng::Rng;

/// The name by which the command knows them.
pub const NAME: &str = "random";
/// What they show.
pub const ABOUT: &str = "sizes, lines, limits, arrivals, departures and hostile peers drawn from the seed";

/// The scenario of that seed.
pub fn scenario(seed: u64) -> Scenario {
    let mut rng = Rng::new(seed ^ 0x005E_ED0F_5CE0_A210);
    let rng = &mut rng;
    let piece_len = pick(rng, &[16_384, 32_768, 40_000, 65_536, 131_072, 1_000]);
    let pieces = 1 + rng.below(64) as u32;
    let mut scenario = Scenario::new(NAME, ABOUT)
        .content(pieces, piece_len, rng.below(u64::from(piece_len)) as u32)
        .within(Duration::from_secs(4 * 3600))
        .with(lines(rng, Group::new(Role::Seed, 1)));
    if one_in(rng, 3) {
        let away = Departure::After(Duration::from_secs(10 + rng.below(60)));
        scenario = scenario.with(lines(rng, Group::new(Role::Seed, 1).leaving(away)));
    }
    for _ in 0..=rng.below(4) {
        let count = 1 + rng.below(6) as u32;
        scenario = scenario.with(downloaders(rng, count));
    }
    for _ in 0..rng.below(4) {
        let permille = 1 + rng.below(1000) as u32;
        let role = pick(
            rng,
            &[Role::Liar, Role::Corrupter(permille), Role::Flapper, Role::Rejecter, Role::Mute, Role::FreeRider],
        );
        let count = 1 + rng.below(3) as u32;
        scenario = scenario.with(lines(rng, Group::new(role, count)));
    }
    scenario
}

fn downloaders(rng: &mut Rng, count: u32) -> Group {
    let mut group = lines(rng, Group::new(Role::Downloader, count));
    let secs = Duration::from_secs;
    if one_in(rng, 2) {
        group = group.arriving(Arrival::Between(Duration::ZERO, secs(1 + rng.below(120))));
    }
    let life = Duration::from_millis(500 + rng.below(30_000));
    let away = Duration::from_millis(rng.below(20_000));
    group.departure = match rng.below(6) {
        0 => Departure::WhenComplete(Duration::from_millis(rng.below(5_000))),
        1 => Departure::After(life),
        // A life is long enough for a few pieces, or nobody would ever be done.
        2 => Departure::Comes { life: life + secs(10), away, crash_permille: rng.below(1001) as u32 },
        _ => Departure::Stays,
    };
    if one_in(rng, 3) {
        group.limit_down = Some(20_000 + rng.below(500_000));
    }
    if one_in(rng, 3) {
        group.limit_up = Some(2_000 + rng.below(500_000));
    }
    if one_in(rng, 4) {
        group.unclaimed_permille = rng.below(1001) as u32;
    }
    group.nat = one_in(rng, 4);
    group.magnet = one_in(rng, 4);
    group
}

fn lines(rng: &mut Rng, group: Group) -> Group {
    let up = pick(rng, &[30_000, 125_000, 1_250_000, 12_500_000]);
    let down = up * pick(rng, &[1, 2, 10]);
    let delay = Duration::from_millis(1 + rng.below(150));
    group.rates(up, down).delayed(delay / 4, delay)
}

fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.below(from.len() as u64) as usize]
}

fn one_in(rng: &mut Rng, n: u64) -> bool {
    rng.below(n) == 0
}
