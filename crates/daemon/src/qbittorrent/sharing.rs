//! Share limits (qBittorrent's Web API, `torrents/setShareLimits` and `torrents/add`): a ratio, minutes of seeding, minutes without anything sent; -2 is what the rules
//! say, -1 none.
use super::form::Form;
use crate::goals::{Part, Parts, ratio, thousandths};
use crate::standing::Standing;
use serde_json::{Value, json};
use teem_client::policy::Goal;

/// What the rules say, and no limit.
const OF_RULES: i64 = -2;
const NEVER: i64 = -1;

/// Seconds of a minute.
const MINUTE: u64 = 60;

/// The limits that a request names; `None` where it names none.
pub(super) fn wanted(form: &Form) -> Option<Parts> {
    let number = |key| form.text(key).and_then(|text| text.parse::<f64>().ok());
    let part = |value: Option<f64>, own: fn(f64) -> Option<u64>| match value {
        Some(value) if value >= 0.0 => own(value).map_or(Part::OfRules, Part::Own),
        Some(value) if value > OF_RULES as f64 => Part::Never,
        _ => Part::OfRules,
    };
    let minutes = |value: f64| (value < 1e9).then_some(value as u64 * MINUTE);
    let keys = ["ratioLimit", "seedingTimeLimit", "inactiveSeedingTimeLimit"];
    let [ratio, time, idle] = keys.map(number);
    keys.iter().any(|key| form.text(key).is_some()).then(|| Parts {
        ratio: part(ratio, thousandths),
        time: part(time, minutes),
        idle: part(idle, minutes),
    })
}

/// The limits of a torrent: those of its own, and those that hold where the rules say the rest.
pub(super) fn told(one: &Standing, rules: Goal) -> Value {
    let own = Parts::of(one.row.course.until);
    let held = own.goal(rules).unwrap_or(rules);
    let minutes = |part: Part| match part {
        Part::OfRules => OF_RULES,
        Part::Never => NEVER,
        Part::Own(seconds) => i64::try_from(seconds / MINUTE).unwrap_or(NEVER),
    };
    let holds = |seconds: Option<u64>| seconds.and_then(|s| i64::try_from(s / MINUTE).ok()).unwrap_or(NEVER);
    json!({
        "ratio_limit": match own.ratio {
            Part::OfRules => json!(OF_RULES),
            Part::Never => json!(NEVER),
            Part::Own(limit) => json!(ratio(limit)),
        },
        "seeding_time_limit": minutes(own.time),
        "inactive_seeding_time_limit": minutes(own.idle),
        "max_ratio": held.ratio.map_or(json!(NEVER), |limit| json!(ratio(limit))),
        "max_seeding_time": holds(held.time_s),
        "max_inactive_seeding_time": holds(held.idle_s),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_of_the_rules_none_or_own() {
        let of = |text: &str| wanted(&Form::of_pairs(text.as_bytes()));
        assert_eq!(of("hashes=x"), None);
        assert_eq!(of("ratioLimit=-2&seedingTimeLimit=-2"), Some(Parts::default()));
        let own = Parts { ratio: Part::Own(1500), time: Part::Never, idle: Part::Own(3600) };
        assert_eq!(of("ratioLimit=1.5&seedingTimeLimit=-1&inactiveSeedingTimeLimit=60"), Some(own));
    }
}
