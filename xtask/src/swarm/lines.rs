//! What the clients of a swarm put on their lines, by the kernel's counters, and how busy the machine is.
use crate::bench::Failed;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// How often the counters are read.
const EVERY: Duration = Duration::from_millis(100);

/// Bytes that processes have sent, over time: payload and messages, without the headers of TCP and IP.
pub(super) struct Lines {
    ids: Vec<u32>,
    begun: Instant,
    last: Option<Instant>,
    /// Each connection as last seen, by its ends and whose it is.
    sent: BTreeMap<(String, usize), u64>,
    /// What each process had sent, when.
    seen: Vec<(Duration, Vec<u64>)>,
    cpu: Option<[f64; 2]>,
}

impl Lines {
    /// Of these processes, from now on.
    pub(super) fn of(ids: Vec<u32>, begun: Instant) -> Self {
        Self { ids, begun, last: None, sent: BTreeMap::new(), seen: Vec::new(), cpu: processors() }
    }

    /// Reads the counters, if it is time.
    pub(super) fn look(&mut self) -> Result<(), Failed> {
        if self.last.is_some_and(|at| at.elapsed() < EVERY) {
            return Ok(());
        }
        let output = Command::new("ss").args(["-tinpH"]).output()?;
        let now = Instant::now();
        self.last = Some(now);
        self.count(&String::from_utf8_lossy(&output.stdout));
        let mut sums = vec![0; self.ids.len()];
        for ((_, who), bytes) in &self.sent {
            sums[*who] += bytes;
        }
        self.seen.push((now - self.begun, sums));
        Ok(())
    }

    fn count(&mut self, told: &str) {
        let mut line = None;
        for text in told.lines() {
            if text.starts_with(char::is_whitespace) {
                let bytes =
                    text.split("bytes_sent:").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse().ok());
                if let (Some(line), Some(bytes)) = (line.take(), bytes) {
                    self.sent.insert(line, bytes);
                }
            } else {
                let ends = text.split_whitespace().skip(3).take(2).collect::<Vec<_>>().join(" ");
                let who = self.ids.iter().position(|id| text.contains(&format!("pid={id},")));
                line = who.map(|who| (ends, who));
            }
        }
    }

    /// All that one process has sent.
    pub(super) fn total(&self, who: usize) -> u64 {
        self.seen.last().map_or(0, |(_, sums)| sums[who])
    }

    /// The most that one process sent in any window of that length, over the `rate` allowed.
    pub(super) fn busiest(&self, window: Duration, rate: u64) -> f64 {
        let most = (0..self.ids.len()).map(|who| busiest(&self.seen, who, window)).fold(0.0, f64::max);
        most / (rate as f64 * window.as_secs_f64())
    }

    /// The most that one process sent from its first byte to `end`, over the `rate` allowed.
    pub(super) fn whole(&self, end: Duration, rate: u64) -> f64 {
        let over = |who: usize| {
            let begun = self.seen.iter().rev().find(|(_, sums)| sums[who] == 0).map_or(Duration::ZERO, |(at, _)| *at);
            let sent = self.seen.iter().rev().find(|(at, _)| *at <= end).map_or(0, |(_, sums)| sums[who]);
            sent as f64 / (rate as f64 * end.saturating_sub(begun).as_secs_f64().max(1.0))
        };
        (0..self.ids.len()).map(over).fold(0.0, f64::max)
    }

    /// The part of the processors that was free since the beginning.
    pub(super) fn free(&self) -> f64 {
        let Some(([free, all], [free_before, all_before])) = processors().zip(self.cpu) else { return 0.0 };
        (free - free_before) / (all - all_before).max(1.0)
    }
}

fn busiest(seen: &[(Duration, Vec<u64>)], who: usize, window: Duration) -> f64 {
    let (mut most, mut from) = (0.0, 0);
    for (at, sums) in seen {
        while seen[from].0 + window < *at {
            from += 1;
        }
        most = f64::max(most, (sums[who] - seen[from].1[who]) as f64);
    }
    most
}

/// Ticks that processors were idle or at what is content with that, and all ticks.
fn processors() -> Option<[f64; 2]> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let ticks: Vec<f64> = stat.lines().next()?.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).collect();
    let [_, nice, _, idle, waiting, ..] = ticks.as_slice() else { return None };
    Some([nice + idle + waiting, ticks.iter().take(8).sum()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_client_and_window_are_found() {
        let mut lines = Lines::of(vec![7, 8], Instant::now());
        let at = |seconds: u64, a: u64, b: u64| (Duration::from_secs(seconds), vec![a, b]);
        lines.seen = vec![at(0, 0, 0), at(2, 10, 0), at(4, 40, 0), at(6, 50, 20)];
        assert!((lines.busiest(Duration::from_secs(2), 10) - 1.5).abs() < 1e-9);
        assert!((lines.whole(Duration::from_secs(6), 10) - 1.0).abs() < 1e-9);
        assert_eq!((lines.total(0), lines.total(1)), (50, 20));
    }

    #[test]
    fn what_ss_tells_is_counted_by_process() {
        let mut lines = Lines::of(vec![7, 8], Instant::now());
        lines.count(
            "ESTAB 0 0 10.0.0.1:1 10.0.0.2:2 users:((\"a\",pid=8,fd=3))\n\t cubic bytes_sent:12 bytes_acked:12\n\
             ESTAB 0 0 10.0.0.1:3 10.0.0.2:4 users:((\"b\",pid=80,fd=3))\n\t cubic bytes_sent:99\n",
        );
        assert_eq!(lines.sent.into_iter().collect::<Vec<_>>(), [(("10.0.0.1:1 10.0.0.2:2".to_owned(), 1), 12)]);
    }
}
