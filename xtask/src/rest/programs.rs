//! What programs that watch all torrents cost a daemon: Flood over Transmission's interface, VueTorrent over qBittorrent's, a stream of a window.

use super::api::Api;
use crate::bench::Failed;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What Flood 4.11 asks of all torrents at each poll.
const FLOOD: [&str; 23] = [
    "hashString",
    "downloadDir",
    "name",
    "comment",
    "haveValid",
    "addedDate",
    "dateCreated",
    "doneDate",
    "rateDownload",
    "rateUpload",
    "downloadedEver",
    "uploadedEver",
    "eta",
    "isPrivate",
    "error",
    "errorString",
    "peersGettingFromUs",
    "peersSendingToUs",
    "status",
    "totalSize",
    "trackers",
    "labels",
    "activityDate",
];
/// Polls of each kind.
const POLLS: usize = 5;
/// Torrents in a window.
const WINDOW: usize = 50;

/// What is measured. Seconds and bytes.
#[derive(Default)]
pub(super) struct Figures {
    /// The first poll of Flood's, and the longest of those that follow; its answer.
    flood_first: f64,
    flood: f64,
    flood_bytes: usize,
    /// The longest poll of what was active lately, and of what has changed, where nothing has.
    recently: f64,
    changed: f64,
    /// All by `sync/maindata`.
    maindata: f64,
    /// The slowest of a hundred windows that were asked for meanwhile.
    p99: f64,
    /// The bound that each turn of the engine has kept meanwhile, and how many there were.
    turn: String,
    turns: u64,
    filled: usize,
    stream: usize,
    each_second: f64,
}

/// Asks as such programs do.
pub(super) fn measure(socket: &Path, count: usize, watch: Duration) -> Result<Figures, Failed> {
    let mut figures = Figures::default();
    let mut api = Api::connect(socket)?;
    let before = turns(&api.get("/metrics")?);
    let stop = AtomicBool::new(false);
    let windows = thread::scope(|scope| {
        let asking = scope.spawn(|| windows(socket, count, &stop));
        let asked = polls(&mut api, count, &mut figures);
        stop.store(true, Ordering::Relaxed);
        let windows = asking.join().map_err(|_| Failed::new("one who asks panicked".into()))?;
        asked.and(windows)
    })?;
    figures.p99 = windows[windows.len() * 99 / 100];
    let after = turns(&api.get("/metrics")?);
    (figures.turn, figures.turns) = longest(&before, &after);
    figures.filled = api.filled(WINDOW)?;
    let target = format!("/teem/v1/torrents?sort=name&fields=filled&limit={WINDOW}");
    let (first, rest) = Api::connect(socket)?.stream(&target, watch)?;
    (figures.stream, figures.each_second) = (first, rest as f64 / watch.as_secs_f64());
    Ok(figures)
}

fn polls(api: &mut Api, count: usize, figures: &mut Figures) -> Result<(), Failed> {
    let flood = json!({"method": "torrent-get", "arguments": {"fields": FLOOD, "format": "objects"}});
    for n in 0..=POLLS {
        let (seconds, answer) = timed(|| api.rpc(&flood))?;
        if n == 0 {
            figures.flood_first = seconds;
            figures.flood_bytes = answer.len();
            let answer: Value = serde_json::from_slice(&answer).map_err(|e| Failed::new(format!("no JSON: {e}")))?;
            let told = answer["arguments"]["torrents"].as_array().map_or(0, Vec::len);
            if told != count {
                return Err(Failed::new(format!("{told} of {count} torrents were told")));
            }
        } else {
            figures.flood = figures.flood.max(seconds);
        }
    }
    let recently = json!({"method": "torrent-get", "arguments": {"fields": FLOOD, "ids": "recently-active"}});
    let rid = |answer: &[u8]| {
        let answer: Value = serde_json::from_slice(answer).map_err(|e| Failed::new(format!("no JSON: {e}")))?;
        answer["rid"].as_i64().ok_or_else(|| Failed::new("an answer without a rid".into()))
    };
    let (seconds, answer) = timed(|| api.get("/api/v2/sync/maindata"))?;
    figures.maindata = seconds;
    let mut last = rid(&answer)?;
    for _ in 0..POLLS {
        figures.recently = figures.recently.max(timed(|| api.rpc(&recently))?.0);
        let (seconds, answer) = timed(|| api.get(&format!("/api/v2/sync/maindata?rid={last}")))?;
        figures.changed = figures.changed.max(seconds);
        last = rid(&answer)?;
    }
    Ok(())
}

/// Asks for windows until it is to stop; the seconds that each took, in ascending order.
fn windows(socket: &Path, count: usize, stop: &AtomicBool) -> Result<Vec<f64>, Failed> {
    let mut api = Api::connect(socket)?;
    let mut seconds = Vec::new();
    while seconds.is_empty() || !stop.load(Ordering::Relaxed) {
        let offset = seconds.len() * 997 % count;
        seconds.push(timed(|| api.window(offset, WINDOW))?.0);
        thread::sleep(Duration::from_millis(10));
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds)
}

fn timed<T>(what: impl FnOnce() -> Result<T, Failed>) -> Result<(f64, T), Failed> {
    let begun = Instant::now();
    let done = what()?;
    Ok((begun.elapsed().as_secs_f64(), done))
}

/// How many turns of the engine kept each bound, with all that kept a lower one.
fn turns(metrics: &[u8]) -> Vec<(String, u64)> {
    let text = String::from_utf8_lossy(metrics);
    let buckets = text.lines().filter_map(|line| {
        let (bound, number) = line.strip_prefix("teem_engine_turn_seconds_bucket{le=\"")?.split_once("\"} ")?;
        Some((bound.to_owned(), number.parse().ok()?))
    });
    buckets.collect()
}

/// The lowest bound that all turns have kept between two looks, and how many there were.
fn longest(before: &[(String, u64)], after: &[(String, u64)]) -> (String, u64) {
    let between: Vec<(&str, u64)> =
        after.iter().zip(before).map(|((bound, after), (_, before))| (bound.as_str(), after - before)).collect();
    let all = between.last().map_or(0, |(_, number)| *number);
    let bound = between.iter().find(|(_, number)| *number == all).map_or("?", |(bound, _)| bound);
    (bound.to_owned(), all)
}

/// The table of many counts.
pub(super) fn table<'a>(all: impl Iterator<Item = (usize, &'a Figures)>) -> String {
    let mut table = String::from(
        "\n| torrents | Flood's poll of all: first, s | then, s | bytes | `recently-active`, ms | `sync/maindata` of all, s | unchanged, ms | windows meanwhile, p99, ms | longest turn meanwhile, s | \
         turns | window without empty keys, bytes | its stream's first, bytes | at rest, bytes/s |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for (count, f) in all {
        table += &format!(
            "| {count} | {:.2} | {:.2} | {} | {:.1} | {:.2} | {:.1} | {:.1} | ≤ {} | {} | {} | {} | {:.1} |\n",
            f.flood_first,
            f.flood,
            f.flood_bytes,
            f.recently * 1e3,
            f.maindata,
            f.changed * 1e3,
            f.p99 * 1e3,
            f.turn,
            f.turns,
            f.filled,
            f.stream,
            f.each_second
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_turn_is_that_between_two_looks() {
        let look =
            |counts: [u64; 3]| ["0.001", "0.02", "+Inf"].map(str::to_owned).into_iter().zip(counts).collect::<Vec<_>>();
        assert_eq!(longest(&look([5, 6, 7]), &look([9, 11, 12])), ("0.02".to_owned(), 5));
        assert_eq!(longest(&look([5, 6, 7]), &look([5, 6, 8])), ("+Inf".to_owned(), 1));
        let text = b"teem_x 1\nteem_engine_turn_seconds_bucket{le=\"0.001\"} 5\nteem_engine_turn_seconds_sum 2\n";
        assert_eq!(turns(text), [("0.001".to_owned(), 5)]);
    }
}
