//! Announcing one torrent to its trackers (BEP 3, 12, 27, 31; interop rules 4 and 5).
//!
//! Tiers are shuffled inside; the tracker that works moves to the front of its tier; one tracker of each tier is
//! announced to, because swarms differ by tracker. A private torrent (BEP 27) has a single flat tier: one tracker at a
//! time, and the peers of the former are dropped on a switch.
//!
//! Invariants: an answer counts for the ask of its id and no other; `completed` is acknowledged at most once by each tracker, over
//! all runs; a tracker is asked at most once for each time it became due, however long the machine slept.
mod leaving;
mod manners;
mod memory;
mod tracker;

use super::table::roster::PEERS_WANTED;
use crate::ask::{AskId, AskIds};
use crate::event::TrackerStats;
use crate::ids::TorrentId;
use crate::listening::Doors;
use crate::rng::Rng;
use crate::time::Time;
use crate::turns::{Turns, Urgency, Wish};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;
use leaving::{Leaving, STOP_MAX};
use teem_metainfo::{AnnounceUrl, TorrentKey};
use teem_wire::peer::handshake::PeerId;
use teem_wire::tracker::announce::{Announce, AnnounceError, AnnounceReply};
use tracker::Tracker;

/// Trackers of one torrent that are kept (bad-input row 24).
const TRACKERS_MAX: usize = 100;
/// Peers asked for when there are many already.
const NUM_WANT_MIN: u32 = 50;
/// Peers asked for when there are none.
const NUM_WANT_MAX: u32 = 200;
/// `left` while the metadata, and so the size, is unknown: one block, so that no tracker takes us for a seed.
const LEFT_UNKNOWN: u64 = 16 * 1024;
/// Being this late means that the machine slept or the clock jumped, not that it was busy.
const SLEPT: Duration = Duration::from_secs(60);

/// How we stand in the swarm; the same for every tracker.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The torrent's hashes, of which a tracker is told one.
    pub torrent: TorrentKey,
    /// Our id in this torrent.
    pub peer_id: PeerId,
    /// The ports that take connections.
    pub doors: Doors,
    /// BEP 3's `key`: the same in all families and for the whole run.
    pub key: u32,
}

impl Identity {
    fn announce(&self, said: tracker::Said, now: Counters, num_want: u32) -> Announce {
        let tracker::Said { event, tracker_id, form } = said;
        Announce {
            info_hash: self.torrent.wire(),
            peer_id: self.peer_id,
            // Trackers refuse port 0; where nothing is listened on nobody answers at this one either.
            port: self.doors.get().port().max(1),
            uploaded: now.uploaded,
            downloaded: now.downloaded,
            left: now.left.unwrap_or(LEFT_UNKNOWN),
            event,
            num_want,
            key: self.key,
            tracker_id,
            form,
        }
    }
}

/// The figures that an announce carries, as they are now. Payload bytes of this run.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counters {
    /// Sent to peers.
    pub uploaded: u64,
    /// Received from peers.
    pub downloaded: u64,
    /// Still missing; `None` while the metadata is missing.
    pub left: Option<u64>,
}

/// What a tracker's answer means for the torrent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heard {
    /// The tracker's URL.
    pub url: AnnounceUrl,
    /// For [`crate::event::Event::Tracker`]: peers given, or what went wrong in a sentence.
    pub result: Result<u32, String>,
    /// The tracker's own warning for the user, at most 512 bytes.
    pub warning: Option<String>,
    /// A private torrent has gone over to another tracker: peers that the former gave are to be dropped (BEP 27).
    pub switched: bool,
    /// It has acknowledged `completed`: the saved facts have changed.
    pub completed: bool,
}

/// One ask of one tracker, to be pushed as [`crate::ask::Question::Announce`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ask {
    /// Its name; the answer comes by it.
    pub id: AskId,
    /// The tracker's URL as it stands in the torrent.
    pub url: AnnounceUrl,
    /// What to say.
    pub announce: Announce,
}

/// With what trackers are asked.
#[derive(Debug)]
pub struct Asking<'a> {
    /// For which torrent.
    pub torrent: TorrentId,
    /// Names for the asks.
    pub ids: &'a mut AskIds,
    /// Says when each may go out.
    pub turns: &'a mut dyn Turns,
}

/// The announcer of one torrent.
#[derive(Debug)]
pub struct Announcer {
    me: Identity,
    tiers: Vec<Vec<Tracker>>,
    /// Those that were left out and have to hear of it.
    leaving: Leaving,
    private: bool,
    /// All that is wanted is there, and not everything.
    partial: bool,
    /// The tracker of a private torrent that answered last.
    current: Option<AnnounceUrl>,
    running: bool,
    /// The torrent rests: nobody is looked for, and trackers are asked at their interval.
    resting: bool,
    /// There are none, or far fewer than there were and nobody left to dial: the trackers are asked sooner.
    few: bool,
    /// Since when that is not so.
    company: Option<Time>,
    peers: u32,
    /// The most there were since a tracker last answered, as far as they are wanted.
    most: u32,
    stopping: Option<Time>,
    completed_at: Vec<String>,
    /// Payload bytes sent and received that trackers were told of by earlier runs, and by all.
    before: (u64, u64),
    told: (u64, u64),
    /// The port that all trackers know that know of us.
    told_port: Option<u16>,
    /// The program ends, and trackers are not to notice.
    parted: bool,
    next: Option<Time>,
}

impl Announcer {
    /// An announcer that is silent until [`Self::start`]. Duplicates and what is beyond 100 trackers are left out.
    pub fn new(me: Identity, tiers: &[Vec<AnnounceUrl>], private: bool, rng: &mut Rng) -> Self {
        let mut kept = Vec::new();
        for tier in once_each(tiers) {
            let mut urls: Vec<Tracker> = tier.iter().map(Tracker::new).collect();
            rng.shuffle(&mut urls);
            kept.push(urls);
        }
        let mut announcer = Self {
            me,
            tiers: kept,
            leaving: Leaving::default(),
            private: false,
            partial: false,
            current: None,
            running: false,
            resting: false,
            few: true,
            company: None,
            peers: 0,
            most: 0,
            stopping: None,
            completed_at: Vec::new(),
            before: (0, 0),
            told: (0, 0),
            told_port: None,
            parted: false,
            next: None,
        };
        if private {
            announcer.set_private();
        }
        announcer
    }

    /// The metadata said that the torrent is private: from now on one tracker at a time.
    pub(crate) fn set_private(&mut self) {
        self.private = true;
        let flat: Vec<Tracker> = self.tiers.drain(..).flatten().collect();
        if !flat.is_empty() {
            self.tiers.push(flat);
        }
    }

    /// Other trackers are asked from now on, in these tiers: those that stay notice nothing, new ones hear `started` when their turn
    /// comes, those that are left out hear `stopped`. Duplicates and what is beyond 100 trackers are left out.
    pub fn set_trackers(&mut self, now: Time, tiers: &[Vec<AnnounceUrl>], rng: &mut Rng) {
        if self.stopping.is_some() {
            return; // those that were told `started` are told `stopped` anyhow
        }
        let mut old: Vec<Tracker> = self.tiers.drain(..).flatten().collect();
        for urls in once_each(tiers) {
            // Those that stay keep their order, which says what has worked; the rest come behind them.
            let (mut stay, rest): (Vec<Tracker>, Vec<Tracker>) =
                old.into_iter().partition(|tracker| urls.iter().any(|url| url.is_same(&tracker.url)));
            old = rest;
            let is_new = |url: &&AnnounceUrl| stay.iter().all(|tracker| !tracker.url.is_same(url));
            let mut new: Vec<Tracker> = urls.iter().filter(is_new).map(|url| self.newcomer(now, url)).collect();
            for tracker in &mut stay {
                // What a URL may do goes by its last mention, which says who stands for it now.
                if let Some(url) = urls.iter().find(|url| url.is_same(&tracker.url)) {
                    tracker.url = url.clone();
                }
            }
            rng.shuffle(&mut new);
            stay.append(&mut new);
            if !stay.is_empty() {
                self.tiers.push(stay);
            }
        }
        for tracker in old {
            self.leaving.add(now, tracker);
        }
        if self.private {
            self.set_private();
        }
        self.plan(now);
    }

    /// A tracker that was not there before. One that has only just been left out is not asked before it knows that.
    fn newcomer(&self, now: Time, url: &AnnounceUrl) -> Tracker {
        let mut tracker = Tracker::new(url);
        tracker.start(self.leaving.ends(url).unwrap_or(now));
        tracker.set_partial(self.partial);
        if self.completed_at.iter().any(|told| *url == **told) {
            tracker.completed_before();
        }
        tracker
    }

    /// What earlier runs left: trackers that have acknowledged `completed`.
    pub fn remember(&mut self, completed_at: &[String]) {
        self.completed_at = completed_at.iter().take(TRACKERS_MAX).cloned().collect();
        for tracker in self.tiers.iter_mut().flatten() {
            if self.completed_at.iter().any(|told| tracker.url == **told) {
                tracker.completed_before();
            }
        }
    }

    /// Trackers that have acknowledged `completed`, over all runs: for the saved facts.
    pub fn completed_at(&self) -> &[String] {
        &self.completed_at
    }

    /// Begins to announce: when it is known what is missing, or at once without metadata.
    pub fn start(&mut self, now: Time) {
        if !self.running {
            self.running = true;
            self.tiers.iter_mut().flatten().for_each(|t| t.start(now));
            self.plan(now);
        }
    }

    /// The torrent has become complete by downloading. Not to be called when it was so from the start.
    pub fn completed(&mut self, now: Time) {
        self.tiers.iter_mut().flatten().for_each(Tracker::owe_completed);
        self.plan(now);
    }

    /// Whether all that is wanted is there and not everything (BEP 21): trackers that know us as a downloader are told soon, so
    /// that they can count us right, and all are told so at each interval.
    pub fn set_partial(&mut self, now: Time, partial: bool) {
        self.partial = partial;
        self.tiers.iter_mut().flatten().for_each(|tracker| tracker.set_partial(partial));
        self.plan(now);
    }

    /// How many peers are connected, and whether there are addresses to dial now or on the way: with no peer the trackers are
    /// asked sooner, and with fewer than half of what there were once there is nobody left to dial.
    pub fn set_peers(&mut self, now: Time, peers: u32, more: bool) {
        self.peers = peers;
        self.most = self.most.max(peers.min(PEERS_WANTED as u32));
        let few = peers == 0 || (peers * 2 < self.most && !more);
        if self.few != few {
            self.few = few;
            let company = if few { self.company.take() } else { self.company.replace(now) };
            // A client that has had company is not one without peers that has asked in vain.
            if few && company.is_some_and(|since| now.since(since) >= tracker::INTERVAL_MIN) {
                self.tiers.iter_mut().flatten().for_each(Tracker::had_company);
            }
            self.plan(now);
        }
    }

    /// The torrent rests: it is complete and nobody is connected, so trackers hear of it at their interval and no sooner.
    pub fn rest(&mut self, now: Time) {
        self.resting = true;
        self.peers = 0;
        self.plan(now);
    }

    /// The torrent is at work again: trackers notice nothing, and without peers are asked sooner, as before.
    pub(crate) fn wake(&mut self, now: Time) {
        self.resting = false;
        self.plan(now);
    }

    /// Whether there are no trackers, nor any that still have to hear of their end.
    pub fn is_empty(&self) -> bool {
        self.tiers.is_empty() && self.leaving.is_empty()
    }

    /// Whether one that can be reached has still to be told that the torrent has become complete.
    pub(crate) fn owes_completed(&self) -> bool {
        self.tiers.iter().flatten().any(Tracker::owes_completed)
    }

    /// We are elsewhere than before, or were away: the trackers hear of us within seconds, or within `spread` where that is longer,
    /// whatever their interval.
    pub fn rejoin(&mut self, now: Time, spread: Duration, rng: &mut Rng) {
        if self.stopping.is_none() {
            self.tiers.iter_mut().flatten().for_each(|tracker| tracker.rejoin(now, spread, rng));
            self.plan(now);
        }
    }

    /// The owner wants the trackers asked now: each is, as soon as it lets itself be asked again.
    pub fn hurry(&mut self, now: Time) {
        if self.stopping.is_none() {
            self.tiers.iter_mut().flatten().for_each(|tracker| tracker.hurry(now));
            self.plan(now);
        }
    }

    /// What waited for its turn may ask again.
    pub fn has_turn(&mut self, now: Time) {
        self.tiers.iter_mut().flatten().for_each(Tracker::has_turn);
        self.leaving.has_turn();
        self.plan(now);
    }

    /// We listen on another port: whoever was told of the former is told at once. One that they know all along is not told again.
    pub fn port_changed(&mut self, now: Time) {
        let known = self.told_port == Some(self.me.doors.get().port());
        self.tiers.iter_mut().flatten().for_each(|tracker| tracker.owe_port(known));
        self.plan(now);
    }

    /// Says `stopped` to all that were told `started`.
    pub fn stop(&mut self, now: Time) {
        if self.stopping.is_none() {
            self.stopping = Some(now);
            self.tiers.iter_mut().flatten().for_each(|t| t.stop(now));
            self.plan(now);
        }
    }

    /// After [`Self::stop`]: all have acknowledged, or 4 s have passed.
    pub fn is_stopped(&self, now: Time) -> bool {
        let all = || self.leaving.is_empty() && self.tiers.iter().flatten().all(Tracker::is_stopped);
        self.stopping.is_some_and(|since| now >= since + STOP_MAX || all())
    }

    /// When [`Self::poll`] has something to do; never earlier than what was known at the last call.
    pub fn deadline(&self) -> Option<Time> {
        self.next
    }

    /// Asks the trackers that are due.
    pub fn poll(&mut self, now: Time, counters: Counters, rng: &mut Rng, asking: Asking<'_>, mut out: impl FnMut(Ask)) {
        let Some(planned) = self.next.filter(|next| now >= *next) else { return };
        let slept = now > planned + SLEPT && self.stopping.is_none();
        self.leaving.let_go(now);
        for tracker in self.tiers.iter_mut().flatten() {
            while let Some(id) = tracker.lost(now) {
                tracker.bad(now, id, &AnnounceError::TimedOut, rng);
            }
        }
        let (stopping, hungry) = (self.stopping, self.few && !self.resting);
        // What is asked without anybody having come makes the next waits without peers longer, at rest too.
        let in_vain = self.few;
        let counters = Counters {
            uploaded: counters.uploaded.saturating_add(self.before.0),
            downloaded: counters.downloaded.saturating_add(self.before.1),
            ..counters
        };
        let told = &mut self.told;
        let Asking { torrent, ids, turns } = asking;
        let wants = counters.left != Some(0) && !self.partial;
        let spread = if wants { Duration::ZERO } else { turns.spread() };
        let mut ask = |tracker: &mut Tracker, stop: bool, want: u32| {
            let id = ids.draw();
            let urgency = match (stop, wants) {
                (true, _) => Urgency::Last,
                (false, true) => Urgency::Download,
                (false, false) => Urgency::Seed,
            };
            let due = tracker.due(hungry);
            if !turns.may_ask(now, Wish { torrent, url: &tracker.url, id, urgency, due }) {
                return tracker.wait_for_turn(now);
            }
            let said = tracker.ask(now, id, stop, in_vain && !stop);
            let announce = self.me.announce(said, counters, want);
            *told = (counters.uploaded, counters.downloaded);
            out(Ask { id, url: tracker.url.clone(), announce });
        };
        for tracker in self.leaving.due(now) {
            ask(tracker, true, 0);
        }
        for tier in &mut self.tiers {
            if let Some(since) = stopping {
                for tracker in tier.iter_mut().filter(|t| t.stop_due(since).is_some_and(|due| now >= due)) {
                    ask(tracker, true, 0);
                }
            } else if let Some((tracker, due)) = turn(tier, now, hungry) {
                if now < due {
                    continue;
                }
                if slept {
                    tracker.delay(now, spread, rng);
                    continue;
                }
                ask(tracker, false, NUM_WANT_MAX.saturating_sub(self.peers).max(NUM_WANT_MIN));
            }
        }
        self.plan(now);
    }

    /// The tracker that was asked under an id: its tier and its place there.
    fn asked(&self, id: AskId) -> Option<(usize, usize)> {
        let mut tiers = self.tiers.iter().enumerate();
        tiers.find_map(|(n, tier)| Some((n, tier.iter().position(|t| t.was_asked(id))?)))
    }

    /// An ask was not taken: it is made again shortly, and the tracker is not to blame.
    pub fn busy(&mut self, now: Time, id: AskId, rng: &mut Rng) {
        if let Some(tracker) = self.leaving.asked(id) {
            tracker.busy(now, id, rng);
        } else if let Some((tier, at)) = self.asked(id) {
            self.tiers[tier][at].busy(now, id, rng);
        }
        self.plan(now);
    }

    /// The answer to an ask. `None` when no tracker of ours waits for one of that id.
    pub fn reply(
        &mut self,
        now: Time,
        id: AskId,
        reply: &Result<AnnounceReply, AnnounceError>,
        rng: &mut Rng,
    ) -> Option<Heard> {
        if let Some(tracker) = self.leaving.asked(id) {
            match reply {
                Ok(good) => _ = tracker.good(now, id, good, rng),
                Err(error) => tracker.bad(now, id, error, rng),
            }
            self.leaving.let_go(now);
            self.plan(now);
            return None;
        }
        let (tier, at) = self.asked(id)?;
        let url = self.tiers[tier][at].url.clone();
        let mut heard = Heard { url, result: Ok(0), warning: None, switched: false, completed: false };
        match reply {
            Ok(good) => {
                heard.completed = self.tiers[tier][at].good(now, id, good, rng);
                if heard.completed && self.completed_at.len() < TRACKERS_MAX {
                    self.completed_at.push(heard.url.reveal().to_string());
                }
                heard.result = Ok(good.peers.len() as u32);
                if self.tiers.iter().flatten().all(Tracker::knows_port) {
                    self.told_port = Some(self.me.doors.get().port());
                }
                heard.warning = good.warning.as_deref().map(|w| heard.url.without_secrets(tracker::clip(w, 512)));
                if self.private && self.stopping.is_none() {
                    heard.switched = self.current.as_ref().is_some_and(|former| !former.is_same(&heard.url));
                    self.current = Some(heard.url.clone());
                }
                self.tiers[tier][..=at].rotate_right(1);
                // What is there now is what there is: only a further loss hurries again.
                self.most = self.peers.min(PEERS_WANTED as u32);
                self.few = self.peers == 0;
                self.company = self.company.or((!self.few).then_some(now));
            }
            Err(error) => {
                self.tiers[tier][at].bad(now, id, error, rng);
                heard.result = Err(tracker::sentence(error, &heard.url));
            }
        }
        self.plan(now);
        Some(heard)
    }

    /// The trackers for a snapshot.
    pub fn stats(&self, now: Time) -> Vec<TrackerStats> {
        let few = self.few;
        let tiers = self.tiers.iter().enumerate();
        tiers.flat_map(|(tier, all)| all.iter().map(move |one| TrackerStats { tier, ..one.stats(now, few) })).collect()
    }

    /// Finds out when something is to be done next; at most 100 trackers are looked at.
    fn plan(&mut self, now: Time) {
        let mut next: Option<Time> = None;
        let mut at = |time: Time| next = Some(next.map_or(time, |n| n.min(time)));
        self.leaving.times().for_each(&mut at);
        if let Some(since) = self.stopping {
            if !self.tiers.iter().flatten().all(Tracker::is_stopped) && now < since + STOP_MAX {
                at(since + STOP_MAX);
                self.tiers.iter().flatten().filter_map(|t| t.stop_due(since)).for_each(at);
            }
        } else if self.running {
            for tier in &mut self.tiers {
                tier.iter().filter_map(|t| t.wait_ends(now)).for_each(&mut at);
                if let Some((_, due)) = turn(tier, now, self.few && !self.resting) {
                    at(due.max(now));
                }
            }
        }
        self.next = next;
    }
}

/// Each tracker once, where it stands first, and at most so many; one that anybody we trust has named is trusted.
fn once_each(tiers: &[Vec<AnnounceUrl>]) -> Vec<Vec<AnnounceUrl>> {
    let mut kept: Vec<Vec<AnnounceUrl>> = Vec::new();
    let mut room = TRACKERS_MAX;
    for tier in tiers {
        let mut urls: Vec<AnnounceUrl> = Vec::new();
        for url in tier {
            if let Some(known) = kept.iter_mut().flatten().chain(&mut urls).find(|known| known.is_same(url)) {
                known.named_by(url.origin());
            } else if room > 0 {
                room -= 1;
                urls.push(url.clone());
            }
        }
        if !urls.is_empty() {
            kept.push(urls);
        }
    }
    kept
}

/// Whose turn it is in a tier, and when: the tracker that works, else the first that may be tried. Nobody while an
/// ask is under way that the tier waits for.
fn turn(tier: &mut [Tracker], now: Time, few: bool) -> Option<(&mut Tracker, Time)> {
    let mut best: Option<(usize, Time)> = None;
    for (n, tracker) in tier.iter().enumerate() {
        if tracker.holds_tier(now) {
            return None;
        }
        if tracker.is_dead() || tracker.is_busy() || tracker.waits_for_turn() {
            continue;
        }
        let due = tracker.due(few);
        if tracker.works() || tracker.keeps_turn() || due <= now {
            best = Some((n, due));
            break;
        }
        if best.is_none_or(|(_, time)| due < time) {
            best = Some((n, due));
        }
    }
    best.map(|(n, due)| (&mut tier[n], due))
}
