//! Many seeds at once (own design): a life on a disk mostly waits for the disk's own pauses, so several go on side by side.
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use teem_faultfs::FaultFs;

/// Lives that go on at once.
const AT_ONCE: usize = 16;

/// `count` seeds, or what `TEEM_SEED` (one alone), `TEEM_SEED_FIRST` and `TEEM_SEEDS` say.
fn seeds(count: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let first = number("TEEM_SEED_FIRST").unwrap_or(0);
    number("TEEM_SEED").map_or_else(|| first..first + number("TEEM_SEEDS").unwrap_or(count), |seed| seed..seed + 1)
}

/// Lives through all of these; each on the file system that comes back. Figures of all of them are printed.
pub(crate) fn each(count: u64, life: impl Fn(u64) -> FaultFs + Sync) {
    let (rest, cuts, kills) = (Mutex::new(seeds(count)), AtomicU64::new(0), AtomicU64::new(0));
    let next = || rest.lock().unwrap().next();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(seed) = next() {
                    let ends = life(seed).ends();
                    cuts.fetch_add(ends.0, Ordering::Relaxed);
                    kills.fetch_add(ends.1, Ordering::Relaxed);
                }
            });
        }
    });
    #[allow(clippy::print_stdout)] // the command that runs this for hours reads it
    {
        println!("figure: cuts {cuts:?}, kills {kills:?}");
    }
}
