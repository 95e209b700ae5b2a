//! One figure of a run and what is aimed at (own design).
use crate::report::Report;
use crate::report::stats::{permille, ratio};
use std::time::Duration;

/// A run and those it is compared with, all from one seed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trial<'a> {
    /// The run that is measured.
    pub(crate) this: &'a Report,
    /// The same world with granting off.
    pub(crate) off: Option<&'a Report>,
    /// The same world, but everybody stays and is Teem.
    pub(crate) calm: Option<&'a Report>,
}

/// What a figure should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Aim {
    /// At most so many thousandths; and what would be better still.
    AtMost(u64, Option<u64>),
    /// Yes, whatever the seed.
    Yes,
    /// It is only shown.
    Shown,
}

/// What can be read from a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Figure {
    /// Makespan over the fluid bound.
    Makespan,
    /// Makespan over the bound of a source that sends one copy.
    FrugalMakespan,
    /// Mean time over the fluid bound.
    Mean,
    /// The time within which so many in a thousand complete, over the fluid bound: 500, 900, 990 or 999.
    Percentile(u32),
    /// What the source sent until every block had left it once.
    AllOut,
    /// What the source sent in all.
    Copies,
    /// Payload received in vain.
    Wasted,
    /// Contributors' mean time over free riders'.
    Fairness,
    /// Whether everybody completed.
    Completes,
    /// Mean time of those that got it over the mean time in the same world without departures.
    Slowdown,
    /// Makespan over that of the same world with granting off.
    OverOff,
}

impl Figure {
    /// Its name in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Makespan => "makespan / T*",
            Self::FrugalMakespan => "makespan / frugal bound",
            Self::Mean => "mean / T*",
            Self::Percentile(500) => "p50 / T*",
            Self::Percentile(900) => "p90 / T*",
            Self::Percentile(990) => "p99 / T*",
            Self::Percentile(_) => "p99.9 / T*",
            Self::AllOut => "copies until all out",
            Self::Copies => "copies in all",
            Self::Wasted => "wasted payload",
            Self::Fairness => "contributors' mean / free riders'",
            Self::Completes => "completes",
            Self::Slowdown => "mean / mean without departures",
            Self::OverOff => "makespan / granting off",
        }
    }

    /// Whether it compares with the same world with granting off.
    pub(super) fn needs_off(self) -> bool {
        self == Self::OverOff
    }

    /// Its value in thousandths; `None` when the run has none.
    pub(super) fn of(self, trial: Trial<'_>) -> Option<u64> {
        let this = trial.this;
        match self {
            Self::Makespan => this.over_bound_permille,
            Self::FrugalMakespan => this.over_frugal_permille,
            Self::Mean => this.mean_permille.filter(|_| this.makespan_ms.is_some()),
            Self::Percentile(part) => {
                let [p50, p90, p99, p999] = this.percentiles_permille.filter(|_| this.makespan_ms.is_some())?;
                Some(match part {
                    500 => p50,
                    900 => p90,
                    990 => p99,
                    _ => p999,
                })
            }
            Self::AllOut => this.all_out_permille,
            Self::Copies => Some(this.copies_permille),
            Self::Wasted => Some(this.wasted_permille),
            Self::Fairness => this.fairness_permille,
            Self::Completes => Some(u64::from(this.makespan_ms.is_some()) * 1000),
            Self::Slowdown => Some(permille(this.mean_ms?, trial.calm?.mean_ms?)),
            Self::OverOff => {
                let time = Duration::from_millis;
                Some(ratio(time(this.makespan_ms?), time(trial.off?.makespan_ms?)))
            }
        }
    }

    /// A value as it is printed.
    pub(crate) fn show(self, permille: u64) -> String {
        match self {
            Self::Completes => if permille == 1000 { "yes" } else { "no" }.to_string(),
            Self::Wasted => format!("{}.{} %", permille / 10, permille % 10),
            _ => format!("{}.{:03}", permille / 1000, permille % 1000),
        }
    }

    /// What is aimed at, as it is printed.
    pub(crate) fn show_aim(self, aim: Aim) -> String {
        let short = |permille: u64| match self {
            Self::Wasted => self.show(permille),
            _ => format!("{}.{:02}", permille / 1000, permille % 1000 / 10),
        };
        match aim {
            Aim::AtMost(most, None) => format!("≤ {}", short(most)),
            Aim::AtMost(most, Some(goal)) => format!("≤ {} (goal {})", short(most), short(goal)),
            Aim::Yes => "yes".to_string(),
            Aim::Shown => String::new(),
        }
    }
}

impl Aim {
    /// Whether the figure is reached; `None` when nothing is aimed at.
    pub(crate) fn met(self, value: Option<u64>) -> Option<bool> {
        match self {
            Self::AtMost(most, _) => Some(value.is_some_and(|value| value <= most)),
            Self::Yes => Some(value == Some(1000)),
            Self::Shown => None,
        }
    }
}
