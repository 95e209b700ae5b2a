//! What `teem limits` is told and says (own design): the limits of all torrents together.
use super::changes::rate;
use crate::units::Bytes;
use serde_json::{Map, Value};

/// Whether the other limits are to hold.
const WHICH: [&str; 3] = ["on", "off", "hours"];

/// Limits, as they are written and as keys of the request.
const KEYS: [(&str, &str); 4] = [
    ("up", "up_limit"),
    ("down", "down_limit"),
    ("alternative-up", "alternative_up_limit"),
    ("alternative-down", "alternative_down_limit"),
];

/// What arguments say.
pub(super) struct Told<'a> {
    /// Whether the other limits are to hold.
    pub(super) wanted: Option<&'a str>,
    /// Limits that are to be otherwise.
    pub(super) changes: Map<String, Value>,
}

/// Understands the arguments.
pub(super) fn read(arguments: &[String]) -> Result<Told<'_>, String> {
    let (mut wanted, mut changes) = (None, Map::new());
    for argument in arguments {
        if WHICH.contains(&argument.as_str()) {
            wanted = Some(argument.as_str());
            continue;
        }
        let known = argument.split_once('=').and_then(|(word, value)| {
            let (_, key) = KEYS.into_iter().find(|(known, _)| *known == word)?;
            Some((key, value))
        });
        let Some((key, value)) = known else {
            let words = KEYS.map(|(word, _)| format!("{word}=RATE")).join(", ");
            return Err(format!("{argument}: write {}, {words}", WHICH.join(", ")));
        };
        changes.insert(key.to_owned(), rate(value)?);
    }
    Ok(Told { wanted, changes })
}

/// What holds, in lines for a person.
pub(super) fn shown(told: &Value) -> String {
    let which = if told["holds"] == true { "the other limits ([alternative])" } else { "the usual limits" };
    let why = match told["wanted"].as_str() {
        Some("hours") => "by the hours of the daemon's file",
        _ => "by hand, until `teem limits hours`",
    };
    let limit = |key: &str| told[key].as_u64().map_or_else(|| "none".to_owned(), |rate| format!("{}/s", Bytes(rate)));
    format!(
        "{which} hold, {why}\nusual: up {}, down {}\nother: up {}, down {}\n",
        limit("up_limit"),
        limit("down_limit"),
        limit("alternative_up_limit"),
        limit("alternative_down_limit")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(arguments: &[&str]) -> Result<(Option<String>, Value), String> {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        read(&arguments).map(|told| (told.wanted.map(str::to_owned), told.changes.into()))
    }

    #[test]
    fn words_say_which_and_keys_how_fast() {
        assert_eq!(of(&[]), Ok((None, json!({}))));
        let told = of(&["on", "up=1M", "alternative-down=none"]).unwrap();
        assert_eq!(told, (Some("on".to_owned()), json!({"up_limit": 1_000_000, "alternative_down_limit": null})));
        for wrong in ["often", "up", "up=fast", "labels=x"] {
            assert!(of(&[wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_holds_is_said_with_its_numbers() {
        let told = json!({"holds": false, "wanted": "hours", "up_limit": 1_000_000, "down_limit": null,
            "alternative_up_limit": null, "alternative_down_limit": 5_000});
        let shown = shown(&told);
        assert!(shown.starts_with("the usual limits hold, by the hours of the daemon's file\nusual: up "), "{shown}");
        assert!(shown.contains("down none\nother: up none, down "), "{shown}");
    }
}
