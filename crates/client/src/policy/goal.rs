//! When a torrent has given enough, and what becomes of it then (own design): functions of what is known of it, of the rules and of nothing else.
//!
//! A goal has terms (ratio, time, idle time), of which any or all are to be reached, and may have a number of other seeds below which it goes on
//! whatever the terms say. What is not known stops nothing: neither does it end a torrent that gives, nor begin one that has ended.
use crate::typed::{Span, scaled};
use std::fmt;
use std::str::FromStr;

/// Ratios are counted in thousandths.
const WHOLE: u64 = 1000;
/// Seconds between two looks at a torrent that something may have become of unseen.
const LOOK_S: u64 = 600;

/// How much of its terms a goal wants.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Join {
    /// One of them.
    #[default]
    Any,
    /// All of them.
    All,
}

/// When a complete torrent has given enough. Without a term it never has.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Goal {
    /// How many of the terms below.
    pub join: Join,
    /// Payload bytes sent in all runs over the bytes that are wanted, in thousandths.
    pub ratio: Option<u64>,
    /// Seconds of seeding.
    pub time_s: Option<u64>,
    /// Seconds of seeding since something was sent last.
    pub idle_s: Option<u64>,
    /// It goes on while fewer other seeds than this are known, and again once they are.
    pub seeds: Option<u32>,
}

/// What becomes of a torrent that has given enough.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Then {
    /// It gives up its place among the seeds, and goes on to serve who comes.
    #[default]
    Rest,
    /// It is not announced any more and takes no connections.
    Pause,
    /// It is removed; its files stay.
    Remove,
    /// It is removed with its files.
    Delete,
}

/// What is known of a complete torrent.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Given {
    /// Payload bytes sent in all runs.
    pub uploaded: u64,
    /// Bytes that are wanted.
    pub wanted: u64,
    /// Seconds that it has been seeding.
    pub seeding_s: u64,
    /// Seconds of these since something was sent last.
    pub idle_s: u64,
    /// Seeds but us, as far as is known and new enough.
    pub seeds: Option<u32>,
}

/// What a goal says of a torrent at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judgement {
    /// It stays as it is.
    Stay,
    /// It has given enough.
    Enough,
    /// It had given enough, and is needed again.
    Needed,
}

impl Goal {
    /// What follows for a torrent that gives, or that `has_ended` because it had given enough.
    pub fn judge(&self, given: &Given, has_ended: bool) -> Judgement {
        let is_scarce = self.seeds.zip(given.seeds).map(|(least, seeds)| seeds < least);
        if has_ended {
            // A goal that was changed is not reached any more, which is no less a reason than that others have gone.
            let is_needed = is_scarce == Some(true) || !self.is_reached(given);
            return if is_needed { Judgement::Needed } else { Judgement::Stay };
        }
        // With a least number of seeds, that number has to be known.
        let is_plenty = self.seeds.is_none() || is_scarce == Some(false);
        if is_plenty && self.is_reached(given) { Judgement::Enough } else { Judgement::Stay }
    }

    /// Whether its terms are reached; a least number of seeds alone is a goal without terms, and those are reached at once.
    fn is_reached(&self, given: &Given) -> bool {
        let ratio =
            |least: u64| u128::from(given.uploaded) * u128::from(WHOLE) >= u128::from(given.wanted) * u128::from(least);
        let terms = [
            self.ratio.map(ratio),
            self.time_s.map(|least| given.seeding_s >= least),
            self.idle_s.map(|least| given.idle_s >= least),
        ];
        let mut terms = terms.into_iter().flatten().peekable();
        match self.join {
            _ if terms.peek().is_none() => self.seeds.is_some(),
            Join::Any => terms.any(|reached| reached),
            Join::All => terms.all(|reached| reached),
        }
    }

    /// In how many seconds a torrent is to be looked at again although nothing was heard of it; `None` where time alone changes nothing.
    pub fn look_again_s(&self, given: &Given) -> Option<u64> {
        let left = |least: Option<u64>, now: u64| least.map(|least| if least > now { least - now } else { LOOK_S });
        // What was sent is heard of nowhere, so it is looked at.
        let times =
            [left(self.time_s, given.seeding_s), left(self.idle_s, given.idle_s), self.ratio.map(|_| LOOK_S / 10)];
        times.into_iter().flatten().min().map(|s| s.clamp(1, LOOK_S))
    }

    /// Whether nothing ever ends a torrent by it.
    pub fn is_never(&self) -> bool {
        self.ratio.is_none() && self.time_s.is_none() && self.idle_s.is_none() && self.seeds.is_none()
    }
}

/// The goal that holds for a torrent: its own, else that of a label, else that of a tracker, else that of all.
pub fn nearest(own: Option<Goal>, labels: &[Goal], trackers: &[Goal], all: Goal) -> Goal {
    own.or_else(|| labels.first().copied()).or_else(|| trackers.first().copied()).unwrap_or(all)
}

impl FromStr for Goal {
    type Err = String;

    /// `forever`, `done`, or terms: `ratio=2`, a time such as `30d`, `idle=7d`, `seeds=3`, joined by `or` or by `and`.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text {
            "forever" | "stopped" => return Ok(Self::default()),
            "done" => return Ok(Self { time_s: Some(0), ..Self::default() }),
            _ => {}
        }
        let mut goal = Self::default();
        let (or, and) = (text.contains(" or "), text.contains(" and "));
        if or && and {
            return Err(format!(
                "`{text}`: terms are joined by `or` or by `and`, not by both; seeds=N holds beside either"
            ));
        }
        goal.join = if and { Join::All } else { Join::Any };
        for term in text.split(if and { " and " } else { " or " }) {
            let (name, value) =
                term.split_once('=').map_or(("time", term.trim()), |(name, value)| (name.trim(), value.trim()));
            let bad = || {
                format!(
                    "`{}` is none of: forever, done, ratio=R such as ratio=1.5, a time such as 30d, idle=TIME, seeds=N",
                    term.trim()
                )
            };
            let time = || value.parse::<Span>().map(|span| span.0.as_secs()).map_err(|_| bad());
            match name {
                "ratio" => goal.ratio = Some(scaled(value, WHOLE).ok_or_else(bad)?),
                "time" => goal.time_s = Some(time()?),
                "idle" => goal.idle_s = Some(time()?),
                "seeds" => goal.seeds = Some(value.parse().map_err(|_| bad())?),
                _ => return Err(bad()),
            }
        }
        Ok(goal)
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_never() {
            return f.write_str("forever");
        }
        let ratio = |thousandths: u64| {
            let text = format!("ratio={}.{:03}", thousandths / WHOLE, thousandths % WHOLE);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        let terms = [
            self.ratio.map(ratio),
            self.time_s.map(|s| format!("time={s}")),
            self.idle_s.map(|s| format!("idle={s}")),
            self.seeds.map(|n| format!("seeds={n}")),
        ];
        let terms: Vec<String> = terms.into_iter().flatten().collect();
        f.write_str(&terms.join(if self.join == Join::All { " and " } else { " or " }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn goal(text: &str) -> Goal {
        text.parse().unwrap()
    }

    fn given(uploaded: u64, seeding_s: u64, idle_s: u64, seeds: Option<u32>) -> Given {
        Given { uploaded, wanted: 1000, seeding_s, idle_s, seeds }
    }

    #[test]
    fn goals_are_typed_and_shown() {
        for (text, shown) in [
            ("forever", "forever"),
            ("done", "time=0"),
            ("30m", "time=1800"),
            ("ratio=1.5", "ratio=1.5"),
            ("ratio=2 or idle=7d", "ratio=2 or idle=604800"),
            ("ratio=2 and time=1h and seeds=3", "ratio=2 and time=3600 and seeds=3"),
        ] {
            assert_eq!(goal(text).to_string(), shown);
            assert_eq!(goal(shown), goal(text), "{text}");
        }
        for text in ["", "ratio=", "soon", "seeds=x", "ratio=1 or time=2 and idle=3", "speed=1"] {
            assert!(text.parse::<Goal>().is_err(), "{text}");
        }
    }

    #[test]
    fn any_and_all() {
        let (any, all) = (goal("ratio=2 or time=1h"), goal("ratio=2 and time=1h"));
        for (given, by_any, by_all) in [
            (given(1_999, 3_599, 0, None), false, false),
            (given(2_000, 0, 0, None), true, false),
            (given(0, 3_600, 0, None), true, false),
            (given(2_000, 3_600, 0, None), true, true),
        ] {
            assert_eq!(any.judge(&given, false) == Judgement::Enough, by_any);
            assert_eq!(all.judge(&given, false) == Judgement::Enough, by_all);
        }
        assert_eq!(goal("forever").judge(&given(u64::MAX, u64::MAX, u64::MAX, Some(9)), false), Judgement::Stay);
        assert_eq!(goal("done").judge(&given(0, 0, 0, None), false), Judgement::Enough);
    }

    #[test]
    fn what_is_scarce_goes_on_and_resumes_and_what_is_unknown_stops_nothing() {
        let goal = goal("ratio=1 or seeds=3");
        let judge = |seeds, has_ended| goal.judge(&given(1_000, 0, 0, seeds), has_ended);
        assert_eq!(judge(Some(2), false), Judgement::Stay, "it is scarce");
        assert_eq!(judge(None, false), Judgement::Stay, "that there are enough is not known");
        assert_eq!(judge(Some(3), false), Judgement::Enough);
        assert_eq!(judge(Some(2), true), Judgement::Needed);
        assert_eq!(judge(None, true), Judgement::Stay);
        assert_eq!(judge(Some(3), true), Judgement::Stay);
        // The number alone: it gives while it is scarce.
        let alone = "seeds=2".parse::<Goal>().unwrap();
        assert_eq!(alone.judge(&given(0, 0, 0, Some(2)), false), Judgement::Enough);
        assert_eq!(alone.judge(&given(0, 0, 0, Some(1)), true), Judgement::Needed);
    }

    #[test]
    fn the_nearest_goal_wins() {
        let [own, label, tracker, all] = ["ratio=1", "ratio=2", "ratio=3", "ratio=4"].map(goal);
        assert_eq!(nearest(Some(own), &[label], &[tracker], all), own);
        assert_eq!(nearest(None, &[label], &[tracker], all), label);
        assert_eq!(nearest(None, &[], &[tracker], all), tracker);
        assert_eq!(nearest(None, &[], &[], all), all);
    }

    fn any_goal() -> impl Strategy<Value = Goal> {
        let term = || prop::option::of(0..10_000_u64);
        (any::<bool>(), term(), term(), term(), prop::option::of(0..9_u32)).prop_map(
            |(all, ratio, time_s, idle_s, seeds)| Goal {
                join: if all { Join::All } else { Join::Any },
                ratio,
                time_s,
                idle_s,
                seeds,
            },
        )
    }

    fn any_given() -> impl Strategy<Value = Given> {
        (0..30_000_u64, 0..5_000_u64, 0..20_000_u64, 0..20_000_u64, prop::option::of(0..9_u32)).prop_map(
            |(uploaded, wanted, seeding_s, idle_s, seeds)| Given { uploaded, wanted, seeding_s, idle_s, seeds },
        )
    }

    proptest! {
        #[test]
        fn what_ends_a_torrent_never_begins_it_at_once(goal in any_goal(), given in any_given()) {
            if goal.judge(&given, false) == Judgement::Enough {
                prop_assert_eq!(goal.judge(&given, true), Judgement::Stay);
            }
        }

        #[test]
        fn more_that_was_given_never_makes_it_less(goal in any_goal(), given in any_given(), more in 0..5_000_u64) {
            let later = Given { uploaded: given.uploaded + more, seeding_s: given.seeding_s + more, ..given };
            if goal.judge(&given, false) == Judgement::Enough {
                prop_assert_eq!(goal.judge(&later, false), Judgement::Enough);
            }
        }

        #[test]
        fn what_is_shown_is_the_same_goal(goal in any_goal()) {
            let again: Goal = goal.to_string().parse().unwrap();
            let terms = [goal.ratio.is_some(), goal.time_s.is_some(), goal.idle_s.is_some(), goal.seeds.is_some()];
            // With one term there is nothing to join.
            if terms.iter().filter(|term| **term).count() > 1 {
                prop_assert_eq!(again, goal);
            } else {
                prop_assert_eq!(Goal { join: goal.join, ..again }, goal);
            }
        }

        #[test]
        fn what_time_alone_reaches_is_looked_at_in_time(goal in any_goal(), given in any_given()) {
            if let (Join::Any, Some(time_s), None) = (goal.join, goal.time_s, goal.seeds)
                && given.seeding_s < time_s
            {
                let look = goal.look_again_s(&given).unwrap();
                prop_assert!(look <= (time_s - given.seeding_s).max(1));
            }
        }
    }
}
