//! What a file says of many torrents, key by key, for those who ask what holds.
use super::file::{File, GoalTable};
use super::settings::{Origin, Setting};
use super::typed::Typed;
use crate::policy::STALLED;
use serde_json::{Value, json};
use teem_metainfo::redact::redact_file;

impl File {
    /// The keys of its tables with what holds: those of labels and trackers as far as the file has them, the others all.
    pub fn tables_told(&self) -> Vec<Setting> {
        let text = |value: Option<&str>, usual: Value| (value.is_some(), value.map_or(usual, |text| json!(text)));
        let number = |value: Option<u32>| (value.is_some(), json!(value.unwrap_or(0)));
        let (queue, other, month) = (&self.queue, &self.alternative, &self.month);
        let stalled = format!("{}s", STALLED.as_secs());
        let hours: Vec<String> =
            other.hours.iter().map(|hours| format!("{:?} {}-{}", hours.days, hours.from.text, hours.to.text)).collect();
        let mut all = vec![
            ("incomplete".to_owned(), text(words(self.incomplete.as_ref()), Value::Null)),
            ("queue.downloads".to_owned(), number(queue.downloads)),
            ("queue.seeds".to_owned(), number(queue.seeds)),
            ("queue.checks".to_owned(), number(queue.checks)),
            ("queue.stalled-after".to_owned(), text(words(queue.stalled_after.as_ref()), json!(stalled))),
        ];
        goal("goal", &self.goal, true, &mut all);
        all.extend([
            ("alternative.up".to_owned(), text(words(other.up.as_ref()), json!(0))),
            ("alternative.down".to_owned(), text(words(other.down.as_ref()), json!(0))),
            ("alternative.hours".to_owned(), (!hours.is_empty(), json!(hours))),
            ("month.up".to_owned(), text(words(month.up.as_ref()), Value::Null)),
            ("month.then-up".to_owned(), text(words(month.then_up.as_ref()), json!("10k"))),
        ]);
        for (name, table) in &self.label {
            let of = GoalTable { until: table.until.clone(), then: table.then };
            goal(&format!("label.{name}"), &of, false, &mut all);
            let own = [
                ("up", words(table.up.as_ref())),
                ("down", words(table.down.as_ref())),
                ("folder", words(table.folder.as_ref())),
                ("incomplete", words(table.incomplete.as_ref())),
            ];
            let own = own.into_iter().filter_map(|(key, value)| Some((key, value?)));
            all.extend(own.map(|(key, value)| (format!("label.{name}.{key}"), (true, json!(value)))));
        }
        for (host, table) in &self.tracker {
            goal(&format!("tracker.{host}"), table, false, &mut all);
        }
        for feed in self.feeds() {
            let name = feed.name.as_str();
            all.push((format!("feed.{name}.url"), (true, json!(redact_file(&feed.url)))));
            all.push((format!("feed.{name}.every"), (true, json!(format!("{}s", feed.every.as_secs())))));
        }
        let setting = |(key, (is_said, value)): (String, (bool, Value))| {
            let origin = if is_said { Origin::File } else { Origin::Default };
            Setting { key, value, origin, live: true }
        };
        all.into_iter().map(setting).collect()
    }
}

/// As it was written.
fn words<T>(value: Option<&Typed<T>>) -> Option<&str> {
    value.map(|value| value.text.as_str())
}

/// The keys of a goal; where nothing is said, the usual ones if these are `wanted`.
fn goal(table: &str, said: &GoalTable, wanted: bool, all: &mut Vec<(String, (bool, Value))>) {
    let pairs = [
        ("until", words(said.until.as_ref()), "forever"),
        ("then", said.then.map(super::file::ThenWord::word), "rest"),
    ];
    for (key, value, usual) in pairs {
        if value.is_some() || wanted {
            all.push((format!("{table}.{key}"), (value.is_some(), json!(value.unwrap_or(usual)))));
        }
    }
}
