//! What the table is asked for on the command line (own design).
use super::cases::{self, Place};
use super::glob;
use std::path::PathBuf;
use std::thread::available_parallelism;

/// The table of swarm efficiency: what is reached, what is aimed at, and what granting gains
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// The largest number of downloaders
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub up_to: u32,
    /// Only rows whose name fits (`*` any letters, `?` one): `equal-*`, `*-n10`
    #[arg(long, value_name = "GLOB")]
    pub rows: Vec<String>,
    /// How many seeds each world is run from; 5 up to 1000 downloaders, 1 beyond, unless told otherwise
    #[arg(long, value_name = "K")]
    pub seeds: Option<u64>,
    /// How many worlds run at a time; as many as there are cores, unless told otherwise
    #[arg(long, value_name = "J")]
    pub jobs: Option<usize>,
    /// On how many threads each world runs; the cores that worlds at a time leave over, unless told otherwise
    #[arg(long, value_name = "T")]
    pub threads: Option<usize>,
    /// Take runs from this file instead of running them again, and keep new ones there; more files are only read
    #[arg(long, value_name = "FILE")]
    pub merge: Vec<PathBuf>,
    /// Leave out the same worlds with granting off, save where what is aimed at refers to them: half of the time
    #[arg(long)]
    pub granting_only: bool,
    /// Run nothing: print what the files hold
    #[arg(long, requires = "merge")]
    pub only_merged: bool,
    /// Write the table as a document, with pictures in the folder `img` beside it
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Print the rows as JSON
    #[arg(long)]
    pub json: bool,
    /// Exit with 1 when a figure that must be reached is missed or a rule was broken
    #[arg(long)]
    pub check: bool,
}

impl Options {
    /// The rows that are asked for, as cases with their sizes.
    pub(super) fn places(&self) -> Vec<Place> {
        let asked = |name: &str| self.rows.is_empty() || self.rows.iter().any(|pattern| glob::fits(pattern, name));
        cases::places().into_iter().filter(|place| place.n <= self.up_to && asked(&place.name())).collect()
    }

    /// From how many seeds a world of that many downloaders is run.
    pub(super) fn seeds(&self, n: u32) -> u64 {
        self.seeds.unwrap_or(if n <= 1_000 { 5 } else { 1 }).max(1)
    }

    /// How many worlds run at a time.
    pub(super) fn jobs(&self) -> usize {
        self.jobs.unwrap_or_else(cores).max(1)
    }

    /// On how many threads each of that many worlds at a time runs.
    pub(super) fn threads(&self, jobs: usize) -> usize {
        self.threads.unwrap_or_else(|| cores() / jobs.max(1)).max(1)
    }
}

fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_chosen_by_size_and_name() {
        let names = |options: Options| options.places().iter().map(Place::name).collect::<Vec<_>>();
        let small = names(Options { up_to: 10, ..Options::default() });
        assert!(small.len() > 5 && small.iter().all(|name| name.ends_with("-n10")), "{small:?}");
        let equal = Options { up_to: 100, rows: vec!["equal-*".into()], ..Options::default() };
        assert_eq!(names(equal.clone()), ["equal-n10", "equal-n100"]);
        assert_eq!((equal.seeds(1000), equal.seeds(10_000)), (5, 1));
    }
}
