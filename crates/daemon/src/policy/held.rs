//! What the rules hold back, and what they were told while the daemon runs (own design).
use super::rules::Rules;
use super::said::Said;
use crate::held::Held;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use teem_client::GroupId;
use teem_client::metainfo::InfoHash;
use teem_client::policy::{ByHand, Month, Speed};
use tokio::sync::Notify;

/// The rules of a daemon, and what they hold back.
#[derive(Default)]
pub(crate) struct Policy {
    state: Mutex<State>,
    wake: Arc<Notify>,
}

#[derive(Default)]
struct State {
    /// What holds: the rules of the file with what was said in their place.
    rules: Arc<Rules>,
    file: Arc<Rules>,
    said: Said,
    held: BTreeMap<InfoHash, Held>,
    /// Whether everything is to be looked at anew.
    is_changed: bool,
    /// What else is to be looked at.
    changed: BTreeSet<InfoHash>,
    by_hand: ByHand,
    month: Month,
    /// Bytes sent in this run when they were last counted.
    counted: u64,
    /// The limits of all that were set last.
    speed: Option<Speed>,
    /// The groups of labels that have or had limits which their torrents share.
    groups: BTreeMap<String, GroupId>,
}

impl Policy {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.state().rules.clone()
    }

    /// The rules of the file, and what was said.
    pub(crate) fn file(&self) -> (Arc<Rules>, Said) {
        let state = self.state();
        (state.file.clone(), state.said)
    }

    /// The rules of the file are these from now on.
    pub(crate) fn follow(&self, rules: Rules) {
        let mut state = self.state();
        state.file = Arc::new(rules);
        state.rules = Arc::new(state.said.over(&state.file));
        drop(state);
        self.look();
    }

    /// What was said is this from now on.
    pub(super) fn set_said(&self, said: Said) {
        let mut state = self.state();
        state.said = said;
        state.rules = Arc::new(said.over(&state.file));
        drop(state);
        self.look();
    }

    /// Everything is to be looked at anew: rows, the queue or a wish have changed.
    pub(crate) fn look(&self) {
        self.state().is_changed = true;
        self.wake.notify_one();
    }

    /// These are to be looked at: something of them has changed.
    pub(crate) fn look_at(&self, hashes: &[InfoHash]) {
        self.state().changed.extend(hashes);
        self.wake.notify_one();
    }

    /// What is to be looked at, and whether that is everything.
    pub(super) fn take_changed(&self) -> (BTreeSet<InfoHash>, bool) {
        let mut state = self.state();
        (std::mem::take(&mut state.changed), std::mem::take(&mut state.is_changed))
    }

    /// Told when there is something to look at.
    pub(super) fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    pub(crate) fn held(&self, hash: &InfoHash) -> Option<Held> {
        self.state().held.get(hash).copied()
    }

    pub(crate) fn hold(&self, hash: InfoHash, why: Held) {
        self.state().held.insert(hash, why);
    }

    /// It is not held back any more; whether it was.
    pub(crate) fn let_go(&self, hash: &InfoHash) -> bool {
        self.state().held.remove(hash).is_some()
    }

    pub(super) fn any_queued(&self) -> bool {
        self.state().held.values().any(|why| *why == Held::Queue)
    }

    pub(crate) fn by_hand(&self) -> ByHand {
        self.state().by_hand
    }

    pub(crate) fn set_by_hand(&self, by_hand: ByHand) {
        self.state().by_hand = by_hand;
        self.look();
    }

    /// Bytes sent in the month that was counted last.
    pub(crate) fn month(&self) -> Month {
        self.state().month
    }

    pub(super) fn set_month(&self, month: Month) {
        self.state().month = month;
    }

    /// So many bytes were sent in this run by now, in this month; the month with them, and whether it has more than before.
    pub(super) fn count(&self, month: u32, sent: u64) -> (Month, bool) {
        let mut state = self.state();
        let more = sent.saturating_sub(state.counted);
        state.counted = sent;
        state.month.add(month, more);
        (state.month, more > 0)
    }

    /// The groups of a torrent with these labels: those whose labels have limits.
    pub(crate) fn groups<'a>(&self, labels: impl IntoIterator<Item = &'a String>) -> Vec<GroupId> {
        let state = self.state();
        let limited = labels
            .into_iter()
            .filter(|label| state.rules.labels.get(*label).is_some_and(|of| of.speed != Speed::default()));
        limited.filter_map(|label| state.groups.get(label).copied()).collect()
    }

    /// All groups there are or were, with the limits that each is to have now.
    pub(super) fn all_groups(&self) -> Vec<(GroupId, Speed)> {
        let mut state = self.state();
        let rules = state.rules.clone();
        for (label, _) in rules.limited() {
            let next = GroupId(state.groups.len() as u32);
            state.groups.entry(label.clone()).or_insert(next);
        }
        let speed = |label: &String| rules.labels.get(label).map(|of| of.speed).unwrap_or_default();
        state.groups.iter().map(|(label, group)| (*group, speed(label))).collect()
    }

    /// Whether these limits of all are others than were set last; they are set now.
    pub(super) fn is_other_speed(&self, speed: Speed) -> bool {
        self.state().speed.replace(speed) != Some(speed)
    }
}
