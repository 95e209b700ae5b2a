//! What lists show of a torrent beside its row (own design): kept up to date by what changes, so that a list of thousands asks nobody.
use crate::asleep::Asleep;
use crate::held::Held;
use crate::totals::Totals;
use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use teem_client::event::{Snapshot, State};
use teem_client::{AnnounceUrl, Source, Status};
use teem_metainfo::url::Url;

/// Trackers of one torrent that it can be found by.
const HOSTS_MAX: usize = 20;

/// What is shown of one torrent.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Its name, or the link's; `None` where neither has one.
    pub(crate) name: Option<Arc<str>>,
    /// Bytes of all its files; `None` while the metadata is missing.
    pub(crate) size: Option<u64>,
    pub(crate) state: State,
    /// Why it rests although its owner lets it work.
    pub(crate) held: Option<Held>,
    /// Its content is being moved, whatever its state is meanwhile.
    pub(crate) moving: bool,
    /// All that is wanted is there, where it stays.
    pub(crate) complete: bool,
    /// That is to be told, however it came to be so.
    untold: bool,
    /// What is being done about the folder that it is to be moved to once it is complete.
    pub(crate) sending: Sending,
    /// Its content is where it was to be moved to, and that is not kept yet: until then it counts as `moving`.
    pub(crate) placing: bool,
    /// What was to be done with its files stopped half-way: it is to be gone on with before the torrent is opened.
    pub(crate) job_pending: bool,
    /// Pieces that were damaged or missing when all of it was hashed again.
    pub(crate) lost: Option<u32>,
    /// Why it cannot go on, or the present trouble of its disk.
    pub(crate) error: Option<Box<str>>,
    /// Why what was to be done with its files was not done, until something else is.
    pub(crate) job_error: Option<Box<str>>,
    /// The hosts of its trackers.
    pub(crate) trackers: Box<[Arc<str>]>,
    pub(crate) figures: Figures,
    /// As kept on the disk, which is what is told; and as counted, where that is more.
    pub(crate) totals: Totals,
    counted: Option<Box<Totals>>,
    /// When it was changed last: the greater of two revisions is the later.
    pub(crate) revision: u64,
    /// Whether it has done what it was begun for: before that, changes of its state are part of the start.
    settled: bool,
}

/// The figures of a torrent, as last asked. Bytes, bytes a second, connected peers.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Figures {
    pub(crate) wanted: u64,
    pub(crate) have: u64,
    pub(crate) down_rate: u64,
    pub(crate) up_rate: u64,
    pub(crate) downloaded: u64,
    pub(crate) uploaded: u64,
    pub(crate) seeds: u32,
    pub(crate) downloaders: u32,
}

impl Figures {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        Self {
            wanted: snapshot.wanted,
            have: snapshot.have,
            down_rate: snapshot.down_rate,
            up_rate: snapshot.up_rate,
            downloaded: snapshot.downloaded,
            uploaded: snapshot.uploaded,
            seeds: snapshot.seeds,
            downloaders: snapshot.downloaders,
        }
    }

    /// Of one that has no peers any more.
    pub(crate) fn still(self) -> Self {
        Self { down_rate: 0, up_rate: 0, seeds: 0, downloaders: 0, ..self }
    }
}

/// What is being done about the folder that a torrent is to be moved to once it is complete.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Sending {
    /// It has not been tried since the daemon began, or is to be tried again.
    #[default]
    Due,
    /// It is being moved there.
    UnderWay,
    /// That did not succeed: it is tried again when its owner says so, or in the next run.
    Failed,
}

/// What happened to a torrent that somebody may want to hear of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// It does something else.
    State(State),
    /// Its content is being moved.
    Moving,
    /// All that is wanted of it is there.
    Complete,
    /// It cannot go on, or its disk is in trouble: a sentence.
    Error(String),
}

impl Line {
    /// Of a torrent that was loaded from there, if it could be.
    pub(crate) fn new(source: Option<&Source>) -> Self {
        let known = source.and_then(|source| source.info.as_deref());
        let name = known.map(|info| info.name().into());
        Self {
            name: name.or_else(|| source.and_then(|source| source.name.as_deref().map(Into::into))),
            size: known.map(teem_client::metainfo::Info::content_size),
            state: State::Failed,
            held: None,
            moving: false,
            complete: false,
            untold: false,
            sending: Sending::Due,
            placing: false,
            job_pending: false,
            lost: None,
            error: None,
            job_error: None,
            trackers: source.map(|source| hosts(&source.trackers)).unwrap_or_default(),
            figures: Figures::default(),
            totals: Totals::default(),
            counted: None,
            revision: 0,
            settled: false,
        }
    }

    /// Of a torrent that is taken on at rest.
    pub(crate) fn asleep(asleep: &Asleep) -> Self {
        let Asleep { about, wanted, trackers, .. } = asleep;
        Self {
            name: Some(about.name.clone()),
            size: Some(about.size),
            trackers: hosts(trackers),
            figures: Figures { wanted: *wanted, have: *wanted, ..Figures::default() },
            ..Self::new(None)
        }
    }

    /// What it does, in a word.
    pub(crate) fn word(&self) -> &'static str {
        match (self.state, self.held) {
            _ if self.moving || self.placing => "moving",
            (State::Paused, Some(Held::Queue)) => "queued",
            (State::Paused, Some(Held::Goal)) => "finished",
            (state, _) => state.word(),
        }
    }

    /// What was counted in earlier runs.
    pub(crate) fn count_from(&mut self, totals: Totals) {
        (self.totals, self.counted) = (totals, None);
    }

    /// What is counted of it by now.
    pub(crate) fn counted(&self) -> Totals {
        self.counted.as_deref().copied().unwrap_or(self.totals)
    }

    /// Adds something to what is counted of it, which is told once it is kept on the disk.
    pub(crate) fn count(&mut self, what: impl FnOnce(&mut Totals)) {
        let mut totals = self.counted();
        what(&mut totals);
        if totals != self.counted() {
            self.counted = Some(Box::new(totals));
        }
    }

    /// Whether something was counted that is not kept.
    pub(crate) fn is_counting(&self) -> bool {
        self.counted.is_some()
    }

    /// These totals, which were counted, are kept.
    pub(crate) fn keeps(&mut self, totals: Totals) {
        self.totals = totals;
        self.counted = self.counted.take().filter(|counted| **counted != totals);
    }

    /// From now on changes of its state are told.
    pub(crate) fn settle(&mut self) {
        self.settled = true;
    }

    /// It lies where it stays by now: once all of it is found there, that is told.
    pub(crate) fn arrived(&mut self) {
        (self.untold, self.sending) = (true, Sending::Due);
    }

    /// Takes over what is true now: what of that is worth telling; `None` where nothing is otherwise. One that is `to_move` once it is complete is not
    /// complete before that.
    pub(crate) fn take_in(&mut self, status: &Status, to_move: bool) -> Option<Vec<Turn>> {
        let mut turns = Vec::new();
        let mut changed = false;
        if let Some((name, size)) = known(status)
            && (self.size.is_none() || self.name.as_deref() != Some(name))
        {
            (self.name, self.size, changed) = (Some(name.into()), Some(size), true);
        }
        let complete = status.complete.is_some() && !to_move;
        if self.complete != complete {
            (self.complete, changed) = (complete, true);
            // Complete from the start is no news.
            if complete && (status.complete == Some(false) || self.untold) {
                (self.untold, changed) = (false, true);
                turns.push(Turn::Complete);
            }
        }
        if self.lost != status.rechecked {
            (self.lost, changed) = (status.rechecked, true);
        }
        let moves = self.moving != status.moving;
        if moves {
            (self.moving, changed) = (status.moving, true);
            turns.push(if self.moving { Turn::Moving } else { Turn::State(status.state) });
        }
        if self.state != status.state {
            (self.state, changed) = (status.state, true);
            if self.settled && !moves && !self.moving {
                turns.push(Turn::State(status.state));
            } else if matches!(status.state, State::Downloading | State::Seeding | State::Paused | State::Metadata) {
                self.settled = true;
            }
        }
        let error = status.failed.as_deref().map(|(why, _)| why.clone());
        let error = error.or_else(|| status.disk.as_ref().map(ToString::to_string));
        if self.error.as_deref() != error.as_deref() {
            changed = true;
            turns.extend(error.clone().map(Turn::Error));
            self.error = error.map(Into::into);
        }
        changed.then_some(turns)
    }

    /// Takes figures over, and counts what has moved since those before: how many bytes came and went; `None` where nothing is otherwise.
    pub(crate) fn figure(&mut self, figures: Figures, now: u64) -> Option<(u64, u64)> {
        if self.figures == figures {
            return None;
        }
        // A torrent that was begun again counts from 0.
        let since = |now: u64, before: u64| if now >= before { now - before } else { now };
        let down = since(figures.downloaded, self.figures.downloaded);
        let up = since(figures.uploaded, self.figures.uploaded);
        if down + up > 0 {
            self.count(|totals| {
                totals.downloaded = totals.downloaded.saturating_add(down);
                totals.uploaded = totals.uploaded.saturating_add(up);
                totals.moved = Some(now);
            });
        }
        self.figures = figures;
        Some((down, up))
    }

    /// The same with other figures.
    pub(crate) fn with(&self, figures: Figures) -> Self {
        Self { figures, ..self.clone() }
    }

    /// Counts the times of what it does, at this second of the daemon's life.
    pub(crate) fn clock(&mut self, life: u64) {
        // What it did in the last run it goes on with, until that turns out otherwise.
        if !self.settled {
            return;
        }
        let works = !matches!(self.state, State::Paused | State::Stopping | State::Failed);
        let seeds = works && self.complete;
        self.count(|totals| {
            totals.active.goes_on(works, life);
            totals.seeding.goes_on(seeds, life);
        });
    }

    /// Bytes of what is wanted that are there, and that are wanted.
    pub(crate) fn progress(&self) -> (u64, u64) {
        let Figures { wanted, have, .. } = self.figures;
        match self.size {
            Some(size) if self.complete && wanted == 0 => (size, size),
            _ => (have, wanted),
        }
    }

    /// Payload sent for each byte received; of a torrent that received nothing, for each that is there.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let Totals { downloaded, uploaded, .. } = self.totals;
        let got = if downloaded > 0 { downloaded } else { self.progress().0 };
        #[expect(clippy::cast_precision_loss, reason = "a ratio is shown with two digits")]
        (got > 0).then(|| uploaded as f64 / got as f64)
    }

    /// Seconds until it is complete at the present rate.
    pub(crate) fn eta(&self) -> Option<u64> {
        let left = self.figures.wanted.saturating_sub(self.figures.have);
        (left > 0 && self.figures.down_rate > 0).then(|| left.div_ceil(self.figures.down_rate))
    }
}

/// Name and size, once known.
fn known(status: &Status) -> Option<(&str, u64)> {
    status.about.as_ref().map(|about| (&*about.name, about.size))
}

/// The hosts of a torrent's trackers, each once.
pub(crate) fn hosts(trackers: &[Vec<AnnounceUrl>]) -> Box<[Arc<str>]> {
    let mut hosts: Vec<Arc<str>> = Vec::new();
    for url in trackers.iter().flatten() {
        if let Some(host) = host(url.reveal()).filter(|host| !hosts.contains(host) && hosts.len() < HOSTS_MAX) {
            hosts.push(host);
        }
    }
    hosts.into_boxed_slice()
}

/// The host of a tracker's URL: one text for all torrents that name it.
fn host(url: &str) -> Option<Arc<str>> {
    /// Hosts that are remembered: thousands of torrents name a few dozen.
    const KNOWN_MAX: usize = 10_000;
    static KNOWN: LazyLock<Mutex<HashSet<Arc<str>>>> = LazyLock::new(Mutex::default);
    let host = Url::parse(url).map(|url| url.host.to_ascii_lowercase()).filter(|host| !host.is_empty())?;
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(host) = known.get(host.as_str()) {
        return Some(host.clone());
    }
    let host: Arc<str> = host.into();
    if known.len() < KNOWN_MAX {
        known.insert(host.clone());
    }
    Some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moved_is_counted_once_and_a_new_run_begins_at_nothing() {
        let mut line = Line::new(None);
        let of = |downloaded, uploaded| Figures { downloaded, uploaded, ..Figures::default() };
        assert_eq!((line.figure(of(100, 10), 5), line.figure(of(100, 10), 6)), (Some((100, 10)), None));
        assert_eq!(line.figure(of(150, 10), 7), Some((50, 0)));
        assert_eq!(line.figure(of(20, 30), 9), Some((20, 20)), "begun again, as after a move");
        let counted = line.counted();
        assert_eq!((counted.downloaded, counted.uploaded, counted.moved), (170, 30, Some(9)));
        assert_eq!(line.totals, Totals::default(), "nothing is told before it is kept");
        line.keeps(counted);
        assert_eq!((line.totals, line.is_counting()), (counted, false));
    }

    #[test]
    fn trackers_are_known_by_host_and_told_once() {
        let link =
            format!("magnet:?xt=urn:btih:{}&tr=http://T.example:80/a&tr=udp://t.example:1/&tr=x", "ab".repeat(20));
        let source = teem_client::source::from_magnet(&link).unwrap();
        let line = Line::new(Some(&source));
        assert_eq!(line.trackers.iter().map(|host| &**host).collect::<Vec<_>>(), ["t.example"]);
        assert!(Arc::ptr_eq(&line.trackers[0], &Line::new(Some(&source)).trackers[0]), "one text for all");
    }

    #[test]
    fn a_ratio_is_of_what_came_or_of_what_is_there() {
        let mut line = Line::new(None);
        assert_eq!(line.ratio(), None);
        line.figures = Figures { have: 100, wanted: 100, ..Figures::default() };
        line.totals.uploaded = 50;
        assert_eq!(line.ratio(), Some(0.5));
        line.totals.downloaded = 200;
        assert_eq!(line.ratio(), Some(0.25));
    }
}
