//! The rules that a daemon follows (own design): what its file says of torrents, ready to be asked.
use crate::row::Row;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use teem_client::policy::{Goal, Places, Speed, SpeedRules, Then, nearest};

/// How long nothing has to move until a torrent is called stalled.
pub(crate) const STALLED: Duration = Duration::from_secs(300);

/// The rules. By default nobody waits, nothing is limited, and no torrent ever has given enough.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct Rules {
    /// How many may work at once.
    pub(crate) places: Places,
    /// How long nothing has to move until a torrent holds no place.
    pub(crate) stalled: Duration,
    /// When a torrent has given enough, unless something nearer says otherwise.
    pub(crate) goal: Goal,
    /// What becomes of it then.
    pub(crate) then: Then,
    /// The limits of all torrents together.
    pub(crate) speed: SpeedRules,
    /// Where content lies until it is complete.
    pub(crate) incomplete: Option<PathBuf>,
    /// What holds for the torrents of a label.
    pub(crate) labels: BTreeMap<String, OfLabel>,
    /// What holds for the torrents of a tracker, by the name of its host.
    pub(crate) trackers: BTreeMap<String, OfTracker>,
}

/// What holds for the torrents of a label.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct OfLabel {
    /// When each has given enough.
    pub(crate) goal: Option<Goal>,
    /// What becomes of it then.
    pub(crate) then: Option<Then>,
    /// The limits of all of them together.
    pub(crate) speed: Speed,
    /// Where content goes that is added with this label and no folder.
    pub(crate) folder: Option<PathBuf>,
    /// Where it lies until it is complete.
    pub(crate) incomplete: Option<PathBuf>,
}

/// What holds for the torrents of a tracker.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct OfTracker {
    /// When each has given enough.
    pub(crate) goal: Option<Goal>,
    /// What becomes of it then.
    pub(crate) then: Option<Then>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            places: Places::default(),
            stalled: STALLED,
            goal: Goal::default(),
            then: Then::default(),
            speed: SpeedRules::default(),
            incomplete: None,
            labels: BTreeMap::new(),
            trackers: BTreeMap::new(),
        }
    }
}

impl Rules {
    /// The goal of a torrent, and what follows: its own, else of the first of its labels that has one, else of its trackers', else of all.
    pub(crate) fn of<'a>(
        &self,
        own: Option<Goal>,
        labels: impl IntoIterator<Item = &'a String>,
        hosts: impl IntoIterator<Item = &'a str>,
    ) -> (Goal, Then) {
        let labels: Vec<&OfLabel> = labels.into_iter().filter_map(|label| self.labels.get(label)).collect();
        let trackers: Vec<&OfTracker> = hosts.into_iter().filter_map(|host| self.trackers.get(host)).collect();
        let goals = |all: Vec<Option<Goal>>| all.into_iter().flatten().collect::<Vec<_>>();
        let of_labels = goals(labels.iter().map(|label| label.goal).collect());
        let of_trackers = goals(trackers.iter().map(|tracker| tracker.goal).collect());
        let then =
            labels.iter().filter_map(|label| label.then).chain(trackers.iter().filter_map(|tracker| tracker.then));
        (nearest(own, &of_labels, &of_trackers, self.goal), then.into_iter().next().unwrap_or(self.then))
    }

    /// Labels whose torrents share limits, with these.
    pub(crate) fn limited(&self) -> impl Iterator<Item = (&String, Speed)> {
        let of_labels = self.labels.iter().map(|(label, of)| (label, of.speed));
        of_labels.filter(|(_, speed)| *speed != Speed::default())
    }

    /// Where content goes that is added with these labels and no folder.
    pub(crate) fn folder<'a>(&self, labels: impl IntoIterator<Item = &'a String>) -> Option<PathBuf> {
        labels.into_iter().find_map(|label| self.labels.get(label)?.folder.clone())
    }

    /// Where content lies until it is complete that is added with these labels, if that is not where it ends.
    pub(crate) fn incomplete<'a>(&self, labels: impl IntoIterator<Item = &'a String>) -> Option<PathBuf> {
        let of_label = labels.into_iter().find_map(|label| self.labels.get(label)?.incomplete.clone());
        of_label.or_else(|| self.incomplete.clone())
    }

    /// Whether a torrent that has given enough rests then, as far as its row says.
    pub(crate) fn pauses_ended(&self, row: &Row) -> bool {
        self.of(row.course.until, &row.labels, []).1 == Then::Pause
    }

    /// Whether those of a kind wait for places.
    pub(crate) fn has_queue(&self) -> bool {
        !self.places.is_unlimited()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nearest_holds_and_each_way_by_itself() {
        let goal = |text: &str| Some(text.parse::<Goal>().unwrap());
        let films = OfLabel { goal: goal("ratio=2"), speed: Speed { up: Some(7), down: None }, ..OfLabel::default() };
        let slow =
            OfLabel { then: Some(Then::Pause), speed: Speed { up: Some(5), down: Some(3) }, ..OfLabel::default() };
        let rules = Rules {
            labels: [("films".to_owned(), films), ("slow".to_owned(), slow)].into(),
            trackers: [("t.example".to_owned(), OfTracker { goal: goal("ratio=3"), then: Some(Then::Remove) })].into(),
            ..Rules::default()
        };
        let labels = |all: &[&str]| all.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>();
        let of = |own, all: &[&str], host| rules.of(own, &labels(all), [host]);
        assert_eq!(of(None, &["films"], "t.example"), (goal("ratio=2").unwrap(), Then::Remove));
        assert_eq!(of(None, &["slow"], "t.example"), (goal("ratio=3").unwrap(), Then::Pause));
        assert_eq!(of(goal("done"), &["films", "slow"], "x"), (goal("done").unwrap(), Then::Pause));
        assert_eq!(of(None, &[], "x"), (Goal::default(), Then::Rest));
        let limited: Vec<_> = rules.limited().collect();
        let films = (&"films".to_owned(), Speed { up: Some(7), down: None });
        assert_eq!(limited, [films, (&"slow".to_owned(), Speed { up: Some(5), down: Some(3) })]);
    }
}
