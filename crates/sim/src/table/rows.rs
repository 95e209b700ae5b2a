//! The rows of the table (own design): medians over the seeds, and whether they reach what is aimed at.
use super::cases::Place;
use super::figure::{Aim, Figure, Trial};
use super::runs::Runs;
use crate::report::stats::median;
use serde::Serialize;

/// One figure of one case at one size.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Row {
    /// The case and its size, as rows are chosen.
    pub name: String,
    /// What the case is.
    pub about: &'static str,
    /// How many downloaders it has.
    pub n: u32,
    #[serde(skip)]
    pub(crate) figure: Figure,
    #[serde(skip)]
    pub(crate) aim: Aim,
    /// What is measured.
    pub what: &'static str,
    /// The figure with granting on.
    pub granting: Option<Spread>,
    /// The figure of the same engine with granting off.
    pub(crate) off: Option<Spread>,
    /// What is aimed at, in words.
    pub(crate) target: String,
    /// Whether it is reached; `None` when nothing is aimed at or nothing was run.
    pub met: Option<bool>,
}

/// A figure over the seeds, in thousandths.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Spread {
    /// The median; of an even number of seeds the greater of the two in the middle.
    pub(crate) median: u64,
    /// The least of all seeds.
    pub min: u64,
    /// The greatest of all seeds.
    pub max: u64,
    /// From how many seeds.
    pub seeds: u32,
    /// How many of them have no such figure, since somebody did not complete.
    pub(crate) without: u32,
}

impl Spread {
    fn of(values: &[Option<u64>]) -> Option<Self> {
        // A run without a figure is worse than any with one.
        let all: Vec<u64> = values.iter().map(|value| value.unwrap_or(u64::MAX)).collect();
        let known = || values.iter().flatten().copied();
        Some(Self {
            median: median(all)?,
            min: known().min()?,
            max: known().max()?,
            seeds: values.len() as u32,
            without: values.iter().filter(|value| value.is_none()).count() as u32,
        })
    }

    /// The median, if most runs have the figure.
    pub(super) fn value(self) -> Option<u64> {
        (self.median < u64::MAX).then_some(self.median)
    }
}

/// The rows of a case at a size.
pub(super) fn of(place: &Place, runs: &Runs) -> Vec<Row> {
    let row = |(figure, aims): &(Figure, &[Aim])| {
        let aim = aims.get(place.index).copied().unwrap_or(Aim::Shown);
        let (granting, ran) = spread(place, runs, *figure, true);
        let (off, _) = spread(place, runs, *figure, false);
        let value = if aim == Aim::Yes { granting.map(|all| all.min) } else { granting.and_then(Spread::value) };
        Row {
            name: place.name(),
            about: place.case.about,
            n: place.n,
            figure: *figure,
            aim,
            what: figure.name(),
            granting,
            off,
            target: figure.show_aim(aim),
            met: aim.met(value).filter(|_| ran),
        }
    };
    place.case.figures.iter().map(row).collect()
}

/// The median of any figure of a case.
pub(super) fn median_of(place: &Place, runs: &Runs, figure: Figure, granting: bool) -> Option<u64> {
    spread(place, runs, figure, granting).0.and_then(Spread::value)
}

/// A figure over the seeds, and whether there are runs at all.
fn spread(place: &Place, runs: &Runs, figure: Figure, granting: bool) -> (Option<Spread>, bool) {
    let mut values = Vec::new();
    for seed in runs.seeds(place.case.name, place.n) {
        let find = |case, granting| runs.find(case, place.n, granting, seed).map(|run| &run.report);
        if let Some(this) = find(place.case.name, granting) {
            let calm = place.calm().and_then(|case| find(case, granting));
            values.push(figure.of(Trial { this, off: find(place.case.name, false), calm }));
        }
    }
    (Spread::of(&values), !values.is_empty())
}
