//! One tracker as an announcer sees it (BEP 3, 12, 31; interop rule 4): when it may be asked again and what it has
//! acknowledged.
//!
//! An event counts only once the tracker has answered to it, so an event is a state here ("`completed` is owed") and
//! not a message that could be lost. Asks are known by their ids, so several may be under way; in fact the next one waits for the answer to the
//! one before, except that `stopped` does not wait for an ask that hangs.
use super::manners::Manners;
use crate::ask::{AskId, again_after};
use crate::event::TrackerStats;
use crate::memory::TrackerMemory;
use crate::rng::Rng;
use crate::time::Time;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;
use teem_metainfo::AnnounceUrl;
use teem_wire::tracker::announce::{AnnounceError, AnnounceEvent, AnnounceReply, Form};
use teem_wire::tracker::url::{Scheme, TrackerUrl};

/// The first wait after a failure; it doubles with each further one.
const BACKOFF_FIRST: Duration = Duration::from_secs(15);
/// The longest wait after a failure.
const BACKOFF_MAX: Duration = Duration::from_secs(3600);
/// No interval below this is believed (bad-input row 55), and no peerless client asks more often.
pub(super) const INTERVAL_MIN: Duration = Duration::from_secs(60);
/// No interval above this is believed (bad-input row 55).
const INTERVAL_MAX: Duration = Duration::from_secs(6 * 3600);
/// A UDP tracker that has been silent for this long gives way to the next of its tier, while it is still retried; so does one that waits for
/// its turn for so long, because too many others are to be asked.
const GIVES_WAY: Duration = Duration::from_secs(45);
/// An HTTP ask without any answer is given up after this: the driver's own limit is 30 s.
const HTTP_LOST: Duration = Duration::from_secs(90);
/// The same for UDP, whose retries take 465 s.
const UDP_LOST: Duration = Duration::from_secs(600);
/// The wait before `stopped` is said again when it failed; the program waits 4 s in all.
const STOP_RETRY: Duration = Duration::from_secs(1);
/// An answer to an ask that was under way when the torrent was stopped is waited for this long.
const STOP_GRACE: Duration = Duration::from_secs(1);
/// After a sleep the trackers are asked over this many milliseconds.
const SLEPT_JITTER_MS: u64 = 5000;
/// Words of a tracker that are kept, in bytes.
const WORDS_MAX: usize = 512;
/// A tracker id longer than this is not sent back.
const TRACKER_ID_MAX: usize = 512;

/// Whether a tracker was, or has to be, told that the torrent has become complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Completed {
    /// Not complete, or it was already at the start.
    No,
    /// Complete, and not yet acknowledged.
    Owed,
    /// Acknowledged, in this run or an earlier one.
    Told,
}

/// An ask that has had no answer yet.
#[derive(Clone, Copy, Debug)]
struct UnderWay {
    id: AskId,
    event: AnnounceEvent,
    since: Time,
}

/// Whether a tracker knows on which port we listen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Port {
    /// It does, or is told with the first announce.
    Told,
    /// It knows of another one.
    Owed,
    /// The ask under way says it.
    Saying,
}

/// A tracker, and how far the torrent is with it.
#[derive(Debug)]
pub(super) struct Tracker {
    pub(super) url: AnnounceUrl,
    udp: bool,
    dead: bool,
    started: bool,
    completed: Completed,
    /// Whether we are a partial seed, and whether it should hear of that before its interval is over.
    partial: bool,
    owed_paused: bool,
    port: Port,
    /// From here on only `stopped` is to be said.
    stopping: bool,
    stopped: bool,
    failures: u32,
    /// Announces since peers were last had: each doubles the wait of a peerless client.
    hungry: u32,
    due: Time,
    /// Nothing is said before this: set after the machine slept.
    not_before: Time,
    min_interval: Duration,
    answered: Time,
    /// The oldest comes first; one, or two when the second says `stopped`.
    under_way: Vec<UnderWay>,
    /// Since when it waits for its turn among all torrents' trackers.
    waits: Option<Time>,
    /// When it is due was known at the start.
    recalled: bool,
    /// Nothing is missing, and an earlier run knows when it is due: nobody being there is no reason to ask it sooner.
    calm: bool,
    /// The last ask was not taken, through no fault of the tracker: its turn in the tier stays its own.
    keeps_turn: bool,
    id: Option<Vec<u8>>,
    last: Option<Result<u32, String>>,
    swarm: Option<(u32, u32)>,
    manners: Manners,
}

/// What an ask says that depends on the tracker.
pub(super) struct Said {
    pub(super) event: AnnounceEvent,
    pub(super) tracker_id: Option<Vec<u8>>,
    pub(super) form: Form,
}

impl Tracker {
    pub(super) fn new(url: &AnnounceUrl) -> Self {
        let parsed = TrackerUrl::parse(url.reveal());
        let udp = parsed.as_ref().is_ok_and(|url| url.scheme == Scheme::Udp);
        Self {
            url: url.clone(),
            udp,
            dead: parsed.is_err(),
            started: false,
            completed: Completed::No,
            partial: false,
            owed_paused: false,
            port: Port::Told,
            stopping: false,
            stopped: false,
            failures: 0,
            hungry: 0,
            due: Time::ZERO,
            not_before: Time::ZERO,
            min_interval: Duration::ZERO,
            answered: Time::ZERO,
            under_way: Vec::new(),
            waits: None,
            recalled: false,
            calm: false,
            keeps_turn: false,
            id: None,
            last: parsed.err().map(|error| Err(error.to_string())),
            swarm: None,
            manners: Manners::default(),
        }
    }

    /// Will never be asked again.
    pub(super) fn is_dead(&self) -> bool {
        self.dead
    }

    /// Answers, and is the one of its tier to go on with.
    pub(super) fn works(&self) -> bool {
        self.started && self.failures == 0 && !self.dead
    }

    /// Has not been asked in its turn, because the ask was not taken.
    pub(super) fn keeps_turn(&self) -> bool {
        self.keeps_turn
    }

    /// An ask is under way, and nobody else of the tier should be tried yet.
    pub(super) fn holds_tier(&self, now: Time) -> bool {
        let mut under_way = self.under_way.iter();
        under_way.any(|ask| !self.udp || now < ask.since + GIVES_WAY)
            || self.waits.is_some_and(|since| now < since + GIVES_WAY)
    }

    /// It may not be asked yet, since others come first.
    pub(super) fn wait_for_turn(&mut self, now: Time) {
        self.waits.get_or_insert(now);
    }

    /// Whether it may not be asked before its turn has come.
    pub(super) fn waits_for_turn(&self) -> bool {
        self.waits.is_some()
    }

    /// Its turn may have come.
    pub(super) fn has_turn(&mut self) {
        self.waits = None;
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Whether an ask of that id waits for its answer.
    pub(super) fn was_asked(&self, id: AskId) -> bool {
        self.under_way.iter().any(|ask| ask.id == id)
    }

    /// When an ask under way changes anything by itself: it gives way, or is lost.
    pub(super) fn wait_ends(&self, now: Time) -> Option<Time> {
        let gives_way = |ask: &UnderWay| Some(ask.since + GIVES_WAY).filter(|at| self.udp && now < *at);
        let under_way = self.under_way.iter().map(|ask| gives_way(ask).unwrap_or(ask.since + self.lost_after()));
        let waits = self.waits.map(|since| since + GIVES_WAY).filter(|at| now < *at);
        under_way.chain(waits).min()
    }

    fn lost_after(&self) -> Duration {
        if self.udp { UDP_LOST } else { HTTP_LOST }
    }

    /// An ask under way that is past hope.
    pub(super) fn lost(&self, now: Time) -> Option<AskId> {
        self.under_way.iter().find(|ask| now >= ask.since + self.lost_after()).map(|ask| ask.id)
    }

    /// When it may be asked next. An event is owed at once; a client without peers comes before the interval.
    pub(super) fn due(&self, without_peers: bool) -> Time {
        let due = if !self.works() {
            self.due
        } else if self.completed == Completed::Owed || self.owed_paused || self.port == Port::Owed {
            self.answered
        } else if without_peers && !self.calm {
            let wait = INTERVAL_MIN.saturating_mul(1 << (self.hungry.clamp(1, 10) - 1)).max(self.min_interval);
            self.due.min(self.answered + wait)
        } else {
            self.due
        };
        due.max(self.not_before)
    }

    /// There have been peers for a while: the next wait without any is the shortest again.
    pub(super) fn had_company(&mut self) {
        self.hungry = 0;
    }

    /// Delays what is due by some seconds, or by up to `spread` where that is longer, so that a machine that slept does not ask all trackers in one
    /// instant.
    pub(super) fn delay(&mut self, now: Time, spread: Duration, rng: &mut Rng) {
        self.not_before = soon(now, spread, rng);
    }

    /// What is scheduled is brought forward to the next seconds, or to within `spread`: all that were asked before, and those that failed perhaps only because
    /// we had no network. One that has answered just now waits for a minute, however often we move.
    pub(super) fn rejoin(&mut self, now: Time, spread: Duration, rng: &mut Rng) {
        let soon = soon(now, spread, rng);
        self.due = self.due.min(if self.works() { soon.max(self.answered + INTERVAL_MIN) } else { soon });
    }

    /// It is asked as soon as it lets itself be asked again: one that has answered not before its minimum, one that failed now.
    pub(super) fn hurry(&mut self, now: Time) {
        let earliest = if self.works() { self.answered + self.min_interval.max(INTERVAL_MIN) } else { now };
        self.due = self.due.min(earliest.max(now));
    }

    /// May be asked from `now` on.
    pub(super) fn start(&mut self, now: Time) {
        if !self.recalled {
            self.due = now;
        }
    }

    /// What the next run should know of it; `None` where it was never asked, or will never be.
    pub(super) fn memory(&self, now: Time) -> Option<TrackerMemory> {
        let was_asked = self.last.is_some() || self.recalled;
        (was_asked && !self.dead).then(|| TrackerMemory {
            url: self.url.reveal().to_string(),
            started: self.started && !self.stopping,
            completed: self.completed == Completed::Told,
            works: self.works(),
            hungry: self.hungry,
            answered: now.since(self.answered),
            due: self.due.since(now),
        })
    }

    /// Goes on where an earlier run was with it. One that did not answer then is tried again at once where something is missing, and one that
    /// heard `stopped` hears `started`.
    pub(super) fn recall(&mut self, now: Time, known: &TrackerMemory, wants: bool) {
        if known.completed {
            self.completed = Completed::Told;
        }
        if known.works && !known.started {
            return;
        }
        self.recalled = true;
        self.calm = !wants;
        self.started = known.started;
        self.failures = u32::from(!known.works);
        self.hungry = known.hungry;
        self.answered = now - known.answered;
        let wait = if known.works || !wants { known.due.min(INTERVAL_MAX.saturating_mul(4)) } else { Duration::ZERO };
        self.due = now + wait;
    }

    /// Whether it knows the port that we listen on, or will by the first announce.
    pub(super) fn knows_port(&self) -> bool {
        self.port == Port::Told
    }

    /// Whether it is to be told of our port before its time.
    pub(super) fn owes_port(&self) -> bool {
        self.port == Port::Owed
    }

    /// Nothing more is said to it, not even `stopped`.
    pub(super) fn part(&mut self) {
        self.stopped = true;
    }

    /// What the next ask has to say.
    fn event(&self) -> AnnounceEvent {
        let event = match (self.started, self.completed) {
            (false, _) => AnnounceEvent::Started,
            (true, Completed::Owed) => AnnounceEvent::Completed,
            (true, _) if self.partial => AnnounceEvent::Paused,
            (true, _) => AnnounceEvent::None,
        };
        if self.manners.leaves_out(event) { AnnounceEvent::None } else { event }
    }

    /// Notes that it is being asked, and says with what.
    pub(super) fn ask(&mut self, now: Time, id: AskId, stopping: bool, without_peers: bool) -> Said {
        let event = if stopping { AnnounceEvent::Stopped } else { self.event() };
        self.under_way.push(UnderWay { id, event, since: now });
        self.keeps_turn = false;
        if self.port == Port::Owed {
            self.port = Port::Saying;
        }
        self.hungry = if without_peers { self.hungry.saturating_add(1) } else { 0 };
        Said { event, tracker_id: self.id.clone(), form: self.manners.form() }
    }

    /// Takes out an ask that waits no more, and says with which event it was made.
    fn ended(&mut self, id: AskId) -> Option<AnnounceEvent> {
        let at = self.under_way.iter().position(|ask| ask.id == id)?;
        Some(self.under_way.remove(at).event)
    }

    /// An ask has failed: if it would have said our port, that is owed again.
    fn port_not_told(&mut self) {
        if self.port == Port::Saying {
            self.port = Port::Owed;
        }
    }

    /// The ask was not taken: it is made again shortly, as if it had never been made.
    pub(super) fn busy(&mut self, now: Time, id: AskId, rng: &mut Rng) {
        if self.ended(id).is_some() {
            self.port_not_told();
            self.hungry = self.hungry.saturating_sub(1);
            self.keeps_turn = true;
            self.not_before = now + if self.stopping { STOP_RETRY } else { again_after(rng) };
        }
    }

    /// A good answer. Returns whether that acknowledged `completed`.
    pub(super) fn good(&mut self, now: Time, id: AskId, reply: &AnnounceReply, rng: &mut Rng) -> bool {
        let mut completed = false;
        match self.ended(id) {
            Some(AnnounceEvent::Stopped) => self.stopped = true,
            Some(AnnounceEvent::Paused) => self.owed_paused = false,
            Some(AnnounceEvent::Completed) => {
                self.completed = Completed::Told;
                completed = true;
            }
            // It takes no word of the event that is owed, so nothing is owed any more.
            Some(AnnounceEvent::None) if self.manners.leaves_out(AnnounceEvent::Completed) => {
                self.completed = Completed::Told;
            }
            Some(AnnounceEvent::None) if self.manners.leaves_out(AnnounceEvent::Paused) => self.owed_paused = false,
            _ => self.started = true,
        }
        self.manners.accepted();
        if self.port == Port::Saying {
            self.port = Port::Told;
        }
        self.failures = 0;
        self.calm = false;
        self.answered = now;
        self.min_interval = reply.min_interval.unwrap_or_default().min(INTERVAL_MAX);
        let interval = reply.interval.clamp(INTERVAL_MIN, INTERVAL_MAX);
        let wait = around(interval, rng);
        self.due = if self.stopping { now } else { now + wait.max(self.min_interval).max(INTERVAL_MIN) };
        if let Some(id) = reply.tracker_id.as_ref().filter(|id| id.len() <= TRACKER_ID_MAX) {
            self.id = Some(id.clone());
        }
        self.last = Some(Ok(reply.peers.len() as u32));
        if reply.complete.is_some() || reply.incomplete.is_some() {
            self.swarm = Some((reply.complete.unwrap_or(0), reply.incomplete.unwrap_or(0)));
        }
        completed
    }

    /// A bad answer, or none.
    pub(super) fn bad(&mut self, now: Time, id: AskId, error: &AnnounceError, rng: &mut Rng) {
        let asked = self.ended(id);
        self.port_not_told();
        self.failures = self.failures.saturating_add(1);
        let base = BACKOFF_FIRST.saturating_mul(1 << (self.failures - 1).min(10)).min(BACKOFF_MAX);
        let mut wait = around(base, rng);
        match error {
            AnnounceError::Status(410) | AnnounceError::Refused { retry_in: Some(None), .. } => self.dead = true,
            AnnounceError::Refused { retry_in: Some(Some(told)), .. } => {
                wait = (*told).clamp(INTERVAL_MIN, INTERVAL_MAX.saturating_mul(4));
            }
            _ => {}
        }
        if asked == Some(AnnounceEvent::Stopped) {
            wait = STOP_RETRY;
        } else if self.stopping {
            wait = Duration::ZERO;
        }
        let again = asked.is_some_and(|event| is_refusal(error) && self.manners.refused(event, self.udp));
        if again && !self.stopping {
            // Something that need not be said is left out, and it is asked once more without delay, as if it had not been asked.
            self.failures -= 1;
            self.keeps_turn = true;
            wait = Duration::ZERO;
        }
        self.due = now + wait;
        self.last = Some(Err(sentence(error, &self.url)));
    }

    /// The torrent has become complete in this run: a tracker that knows it as unfinished is owed `completed`.
    pub(super) fn owe_completed(&mut self) {
        if self.completed == Completed::No && (self.started || self.is_busy()) {
            self.completed = Completed::Owed;
        }
    }

    /// Whether it works and has not heard yet that the torrent has become complete.
    pub(super) fn owes_completed(&self) -> bool {
        self.completed == Completed::Owed && self.works()
    }

    /// We have become, or are no longer, one that has all it wants and not everything.
    pub(super) fn set_partial(&mut self, partial: bool) {
        self.owed_paused = partial && (self.owed_paused || (!self.partial && self.started));
        self.partial = partial;
    }

    /// We listen on another port than it knows, or is being told; or again on the one that was `known`.
    pub(super) fn owe_port(&mut self, known: bool) {
        if known && self.port == Port::Owed {
            self.port = Port::Told;
        } else if !(known && self.port == Port::Told) && (self.started || self.is_busy()) {
            self.port = Port::Owed;
        }
    }

    /// It acknowledged `completed` in an earlier run.
    pub(super) fn completed_before(&mut self) {
        self.completed = Completed::Told;
    }

    /// While stopping: nothing more is to be said to it.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped || self.dead || (!self.started && !self.is_busy())
    }

    /// While stopping since `since`: when `stopped` can be said, `None` when there is nothing to say or it is being said.
    pub(super) fn stop_due(&self, since: Time) -> Option<Time> {
        if self.is_stopped()
            || self.waits.is_some()
            || self.under_way.iter().any(|ask| ask.event == AnnounceEvent::Stopped)
        {
            return None;
        }
        let grace = if self.is_busy() { STOP_GRACE } else { Duration::ZERO };
        Some(self.due.max(self.not_before).max(since + grace))
    }

    /// Stopping begins: what was scheduled does not matter any more.
    pub(super) fn stop(&mut self, now: Time) {
        self.stopping = true;
        self.waits = None;
        self.due = now;
        self.not_before = Time::ZERO;
    }

    pub(super) fn stats(&self, now: Time, without_peers: bool) -> TrackerStats {
        let scheduled = !self.dead && !self.is_busy() && !self.stopping;
        TrackerStats {
            answered: (self.answered > Time::ZERO).then(|| now.since(self.answered)),
            next: scheduled.then(|| self.due(without_peers).since(now)),
            last: self.last.clone(),
            swarm: self.swarm,
            ..TrackerStats::unasked(self.url.clone())
        }
    }
}

/// Whether the tracker was there and did not like what it was asked: that, not its own state, may be the reason.
fn is_refusal(error: &AnnounceError) -> bool {
    match error {
        AnnounceError::Refused { retry_in, .. } => retry_in.is_none(),
        // 401, 407: a password is wanted; 408, 429: later; 410: never.
        AnnounceError::Status(code) => (400..500).contains(code) && ![401, 407, 408, 410, 429].contains(code),
        AnnounceError::Malformed(_) => true,
        AnnounceError::TimedOut | AnnounceError::Unreachable(_) | AnnounceError::Forbidden(_) => false,
    }
}

/// A moment within the next seconds, or within `spread` where that is longer.
fn soon(now: Time, spread: Duration, rng: &mut Rng) -> Time {
    let within_ms = SLEPT_JITTER_MS.max(spread.as_millis() as u64);
    now + Duration::from_millis(1 + rng.below(within_ms))
}

/// A span within 10 % of `base` on either side, so that clients do not march in step.
fn around(base: Duration, rng: &mut Rng) -> Duration {
    let ms = base.as_millis() as u64;
    Duration::from_millis(ms / 10 * 9 + rng.below(ms / 5 + 1))
}

/// The longest beginning of a text of at most that many bytes.
pub(super) fn clip(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A failure in words for a person.
pub(super) fn sentence(error: &AnnounceError, url: &AnnounceUrl) -> String {
    let said = match error {
        AnnounceError::Refused { reason, .. } => format!("the tracker refused: {}", clip(reason, WORDS_MAX)),
        AnnounceError::Status(410) => "the tracker says that it is gone for good (HTTP 410)".to_string(),
        AnnounceError::Status(code) => format!("the tracker answered with HTTP status {code}"),
        AnnounceError::Malformed(what) => format!("the answer was not a tracker's: {}", clip(what, WORDS_MAX)),
        AnnounceError::TimedOut => "the tracker did not answer in time".to_string(),
        AnnounceError::Unreachable(what) => format!("the tracker cannot be reached: {}", clip(what, WORDS_MAX)),
        AnnounceError::Forbidden(what) => format!("the tracker's address is not allowed: {}", clip(what, WORDS_MAX)),
    };
    url.without_secrets(&said)
}
