//! What came of a cell, and the table of all.
use super::cell::{Cell, NAMES, words};
use std::fmt::Write as _;
use std::time::Duration;

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// Every byte arrived.
    Passed,
    /// Something is not installed.
    Skipped(String),
    /// In a sentence.
    Failed(String),
}

/// One cell that was played.
pub(super) struct Outcome {
    pub(super) cell: Cell,
    pub(super) verdict: Verdict,
    pub(super) took: Duration,
}

impl Outcome {
    /// A line of JSON.
    pub(super) fn json(&self) -> String {
        let (word, why) = match &self.verdict {
            Verdict::Passed => ("passed", None),
            Verdict::Skipped(why) => ("skipped", Some(why)),
            Verdict::Failed(why) => ("failed", Some(why)),
        };
        let (cell, seconds) = (self.cell.to_string(), self.took.as_millis() as f64 / 1000.0);
        format!("{}\n", serde_json::json!({ "cell": cell, "verdict": word, "why": why, "seconds": seconds }))
    }

    /// Reads what [`Self::json`] wrote.
    pub(super) fn read(line: &str) -> Option<Self> {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        let why = value["why"].as_str().unwrap_or_default().to_owned();
        let verdict = match value["verdict"].as_str()? {
            "passed" => Verdict::Passed,
            "skipped" => Verdict::Skipped(why),
            _ => Verdict::Failed(why),
        };
        let took = Duration::try_from_secs_f64(value["seconds"].as_f64()?).ok()?;
        Some(Self { cell: Cell::read(value["cell"].as_str()?)?, verdict, took })
    }

    /// A line for a person.
    pub(super) fn line(&self) -> String {
        let (cell, seconds) = (self.cell, self.took.as_secs_f64());
        match &self.verdict {
            Verdict::Passed => format!("{seconds:6.1} s  {cell}"),
            Verdict::Skipped(why) => format!("skipped   {cell}: {why}"),
            Verdict::Failed(why) => format!("FAILED    {cell}: {why}"),
        }
    }
}

/// How many passed, of how many that were played.
fn counted<'a>(of: impl Iterator<Item = &'a Outcome>) -> String {
    let (mut passed, mut played) = (0, 0);
    for outcome in of {
        played += usize::from(!matches!(outcome.verdict, Verdict::Skipped(_)));
        passed += usize::from(outcome.verdict == Verdict::Passed);
    }
    match (passed, played) {
        (_, 0) => "–".to_owned(),
        (passed, played) if passed == played => passed.to_string(),
        (passed, played) => format!("**{passed} of {played}**"),
    }
}

/// The table as Markdown: a row for each client, a column for each setting, in each how many cells passed.
pub(super) fn table(outcomes: &[Outcome], versions: &[(String, String)]) -> String {
    let mut text = String::new();
    let columns: Vec<(usize, &str)> =
        (1..NAMES.len()).flat_map(|i| words(i).into_iter().map(move |word| (i, word))).collect();
    let of = |client: &'static str| outcomes.iter().filter(move |outcome| outcome.cell.word(0) == client);
    let head: Vec<&str> = columns.iter().map(|(_, word)| *word).collect();
    let _ = writeln!(text, "| client | all | {} |\n|---|---|{}", head.join(" | "), "---|".repeat(columns.len()));
    for client in words(0) {
        if of(client).next().is_none() {
            continue;
        }
        let cells: Vec<String> = columns
            .iter()
            .map(|(i, word)| counted(of(client).filter(|outcome| outcome.cell.word(*i) == *word)))
            .collect();
        let _ = writeln!(text, "| {client} | {} | {} |", counted(of(client)), cells.join(" | "));
    }
    let told: Vec<String> = versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let _ = writeln!(text, "\nVersions: {}.", told.join(", "));
    for outcome in outcomes {
        match &outcome.verdict {
            Verdict::Failed(why) => _ = writeln!(text, "\nFailed: `{}`: {why}", outcome.cell),
            Verdict::Skipped(why) => _ = writeln!(text, "\nSkipped: `{}`: {why}", outcome.cell),
            Verdict::Passed => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_counted() {
        let cell = Cell::read("aria2/gets/odd/16M/magnet/opentracker/udp/v4").unwrap();
        let verdicts = [Verdict::Passed, Verdict::Failed("it \"ended\"".into()), Verdict::Skipped("absent".into())];
        let took = Duration::from_millis(1500);
        let outcomes: Vec<Outcome> = verdicts.map(|verdict| Outcome { cell, verdict, took }).into();
        for outcome in &outcomes {
            let read = Outcome::read(&outcome.json()).unwrap();
            assert_eq!((read.cell == cell, read.verdict, read.took), (true, outcome.verdict.clone(), took));
        }
        let told = table(&outcomes, &[]);
        assert!(told.contains("| aria2 | **1 of 2** | – | **1 of 2** |"), "{told}");
        assert!(told.contains("Failed: `aria2/gets/odd/16M/magnet/opentracker/udp/v4`: it \"ended\""), "{told}");
    }
}
