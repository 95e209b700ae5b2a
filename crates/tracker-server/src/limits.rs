//! How much a tracker holds and answers, and how often it wants to hear from peers (BEP 3, 15).
use core::time::Duration;

/// Bounds of one tracker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Torrents in the table.
    pub torrents: usize,
    /// Peers of one torrent.
    pub peers_per_torrent: usize,
    /// Peers of one torrent from one holder (an IPv4 address, a /64): beyond it the oldest of its own goes. Loopback has no such bound,
    /// since a proxy on this machine speaks for everybody.
    pub peers_per_holder: usize,
    /// The same of one network (a /24, a /48).
    pub peers_per_network: usize,
    /// Peers of all torrents together; one takes about 300 bytes.
    pub peers: usize,
    /// Peers in an answer over HTTP.
    pub http_peers: u32,
    /// Peers in an answer over UDP: 50 IPv6 entries fit into any path's packets.
    pub udp_peers: u32,
    /// Peers in an answer when the asker names no number.
    pub default_peers: u32,
    /// Torrents of one scrape over HTTP.
    pub http_scrape: usize,
    /// Torrents of one scrape over UDP.
    pub udp_scrape: usize,
    /// Bytes of an HTTP request's target: a scrape of 100 torrents, fully percent-coded, has about 7,000.
    pub target: usize,
    /// Bytes of `key`; clients send 8 to 16.
    pub key: usize,
    /// How often a peer announces in a swarm that has settled; each gets it with ±10 %.
    pub interval: Duration,
    /// How often at least and at most in a young swarm, where peers must find each other soon.
    pub young_interval: (Duration, Duration),
    /// The same of those that have everything: one behind a firewall is of use only once it has heard of somebody to dial.
    pub young_seed_interval: (Duration, Duration),
    /// A swarm is young so long after its first announce.
    pub young: Duration,
    /// Never announce sooner than this.
    pub min_interval: Duration,
    /// A peer is forgotten after twice the interval it was given, but not before this: some clients never announce more often
    /// than every 5 minutes, whatever they are told.
    pub forget_min: Duration,
}

impl Limits {
    /// What a tracker on one machine can bear.
    pub const DEFAULT: Self = Self {
        torrents: 100_000,
        peers_per_torrent: 20_000,
        peers_per_holder: 64,
        peers_per_network: 512,
        peers: 500_000,
        http_peers: 100,
        udp_peers: 50,
        default_peers: 50,
        http_scrape: 100,
        udp_scrape: 70,
        target: 8192,
        key: 64,
        interval: Duration::from_secs(1800),
        young_interval: (Duration::from_secs(60), Duration::from_secs(120)),
        young_seed_interval: (Duration::from_secs(60), Duration::from_secs(80)),
        young: Duration::from_secs(600),
        min_interval: Duration::from_secs(60),
        forget_min: Duration::from_secs(900),
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
