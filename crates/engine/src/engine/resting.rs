//! Torrents that are paused (own design; BEP 3 for `stopped`): nothing of one is kept but what is needed to begin it again.
//!
//! Pausing ends a torrent as removing does: peers are let go, trackers hear `stopped`, the disk saves and lets go of files and locks.
//! What stays is its [`Rest`]. Resuming begins the torrent anew from it, under the same peer id; the saved state says what is
//! verified, so that nothing is hashed again. Pieces that were not whole are fetched anew.
//!
//! Invariants: a torrent that rests is not in `torrents`, not in the routes, and has no timer; one that is on its way to rest is
//! in `torrents` until its end.
use super::Engine;
use super::record::{Record, Step};
use super::spec::{More, Spec};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::time::Duration;
use teem_metainfo::{AnnounceUrl, Info, TorrentKey};
use teem_swarm::command::{AddTorrent, TrackerChange};
use teem_swarm::event::{Event, Snapshot, State, TrackerStats};
use teem_swarm::ids::TorrentId;
use teem_swarm::memory::Memory;
use teem_swarm::output::{CloseReason, Output};
use teem_swarm::remote::Transport;
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;
use teem_swarm::torrent::Torrent;
use teem_swarm::torrent::announce::{Announcer, Identity};

/// A torrent that is being removed is let go after this, even if trackers and disk are silent.
pub(super) const REMOVAL_MAX: Duration = Duration::from_secs(4);

/// What a torrent is begun from, kept as long as the engine has it.
#[derive(Debug)]
pub(super) struct Rest {
    spec: Spec,
    me: Identity,
    /// Bytes that it had sent and received before it was last begun: the figures of a run go on over a pause.
    before: Moved,
    /// Whether all of it is hashed again when it is next begun.
    recheck: bool,
    /// Where it was paused while it rested: whether it is private. Nothing more is known of its metadata.
    pub(super) slept: Option<bool>,
    pub(super) phase: Phase,
}

impl Rest {
    pub(super) fn new(add: AddTorrent, me: Identity, phase: Phase) -> Self {
        let (spec, before) = (Spec::new(add), Moved::default());
        Self { spec, me, before, recheck: false, slept: None, phase }
    }

    /// What it is known by in the world.
    pub(super) fn key(&self) -> TorrentKey {
        self.me.torrent
    }

    /// What it is known by, where others may find it though it rests.
    pub(super) fn findable(&self) -> Option<TorrentKey> {
        let Phase::Asleep(record) = &self.phase else { return None };
        (!record.is_private).then(|| self.key())
    }

    /// It goes to rest: its metadata, and what it was begun with once, are not needed until it is woken.
    pub(super) fn forget_metadata(&mut self) {
        self.spec.forget_metadata();
    }

    /// It is woken.
    pub(super) fn know(&mut self, info: Arc<Info>) {
        self.spec.key = info.key();
        self.spec.change(|more| more.info = Some(info));
    }

    /// Its figures of this time of its work count as those before from now on.
    pub(super) fn has_moved(&mut self, figures: Snapshot) {
        let all = self.before.and(figures);
        self.before = Moved { uploaded: all.uploaded, downloaded: all.downloaded, wasted: all.wasted };
    }

    /// The figures of the whole run.
    pub(super) fn and_before(&self, figures: Snapshot) -> Snapshot {
        self.before.and(figures)
    }

    /// Its trackers, to be told that it has begun; none where there are none.
    pub(super) fn announcer(&self, now: Time, is_private: bool, known: Known<'_>, rng: &mut Rng) -> Option<Announcer> {
        let mut announcer = Announcer::new(self.me.clone(), &self.spec.trackers, is_private, rng);
        if let Some((memory, spread)) = known {
            announcer.recall(now, memory, false, spread, rng);
        }
        announcer.start(now);
        announcer.rest(now);
        (!announcer.is_empty()).then_some(announcer)
    }

    /// How many bytes are to be sent since the torrent was last begun until its owner is told.
    fn told_after(&self) -> Option<u64> {
        self.spec.more()?.tell_sent?.checked_sub(self.before.uploaded).filter(|more| *more > 0)
    }
}

/// What an earlier run left of a torrent's announces, and over how long those are spread whose time has come meanwhile.
pub(super) type Known<'a> = Option<(&'a Memory, Duration)>;

#[derive(Debug)]
pub(super) enum Phase {
    Running,
    /// Nobody is there: its state is saved, and it rests after that.
    LyingDown,
    /// It is complete and nobody is there: it serves whoever comes.
    Asleep(Box<Record>),
    /// It was at rest: its trackers are told that it stops, and it is paused or gone after that.
    Leaving {
        record: Box<Record>,
        pause: bool,
    },
    /// The torrent is ending, and will rest after that.
    Ending,
    /// The torrent is paused; these were its last figures.
    Resting(Box<Snapshot>),
    /// A fault of ours ended it: nothing is begun from this again.
    Broken(Box<Snapshot>),
}

impl Phase {
    /// Whether it serves whoever comes, and has to be woken for that.
    pub(super) fn is_at_rest(&self) -> bool {
        matches!(self, Self::LyingDown | Self::Asleep(_))
    }

    /// How many pieces it has, while it rests.
    pub(super) fn pieces_at_rest(&self) -> Option<u32> {
        if let Self::Asleep(record) = self { Some(record.pieces) } else { None }
    }
}

#[derive(Clone, Copy, Default, Debug)]
struct Moved {
    uploaded: u64,
    downloaded: u64,
    wasted: u64,
}

impl Moved {
    /// The figures of the whole run, from those since the torrent was last begun.
    fn and(self, since: Snapshot) -> Snapshot {
        let mut all = since;
        all.uploaded = all.uploaded.saturating_add(self.uploaded);
        all.downloaded = all.downloaded.saturating_add(self.downloaded);
        all.wasted = all.wasted.saturating_add(self.wasted);
        all
    }
}

impl<B> Engine<B> {
    /// Takes a torrent on, to begin at once or to rest until it is resumed.
    pub(super) fn add(&mut self, mut add: AddTorrent, paused: bool) {
        let torrent = add.torrent;
        if self.rests.contains_key(&torrent) || !self.routes.enter_torrent(add.key, torrent) {
            return self.is_there(torrent);
        }
        let me = self.identity(&mut add);
        if paused {
            self.routes.leave_torrent(add.key, torrent);
            let mut rest = Rest::new(add, me, Phase::Ending);
            rest.phase = Phase::Resting(Box::new(unknown(&rest.spec)));
            self.rests.insert(torrent, Box::new(rest));
            return self.tell_paused(torrent);
        }
        self.rests.insert(torrent, Box::new(Rest::new(add, me, Phase::Running)));
        self.begin(torrent, None);
    }

    /// Our identity in a torrent's swarm from now on: the same as in the last run, where that is kept and was of our kind.
    pub(super) fn identity(&mut self, add: &mut AddTorrent) -> Identity {
        add.announced = add.announced.take().filter(|known| self.config.is_ours(known.peer_id));
        let (peer_id, key) = match &add.announced {
            Some(known) => (known.peer_id, known.key),
            None => (self.config.peer_id(&mut self.rng), self.config.secret(&mut self.rng) as u32),
        };
        Identity { torrent: add.key, peer_id, doors: self.doors.clone(), key }
    }

    /// Begins a torrent; one that rested goes on with its trackers.
    pub(super) fn begin(&mut self, torrent: TorrentId, rested: Option<Box<Record>>) {
        let Some(rest) = self.rests.get_mut(&torrent) else { return };
        rest.phase = Phase::Running;
        let add = rest.spec.add();
        // What comes after a pause is for this run to know: trackers have heard `stopped`.
        rest.spec.change(|more| more.announced = None);
        let recheck = core::mem::take(&mut rest.recheck);
        let (me, rng) = (rest.me.clone(), self.rng.fork());
        let (told, encryption, transports) = (rest.told_after(), self.config.encryption, self.config.transports);
        let (pex, anonymous, now) = (self.config.pex, self.config.anonymous, self.now);
        let begun = self.wall.behind(|| {
            let mut one = Torrent::new(add, me, rng);
            one.dial_by(encryption, transports);
            if anonymous {
                one.stay_anonymous();
            }
            if pex {
                one.exchange_peers(transports.has(Transport::Utp));
            }
            if let Some(bytes) = told {
                one.tell_sent(bytes);
            }
            if let Some(record) = rested {
                one.take_up(now, record.announcer.map(|announcer| *announcer), record.counters);
            }
            one
        });
        match begun {
            Ok(one) => self.torrents.insert(torrent, one),
            Err(what) => return self.stillborn(torrent, &what),
        };
        self.changed.insert(torrent);
        let seen = self.external;
        self.with(torrent, |t, cx| t.seen_from_outside(cx, seen));
        self.with(torrent, Torrent::start);
        if recheck {
            self.with(torrent, Torrent::recheck);
        }
    }

    /// Hashes all of a torrent again; of one that rests, or is on its way to rest, when it is resumed.
    pub(super) fn recheck(&mut self, torrent: TorrentId) {
        let Some(rest) = self.rests.get_mut(&torrent) else { return };
        match rest.phase {
            Phase::Running => self.with(torrent, Torrent::recheck),
            Phase::Ending | Phase::Resting(_) | Phase::Leaving { .. } => rest.recheck = true,
            Phase::LyingDown | Phase::Asleep(_) | Phase::Broken(_) => {}
        }
    }

    /// Lets a torrent rest: `Event::State` says when it does.
    pub(super) fn pause(&mut self, torrent: TorrentId) {
        let Some(rest) = self.rests.get_mut(&torrent) else { return };
        if matches!(rest.phase, Phase::Asleep(_)) {
            self.is_stopping(torrent);
            return self.rest_step(Step::Leave(torrent, true));
        }
        let lies_down = matches!(rest.phase, Phase::LyingDown);
        if lies_down || (matches!(rest.phase, Phase::Running) && self.removals.get(torrent).is_none()) {
            rest.phase = Phase::Ending;
            // Metadata whose place was found is not fetched again.
            let placed = |one: &mut Torrent| match one.state() {
                State::Metadata | State::Choosing | State::Placing => None,
                _ => one.info().cloned(),
            };
            let asked = self.ask_torrent(torrent, |one| (one.is_rechecking(), placed(one)));
            let Some(((recheck, info), rest)) = asked.zip(self.rests.get_mut(&torrent)) else { return };
            rest.recheck = recheck;
            if let Some(info) = info {
                // Peers stay as they were named: the saved state knows only those that were of use, and a disk that fails saves none.
                rest.spec.change(|more| more.info = Some(info));
            }
            self.is_stopping(torrent);
            self.end(torrent);
        }
    }

    /// Begins a torrent that rests again. One that is only on its way to rest goes on to do so.
    pub(super) fn resume(&mut self, torrent: TorrentId) {
        let Some(rest) = self.rests.get(&torrent).filter(|rest| matches!(rest.phase, Phase::Resting(_))) else {
            return;
        };
        let slept = rest.slept;
        if self.routes.enter_torrent(rest.spec.key, torrent) {
            match slept {
                Some(is_private) => self.rest_step(Step::Again(torrent, is_private)),
                None => self.begin(torrent, None),
            }
        } else {
            self.is_there(torrent);
        }
    }

    /// A torrent is to be removed: whether that is done already, because it rests. One on its way to rest goes on to its end.
    pub(super) fn removed_at_rest(&mut self, torrent: TorrentId) -> bool {
        let Some(rest) = self.rests.get_mut(&torrent) else { return false };
        if matches!(rest.phase, Phase::Resting(_) | Phase::Broken(_)) {
            self.rests.remove(&torrent);
            return true;
        }
        rest.phase = Phase::Running;
        false
    }

    /// A torrent comes to its end, within 4 s.
    pub(super) fn end(&mut self, torrent: TorrentId) {
        let Some(key) = self.ask_torrent(torrent, |one| one.key()) else { return };
        self.routes.leave_torrent(key, torrent);
        self.removals.set(torrent, Some(self.now + REMOVAL_MAX));
        self.let_dials_go(torrent);
        self.rest_step(Step::TurnAway(torrent));
        self.with(torrent, Torrent::remove);
    }

    /// Nobody is dialled for a torrent any more.
    pub(super) fn let_dials_go(&mut self, torrent: TorrentId) {
        self.dialler.forget(torrent);
        for conn in self.conns.of(torrent) {
            self.conns.take(conn);
            self.close(conn, CloseReason::Stopping);
        }
    }

    /// Tells the owner once when a torrent has sent so many bytes in this run, which goes on over pauses.
    pub(super) fn tell_sent(&mut self, torrent: TorrentId, bytes: u64) {
        let Some(sent) = self.figures(torrent).map(|figures| figures.uploaded) else { return };
        if sent >= bytes {
            return self.outputs.push_back(Output::Event(Event::Sent { torrent }));
        }
        let Some(rest) = self.rests.get_mut(&torrent) else { return };
        rest.spec.change(|more| {
            let earlier = more.tell_sent.filter(|earlier| *earlier > sent);
            more.tell_sent = Some(earlier.map_or(bytes, |earlier| earlier.min(bytes)));
        });
        if let Some(more) = rest.told_after() {
            self.ask_torrent(torrent, |one| one.tell_sent(more));
        }
    }

    /// What the owner has chosen holds over pauses.
    pub(super) fn remember_selection(&mut self, torrent: TorrentId, selection: &teem_swarm::selection::Selection) {
        if let Some(rest) = self.rests.get_mut(&torrent) {
            rest.spec.change(|more| (more.selection, more.choose) = (Some(selection.clone()), false));
        }
    }

    /// Changes the trackers of a torrent, at work or at rest.
    pub(super) fn change_trackers(&mut self, torrent: TorrentId, change: TrackerChange) {
        let Some(rest) = self.rests.get_mut(&torrent) else { return };
        change.apply(&mut rest.spec.trackers);
        let tiers = rest.spec.trackers.clone();
        match &mut rest.phase {
            Phase::Running | Phase::LyingDown => self.with(torrent, |t, cx| t.set_trackers(cx, &tiers)),
            Phase::Ending | Phase::Leaving { .. } => {}
            Phase::Asleep(_) => self.rest_step(Step::Trackers(torrent, tiers)),
            Phase::Resting(figures) | Phase::Broken(figures) => {
                let known = core::mem::take(&mut figures.trackers);
                let of = |url: AnnounceUrl| {
                    let mut one = TrackerStats::unasked(url);
                    if let Some(known) = known.iter().find(|known| known.url.is_same(&one.url)) {
                        (one.last, one.swarm) = (known.last.clone(), known.swarm);
                    }
                    one
                };
                figures.trackers = tiers.into_iter().flatten().map(of).collect();
            }
        }
    }

    /// Changes the limits of one torrent, at work or at rest.
    pub(super) fn limit(&mut self, torrent: TorrentId, up: Option<u64>, down: Option<u64>) {
        let Some(rest) = self.rests.get_mut(&torrent) else { return };
        rest.spec.change(|more| (more.up, more.down) = (up, down));
        self.with(torrent, |t, cx| t.set_limits(cx, up, down));
    }

    /// The figures of a torrent, at work or at rest.
    pub(super) fn figures(&mut self, torrent: TorrentId) -> Option<Snapshot> {
        let now = self.now;
        if let Some(mut figures) = self.ask_torrent(torrent, |one| one.snapshot(now)) {
            let rest = self.rests.get(&torrent);
            if rest.is_some_and(|rest| matches!(rest.phase, Phase::LyingDown)) {
                figures.state = State::Seeding;
            }
            return Some(rest.map_or(Moved::default(), |rest| rest.before).and(figures));
        }
        let rest = self.rests.get(&torrent)?;
        match &rest.phase {
            Phase::Resting(figures) | Phase::Broken(figures) => Some(Snapshot::clone(figures)),
            Phase::Asleep(record) => Some(rest.before.and(record.figures(now, torrent))),
            Phase::Leaving { record, .. } => {
                let mut figures = rest.before.and(record.figures(now, torrent));
                figures.state = State::Stopping;
                Some(figures)
            }
            Phase::Running | Phase::LyingDown | Phase::Ending => None,
        }
    }

    /// The figures of those at work that have peers: of no other do they change by themselves.
    pub(super) fn tell_busy(&mut self, ask: u64) {
        let now = self.now;
        let mut busy = self.routes.take_visited();
        busy.extend(self.torrents.iter().filter(|(_, one)| one.has_peers()).map(|(torrent, _)| *torrent));
        let figures = |torrent: TorrentId| {
            let figures = self.ask_torrent(torrent, |one| one.figures(now))?;
            Some(self.rests.get(&torrent).map_or(Moved::default(), |rest| rest.before).and(figures))
        };
        let list = busy.into_iter().filter_map(figures).collect();
        self.outputs.push_back(Output::Event(Event::Snapshots { ask, list }));
    }

    /// A torrent could not even be begun.
    fn stillborn(&mut self, torrent: TorrentId, what: &str) {
        self.routes.forget_torrent(torrent);
        let (why, _) = broken(&mut self.rests, torrent, false, what);
        self.outputs.push_back(Output::Event(Event::Fault { torrent, why }));
    }

    pub(super) fn tell_paused(&mut self, torrent: TorrentId) {
        self.outputs.push_back(Output::Event(Event::State { torrent, state: State::Paused }));
    }

    pub(super) fn is_there(&mut self, torrent: TorrentId) {
        let why = String::from("this torrent is there already: the same info-hash cannot be added twice");
        self.outputs.push_back(Output::Event(Event::Failed { torrent, why, disk: None }));
    }
}

/// A torrent has ended with these figures, of this time of its work, if it could give any: whether it rests now, and is not gone.
pub(super) fn ended(rests: &mut BTreeMap<TorrentId, Box<Rest>>, torrent: TorrentId, figures: Option<Snapshot>) -> bool {
    let Some(rest) = rests.get_mut(&torrent) else { return false };
    if !matches!(rest.phase, Phase::Ending) {
        rests.remove(&torrent);
        return false;
    }
    let figures = rest.before.and(figures.unwrap_or_else(|| unknown(&rest.spec)));
    rest.before = Moved { uploaded: figures.uploaded, downloaded: figures.downloaded, wasted: figures.wasted };
    rest.phase = Phase::Resting(Box::new(figures.at_rest()));
    true
}

/// The metadata has come, and says what the torrent is called.
pub(super) fn name(rests: &mut BTreeMap<TorrentId, Box<Rest>>, torrent: TorrentId, info: &Info) {
    if let Some(rest) = rests.get_mut(&torrent) {
        rest.spec.change(|more| more.name = Some(String::from(info.name())));
    }
}

/// A torrent was ended by a fault: what its owner is told, and whether its removal is waited for, after which nothing of it stays.
pub(super) fn broken(
    rests: &mut BTreeMap<TorrentId, Box<Rest>>,
    torrent: TorrentId,
    leaving: bool,
    what: &str,
) -> (String, bool) {
    let sentence = |name: &str| format!("the torrent {name} was stopped by a fault in Teem: {what}; please report it");
    let Some(rest) = rests.get_mut(&torrent) else { return (sentence("without a name"), leaving) };
    let more = rest.spec.more();
    let of_info = || more?.info.as_ref().map(|info| String::from(info.name()));
    let known = more.and_then(|more| more.name.clone()).or_else(of_info);
    let why = sentence(&known.unwrap_or_else(|| rest.spec.key.wire().to_string()));
    if leaving && !matches!(rest.phase, Phase::Ending) {
        rests.remove(&torrent);
        return (why, true);
    }
    let mut figures = rest.before.and(unknown(&rest.spec));
    figures.state = State::Failed;
    rest.phase = Phase::Broken(Box::new(figures));
    (why, false)
}

/// Figures of a torrent that has not been looked at.
fn unknown(spec: &Spec) -> Snapshot {
    let mut figures = Snapshot::new(spec.torrent, State::Paused);
    let wanted = |more: &More| {
        let info = more.info.as_ref()?;
        Some(more.selection.as_ref().map_or_else(|| info.content_size(), |selection| selection.bytes(info)))
    };
    figures.wanted = spec.more().and_then(wanted).unwrap_or(0);
    figures.trackers = spec.trackers.iter().flatten().cloned().map(TrackerStats::unasked).collect();
    figures
}
