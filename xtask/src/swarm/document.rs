//! The table of real swarms as Markdown, and its place in a document.
use super::clients::Kind;
use super::outcome::{Outcome, Run, median};
use super::rows::{Goal, ROWS, Row};
use crate::bench::{self, Failed};
use std::fmt::Write as _;

/// The lines between which a document holds the table.
const MARKS: [&str; 2] = ["<!-- figures -->\n", "<!-- end of figures -->\n"];

/// All rows that have runs.
pub(super) fn table(runs: &[Run]) -> String {
    let mut text = String::from(
        "| downloaders | seed | runs | copies until all out | copies in all | median / T* | last / T* | busiest client: 1 s, 2 s, in all | free | goal |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in ROWS {
        for seed in row.seeds {
            let of = of(runs, row, *seed);
            if of.is_empty() {
                continue;
            }
            let figures =
                |figure: fn(&Outcome) -> Option<f64>| -> Vec<f64> { of.iter().filter_map(|o| figure(o)).collect() };
            let done: f64 = of.iter().map(|o| o.ends.len() as f64).fold(f64::INFINITY, f64::min);
            let last = match spread(&figures(Outcome::makespan)) {
                text if of.iter().all(|o| o.makespan().is_some()) => text,
                _ => format!("{done} of {} done after {:.0} x", of[0].count, patience(&of)),
            };
            let bursts = [|o: &Outcome| o.bursts[0], |o: &Outcome| o.bursts[1], |o: &Outcome| o.whole]
                .map(|figure| format!("{:.2}", of.iter().map(|o| figure(o)).fold(0.0, f64::max)));
            let free = figures(|o| Some(o.free * 100.0)).into_iter().fold(100.0, f64::min);
            let goal = if *seed == Kind::Teem { verdict(runs, row, &of) } else { String::new() };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {last} | {} | {free:.0} % | {goal} |",
                row.title,
                title(*seed),
                of.len(),
                spread(&figures(|o| o.first)),
                spread(&figures(|o| Some(o.copies))),
                spread(&figures(Outcome::middle)),
                bursts.join(", "),
            );
        }
    }
    text
}

/// Puts the table in its place in a document.
pub(super) fn put_into(document: &str, table: &str) -> Result<String, Failed> {
    bench::put_between(MARKS, document, table)
}

fn of<'a>(runs: &'a [Run], row: &Row, seed: Kind) -> Vec<&'a Outcome> {
    runs.iter().filter(|run| run.row == row.name && run.seed == seed.name()).map(|run| &run.outcome).collect()
}

fn title(seed: Kind) -> &'static str {
    match seed {
        Kind::Teem => "**Teem**",
        Kind::Plain => "Teem, `--no-granting`",
        Kind::Libtorrent => "libtorrent",
        Kind::SuperSeed => "libtorrent, super-seeding",
        Kind::Qbittorrent => "qBittorrent",
        Kind::Aria2 => "aria2",
        Kind::Transmission => "Transmission",
        Kind::Rqbit => "rqbit",
    }
}

/// For how many times the bound it was waited for.
fn patience(of: &[&Outcome]) -> f64 {
    of.iter().map(|o| o.waited / o.bound).fold(0.0, f64::max)
}

/// The median, and the least and the most when there are several.
fn spread(figures: &[f64]) -> String {
    let Some(middle) = median(figures) else { return "-".to_owned() };
    let (least, most) =
        (figures.iter().copied().fold(f64::INFINITY, f64::min), figures.iter().copied().fold(0.0, f64::max));
    if figures.len() > 1 { format!("{middle:.3} ({least:.3} to {most:.3})") } else { format!("{middle:.3}") }
}

/// What is aimed at, and whether the medians reach it.
fn verdict(runs: &[Run], row: &Row, of: &[&Outcome]) -> String {
    let Goal { copies, middle, makespan, beside } = &row.goal;
    let get = |figure: fn(&Outcome) -> Option<f64>, of: &[&Outcome]| {
        let all: Option<Vec<f64>> = of.iter().map(|o| figure(o)).collect();
        median(&all?)
    };
    let mut parts = Vec::new();
    let mut say = |what: &str, most: f64, got: Option<f64>| {
        let met = got.is_some_and(|got| got <= most);
        let missed = got.map_or_else(|| "**not reached**".to_owned(), |got| format!("**missed: {got:.3}**"));
        parts.push(format!("{what} <= {most}: {}", if met { "met".to_owned() } else { missed }));
    };
    for (what, most, figure) in [
        ("copies", copies, (|o: &Outcome| o.first) as fn(&Outcome) -> Option<f64>),
        ("median", middle, Outcome::middle),
        ("last", makespan, Outcome::makespan),
    ] {
        if let Some(most) = most {
            say(what, *most, get(figure, of));
        }
    }
    if let Some((seed, part)) = beside {
        let rival = self::of(runs, row, *seed);
        if !rival.is_empty() {
            // Where the rival's seed did not get it done, any end is better.
            let theirs = get(Outcome::makespan, &rival).unwrap_or(f64::INFINITY);
            let ours = get(Outcome::makespan, of).map(|ours| ours / theirs);
            say(&format!("of {}'s", title(*seed)), *part, ours);
        }
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(row: &str, seed: &str, ends: Vec<f64>) -> Run {
        let (row, seed) = (row.to_owned(), seed.to_owned());
        let count = 8.0;
        let outcome = Outcome {
            first: Some(1.0),
            copies: 1.0,
            ends,
            count,
            bound: 64.0,
            waited: 640.0,
            bursts: [1.0; 2],
            whole: 1.0,
            free: 1.0,
        };
        Run { row, seed, outcome }
    }

    #[test]
    fn medians_are_held_against_the_goals() {
        let runs = [64.0, 128.0, 66.0].map(|end| run("libtorrent-8", "teem", vec![end; 8]));
        let told = table(&runs);
        assert!(told.contains("| 3 | 1.000 (1.000 to 1.000) |") && told.contains("1.031 (1.000 to 2.000)"), "{told}");
        assert!(told.contains("copies <= 1.01: met; last <= 1.12: met |"), "{told}");
        let [a, b, c] = runs;
        let told = table(&[a, b, c, run("libtorrent-8", "libtorrent", vec![68.0; 8])]);
        assert!(told.contains("of libtorrent's <= 0.75: **missed: 0.971**"), "{told}");
        let told = table(&[run("rqbit-8", "teem", vec![64.0; 8]), run("rqbit-8", "rqbit", vec![64.0; 3])]);
        assert!(told.contains("of rqbit's <= 1: met") && told.contains("3 of 8 done after 10 x"), "{told}");
    }

    #[test]
    fn a_document_keeps_its_words() {
        let before = format!("words\n{}old\n{}more\n", MARKS[0], MARKS[1]);
        assert_eq!(put_into(&before, "new\n").unwrap(), before.replace("old", "new"));
        assert!(put_into("words", "new").is_err());
    }
}
