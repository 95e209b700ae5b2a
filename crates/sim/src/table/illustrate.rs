//! The pictures of the document (own design): one of all cases, and how some of them went over time.
use super::cases::{self, Place};
use super::figure::{Aim, Figure};
use super::rows;
use super::runs::{DRAWN, Runs};
use crate::picture::{self, Curve, Pair};
use crate::report::stats::decimal;
use teem_swarm::command::Spreading;

/// The cases that are drawn over time, each at the largest size that was run.
const DRAWN_CASES: [&str; 4] = ["equal", "leaving", "riders", "plain50"];
/// Fewer cases than this are not worth a picture of all.
const FEW: usize = 4;

/// A picture: the file's name, what it shows, itself.
pub(super) struct Picture {
    pub file: String,
    pub about: String,
    pub svg: String,
}

/// All that the runs give.
pub(super) fn pictures(runs: &Runs) -> Vec<Picture> {
    let mut places = cases::places();
    places.reverse();
    let over_time = DRAWN_CASES.iter().filter_map(|name| {
        places.iter().filter(|place| place.case.name == *name).find_map(|place| over_time(place, runs))
    });
    all_cases(runs).into_iter().chain(over_time).collect()
}

/// All cases at the largest size at which enough of them were run.
fn all_cases(runs: &Runs) -> Option<Picture> {
    let places = cases::places();
    let ran = |place: &&Place| runs.find(place.case.name, place.n, true, DRAWN).is_some();
    let at = |n: u32| places.iter().filter(move |place| place.n == n).filter(ran);
    let n = places.iter().rev().map(|place| place.n).find(|&n| at(n).count() >= FEW)?;
    let figures = |place: &Place| match place.case.spreading {
        Spreading::Frugal => [Figure::FrugalMakespan, Figure::Copies],
        _ => [Figure::Makespan, Figure::AllOut],
    };
    let row = |place: &Place| (place.case.brief.to_string(), figures(place).map(|figure| pair(place, runs, figure)));
    let cases: Vec<(String, [Pair; 2])> = at(n).map(row).collect();
    let title = format!("What {n} downloaders and one source reach: 1 is the least possible");
    let svg = picture::overview(&title, ["makespan / bound", "copies until all is out (frugal: in all)"], &cases);
    Some(Picture { file: format!("swarm-cases-n{n}.svg"), about: format!("All cases with {n} downloaders"), svg })
}

fn pair(place: &Place, runs: &Runs, figure: Figure) -> Pair {
    let value = |granting| rows::median_of(place, runs, figure, granting).map(|permille| permille as f64 / 1000.0);
    let aims = place.case.figures.iter().find(|(other, _)| *other == figure).map(|(_, aims)| aims);
    let aim = aims.and_then(|aims| match aims.get(place.index) {
        Some(Aim::AtMost(most, _)) => Some(*most as f64 / 1000.0),
        _ => None,
    });
    // A source that may send more than one copy is not held to the bound of one that may not.
    let off = value(false).filter(|_| figure != Figure::FrugalMakespan);
    Pair { granting: value(true), off, aim }
}

fn over_time(place: &Place, runs: &Runs) -> Option<Picture> {
    let mut curves = Vec::new();
    for (granting, word) in [(true, "granting"), (false, "granting off")] {
        let Some(run) = runs.find(place.case.name, place.n, granting, DRAWN) else { continue };
        if run.series.is_empty() {
            continue;
        }
        let (makespan, out) = (decimal(run.report.over_bound_permille), decimal(run.report.all_out_permille));
        let label = format!("{word}: makespan {makespan} T*, {out} copies until all was out");
        curves.push(Curve { label, samples: &run.series, bound_ms: run.report.bound_ms });
    }
    curves.first()?;
    let about = format!("{} downloaders: {}", place.n, place.case.about);
    let svg = picture::draw(&about, &curves);
    Some(Picture { file: format!("swarm-{}.svg", place.name()), about, svg })
}
