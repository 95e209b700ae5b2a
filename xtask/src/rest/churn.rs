//! Torrents that come and go, a hundred of each in a second (own design): whether the daemon's memory stays as it is.
//!
//! Four connections have a part of the torrents each. One that was added is removed when half of its part has come after it, and comes again later, so
//! that half of all are there at any time. What is resident is looked at in ten equal parts of the time.

use super::api::Api;
use super::daemon::{ADDERS, Daemon, add, complete, descriptors, resident, start};
use crate::bench::Failed;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use teem_rig::torrent::Torrent;

/// Adds in a second, and as many removes.
const PACE: usize = 100;
/// How often memory is looked at.
const LOOKS: u32 = 10;

/// How the daemon stood at one moment.
struct Look {
    at: Duration,
    turns: usize,
    resident: f64,
    descriptors: usize,
}

/// Has torrents come and go for so long; the table to print.
pub(super) fn run(teem: &Path, folder: &Path, torrents: &[Torrent], time: Duration) -> Result<String, Failed> {
    let daemon = start(teem, folder)?;
    let socket = folder.join("socket");
    let parts: Vec<&[Torrent]> = torrents.chunks(torrents.len().div_ceil(ADDERS).max(2)).collect();
    // What the first half of each part costs once is no growth.
    for part in &parts {
        add(&socket, &part[..part.len() / 2])?;
    }
    complete(&mut Api::connect(&socket)?, parts.iter().map(|part| part.len() / 2).sum())?;
    let (turns, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let looks = std::thread::scope(|scope| {
        let (turns, is_over, socket) = (&turns, &is_over, socket.as_path());
        let all = parts.len();
        let turner = |part| scope.spawn(move || turn(socket, part, all, turns, is_over));
        let turners: Vec<_> = parts.into_iter().map(turner).collect();
        let looks = watch(&daemon, time, turns, || turners.iter().any(std::thread::ScopedJoinHandle::is_finished));
        is_over.store(true, Ordering::Relaxed);
        for turner in turners {
            turner.join().map_err(|_| Failed::new("one that adds and removes panicked".into()))??;
        }
        looks
    })?;
    daemon.end("-TERM")?;
    Ok(table(&looks))
}

/// Looks at the daemon until the time is over, or one of those that keep it busy has ended.
fn watch(
    daemon: &Daemon,
    time: Duration,
    turns: &AtomicUsize,
    has_ended: impl Fn() -> bool,
) -> Result<Vec<Look>, Failed> {
    let begun = Instant::now();
    let mut looks = Vec::new();
    for part in 0..=LOOKS {
        std::thread::sleep((time * part / LOOKS).saturating_sub(begun.elapsed()));
        looks.push(Look {
            at: begun.elapsed(),
            turns: turns.load(Ordering::Relaxed),
            resident: resident(daemon.id()) as f64 / f64::from(1 << 20),
            descriptors: descriptors(daemon.id())?,
        });
        if has_ended() {
            break;
        }
    }
    Ok(looks)
}

/// Adds a torrent and removes another, again and again, until it is over.
fn turn(
    socket: &Path,
    part: &[Torrent],
    parts: usize,
    turns: &AtomicUsize,
    is_over: &AtomicBool,
) -> Result<(), Failed> {
    let mut api = Api::connect(socket)?;
    let every = Duration::from_secs(1) * parts as u32 / PACE as u32;
    let (begun, half) = (Instant::now(), part.len() / 2);
    for n in 0_u32.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let at = n as usize;
        api.remove(&part[at % part.len()].info_hash)?;
        api.add(&fs::read(&part[(at + half) % part.len()].path)?)?;
        turns.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep((every * (n + 1)).saturating_sub(begun.elapsed()));
    }
    Ok(())
}

fn table(looks: &[Look]) -> String {
    let mut table = String::from("| seconds | added, and removed | resident, MiB | descriptors |\n|--:|--:|--:|--:|\n");
    for look in looks {
        let Look { at, turns, resident, descriptors } = look;
        let _ = writeln!(table, "| {:.0} | {turns} | {resident:.1} | {descriptors} |", at.as_secs_f64());
    }
    table
}
