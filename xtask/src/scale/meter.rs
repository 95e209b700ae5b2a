//! What a run of the program costs: processor time, the most memory, the most open files (own design over proc(5)).
//!
//! Processor time is user and system time together and never the clock on the wall, which on a crowded machine measures
//! the others. It comes in hundredths of a second, which is the kernel's tick for readers on every Linux.

use crate::bench::Failed;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How often a running program is looked at.
const EVERY: Duration = Duration::from_millis(10);
/// Ticks of `stat` in a second.
const TICKS: u64 = 100;
/// The longest that one run may take.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// What one run took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cost {
    /// Seconds of processor time.
    pub(super) seconds: f64,
    /// The most memory, in MiB.
    pub(super) memory: f64,
    /// The most descriptors that were open at once.
    pub(super) open: u64,
}

impl Cost {
    fn look(&mut self, id: u32) {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|rest| rest.split_whitespace().next()).and_then(|kib| kib.parse().ok());
        self.memory = self.memory.max(kib.unwrap_or(0.0) / 1024.0);
        let open = fs::read_dir(format!("/proc/{id}/fd")).map_or(0, |fds| fds.count() as u64);
        self.open = self.open.max(open);
    }
}

/// Runs a command to its end. What it writes to its standard output is dropped.
pub(super) fn run(what: &str, command: &mut Command) -> Result<Cost, Failed> {
    let before = waited_for();
    let mut child = Guard(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
    let (mut cost, begun) = (Cost::default(), Instant::now());
    loop {
        cost.look(child.0.id());
        if let Some(status) = child.0.try_wait()? {
            cost.seconds = waited_for() - before;
            return if status.success() { Ok(cost) } else { Err(Failed::new(format!("{what}: {status}"))) };
        }
        if begun.elapsed() > PATIENCE {
            return Err(Failed::new(format!("{what}: not done after {} s", PATIENCE.as_secs())));
        }
        std::thread::sleep(EVERY);
    }
}

/// A program that goes on running, and tells of itself by lines of JSON.
pub(super) struct Server {
    child: Guard,
    lines: Receiver<String>,
    cost: Cost,
}

impl Server {
    pub(super) fn start(command: &mut Command) -> Result<Self, Failed> {
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut child = Guard(spawned);
        let output = child.0.stdout.take().ok_or_else(|| Failed::new("a server has no output".into()))?;
        let (sender, lines) = channel();
        // Ends with the program, or when nobody listens any more.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let told = ["\"listening\"", "\"state\"", "\"event\":\"failed\"", "\"error\""]
                    .iter()
                    .any(|w| line.contains(w));
                if told && sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines, cost: Cost::default() })
    }

    /// The first line that has all these words, while its cost is looked at.
    pub(super) fn line_with(&mut self, words: &[&str]) -> Result<String, Failed> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            self.cost.look(self.child.0.id());
            match self.lines.recv_timeout(EVERY) {
                Ok(line) if words.iter().all(|word| line.contains(word)) => return Ok(line),
                Ok(line) if line.contains("\"event\":\"failed\"") || line.contains("\"error\":{") => {
                    return Err(Failed::new(format!("the seed failed: {line}")));
                }
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Err(Failed::new(format!("the seed never said {}", words.join(" and "))))
    }

    /// What it has taken so far.
    pub(super) fn cost(&mut self) -> Cost {
        let id = self.child.0.id();
        self.cost.look(id);
        Cost { seconds: ticks(&format!("/proc/{id}/stat"), 14), ..self.cost }
    }
}

/// A child that is ended when dropped.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Seconds of processor time of all children that have been waited for.
fn waited_for() -> f64 {
    ticks("/proc/self/stat", 16)
}

/// The sum of a field of `stat` and the next, in seconds; fields count from 1 as in proc(5), from the third on.
fn ticks(path: &str, field: usize) -> f64 {
    let stat = fs::read_to_string(path).unwrap_or_default();
    // The second field is a name in brackets, which may have spaces.
    let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let fields = rest.split(' ').skip(field - 3).take(2);
    fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() as f64 / TICKS as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_a_cost_and_a_failure_is_told() {
        let cost =
            run("sh", Command::new("sh").args(["-c", "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done"])).unwrap();
        assert!(cost.seconds < 60.0);
        assert!(run("false", &mut Command::new("false")).is_err());
    }
}
