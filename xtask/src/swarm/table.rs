//! All rows of the table, run in turn so that a disturbance meets all of them. Each run is a line of a file: who is stopped goes on,
//! and several may add to one file at a time, with different rows.
use super::clients::Kind;
use super::document;
use super::namespace;
use super::outcome::Run;
use super::rows::{ROWS, Row};
use super::wishes;
use crate::bench::Failed;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What is asked for.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Table {
    /// Where the runs are kept.
    file: PathBuf,
    /// Repetitions with Teem's seed; other seeds get one.
    reps: usize,
    /// Only rows whose name begins with one of these.
    rows: Vec<String>,
    size: u64,
    rate: u64,
    /// The document in which the table stands.
    write: Option<PathBuf>,
}

impl Table {
    /// Reads the words after `bench swarm`.
    pub(super) fn read(words: &[&str]) -> Option<Self> {
        let file = PathBuf::new();
        let mut table = Self { file, reps: 3, rows: Vec::new(), size: 256 << 20, rate: 4 << 20, write: None };
        for pair in words.chunks(2) {
            let [name, value] = pair else { return None };
            match *name {
                "--table" => table.file = PathBuf::from(value),
                "--reps" => table.reps = value.parse().ok()?,
                "--rows" => table.rows = value.split(',').map(str::to_owned).collect(),
                "--size" => table.size = wishes::mebibytes(value)?,
                "--rate" => table.rate = wishes::mebibytes(value)?,
                "--write" => table.write = Some(PathBuf::from(value)),
                _ => return None,
            }
        }
        Some(table)
    }

    /// Does the runs that are missing, one after the other, and returns the table.
    pub(super) fn run(&self, teem: &Path) -> Result<String, Failed> {
        for round in 0..self.reps {
            for row in ROWS.iter().filter(|row| self.has(row)) {
                for seed in row.seeds.iter().filter(|seed| round == 0 || **seed == Kind::Teem) {
                    let is_it = |run: &&Run| run.row == row.name && run.seed == seed.name();
                    if self.on_file()?.iter().filter(is_it).count() <= round {
                        self.add(teem, row, *seed);
                    }
                }
            }
        }
        let told = document::table(&self.on_file()?);
        if let Some(path) = &self.write {
            fs::write(path, document::put_into(&fs::read_to_string(path)?, &told)?)?;
        }
        Ok(told)
    }

    fn has(&self, row: &Row) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|name| row.name.starts_with(name))
    }

    fn settings(&self) -> String {
        format!("\"mib\":{},\"mib_s\":{}", self.size >> 20, self.rate >> 20)
    }

    /// One run more. One that fails is told and not kept.
    fn add(&self, teem: &Path, row: &Row, seed: Kind) {
        let (size, rate) = ((self.size >> 20).to_string(), (self.rate >> 20).to_string());
        let words = ["--seed", seed.name(), "--get", row.get, "--size", &size, "--rate", &rate];
        let kept = namespace::run(teem, &words, None).and_then(|outcome| {
            eprintln!("{} from {}: {outcome}", row.name, seed.name());
            let (settings, members) = (self.settings(), outcome.members());
            let line = format!("{{\"row\":\"{}\",\"seed\":\"{}\",{settings},{members}}}\n", row.name, seed.name());
            let mut file = OpenOptions::new().create(true).append(true).open(&self.file)?;
            Ok(file.write_all(line.as_bytes())?)
        });
        if let Err(why) = kept {
            eprintln!("{} from {}: {why}", row.name, seed.name());
        }
    }

    /// The runs so far of that size and rate.
    fn on_file(&self) -> Result<Vec<Run>, Failed> {
        let text = match fs::read_to_string(&self.file) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        Ok(text.lines().filter(|line| line.contains(&self.settings())).filter_map(Run::read).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read() {
        let table = Table::read(&["--table", "runs", "--reps", "1", "--rows", "teem,aria2", "--size", "32"]).unwrap();
        assert_eq!((table.reps, table.size, table.rate), (1, 32 << 20, 4 << 20));
        let chosen: Vec<&str> = ROWS.iter().filter(|row| table.has(row)).map(|row| row.name).collect();
        assert_eq!(chosen, ["teem-1", "teem-4", "teem-8", "teem-16", "aria2-8"]);
        assert_eq!(Table::read(&["--table"]), None);
        assert_eq!(Table::read(&["--table", "runs", "--size", "0"]), None);
    }
}
