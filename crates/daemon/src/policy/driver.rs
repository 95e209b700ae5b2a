//! Carries the rules out (own design): hears what becomes of torrents, judges those that something became of, and gives places in the queue.
//!
//! A turn costs what has changed since the last, and those whose time has come; where places are limited, also those that wait for or hold one. Whatever is
//! decided is kept before it is done. Time is monotonic: a clock that is set leaves goals alone.
use super::rules::Rules;
use crate::daemon::{Daemon, Inner};
use crate::held::Held;
use crate::row::Row;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Weak};
use std::time::Duration;
use teem_client::event::{Snapshot, State, TrackerStats};
use teem_client::metainfo::InfoHash;
use teem_client::policy::{Given, Goal, Judgement, Kind, Queued, Then, turn};
use teem_client::{Changes, Events, Status, Torrent, TorrentId};
use teem_metainfo::url::Url;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Between two turns, so that a burst of changes is one.
const PACE: Duration = Duration::from_millis(200);
/// How often the queue and the limits are looked at although nothing was heard.
const TICK: Duration = Duration::from_secs(10);
/// Torrents that are looked at in one go: some milliseconds of the engine's turn.
const AT_ONCE: usize = 500;
/// How old the numbers of a tracker may be.
const SCRAPE_AGE_MAX: Duration = Duration::from_secs(3600);
/// How much seeding may be forgotten by a kill.
const KEPT_EACH_S: u64 = 600;

/// What is remembered of a torrent while the daemon runs.
struct Watch {
    id: TorrentId,
    state: State,
    /// Set when all that is wanted is there; true when that was so from the start.
    complete: Option<bool>,
    durable: bool,
    removed: bool,
    /// Whether its metadata is there.
    is_known: bool,
    /// Since when it seeds.
    seeding: Option<Instant>,
    /// Bytes sent in all runs, and when they were found to be more.
    sent: (u64, Instant),
    /// Bytes moved either way in this run, and when they were found to be more.
    moved: (u64, Instant),
    /// Other seeds that a tracker told of, and when.
    told: Option<(u32, Instant)>,
    /// Other seeds that are connected.
    connected: u32,
    /// Whether its files were looked through in this run.
    is_open: bool,
    due: Option<Instant>,
}

impl Watch {
    fn new(id: TorrentId, status: &Status, now: Instant) -> Self {
        let (sent, moved) = ((0, now), (0, now));
        Self {
            id,
            state: status.state,
            complete: status.complete,
            durable: status.durable,
            removed: status.removed,
            is_known: status.info.is_some(),
            seeding: None,
            sent,
            moved,
            told: None,
            connected: 0,
            is_open: false,
            due: None,
        }
    }

    /// Takes in what is true now.
    fn hear(&mut self, status: &Status, now: Instant) {
        if matches!(status.state, State::Downloading | State::Seeding) {
            self.is_open = true;
        }
        let seeds = status.state == State::Seeding;
        if seeds && self.seeding.is_none() {
            (self.seeding, self.sent.1) = (Some(now), now);
        }
        if !matches!(status.state, State::Paused | State::Stopping) && matches!(self.state, State::Paused) {
            self.moved.1 = now;
        }
        (self.state, self.complete, self.durable) = (status.state, status.complete, status.durable);
        (self.removed, self.is_known) = (status.removed, status.info.is_some());
    }

    fn look(&mut self, figures: &Snapshot, heard_tracker: bool, now: Instant) {
        if figures.uploaded_ever > self.sent.0 {
            self.sent = (figures.uploaded_ever, now);
        }
        let moved = figures.uploaded.saturating_add(figures.downloaded).saturating_add(figures.have);
        if moved != self.moved.0 {
            self.moved = (moved, now);
        }
        self.connected = figures.seeds;
        if heard_tracker {
            let seeds = figures.trackers.iter().filter_map(|tracker| tracker.swarm).map(|(seeds, _)| seeds).max();
            // A complete torrent is one of those that its tracker counts.
            let us = u32::from(self.complete.is_some());
            self.told = seeds.map(|seeds| (seeds.saturating_sub(us), now)).or(self.told);
        }
    }

    fn given(&self, row: &Row, figures: &Snapshot, now: Instant) -> Given {
        let told = self.told.filter(|(_, at)| now.duration_since(*at) <= SCRAPE_AGE_MAX).map(|(seeds, _)| seeds);
        // Those that are connected are there, whatever a tracker says; that nobody is connected says nothing.
        let connected = Some(self.connected).filter(|seeds| *seeds > 0);
        Given {
            uploaded: figures.uploaded_ever,
            wanted: figures.wanted,
            seeding_s: row
                .course
                .seeded
                .saturating_add(self.seeding.map_or(0, |since| now.duration_since(since).as_secs())),
            idle_s: self.seeding.map_or(0, |_| now.duration_since(self.sent.1).as_secs()),
            seeds: told.into_iter().chain(connected).max(),
        }
    }
}

/// What is to be done with a torrent.
enum Act {
    Pause(Torrent),
    Resume(Torrent),
}

struct Driver {
    daemon: Weak<Inner>,
    events: Events,
    revision: u64,
    hashes: HashMap<TorrentId, InfoHash>,
    watched: BTreeMap<InfoHash, Box<Watch>>,
    due: BTreeSet<(Instant, InfoHash)>,
    ticked: Instant,
    /// No turn has been yet: each torrent has the limits of its row.
    is_first: bool,
}

impl Daemon {
    /// Has the rules carried out until it ends. To be called once, inside the runtime.
    pub(crate) fn carry_rules_out(&self) {
        tokio::spawn(Driver::new(&self.0).run());
    }
}

impl Driver {
    fn new(daemon: &Arc<Inner>) -> Self {
        Self {
            daemon: Arc::downgrade(daemon),
            events: daemon.client.events(),
            revision: 0,
            hashes: HashMap::new(),
            watched: BTreeMap::new(),
            due: BTreeSet::new(),
            ticked: Instant::now(),
            is_first: true,
        }
    }

    /// Until the daemon ends.
    async fn run(mut self) {
        loop {
            let Some(inner) = self.daemon.upgrade() else { return };
            let daemon = Daemon(inner);
            self.turn(&daemon).await;
            let wake = daemon.0.policy.wake();
            drop(daemon);
            // What comes meanwhile is heard with the next turn.
            sleep_until(Instant::now() + PACE).await;
            let next = self.due.first().map_or(self.ticked + TICK, |(at, _)| (*at).min(self.ticked + TICK));
            tokio::select! {
                goes_on = self.events.changed() => if !goes_on { return },
                () = wake.notified() => {}
                () = sleep_until(next) => {}
            }
        }
    }

    async fn turn(&mut self, daemon: &Daemon) {
        let now = Instant::now();
        let (changed, is_all) = daemon.0.policy.take_changed();
        let is_tick = is_all || now >= self.ticked + TICK;
        if is_tick {
            self.ticked = now;
            daemon.0.policy.tick(daemon).await;
        }
        let rules = daemon.0.policy.rules();
        let trackers = self.hear(daemon, now);
        let mut looked: BTreeSet<InfoHash> = trackers.0;
        while let Some((at, hash)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, hash));
            looked.insert(hash);
        }
        looked.extend(changed);
        if is_all {
            looked.extend(self.watched.keys().copied());
            Self::limit(daemon, std::mem::take(&mut self.is_first));
        }
        if rules.has_queue() && is_tick {
            // Those that hold places may have stalled.
            looked.extend(self.watched.keys().filter(|hash| daemon.0.policy.held(hash).is_none()).copied());
        }
        let ids: Vec<TorrentId> = looked.iter().filter_map(|hash| Some(self.watched.get(hash)?.id)).collect();
        for ids in ids.chunks(AT_ONCE) {
            let Ok(figures) = daemon.client().snapshots_of(ids).await else { return };
            for figures in figures {
                let Some(hash) = self.hashes.get(&figures.torrent).copied() else { continue };
                self.judge(daemon, &rules, hash, &figures, trackers.1.contains(&hash), now).await;
            }
        }
        if rules.has_queue() || daemon.0.policy.any_queued() {
            self.give_places(daemon, &rules, now).await;
        }
    }

    /// Takes in what was said since the last turn: the torrents that something became of, and of these those whose trackers answered.
    fn hear(&mut self, daemon: &Daemon, now: Instant) -> (BTreeSet<InfoHash>, BTreeSet<InfoHash>) {
        let changes = self.events.take_changes();
        let mut touched = BTreeSet::new();
        while self.hear_some(daemon, &mut touched, now) >= AT_ONCE {}
        let answered = changes.iter().filter(|(_, changes)| changes.contains(Changes::TRACKERS));
        let answered: BTreeSet<InfoHash> = answered.filter_map(|(id, _)| self.hashes.get(id).copied()).collect();
        touched.extend(answered.iter().copied());
        (touched, answered)
    }

    /// Takes in some of the rows that were changed; how many there were.
    fn hear_some(&mut self, daemon: &Daemon, touched: &mut BTreeSet<InfoHash>, now: Instant) -> usize {
        let rows = daemon.client().rows_at_most(self.revision, AT_ONCE);
        let number = rows.rows.len();
        self.revision = rows.revision;
        for row in rows.rows {
            let hash = row.key.wire();
            self.hashes.insert(row.id, hash);
            let watch = self.watched.entry(hash).or_insert_with(|| Box::new(Watch::new(row.id, &row.status, now)));
            watch.id = row.id;
            watch.hear(&row.status, now);
            touched.insert(hash);
        }
        for id in rows.removed {
            let Some(hash) = self.hashes.remove(&id) else { continue };
            if self.watched.get(&hash).is_some_and(|watch| watch.id == id) {
                let gone = self.watched.remove(&hash);
                if let Some(due) = gone.and_then(|watch| watch.due) {
                    self.due.remove(&(due, hash));
                }
                touched.remove(&hash);
            }
        }
        number
    }

    /// Ends a torrent that has given enough, and begins one that is needed again.
    async fn judge(
        &mut self,
        daemon: &Daemon,
        rules: &Rules,
        hash: InfoHash,
        figures: &Snapshot,
        heard_tracker: bool,
        now: Instant,
    ) {
        let Some(watch) = self.watched.get_mut(&hash) else { return };
        watch.look(figures, heard_tracker, now);
        let Some((row, torrent)) = daemon.row_of(&hash) else { return };
        let (goal, then) = goal_of(rules, &row, figures);
        let is_complete = watch.complete.is_some() && (watch.durable || watch.complete == Some(true));
        let given = watch.given(&row, figures, now);
        if let Some(due) = watch.due.take() {
            self.due.remove(&(due, hash));
        }
        if row.goes_to.is_some() {
            if is_complete {
                daemon.send_home(hash, torrent);
            }
            // What is not where it stays has given nothing yet.
            return;
        }
        if !is_complete || row.paused || row.course.forced {
            return;
        }
        match goal.judge(&given, row.course.ended) {
            Judgement::Stay if row.course.ended => {
                // It was said meanwhile that such a torrent is to rest.
                if then == Then::Pause && daemon.0.policy.held(&hash).is_none() {
                    end(daemon, hash, torrent, then).await;
                }
            }
            Judgement::Stay => {
                let is_late = given.seeding_s >= row.course.seeded + KEPT_EACH_S;
                if is_late && !goal.is_never() {
                    watch.seeding = watch.seeding.map(|_| now);
                    daemon.note(&[hash], |row| row.course.seeded = given.seeding_s).await;
                }
                if let Some(s) = goal.look_again_s(&given) {
                    let due = now + Duration::from_secs(s);
                    watch.due = Some(due);
                    self.due.insert((due, hash));
                }
            }
            Judgement::Enough => {
                watch.seeding = watch.seeding.map(|_| now);
                let seeded = given.seeding_s;
                if daemon.note(&[hash], |row| (row.course.ended, row.course.seeded) = (true, seeded)).await {
                    end(daemon, hash, torrent, then).await;
                }
            }
            Judgement::Needed => {
                if daemon.note(&[hash], |row| row.course.ended = false).await {
                    daemon.let_go(&hash);
                    // One that gives on has nothing to resume.
                    let _ = torrent.resume().await;
                }
            }
        }
    }

    /// Has those work that are to, and the others wait.
    async fn give_places(&mut self, daemon: &Daemon, rules: &Rules, now: Instant) {
        let mut queue = Vec::new();
        {
            let torrents = daemon.torrents();
            for (hash, watch) in &self.watched {
                let Some(kept) = torrents.get(hash) else { continue };
                let held = daemon.0.policy.held(hash);
                let is_out =
                    kept.row.paused || kept.row.course.ended || matches!(watch.state, State::Failed) || watch.removed;
                if is_out || held == Some(Held::Goal) {
                    continue;
                }
                let works = held.is_none();
                let is_looked_at = matches!(watch.state, State::Placing | State::Checking);
                let one = Queued {
                    key: *hash,
                    kind: if watch.complete.is_some() { Kind::Seed } else { Kind::Download },
                    works,
                    checks: if works { is_looked_at } else { !watch.is_open && watch.is_known },
                    stalled: works && now.duration_since(watch.moved.1) >= rules.stalled,
                    forced: kept.row.course.forced,
                };
                queue.push(((kept.row.course.order, kept.row.added, *hash), one));
            }
        }
        queue.sort_by_key(|(place, _)| *place);
        let turn = turn(rules.places, queue.into_iter().map(|(_, one)| one));
        let mut acts = Vec::new();
        for hash in turn.stop {
            if let Some((_, torrent)) = daemon.row_of(&hash) {
                daemon.hold(hash, Held::Queue);
                acts.push(Act::Pause(torrent));
            }
        }
        for hash in turn.begin {
            if let Some((_, torrent)) = daemon.row_of(&hash) {
                daemon.let_go(&hash);
                acts.push(Act::Resume(torrent));
            }
        }
        act(acts).await;
    }

    /// Sets the limits that the torrents of each label share, and which torrents these are; at first only of those that are in a group.
    fn limit(daemon: &Daemon, is_first: bool) {
        let policy = &daemon.0.policy;
        let groups = policy.all_groups();
        if groups.is_empty() {
            return;
        }
        for (group, speed) in groups {
            daemon.client().group_limits(group, speed.up, speed.down);
        }
        for kept in daemon.torrents().values() {
            let Ok(torrent) = &kept.torrent else { continue };
            let groups = policy.groups(&kept.row.labels);
            if is_first && groups.is_empty() {
                continue;
            }
            // One that has ended has no limits to set.
            let _ = torrent.groups(&groups);
        }
    }
}

/// What is wanted of a torrent, and what follows.
fn goal_of(rules: &Rules, row: &Row, figures: &Snapshot) -> (Goal, Then) {
    let url = |tracker: &TrackerStats| Some(Url::parse(tracker.url.reveal())?.host.to_ascii_lowercase());
    let hosts: Vec<String> = figures.trackers.iter().filter_map(url).collect();
    rules.of(row.course.until, &row.labels, hosts.iter().map(String::as_str))
}

async fn end(daemon: &Daemon, hash: InfoHash, torrent: Torrent, then: Then) {
    match then {
        Then::Rest => {}
        Then::Pause => {
            daemon.hold(hash, Held::Goal);
            act(vec![Act::Pause(torrent)]).await;
        }
        // Where it cannot be kept that it is gone, it is there at the next look.
        Then::Remove => _ = daemon.remove_these(&[hash]).await,
        Then::Delete => _ = daemon.remove_with_data(&[hash]).await,
    }
}

/// All at once: each waits for its trackers, four seconds at most.
async fn act(acts: Vec<Act>) {
    let mut all = JoinSet::new();
    for act in acts {
        all.spawn(async move {
            // A torrent that has failed is told as failed.
            let _ = match act {
                Act::Pause(torrent) => torrent.pause().await,
                Act::Resume(torrent) => torrent.resume().await,
            };
        });
    }
    while all.join_next().await.is_some() {}
}
