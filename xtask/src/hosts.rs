//! `hosts`: Teem and each other client as it comes, on two hosts: what gives to what in how many seconds (the rows of [`teem_rig::row`]). Each play
//! has network namespaces of its own, several run at a time, and the table has the median of a row's plays.
use crate::bench::{self, Failed};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use teem_rig::namespace::{Folder, wrapped};
use teem_rig::process::Process;
use teem_rig::row::{By, Row, Way};

/// Set inside: the folder for all that is written.
const FOLDER: &str = "TEEM_HOSTS_FOLDER";
/// The longest that one play may take in all.
const LIMIT: Duration = Duration::from_secs(300);
/// The line with which a play inside says how long it took, in milliseconds.
const TOOK: &str = "took ";
/// Between these lines a document holds the table.
const MARKS: [&str; 2] = ["<!-- hosts -->\n", "<!-- end of hosts -->\n"];

/// The columns of the table.
const COLUMNS: [(Way, By, &str); 5] = [
    (Way::FromTeem, By::File, "from Teem, .torrent"),
    (Way::FromTeem, By::Magnet, "from Teem, magnet"),
    (Way::ToTeem, By::File, "to Teem, .torrent"),
    (Way::ToTeem, By::Magnet, "to Teem, magnet"),
    (Way::DialsOut, By::File, "to Teem, only dials out"),
];

/// What is asked for.
struct Wishes {
    only: Vec<String>,
    rows: Vec<Row>,
    plays: usize,
    jobs: usize,
    teem: Option<PathBuf>,
    write: Option<PathBuf>,
}

impl Wishes {
    fn read(words: &[&str]) -> Option<Self> {
        let mut wishes = Self { only: Vec::new(), rows: Vec::new(), plays: 3, jobs: 1, teem: None, write: None };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--only" => wishes.only.push((*words.next()?).to_owned()),
                "--row" => wishes.rows.push(Row::read(words.next()?)?),
                "--plays" => wishes.plays = words.next()?.parse().ok().filter(|plays| *plays > 0)?,
                "--jobs" => wishes.jobs = words.next()?.parse().ok().filter(|jobs| *jobs > 0)?,
                "--teem" => wishes.teem = Some(PathBuf::from(*words.next()?)),
                "--write" => wishes.write = Some(PathBuf::from(*words.next()?)),
                _ => return None,
            }
        }
        Some(wishes)
    }

    fn chosen(&self) -> Vec<Row> {
        let all = if self.rows.is_empty() { Row::all() } else { self.rows.clone() };
        let wanted = |row: &Row| self.only.is_empty() || self.only.iter().any(|name| name == row.client.name());
        all.into_iter().filter(wanted).collect()
    }
}

/// One play of a row: how long the transfer took, or why nothing came of it.
type Play = (Row, Result<Duration, String>);

/// Plays what the words after `hosts` ask for, with the binary that is named or the release build of `root`, and returns the table.
pub fn run(root: &Path, words: &[&str]) -> Result<String, Failed> {
    let wishes = Wishes::read(words).ok_or_else(|| Failed::new("hosts: these words mean nothing".into()))?;
    let rows = wishes.chosen();
    let teem = wishes.teem.clone().map_or_else(|| bench::built(root), Ok)?;
    if let (Some(folder), [row]) = (env::var_os(FOLDER), &rows[..]) {
        return Ok(format!("{TOOK}{}\n", row.play(&teem, Path::new(&folder)).as_millis()));
    }
    let all: Vec<Row> = (0..wishes.plays).flat_map(|_| rows.iter().copied()).collect();
    let plays = all_played(&all, &teem, wishes.jobs);
    let told = table(&plays);
    if let Some(path) = &wishes.write {
        fs::write(path, bench::put_between(MARKS, &fs::read_to_string(path)?, &told)?)?;
    }
    if plays.iter().any(|(_, play)| play.is_err()) { Err(Failed::new(told)) } else { Ok(told) }
}

/// So many at a time; each is told as it ends.
fn all_played(rows: &[Row], teem: &Path, jobs: usize) -> Vec<Play> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let play = played(*row, teem);
                    match &play {
                        Ok(took) => eprintln!("{:6.1} s  {row}", took.as_secs_f64()),
                        Err(why) => eprintln!("FAILED    {row}: {why}"),
                    }
                    if let Ok(mut done) = done.lock() {
                        done.push((*row, play));
                    }
                }
            });
        }
    });
    done.into_inner().unwrap_or_default()
}

/// One play, in namespaces of its own.
fn played(row: Row, teem: &Path) -> Result<Duration, String> {
    if let Some(missing) = row.needs().into_iter().find(|needs| !needs.is_there()) {
        return Err(format!("{missing:?} is not installed"));
    }
    let Some(mut command) = env::current_exe().ok().and_then(wrapped) else {
        return Err("no network namespace can be made (unshare -n)".to_owned());
    };
    let folder = Folder::new("hosts");
    command.args(["hosts", "--row", &row.to_string(), "--teem"]).arg(teem);
    let mut inner = Process::start(command.env(FOLDER, &folder.0).env("RUST_BACKTRACE", "0"));
    let ended = inner.poll_exit(LIMIT).ok_or_else(|| format!("no end within {LIMIT:?}"))?;
    let log = inner.whole_log();
    let took = log.lines().find_map(|line| line.strip_prefix(TOOK)?.parse().ok());
    took.filter(|_| ended.success()).map(Duration::from_millis).ok_or_else(|| {
        let mut lines = log.lines().skip_while(|line| !line.contains("panicked at")).skip(1);
        lines.next().unwrap_or("it ended without a word").to_owned()
    })
}

/// The table as Markdown: a row for each client, the median of the seconds in each column.
fn table(plays: &[Play]) -> String {
    let heads: Vec<&str> = COLUMNS.iter().map(|(.., head)| *head).collect();
    let mut text = format!("| client | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(COLUMNS.len()));
    let mut clients: Vec<_> = plays.iter().map(|(row, _)| row.client).collect();
    clients.sort_by_key(|client| client.name());
    clients.dedup();
    for client in clients {
        let cells = COLUMNS.map(|(way, by, _)| {
            let here = Row { client, way, by };
            let mut took: Vec<Option<Duration>> =
                plays.iter().filter(|(row, _)| *row == here).map(|(_, play)| play.as_ref().ok().copied()).collect();
            took.sort_by_key(|took| took.unwrap_or(Duration::MAX));
            match took.get((took.len().max(1) - 1) / 2) {
                None => "–".to_owned(),
                Some(None) => "never".to_owned(),
                Some(Some(median)) => format!("{:.1}", median.as_secs_f64()),
            }
        });
        let _ = writeln!(text, "| {} {} | {} |", client.name(), client.version(), cells.join(" | "));
    }
    for (row, play) in plays {
        if let Err(why) = play {
            let _ = writeln!(text, "\nFailed: `{row}`: {why}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_median_and_says_what_failed() {
        let row = |text| Row::read(text).unwrap();
        let took = |ms| Ok(Duration::from_millis(ms));
        let plays: Vec<Play> = vec![
            (row("aria2/from-teem/torrent"), took(2_000)),
            (row("aria2/from-teem/torrent"), took(9_000)),
            (row("aria2/from-teem/torrent"), took(1_000)),
            (row("aria2/dials-out/torrent"), Err("nothing came".to_owned())),
        ];
        let told = table(&plays);
        assert!(told.contains(" | 2.0 | – | – | – | never |"), "{told}");
        assert!(told.contains("Failed: `aria2/dials-out/torrent`: nothing came"), "{told}");
    }
}
