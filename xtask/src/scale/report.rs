//! What was measured, as tables, and the verdict on how it grows.

use super::axis::Axis;
use super::course::{Costs, WORKS};
use super::growth::{EXPONENT_MAX, exponent};
use super::meter::Cost;
use crate::bench::Failed;
use std::fmt::Write as _;

/// Processor time below this is mostly that of starting.
const SECONDS_MIN: f64 = 0.1;
/// Memory below this is mostly that of the program and its buffers, in MiB.
const MEMORY_MIN: f64 = 48.0;
/// Content files that may be open at once, and what else a program has open.
const OPEN_MAX: u64 = 256 + 32;

/// One of the figures of a cost.
type Figure = fn(&Cost) -> f64;

/// All sizes of one axis.
pub(super) struct Measured {
    pub(super) axis: Axis,
    pub(super) sizes: Vec<(u64, Costs)>,
}

impl Measured {
    pub(super) fn new(axis: Axis) -> Self {
        Self { axis, sizes: Vec::new() }
    }

    /// The points of one work and one figure.
    pub(super) fn points(&self, work: usize, figure: Figure) -> Vec<(f64, f64)> {
        self.sizes.iter().filter_map(|(size, costs)| Some((*size as f64, figure(&costs[work]?)))).collect()
    }

    /// Tables of all figures with their exponents, and what grows too fast.
    pub(super) fn told(&self) -> (String, Vec<String>) {
        let (mut text, mut faults) = (String::new(), Vec::new());
        let figures: [(&str, f64, Figure); 2] =
            [("seconds of processor time", SECONDS_MIN, |c| c.seconds), ("most memory, MiB", MEMORY_MIN, |c| c.memory)];
        for (what, floor, figure) in figures {
            let works: Vec<usize> = (0..WORKS.len()).filter(|&w| !self.points(w, figure).is_empty()).collect();
            let names: Vec<&str> = works.iter().map(|&w| WORKS[w]).collect();
            let _ = writeln!(text, "| {}: {what} | {} |", self.axis.title(), names.join(" | "));
            let _ = writeln!(text, "|--:|{}", "--:|".repeat(works.len()));
            for (size, costs) in &self.sizes {
                let row = works.iter().map(|&w| costs[w].map_or_else(String::new, |c| number(figure(&c))));
                let _ = writeln!(text, "| {} | {} |", grouped(*size), row.collect::<Vec<_>>().join(" | "));
            }
            let mut row = Vec::new();
            for &work in &works {
                let exponent = exponent(&self.points(work, figure), floor);
                row.push(exponent.map_or_else(|| "–".to_owned(), |e| format!("{e:.2}")));
                if let Some(e) = exponent.filter(|e| *e > EXPONENT_MAX) {
                    faults.push(format!("{} by {}: {what} grow with exponent {e:.2}", WORKS[work], self.axis.name()));
                }
            }
            let _ = writeln!(text, "| exponent | {} |\n", row.join(" | "));
        }
        let open =
            self.sizes.iter().flat_map(|(_, costs)| costs.iter().flatten()).map(|cost| cost.open).max().unwrap_or(0);
        let _ = writeln!(text, "Most descriptors open at once: {open}.\n");
        if open > OPEN_MAX {
            faults.push(format!("{open} descriptors were open at once"));
        }
        (text, faults)
    }
}

/// Puts the tables of an axis in their place in a document.
pub(super) fn put_into(document: &str, axis: Axis, tables: &str) -> Result<String, Failed> {
    let marks = [format!("<!-- {} -->\n", axis.name()), format!("<!-- end of {} -->\n", axis.name())];
    let missing = || Failed::new(format!("the document has no place for the tables ({})", marks[0].trim()));
    let (before, rest) = document.split_once(&marks[0]).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&marks[1]).ok_or_else(missing)?;
    Ok([before, &marks[0], tables, &marks[1], after].concat())
}

/// One size on one line, to be watched while it is measured.
pub(super) fn line(axis: Axis, size: u64, costs: &Costs) -> String {
    let mut line = format!("{:>9} {}", grouped(size), axis.title());
    for (name, cost) in WORKS.iter().zip(costs) {
        if let Some(Cost { seconds, memory, open }) = cost {
            let _ = write!(line, "  {name} {seconds:.2} s {memory:.0} MiB {open}");
        }
    }
    line
}

fn number(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// Digits in threes.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(seconds: fn(f64) -> f64) -> Measured {
        let cost = |n: u64| Cost { seconds: seconds(n as f64), memory: 5.0, open: 9 };
        let sizes = (10..15).map(|k| 1 << k).map(|n| (n, [Some(cost(n)); WORKS.len()])).collect();
        Measured { sizes, ..Measured::new(Axis::Files) }
    }

    #[test]
    fn linear_is_told_and_quadratic_is_a_failure() {
        let (text, faults) = measured(|n| n / 1_000.0).told();
        assert!(text.contains("| 16,384 | 16.4 |") && text.contains("| exponent | 1.00 |"), "{text}");
        assert!(faults.is_empty(), "{faults:?}");
        let (_, faults) = measured(|n| n * n / 1e6).told();
        assert_eq!(faults.first().unwrap(), "create by files: seconds of processor time grow with exponent 2.00");
    }
}
