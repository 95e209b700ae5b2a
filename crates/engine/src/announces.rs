//! When which torrent announces (own design): thousands come due together, and neither the line nor the trackers bear that at once.
//!
//! Over UDP so many go out in a second; over HTTP so many are under way at once, and few of them at one host, so that a tracker that is slow keeps
//! nobody waiting but those that ask it. Those that wait go by [`Urgency`]: last words first, then downloads, then seeds, and among
//! equals the one that has been due for longest. One of four turns goes to a seed, however many downloads wait, so that nobody starves.
//!
//! A torrent that has to wait is called again when its turn comes, and says then what it has to say at that moment. Whatever answers
//! to its id may be called: nothing is known here of what it is. Each step costs the logarithm of how many wait; nothing looks at all.
//!
//! Invariants: each torrent waits at most once for each host and way; a host is in `ready` exactly with the first of each urgency that waits
//! there, and only while it has room.
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use teem_metainfo::AnnounceUrl;
use teem_swarm::ask::AskId;
use teem_swarm::ids::TorrentId;
use teem_swarm::time::Time;
use teem_swarm::turns::{Turns, Urgency, Wish};
use teem_wire::tracker::url::TrackerUrl;

/// Announces over UDP that may go out at one moment.
const UDP_BURST: u32 = 20;
/// The time between two when more wait: with the burst that makes at most 200 in any second.
const UDP_EVERY: Duration = Duration::from_nanos(1_000_000_000 / (200 - UDP_BURST as u64));
/// Announces over HTTP under way at once, in all and at one host.
const HTTP_MAX: usize = 50;
const HTTP_PER_HOST_MAX: usize = 2;
/// An ask over HTTP without any answer holds its place for so long; the torrent has given it up by then.
const HTTP_LOST: Duration = Duration::from_secs(90);
/// Of so many turns one goes to a seed, if one waits.
const TURNS_OF_SEED: u32 = 4;
/// Of a wake, a new address or a start each torrent makes the time longer by this, over which all are spread.
const SPREAD_EACH: Duration = Duration::from_millis(100);
/// The longest time over which they are spread.
const SPREAD_MAX: Duration = Duration::from_secs(600);

/// How many kinds of urgency there are.
const URGENCIES: usize = 3;

/// Where a torrent waits: over HTTP or not, and the host's name.
type Place = (bool, Arc<str>);

/// The announces of all torrents.
#[derive(Debug)]
pub(crate) struct Announces {
    http: Lane,
    udp: Lane,
    /// When one more could go out over UDP if there were no burst.
    udp_next: Time,
    /// Where each torrent waits, and under which key.
    waits: BTreeMap<(TorrentId, Place), (Urgency, Time)>,
    /// Over HTTP, what is under way to which host, and in the order in which it went out.
    under_way: BTreeMap<AskId, Arc<str>>,
    sent: VecDeque<(Time, AskId)>,
    /// The torrent that is called now, because its turn has come there.
    turn: Option<(TorrentId, Place)>,
    /// How many torrents there are.
    torrents: u32,
}

impl Default for Announces {
    fn default() -> Self {
        Self {
            http: Lane::new(HTTP_PER_HOST_MAX),
            udp: Lane::new(usize::MAX),
            udp_next: Time::ZERO,
            waits: BTreeMap::new(),
            under_way: BTreeMap::new(),
            sent: VecDeque::new(),
            turn: None,
            torrents: 0,
        }
    }
}

impl Announces {
    /// So many torrents there are, at work or not.
    pub(crate) fn among(&mut self, torrents: usize) {
        self.torrents = u32::try_from(torrents).unwrap_or(u32::MAX);
    }

    /// The torrent whose turn has come. It is to be called now; when it has been, [`Self::called`] is.
    pub(crate) fn next(&mut self, now: Time) -> Option<TorrentId> {
        self.give_up(now);
        let http = self.under_way.len() < HTTP_MAX;
        let http = if http { self.http.first() } else { None };
        let (is_http, (host, torrent)) = match http {
            Some(first) => (true, first),
            None if self.udp_at() <= now => (false, self.udp.first()?),
            None => return None,
        };
        let place = (is_http, host);
        self.leave(torrent, &place);
        self.turn = Some((torrent, place));
        Some(torrent)
    }

    /// A torrent whose turn it was has been called, and has used its turn or not.
    pub(crate) fn called(&mut self) {
        self.turn = None;
    }

    /// When [`Self::next`] has somebody, if nothing is answered before.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let udp = self.udp.is_ready().then(|| self.udp_at());
        let http = self.sent.front().filter(|_| self.http.waiting > 0).map(|(at, _)| *at + HTTP_LOST);
        Time::earliest([udp, http])
    }

    /// An ask has been answered, whatever it was.
    pub(crate) fn answered(&mut self, id: AskId) {
        if let Some(host) = self.under_way.remove(&id) {
            self.http.end(&host);
        }
        while self.sent.front().is_some_and(|(_, id)| !self.under_way.contains_key(id)) {
            self.sent.pop_front();
        }
    }

    /// A torrent is gone: it waits for nothing. What is under way stays so until it is answered.
    pub(crate) fn forget(&mut self, torrent: TorrentId) {
        let first = (torrent, (false, Arc::from("")));
        let of = self.waits.range(first..).take_while(|((id, _), _)| *id == torrent);
        let places: Vec<Place> = of.map(|((_, place), _)| place.clone()).collect();
        for place in places {
            self.leave(torrent, &place);
        }
    }

    /// What nobody waits for any more holds no place.
    fn give_up(&mut self, now: Time) {
        while let Some((_, id)) = self.sent.front().filter(|(at, _)| *at + HTTP_LOST <= now) {
            self.answered(*id);
        }
    }

    /// When one more may go out over UDP.
    fn udp_at(&self) -> Time {
        self.udp_next - UDP_EVERY * (UDP_BURST - 1)
    }

    fn lane(&mut self, http: bool) -> &mut Lane {
        if http { &mut self.http } else { &mut self.udp }
    }

    fn leave(&mut self, torrent: TorrentId, place: &Place) {
        if let Some((urgency, due)) = self.waits.remove(&(torrent, place.clone())) {
            self.lane(place.0).leave(&place.1, urgency, (due, torrent));
        }
    }
}

impl Turns for Announces {
    fn may_ask(&mut self, now: Time, wish: Wish<'_>) -> bool {
        self.give_up(now);
        let Wish { torrent, url, id, urgency, due } = wish;
        let place = place(url);
        let (is_http, host) = place.clone();
        let has_room =
            if is_http { self.under_way.len() < HTTP_MAX && self.http.has_room(&host) } else { self.udp_at() <= now };
        let its_turn = self.turn.take_if(|turn| *turn == (torrent, place.clone())).is_some();
        if !has_room || (!its_turn && self.lane(is_http).is_ready()) {
            if self.waits.get(&(torrent, place.clone())) != Some(&(urgency, due)) {
                self.leave(torrent, &place);
                self.lane(is_http).wait(&host, urgency, (due, torrent));
                self.waits.insert((torrent, place), (urgency, due));
            }
            return false;
        }
        self.lane(is_http).begin(&host);
        if is_http {
            self.under_way.insert(id, host);
            self.sent.push_back((now, id));
        } else {
            // A packet is out as soon as it is sent: what it waits for holds up nobody.
            self.udp.end(&host);
            self.udp_next = self.udp_next.max(now) + UDP_EVERY;
        }
        true
    }

    fn spread(&self) -> Duration {
        SPREAD_EACH.saturating_mul(self.torrents).min(SPREAD_MAX)
    }
}

/// By which way, and whom, a tracker is asked. All of UDP is one place; so are URLs that cannot be understood.
fn place(url: &AnnounceUrl) -> Place {
    if is_udp(url.reveal()) {
        return (false, Arc::from(""));
    }
    let host = TrackerUrl::parse(url.reveal()).map_or(String::new(), |parts| parts.host.to_ascii_lowercase());
    (true, Arc::from(host))
}

/// Whether a tracker is asked by the engine's own client (BEP 15).
pub(crate) fn is_udp(url: &str) -> bool {
    url.trim().split_once("://").is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("udp"))
}

/// Those that wait for one way, by host.
#[derive(Debug)]
struct Lane {
    hosts: BTreeMap<Arc<str>, Host>,
    /// Of each urgency the hosts that have room and somebody waiting, by the one that waits longest there.
    ready: [BTreeSet<(Time, TorrentId, Arc<str>)>; URGENCIES],
    per_host_max: usize,
    /// How many wait.
    waiting: usize,
    /// Announces that went out.
    begun: u32,
}

/// What is under way to a host, and those that wait to ask it.
#[derive(Default, Debug)]
struct Host {
    under_way: usize,
    waiting: [BTreeSet<(Time, TorrentId)>; URGENCIES],
}

impl Lane {
    fn new(per_host_max: usize) -> Self {
        Self { hosts: BTreeMap::new(), ready: Default::default(), per_host_max, waiting: 0, begun: 0 }
    }

    fn has_room(&self, host: &str) -> bool {
        self.hosts.get(host).is_none_or(|host| host.under_way < self.per_host_max)
    }

    /// Whether anybody waits whose host has room.
    fn is_ready(&self) -> bool {
        self.ready.iter().any(|ready| !ready.is_empty())
    }

    /// Whose turn is next, and at which host.
    fn first(&self) -> Option<(Arc<str>, TorrentId)> {
        let of_seed = self.begun % TURNS_OF_SEED == TURNS_OF_SEED - 1;
        let order = if of_seed {
            [Urgency::Last, Urgency::Seed, Urgency::Download]
        } else {
            [Urgency::Last, Urgency::Download, Urgency::Seed]
        };
        let (_, torrent, host) = order.into_iter().find_map(|urgency| self.ready[urgency as usize].first())?;
        Some((host.clone(), *torrent))
    }

    fn wait(&mut self, host: &Arc<str>, urgency: Urgency, key: (Time, TorrentId)) {
        self.waiting += 1;
        self.change(host, |host| _ = host.waiting[urgency as usize].insert(key));
    }

    fn leave(&mut self, host: &Arc<str>, urgency: Urgency, key: (Time, TorrentId)) {
        self.waiting -= 1;
        self.change(host, |host| _ = host.waiting[urgency as usize].remove(&key));
    }

    fn begin(&mut self, host: &Arc<str>) {
        self.begun = self.begun.wrapping_add(1);
        self.change(host, |host| host.under_way += 1);
    }

    fn end(&mut self, host: &Arc<str>) {
        self.change(host, |host| host.under_way = host.under_way.saturating_sub(1));
    }

    /// Changes a host, and what follows for those that are ready.
    fn change(&mut self, name: &Arc<str>, change: impl FnOnce(&mut Host)) {
        let host = self.hosts.entry(name.clone()).or_default();
        for (ready, waiting) in self.ready.iter_mut().zip(&host.waiting) {
            if let Some((due, torrent)) = waiting.first() {
                ready.remove(&(*due, *torrent, name.clone()));
            }
        }
        change(host);
        if host.under_way < self.per_host_max {
            for (ready, waiting) in self.ready.iter_mut().zip(&host.waiting) {
                if let Some((due, torrent)) = waiting.first() {
                    ready.insert((*due, *torrent, name.clone()));
                }
            }
        }
        if host.under_way == 0 && host.waiting.iter().all(BTreeSet::is_empty) {
            self.hosts.remove(name);
        }
    }
}

#[cfg(test)]
mod tests;
