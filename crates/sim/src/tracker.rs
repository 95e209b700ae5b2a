//! The tracker of the world (BEP 3): a table of who announced, and a random few of them for who asks.
//!
//! It keeps what the checkers want to know besides: how often each peer said `started`, `completed` and `stopped`.
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;
use teem_wire::peer::handshake::PeerId;
use teem_wire::tracker::announce::{Announce, AnnounceEvent, AnnounceReply};

/// The URL by which scenarios name it.
pub const URL: &str = "http://tracker.sim:6969/announce";
/// Most peers in one answer (the value Teem's own tracker uses for HTTP).
const PEERS_MAX: u32 = 100;

/// One peer in the table.
#[derive(Clone, Copy, Debug)]
struct Row {
    addr: SocketAddr,
    id: PeerId,
    complete: bool,
    seen: Time,
}

/// How often a peer said what.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Said {
    /// `started`.
    pub started: u32,
    /// `completed`.
    pub completed: u32,
    /// `stopped`.
    pub stopped: u32,
    /// All announces together.
    pub all: u32,
}

/// The table.
#[derive(Debug)]
pub struct Tracker {
    rows: Vec<Row>,
    at: BTreeMap<SocketAddr, usize>,
    said: BTreeMap<SocketAddr, Said>,
    interval: Duration,
    rng: Rng,
}

impl Tracker {
    /// An empty table that asks for announces at that interval.
    pub fn new(interval: Duration, rng: Rng) -> Self {
        Self { rows: Vec::new(), at: BTreeMap::new(), said: BTreeMap::new(), interval, rng }
    }

    /// Takes an announce from that address and answers it.
    pub fn announce(&mut self, now: Time, addr: SocketAddr, announce: &Announce) -> AnnounceReply {
        let said = self.said.entry(addr).or_default();
        said.all += 1;
        match announce.event {
            AnnounceEvent::Started => said.started += 1,
            AnnounceEvent::Completed => said.completed += 1,
            AnnounceEvent::Stopped => said.stopped += 1,
            AnnounceEvent::None | AnnounceEvent::Paused => {}
        }
        if announce.event == AnnounceEvent::Stopped {
            self.remove(addr);
        } else {
            let row = Row { addr, id: announce.peer_id, complete: announce.left == 0, seen: now };
            if let Some(&i) = self.at.get(&addr) {
                self.rows[i] = row;
            } else {
                self.at.insert(addr, self.rows.len());
                self.rows.push(row);
            }
        }
        self.expire(now);
        let complete = self.rows.iter().filter(|row| row.complete).count() as u32;
        AnnounceReply {
            interval: self.interval,
            min_interval: None,
            peers: self.some(addr, announce),
            complete: Some(complete),
            incomplete: Some(self.rows.len() as u32 - complete),
            ..AnnounceReply::default()
        }
    }

    /// What the peer of that address said so far.
    pub fn said(&self, addr: SocketAddr) -> Said {
        self.said.get(&addr).copied().unwrap_or_default()
    }

    fn some(&mut self, asker: SocketAddr, announce: &Announce) -> Vec<SocketAddr> {
        let wanted = announce.num_want.min(PEERS_MAX) as usize;
        // A seed has nothing to gain from seeds.
        let of_use =
            |row: &Row| row.addr != asker && row.id != announce.peer_id && !(announce.left == 0 && row.complete);
        let mut all: Vec<SocketAddr> = self.rows.iter().filter(|row| of_use(row)).map(|row| row.addr).collect();
        for i in 0..wanted.min(all.len()) {
            let j = i + self.rng.below((all.len() - i) as u64) as usize;
            all.swap(i, j);
        }
        all.truncate(wanted);
        all
    }

    fn remove(&mut self, addr: SocketAddr) {
        if let Some(i) = self.at.remove(&addr) {
            self.rows.swap_remove(i);
            if let Some(moved) = self.rows.get(i) {
                self.at.insert(moved.addr, i);
            }
        }
    }

    fn expire(&mut self, now: Time) {
        let limit = self.interval * 2;
        while let Some(addr) = self.rows.iter().find(|row| now.since(row.seen) > limit).map(|row| row.addr) {
            self.remove(addr);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use teem_metainfo::InfoHash;

    fn announce(id: u8, left: u64, event: AnnounceEvent) -> Announce {
        Announce {
            info_hash: InfoHash([0; 20]),
            peer_id: PeerId([id; 20]),
            port: 6881,
            uploaded: 0,
            downloaded: 0,
            left,
            event,
            num_want: 50,
            key: 0,
            tracker_id: None,
        }
    }

    #[test]
    fn it_tells_of_the_others_and_forgets_who_stopped() {
        let mut tracker = Tracker::new(Duration::from_secs(120), Rng::new(1));
        let a: SocketAddr = "11.0.0.1:6881".parse().unwrap();
        let b: SocketAddr = "11.0.0.2:6881".parse().unwrap();
        assert!(tracker.announce(Time(0), a, &announce(1, 0, AnnounceEvent::Started)).peers.is_empty());
        let reply = tracker.announce(Time(1), b, &announce(2, 9, AnnounceEvent::Started));
        assert_eq!((reply.peers, reply.complete, reply.incomplete), (vec![a], Some(1), Some(1)));
        tracker.announce(Time(2), a, &announce(1, 0, AnnounceEvent::Stopped));
        assert!(tracker.announce(Time(3), b, &announce(2, 9, AnnounceEvent::None)).peers.is_empty());
        assert_eq!(tracker.said(a), Said { started: 1, completed: 0, stopped: 1, all: 2 });
    }

    #[test]
    fn who_is_silent_for_two_intervals_is_forgotten() {
        let mut tracker = Tracker::new(Duration::from_secs(60), Rng::new(1));
        let a: SocketAddr = "11.0.0.1:6881".parse().unwrap();
        let b: SocketAddr = "11.0.0.2:6881".parse().unwrap();
        tracker.announce(Time(0), a, &announce(1, 0, AnnounceEvent::Started));
        let late = Time::ZERO + Duration::from_secs(121);
        assert!(tracker.announce(late, b, &announce(2, 9, AnnounceEvent::Started)).peers.is_empty());
    }
}
