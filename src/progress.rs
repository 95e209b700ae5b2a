//! What a person sees while something takes long: one live line on a terminal, a line now and then elsewhere.
//! Everything goes to standard error; standard output is for data.
use crate::foreign::{lines, plain};
use crate::units::{Bytes, Time};
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the live line is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(200);
/// How often a line is written where there is no terminal.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// The live line. Silent when `quiet` (with `--json`).
pub(crate) struct Progress {
    quiet: bool,
    terminal: bool,
    drawn: Option<Instant>,
    shown: bool,
}

impl Progress {
    /// A live line, or nothing at all.
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet, terminal: io::stderr().is_terminal(), drawn: None, shown: false }
    }

    /// Whether it is time to draw again; lets callers skip making the text.
    pub(crate) fn due(&self) -> bool {
        let every = if self.terminal { DRAW_EVERY } else { LOG_EVERY };
        !self.quiet && self.drawn.is_none_or(|t| t.elapsed() >= every)
    }

    /// Shows the present state, replacing what was shown before.
    pub(crate) fn show(&mut self, text: &str) {
        if !self.due() {
            return;
        }
        self.drawn = Some(Instant::now());
        let mut err = io::stderr().lock();
        // A closed standard error is no reason to stop working.
        let _ = if self.terminal {
            let width = columns();
            let cut: String = plain(text).chars().take(width.saturating_sub(1)).collect();
            self.shown = true;
            write!(err, "\r\x1b[2K{cut}").and_then(|()| err.flush())
        } else {
            writeln!(err, "{}", plain(text))
        };
    }

    /// Says something that stays.
    pub(crate) fn say(&mut self, text: &str) {
        if self.quiet {
            return;
        }
        self.clear();
        let _ = writeln!(io::stderr().lock(), "{}", lines(text));
    }

    /// Takes the live line away.
    pub(crate) fn clear(&mut self) {
        if self.shown {
            let _ = write!(io::stderr().lock(), "\r\x1b[2K");
            self.shown = false;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The line of work on so many bytes: how far, how fast, how long still.
pub(crate) fn bytes_done(what: &str, done: u64, total: u64, time: Duration) -> String {
    let rate = u128::from(done) * 1000 / time.as_millis().max(1);
    let left = u128::from(total.saturating_sub(done)).checked_div(rate).unwrap_or(0) as u64;
    let percent = u128::from(done) * 100 / u128::from(total.max(1));
    let left = Time(Duration::from_secs(left));
    format!("{what}  {percent} %  {} of {}  {}/s  {left} left", Bytes(done), Bytes(total), Bytes(rate as u64))
}

/// Width of the terminal: `COLUMNS` where it is set, else 100 cut to what most windows have.
fn columns() -> usize {
    terminal_size::terminal_size_of(io::stderr())
        .map(|(width, _)| usize::from(width.0))
        .filter(|w| *w >= 20)
        .unwrap_or(80)
}
