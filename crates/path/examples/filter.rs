//! What a filter of a million ranges costs: the time to read it, the memory it takes, the time to ask it (own design).
#![allow(clippy::print_stdout)] // figures are for whoever runs this
use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;
use teem_path::filter::read;

const RANGES: u32 = 1_000_000;
const ASKED: u32 = 10_000_000;

/// Kibibytes that the process has had at most.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

fn main() -> io::Result<()> {
    let file = std::env::temp_dir().join(format!("teem-ranges-{}", std::process::id()));
    let mut out = io::BufWriter::new(fs::File::create(&file)?);
    // Apart from each other, so that none are joined, and in no order.
    for n in 0..RANGES {
        let first = (u64::from(n) * 999_983 % u64::from(RANGES)) as u32 * 4096;
        writeln!(out, "Some name: {n}:{}-{}", Ipv4Addr::from(first), Ipv4Addr::from(first + 99))?;
    }
    out.into_inner()?.sync_all()?;
    let (before, start) = (peak_kib(), Instant::now());
    let (filter, bad) = read(std::slice::from_ref(&file)).map_err(io::Error::other)?;
    let took = start.elapsed();
    let more = peak_kib() - before;
    println!("{} ranges ({bad} lines not understood) in {:.2} s, {more} KiB more", filter.len(), took.as_secs_f64());
    let (start, mut barred, mut ip) = (Instant::now(), 0_u32, 1_u32);
    for _ in 0..ASKED {
        ip = ip.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        barred += u32::from(filter.bars(IpAddr::V4(ip.into())));
    }
    println!("{:.0} ns a look, {barred} of {ASKED} barred", start.elapsed().as_secs_f64() * 1e9 / f64::from(ASKED));
    fs::remove_file(file)
}
