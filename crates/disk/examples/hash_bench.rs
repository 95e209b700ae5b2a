//! How fast each kernel of this machine hashes pieces that lie in memory: `cargo run --release -p teem-disk --example hash_bench`.
#![allow(clippy::print_stdout)] // printing is what it is for

use std::time::Instant;
use teem_disk::hash::Kernel;

/// Bytes of one message: a common piece.
const PIECE: usize = 256 << 10;

/// Bytes hashed for one figure.
const WORK: usize = 128 << 20;

/// Seconds that this thread has run, where the system tells (others may want the processor too); else of the clock.
fn seconds(start: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ran = told.and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    ran.map_or_else(|| start.elapsed().as_secs_f64(), |ns| ns as f64 / 1e9)
}

/// GB of these messages that one call after the other hashes in a second.
fn rate<T>(start: Instant, batch: &[Vec<&[u8]>], hash: impl Fn(&[Vec<&[u8]>]) -> T) -> f64 {
    let turns = WORK / (batch.len() * PIECE);
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let before = seconds(start);
        for _ in 0..turns {
            std::hint::black_box(hash(std::hint::black_box(batch)));
        }
        best = best.min(seconds(start) - before);
    }
    (turns * batch.len() * PIECE) as f64 / best / 1e9
}

fn main() {
    let start = Instant::now();
    let content: Vec<u8> = (0..PIECE * 16).map(|i| (i * 7 + i / 251) as u8).collect();
    let pieces: Vec<Vec<&[u8]>> = content.chunks(PIECE).map(|piece| piece.chunks(16 << 10).collect()).collect();
    for kernel in Kernel::available() {
        for messages in [1, 2, 3, 4, 8, 16] {
            let batch = &pieces[..messages];
            let sha1 = rate(start, batch, |batch| kernel.sha1_many(batch));
            let sha256 = rate(start, batch, |batch| kernel.sha256_many(batch));
            println!("{kernel:>17}, {messages:2} messages: SHA-1 {sha1:5.2} GB/s, SHA-256 {sha256:5.2} GB/s");
        }
    }
}
