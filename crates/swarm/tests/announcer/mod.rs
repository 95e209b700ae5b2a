//! One announcer and its trackers, which a test plays.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // shared by test files, each of which uses its part
use core::time::Duration;
use teem_metainfo::{AnnounceUrl, InfoHash};
use teem_swarm::ask::{AskId, AskIds};
use teem_swarm::ids::TorrentId;
use teem_swarm::listening::Doors;
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;
use teem_swarm::torrent::announce::{Announcer, Ask, Asking, Counters, Identity};
use teem_swarm::turns::Always;
use teem_wire::peer::handshake::PeerId;
use teem_wire::tracker::announce::{AnnounceError, AnnounceEvent, AnnounceReply};

pub const A: &str = "http://a/announce";
pub const B: &str = "http://b/announce";
pub const U: &str = "udp://u:6969";

pub fn secs(s: u64) -> Time {
    Time::from_nanos(s * 1_000_000_000)
}

pub struct World {
    pub announcer: Announcer,
    pub rng: Rng,
    pub ids: AskIds,
    /// What was asked and has had no answer yet, the newest last.
    pub under_way: Vec<Ask>,
    pub left: Option<u64>,
    doors: Doors,
}

impl World {
    pub fn new(tiers: &[&[&str]], private: bool, seed: u64) -> Self {
        let tiers: Vec<Vec<_>> = tiers.iter().map(|t| t.iter().map(|u| AnnounceUrl::of_user(*u)).collect()).collect();
        let doors = Doors::from(7000);
        let me = Identity { torrent: InfoHash([1; 20]).into(), peer_id: PeerId([2; 20]), doors: doors.clone(), key: 9 };
        let mut rng = Rng::new(seed);
        let announcer = Announcer::new(me, &tiers, private, &mut rng);
        Self { announcer, rng, ids: AskIds::default(), under_way: Vec::new(), left: Some(100), doors }
    }

    /// We listen on that port; the announcer has yet to hear of it.
    pub fn listens(&self, port: u16) {
        self.doors.set(port.into());
    }

    pub fn poll(&mut self, now: Time) -> Vec<Ask> {
        let mut asks = Vec::new();
        let counters = Counters { uploaded: 1, downloaded: 2, left: self.left };
        let asking = Asking { torrent: TorrentId(0), ids: &mut self.ids, turns: &mut Always };
        self.announcer.poll(now, counters, &mut self.rng, asking, |ask| asks.push(ask));
        self.under_way.extend(asks.iter().cloned());
        if let Some(next) = self.announcer.deadline() {
            assert!(next > now, "the deadline moves on");
        }
        asks
    }

    /// The newest ask of a tracker, which is answered now.
    pub fn newest(&mut self, url: &str) -> AskId {
        let at = self.under_way.iter().rposition(|ask| ask.url == *url).unwrap();
        self.under_way.remove(at).id
    }

    /// Says that the newest ask of a tracker was not taken.
    pub fn busy(&mut self, now: Time, url: &str) {
        let id = self.newest(url);
        self.announcer.busy(now, id, &mut self.rng);
    }

    pub fn ok(&mut self, now: Time, url: &str, interval: u64, min: Option<u64>) -> bool {
        let reply = AnnounceReply {
            interval: Duration::from_secs(interval),
            min_interval: min.map(Duration::from_secs),
            tracker_id: Some(b"id".to_vec()),
            ..AnnounceReply::default()
        };
        let id = self.newest(url);
        self.announcer.reply(now, id, &Ok(reply), &mut self.rng).unwrap().switched
    }

    pub fn fail(&mut self, now: Time, url: &str, error: AnnounceError) {
        let id = self.newest(url);
        assert!(self.announcer.reply(now, id, &Err(error), &mut self.rng).unwrap().result.is_err());
    }

    /// Goes to the next deadline and says what is asked then.
    pub fn next(&mut self) -> (Time, Vec<Ask>) {
        let at = self.announcer.deadline().unwrap();
        (at, self.poll(at))
    }
}

pub fn said(asks: &[Ask]) -> Vec<(&str, AnnounceEvent)> {
    asks.iter().map(|a| (a.url.reveal(), a.announce.event)).collect()
}
