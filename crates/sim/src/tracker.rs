//! The tracker of the world (BEP 3): Teem's own, table and rules, as it answers over HTTP.
//!
//! What the checkers want to know besides is kept here: how often each peer said `started`, `completed` and `stopped`.
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;
use teem_tracker_server::limits::Limits;
use teem_tracker_server::request::{Refusal, Request};
use teem_tracker_server::tracker::{self, Access};
use teem_wire::tracker::announce::{Announce, AnnounceError, AnnounceEvent, AnnounceReply};

/// The URL by which scenarios name it.
pub const URL: &str = "http://tracker.sim:6969/announce";

/// How often a peer said what.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Said {
    /// Announces with the event `started`.
    pub(crate) started: u32,
    /// Announces with the event `completed`.
    pub(crate) completed: u32,
    /// Announces with the event `stopped`.
    pub(crate) stopped: u32,
    /// All announces together.
    pub all: u32,
}

/// The tracker of a world: Teem's own table, and how often each peer announced.
#[derive(Debug)]
pub struct Tracker {
    inner: tracker::Tracker,
    said: BTreeMap<SocketAddr, Said>,
}

impl Tracker {
    /// An empty table.
    pub fn new(mut rng: Rng) -> Self {
        let mut entropy = [0; 40];
        entropy.chunks_exact_mut(8).for_each(|part| part.copy_from_slice(&rng.next_u64().to_le_bytes()));
        Self { inner: tracker::Tracker::new(Limits::DEFAULT, Access::Open, entropy), said: BTreeMap::new() }
    }

    /// Takes an announce from that address and answers it.
    pub fn announce(
        &mut self,
        now: Time,
        addr: SocketAddr,
        announce: &Announce,
    ) -> Result<AnnounceReply, AnnounceError> {
        let said = self.said.entry(addr).or_default();
        said.all += 1;
        match announce.event {
            AnnounceEvent::Started => said.started += 1,
            AnnounceEvent::Completed => said.completed += 1,
            AnnounceEvent::Stopped => said.stopped += 1,
            AnnounceEvent::None | AnnounceEvent::Paused => {}
        }
        let request = Request {
            info_hash: announce.info_hash,
            peer_id: announce.peer_id,
            key: announce.key,
            from: addr.ip(),
            local: (Ipv4Addr::UNSPECIFIED, 0).into(),
            port: addr.port(),
            left: announce.left,
            event: announce.event,
            num_want: Some(announce.num_want),
            peers_max: self.inner.limits().http_peers,
            family: None,
        };
        let refused = |why: Refusal| AnnounceError::Refused { reason: why.to_string(), retry_in: why.retry_in() };
        self.inner.announce(now.since(Time::ZERO), &request).map_err(refused)
    }

    /// What the peer of that address said so far.
    pub(crate) fn said(&self, addr: SocketAddr) -> Said {
        self.said.get(&addr).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use teem_metainfo::InfoHash;
    use teem_wire::peer::handshake::PeerId;
    use teem_wire::tracker::announce::Form;

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
            form: Form::Full,
        }
    }

    #[test]
    fn it_tells_of_the_others_and_forgets_who_stopped() {
        let mut tracker = Tracker::new(Rng::new(1));
        let a: SocketAddr = "11.0.0.1:6881".parse().unwrap();
        let b: SocketAddr = "11.0.1.1:6881".parse().unwrap();
        assert!(tracker.announce(Time(0), a, &announce(1, 0, AnnounceEvent::Started)).unwrap().peers.is_empty());
        let reply = tracker.announce(Time(1), b, &announce(2, 9, AnnounceEvent::Started)).unwrap();
        assert_eq!((reply.peers, reply.complete, reply.incomplete), (vec![a], Some(1), Some(1)));
        tracker.announce(Time(2), a, &announce(1, 0, AnnounceEvent::Stopped)).unwrap();
        assert!(tracker.announce(Time(3), b, &announce(2, 9, AnnounceEvent::None)).unwrap().peers.is_empty());
        assert_eq!(tracker.said(a), Said { started: 1, completed: 0, stopped: 1, all: 2 });
    }

    #[test]
    fn a_young_swarm_is_not_told_to_come_in_step() {
        let mut tracker = Tracker::new(Rng::new(1));
        let mut interval = |n: u8| {
            let addr = SocketAddr::from(([11, 0, n, 1], 6881));
            tracker.announce(Time(0), addr, &announce(n, 9, AnnounceEvent::Started)).unwrap().interval
        };
        let drawn: Vec<Duration> = (1..50).map(&mut interval).collect();
        let (least, most) = Limits::DEFAULT.young_interval;
        assert!(drawn.iter().all(|interval| (least..=most).contains(interval)));
        assert!(drawn.iter().max() > drawn.iter().min());
    }
}
