//! Goals as programs of others say them (own design): a ratio, minutes of seeding, minutes without anything sent; each left to the rules, none, or of the torrent's own.
//! Here a torrent has a goal of its own or that of the rules: where one part is left to the rules and another is not, it is taken from these.
use teem_client::policy::{Goal, Join};

/// One part of a goal.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Part {
    /// What the rules say.
    #[default]
    OfRules,
    /// There is none.
    Never,
    /// Thousandths of a ratio, or seconds.
    Own(u64),
}

/// The parts of a goal, of which any ends a torrent.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Parts {
    pub(crate) ratio: Part,
    pub(crate) time: Part,
    pub(crate) idle: Part,
}

/// A ratio in thousandths; none where it is no number, or less than none.
pub(crate) fn thousandths(ratio: f64) -> Option<u64> {
    (ratio.is_finite() && (0.0..1e9).contains(&ratio)).then(|| (ratio * 1000.0).round() as u64)
}

/// The same as programs tell it.
pub(crate) fn ratio(thousandths: u64) -> f64 {
    thousandths as f64 / 1000.0
}

impl Parts {
    /// Of a torrent's own goal.
    pub(crate) fn of(own: Option<Goal>) -> Self {
        let part = |part: Option<u64>| part.map_or(Part::Never, Part::Own);
        own.map_or_else(Self::default, |goal| Self {
            ratio: part(goal.ratio),
            time: part(goal.time_s),
            idle: part(goal.idle_s),
        })
    }

    /// The goal of its own that a torrent has by these; none where all is left to the rules.
    pub(crate) fn goal(self, rules: Goal) -> Option<Goal> {
        if self == Self::default() {
            return None;
        }
        let part = |part: Part, of_rules: Option<u64>| match part {
            Part::OfRules => of_rules,
            Part::Never => None,
            Part::Own(value) => Some(value),
        };
        Some(Goal {
            join: Join::Any,
            ratio: part(self.ratio, rules.ratio),
            time_s: part(self.time, rules.time_s),
            idle_s: part(self.idle, rules.idle_s),
            seeds: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_become_a_goal_and_come_back() {
        let rules: Goal = "ratio=3 or idle=60".parse().unwrap();
        assert_eq!(Parts::default().goal(rules), None);
        let own = Parts { ratio: Part::Own(1500), time: Part::Never, idle: Part::OfRules };
        let goal = own.goal(rules).unwrap();
        assert_eq!(goal.to_string(), "ratio=1.5 or idle=60");
        assert_eq!(Parts::of(Some(goal)), Parts { idle: Part::Own(60), ..own });
        let never = Parts { ratio: Part::Never, time: Part::Never, idle: Part::Never };
        assert!(never.goal(rules).is_some_and(|goal| goal.is_never()));
        assert_eq!((thousandths(1.5), thousandths(-1.0), thousandths(f64::NAN)), (Some(1500), None, None));
        assert!((ratio(1500) - 1.5).abs() < 1e-9);
    }
}
