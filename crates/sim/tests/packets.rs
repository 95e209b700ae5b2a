//! Worlds of datagrams: what is drawn from seeds ends well or in order, and the named ones reach their figures.
use teem_sim::packets::drawn;

/// Seeds of a plain run.
const SEEDS: u64 = 300;

#[test]
fn streams_arrive_whole_or_end_on_both_sides() {
    let seeds = std::env::var("TEEM_UTP_WORLDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS);
    let (mut streams, mut whole, mut gentle) = (0, 0, 0);
    for seed in 0..seeds {
        let outcome = drawn::run(seed);
        streams += outcome.streams;
        whole += outcome.whole;
        gentle += u64::from(outcome.gentle);
    }
    assert!(gentle * 20 > seeds, "{gentle} of {seeds} worlds leave the streams alone");
    assert!(whole * 2 > streams, "{whole} of {streams} arrive whole");
}
