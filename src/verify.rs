//! `teem verify`: compares content with its .torrent and names each damaged or missing file and byte range.
use crate::exit::{Exit, Outcome, Stop};
use crate::foreign::plain;
use crate::progress::{Progress, bytes_done};
use crate::signals::Signals;
use crate::units::Bytes;
use crate::{cli, data, json, stdin, stdout};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use teem_client::config::AGENT;
use teem_client::http::fetch::Http;
use teem_client::metainfo::Info;
use teem_client::source;
use teem_disk::Place;
use teem_disk::verify::{Damaged, Problem, Report, verify};
use tokio::time::Instant;

/// How often progress is looked at.
const EVERY: Duration = Duration::from_millis(200);

pub(crate) async fn run(options: &cli::Verify) -> Outcome {
    let source = if stdin::is_dash(&options.torrent) {
        stdin::source(&Http::new(teem_client::path::Path::direct(), AGENT)).await?
    } else {
        let bytes = source::read_limited(Path::new(&options.torrent)).map_err(|e| Stop::link(&e))?;
        source::from_bytes(&options.torrent, &bytes).map_err(|e| Stop::link(&e))?
    };
    let Some(info) = source.info else {
        return Err(Stop::usage("verifying needs a .torrent file; a magnet link does not hold the hashes"));
    };
    let mut signals = Signals::listen().map_err(Stop::local)?;
    let found = data::locate(&info, options.data.as_deref(), &options.torrent)?;
    // Nothing is written, so the state folder is of no matter.
    let place = Place { name: found.name, ..Place::seed(found.folder, "") };
    let report = checked(&info, place, options.json, &mut signals).await?;
    if options.json {
        json::line(&document(&info, &report));
    } else {
        stdout::text(&text(&info, &report));
    }
    Ok(if report.whole { Exit::Done } else { Exit::No })
}

async fn checked(info: &Arc<Info>, place: Place, json: bool, signals: &mut Signals) -> Result<Report, Stop> {
    let (done, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (work, counter, flag) = (info.clone(), done.clone(), stop.clone());
    let mut checking = tokio::task::spawn_blocking(move || verify(&work, &place, None, &counter, &flag));
    let (mut progress, started) = (Progress::new(json), Instant::now());
    let mut tick = tokio::time::interval(EVERY);
    let mut by_signal = None;
    loop {
        tokio::select! {
            ended = &mut checking => {
                let report = ended.map_err(Stop::local)?;
                return match by_signal {
                    Some(exit) => Err(Stop { exit, class: "interrupted", message: "verifying was stopped".to_owned() }),
                    None => report.map_err(Stop::local),
                };
            }
            exit = signals.first(), if by_signal.is_none() => {
                by_signal = Some(exit);
                stop.store(true, Ordering::Relaxed);
            }
            _ = tick.tick() => if progress.due() {
                progress.show(&bytes_done("verifying", done.load(Ordering::Relaxed), info.total(), started.elapsed()));
            },
        }
    }
}

fn document(info: &Info, report: &Report) -> Value {
    let one = |d: &Damaged| {
        let ranges: Vec<[u64; 2]> = d.ranges.iter().map(|r| [r.start, r.end]).collect();
        json!({"path": d.path, "problem": word(&d.problem), "ranges": ranges})
    };
    json!({
        "event": "verified", "whole": report.whole, "pieces": info.piece_count(), "bad_pieces": report.bad_pieces.len(),
        "damaged": report.damaged.iter().map(one).collect::<Vec<_>>(),
    })
}

fn word(problem: &Problem) -> &'static str {
    match problem {
        Problem::Missing => "missing",
        Problem::Short { .. } => "short",
        Problem::Long { .. } => "long",
        Problem::Damaged => "damaged",
        Problem::Unreadable(_) => "unreadable",
    }
}

fn text(info: &Info, report: &Report) -> String {
    let mut out = String::new();
    for d in &report.damaged {
        let path = plain(&d.path);
        // Writing to a String cannot fail.
        let _ = match &d.problem {
            Problem::Missing => writeln!(out, "{path}: missing"),
            Problem::Short { have } => writeln!(out, "{path}: too short, has {have} bytes"),
            Problem::Long { have } => writeln!(out, "{path}: too long, has {have} bytes"),
            Problem::Damaged => writeln!(out, "{path}: damaged"),
            Problem::Unreadable(why) => writeln!(out, "{path}: {}", plain(why)),
        };
        if !matches!(d.problem, Problem::Missing) {
            for range in &d.ranges {
                let _ = writeln!(out, "  bytes {} to {}", range.start, range.end.saturating_sub(1));
            }
        }
    }
    let pieces = info.piece_count();
    let _ = if report.whole {
        writeln!(out, "{}: whole, {} verified in {pieces} pieces", plain(info.name()), Bytes(info.content_size()))
    } else {
        let bad = report.bad_pieces.len();
        writeln!(out, "{}: not whole, {bad} of {pieces} pieces are damaged or missing", plain(info.name()))
    };
    out
}
