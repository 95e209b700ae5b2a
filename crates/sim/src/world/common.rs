//! What all peers of a world have in common and nothing changes (own design): who there is, and how far from each other.
use crate::brain::Maker;
use crate::content::Content;
use crate::draw::between;
use crate::node::Node;
use crate::scenario::{Role, Scenario};
use std::net::SocketAddr;
use std::time::Duration;
use teem_swarm::ids::TorrentId;
use teem_swarm::rng::Rng;

/// No way between two peers is shorter.
const DELAY_MIN: Duration = Duration::from_millis(1);
/// How far the tracker is from the middle of the network, there and back, with its work.
pub(super) const TRACKER: Duration = Duration::from_millis(60);
/// The name of the world's one torrent.
pub(super) const TORRENT: TorrentId = TorrentId(1);

/// Nodes of the DHT that a name leads to.
const ROUTERS: usize = 4;

/// What others know of a peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat {
    /// Where it is.
    pub addr: SocketAddr,
    /// Delay between it and the middle of the network.
    pub(crate) delay: Duration,
    /// Whether nobody can dial it.
    pub(crate) nat: bool,
}

/// What all have in common.
pub(super) struct Common {
    pub content: Content,
    pub maker: Maker,
    pub(crate) seats: Vec<Seat>,
    /// Round trips between two peers, drawn for each pair; else they follow from the seats.
    rtt: Option<(Duration, Duration)>,
    /// What the delays of pairs are drawn from.
    pairs: u64,
    /// Nodes of the DHT that everybody can learn of; none where there is a tracker.
    pub(crate) routers: Vec<SocketAddr>,
    /// Length of a span: no way between two peers, or to the tracker, is shorter.
    pub span: Duration,
}

impl Common {
    pub(super) fn new(scenario: &Scenario, content: Content, maker: Maker, pairs: u64, nodes: &[Node]) -> Self {
        let shortest = match scenario.rtt {
            Some((min, _)) => (min / 2).min(TRACKER),
            None => nodes.iter().map(|node| node.delay).min().unwrap_or_default() * 2,
        };
        let seat = |node: &Node| Seat { addr: node.addr, delay: node.delay, nat: node.spec.nat };
        let routers = nodes.iter().filter(|node| node.spec.role == Role::Node).map(|node| node.addr);
        Self {
            routers: routers.take(ROUTERS).collect(),
            seats: nodes.iter().map(seat).collect(),
            rtt: scenario.rtt,
            span: shortest.max(DELAY_MIN),
            content,
            maker,
            pairs,
        }
    }

    /// From one peer to another, half of a round trip.
    pub(super) fn delay(&self, a: u32, b: u32) -> Duration {
        let delay = match self.rtt {
            None => self.seats[a as usize].delay + self.seats[b as usize].delay,
            Some((min, max)) => {
                let pair = u64::from(a.min(b)) << 32 | u64::from(a.max(b));
                between(&mut Rng::new(self.pairs ^ pair), min, max) / 2
            }
        };
        delay.max(self.span)
    }
}
