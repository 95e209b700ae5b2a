//! Worlds of datagrams: what is drawn from seeds ends well or in order, and the named ones reach their figures.
use teem_sim::packets::drawn;
use teem_sim::packets::named::{self, Figures};

/// Seeds of a plain run; `TEEM_UTP_WORLDS` says how many instead, `TEEM_UTP_FROM` which is the first.
const SEEDS: u64 = 1_000;
/// A million bytes in binary.
const MIB: u64 = 1 << 20;
/// A millisecond in microseconds.
const MS: u64 = 1_000;

#[test]
fn streams_arrive_whole_or_end_on_both_sides() {
    let seeds = std::env::var("TEEM_UTP_WORLDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS);
    let (mut streams, mut whole, mut gentle) = (0, 0, 0);
    let from = std::env::var("TEEM_UTP_FROM").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    for seed in from..seeds {
        let outcome = drawn::run(seed);
        streams += outcome.streams;
        whole += outcome.whole;
        gentle += u64::from(outcome.gentle);
    }
    assert!(gentle * 20 > seeds, "{gentle} of {seeds} worlds leave the streams alone");
    assert!(whole * 2 > streams, "{whole} of {streams} arrive whole");
}

fn run(name: &str) -> Vec<Figures> {
    let Some(runs) = named::run(name) else { panic!("there is no world {name}") };
    runs
}

#[test]
fn a_lone_stream_fills_a_line_and_not_its_buffer() {
    let [slow, fast] = &run("utp-alone")[..] else { panic!("two runs") };
    assert!(slow.queue_mean_us <= 60 * MS && slow.queue_max_us <= 120 * MS, "{slow}");
    assert!(slow.rates[0] * 10 >= slow.line * 8, "{slow}");
    assert!(fast.rates[0] * 10 >= 109 * MIB, "{fast}");
}

#[test]
fn a_cubic_keeps_nine_tenths_beside_a_stream_in_deep_and_shallow_buffers() {
    for name in ["utp-beside-cubic-deep", "utp-beside-cubic-shallow"] {
        for pair in run(name).chunks(2) {
            let [alone, beside] = pair else { panic!("runs by two") };
            assert!(beside.rates[0] * 10 >= alone.rates[0] * 9, "{alone}\n{beside}");
        }
    }
}

#[test]
fn streams_share_alike_whoever_came_first() {
    for name in ["utp-two", "utp-latecomer", "utp-four"] {
        for figures in run(name) {
            let (most, least) = (figures.rates.iter().max().unwrap(), figures.rates.iter().min().unwrap());
            assert!(most * 100 <= least * 125, "{figures}");
            assert!(figures.queue_mean_us <= 60 * MS && figures.queue_max_us <= 120 * MS, "{figures}");
        }
    }
}

#[test]
fn loss_without_congestion_costs_little() {
    let runs = run("utp-loss");
    let of = |text: &str| runs.iter().find(|figures| figures.label.ends_with(text)).unwrap();
    assert!(of(" 1 %").rates[0] >= 9 * MIB, "{}", of(" 1 %"));
    assert!(of("100 ms").rates[0] >= 26 * MIB, "{}", of("100 ms"));
}

#[test]
fn packets_that_overtake_each_other_are_not_taken_for_lost() {
    let runs = run("utp-jitter");
    assert!(runs.iter().all(|figures| figures.rates[0] >= 4 * MIB), "{runs:?}");
}

#[test]
fn long_paths_are_filled_and_full_uplinks_are_borne() {
    let (far, full) = (run("utp-600ms"), run("utp-uplink-full"));
    assert!(far[0].rates[0] * 10 >= 18 * MIB, "{far:?}");
    assert!(full[0].rates[0] * 10 >= 17 * MIB, "{full:?}");
}
