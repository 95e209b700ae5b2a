//! The rules that a file says.
use super::Place;
use super::file::{File, HoursTable};
use crate::feed::Feed;
use crate::policy::{OfLabel, OfTracker, Rules};
use crate::watch::Watched;
use std::num::NonZeroU32;
use teem_client::policy::{Hours, Places, Speed, SpeedRules};
use teem_client::typed::ByteRate;

/// Payload bytes a second that are sent when a month's budget is used up, unless the file says another number.
const AFTER_MONTH: u64 = 10_000;

impl File {
    /// The folders from which torrents are taken.
    pub fn watched(&self) -> Vec<Watched> {
        let watched = |table: &super::file::WatchTable| Watched {
            folder: table.folder.value.0.clone(),
            to: table.to.as_ref().map(|to| to.value.0.clone()),
            labels: table.labels.clone(),
            paused: table.paused,
            until: table.until.as_ref().map(|goal| goal.value),
        };
        self.watch.iter().map(watched).collect()
    }

    /// The feeds from which torrents are taken.
    pub(crate) fn feeds(&self) -> Vec<Feed> {
        self.feed.all()
    }

    /// The rules, beside these limits of all torrents together, which may come from the command line.
    pub fn rules(&self, usual: Speed) -> Rules {
        let usual_rules = Rules::default();
        let places = |number: Option<u32>| number.and_then(NonZeroU32::new);
        let rate = |rate: Option<&super::Typed<ByteRate>>| rate.and_then(|rate| rate.value.0);
        let place = |place: Option<&super::Typed<Place>>| place.map(|place| place.value.0.clone());
        let (queue, other, month) = (&self.queue, &self.alternative, &self.month);
        let after = month.then_up.as_ref().map_or(Some(AFTER_MONTH), |rate| rate.value.0);
        let label = |(name, table): (&String, &super::file::LabelTable)| {
            let of = OfLabel {
                goal: table.until.as_ref().map(|goal| goal.value),
                then: table.then.map(Into::into),
                speed: Speed { up: rate(table.up.as_ref()), down: rate(table.down.as_ref()) },
                folder: place(table.folder.as_ref()),
                incomplete: place(table.incomplete.as_ref()),
            };
            (name.clone(), of)
        };
        let tracker = |(host, table): (&String, &super::file::GoalTable)| {
            let of = OfTracker { goal: table.until.as_ref().map(|goal| goal.value), then: table.then.map(Into::into) };
            (host.to_ascii_lowercase(), of)
        };
        Rules {
            places: Places {
                downloads: places(queue.downloads),
                seeds: places(queue.seeds),
                checks: places(queue.checks),
            },
            stalled: queue.stalled_after.as_ref().map_or(usual_rules.stalled, |span| span.value.0),
            goal: self.goal.until.as_ref().map_or(usual_rules.goal, |goal| goal.value),
            then: self.goal.then.map_or(usual_rules.then, Into::into),
            speed: SpeedRules {
                usual,
                other: Speed { up: rate(other.up.as_ref()), down: rate(other.down.as_ref()) },
                hours: other.hours.iter().map(hours).collect(),
                // Without a limit afterwards there is no budget.
                month: month.up.as_ref().map(|budget| budget.value.0).zip(after),
            },
            incomplete: place(self.incomplete.as_ref()),
            labels: self.label.iter().map(label).collect(),
            trackers: self.tracker.iter().map(tracker).collect(),
        }
    }
}

fn hours(table: &HoursTable) -> Hours {
    let mut days = [table.days.is_empty(); 7];
    for day in &table.days {
        days[*day as usize] = true;
    }
    Hours { days, from: table.from.value, to: table.to.value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_becomes_rules() {
        let text = "incomplete = '/incomplete'\n[queue]\ndownloads = 3\nstalled-after = '2m'\n[goal]\nuntil = 'ratio=2'\nthen = 'pause'\n\
            [month]\nup = '5G'\n[label.films]\nup = '1M'\nfolder = '/films'\nincomplete = '/new'\n[tracker.\"T.example\"]\nuntil = 'seeds=3'\n\
            [alternative]\nup = 7\n[[alternative.hours]]\ndays = ['mon', 'sun']\nfrom = '22:00'\nto = '6:00'\n";
        let rules = File::parse(text).unwrap().rules(Speed { up: Some(9), down: None });
        assert_eq!((rules.places.downloads, rules.places.seeds), (NonZeroU32::new(3), None));
        assert_eq!(rules.stalled.as_secs(), 120);
        assert_eq!(rules.goal, "ratio=2".parse().unwrap());
        assert_eq!(rules.speed.month, Some((5_000_000_000, AFTER_MONTH)));
        assert_eq!((rules.speed.usual.up, rules.speed.other.up), (Some(9), Some(7)));
        assert_eq!(rules.speed.hours[0].days, [true, false, false, false, false, false, true]);
        assert_eq!(rules.labels["films"].folder.as_deref(), Some("/films".as_ref()));
        let incomplete = |label: &str| rules.incomplete(&[label.to_owned()]).unwrap();
        assert_eq!([incomplete("films"), incomplete("x")], ["/new", "/incomplete"].map(std::path::PathBuf::from));
        assert_eq!(rules.trackers["t.example"].goal, Some("seeds=3".parse().unwrap()));
        assert_eq!(File::default().rules(Speed::default()), Rules::default());
    }

    #[test]
    fn a_table_becomes_a_feed() {
        use crate::feed::Rule;
        let text = "[[feed]]\nname = 'a'\nurl = 'https://x.example/rss'\nevery = '2h'\n[[feed.rule]]\nwant = ['x y']\nmin-size = '1M'\n\
            labels = ['l']\nto = '/srv'\npaused = true\nuntil = 'ratio=1'\n[[feed.rule]]\n";
        let feeds = File::parse(text).unwrap().feeds();
        let rule = Rule {
            want: vec!["x y".parse().unwrap()],
            min_size: Some(1_000_000),
            labels: ["l".to_owned()].into(),
            folder: Some("/srv".into()),
            paused: true,
            until: "ratio=1".parse().ok(),
            ..Rule::default()
        };
        assert_eq!(feeds.len(), 1);
        assert_eq!((feeds[0].every.as_secs(), &feeds[0].rules), (7200, &vec![rule, Rule::default()]));
    }
}
