//! What one client and all of them together may take up (own design). Each number stands here with its unit and its reason.
use std::time::Duration;

/// Bounds of one server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Connections at a time. When all are taken the one that has been idle longest ends for a newcomer; with none idle, one that moves
    /// less than 1 KiB a second, then the oldest of the address and of the network that has most. A newcomer is turned away only where
    /// each network has one connection and makes use of it.
    pub connections: usize,
    /// Connections at a time of one network: an IPv4 address, or 64 bits of IPv6. At this bound a newcomer takes the place of one of
    /// its own network: the one that has been idle longest, else the oldest.
    pub per_network: usize,
    /// Bytes of a request's head, all lines together, at least 8,192. More is answered with 431.
    pub head_bytes: usize,
    /// Header lines of a request. More is answered with 431.
    pub headers: usize,
    /// Bytes of a target's path. More is answered with 414.
    pub path_bytes: usize,
    /// Bytes of a target, path and query together. More is answered with 414.
    pub target_bytes: usize,
    /// From accepting a connection, or from the first byte of a later request, to the end of the request's head; then 408.
    pub head: Duration,
    /// From the end of an answer to the first byte of the next request.
    pub idle: Duration,
    /// Bytes of a request's body. More is answered with 413.
    pub body_bytes: usize,
    /// From the end of a request's head to the end of its body.
    pub body: Duration,
    /// From the end of a request's head to the beginning of its answer, the time for its body included; then 503.
    pub route: Duration,
    /// A client must take [`Self::progress_bytes`] of an answer in this time, or all that waits to be sent.
    pub stall: Duration,
    /// Bytes that count as progress.
    pub progress_bytes: usize,
    /// Newcomers at a time that are told that there is no place for them; further ones are closed without a word.
    pub turned_away: usize,
    /// From telling a newcomer that there is no place to closing its connection, unless it closes sooner.
    pub farewell: Duration,
    /// From the wish to end to the end: answers that are under way may go on so long.
    pub grace: Duration,
}

impl Limits {
    /// What a process with the smallest usual number of files (1,024) bears.
    pub const DEFAULT: Self = Self {
        // A quarter of 1,024 files. A connection costs about 30 KiB with its buffers: 8 MiB.
        connections: 256,
        // Half of them: many peers share one address behind a carrier's NAT or a proxy, and no address can have all.
        per_network: 128,
        // A scrape of 100 torrents has about 7,000 bytes, browsers' headers and cookies some 2,000.
        head_bytes: 16 << 10,
        // Browsers send about 20.
        headers: 64,
        // The longest path of usual file systems; one name in percent-coding has at most 765.
        path_bytes: 4 << 10,
        // A scrape of 100 torrents, fully percent-coded, has about 7,000.
        target_bytes: 8 << 10,
        // Three losses of a packet in a row over a slow line cost about 7 s.
        head: Duration::from_secs(10),
        // The page fetches itself every 10 s, and a client announces its torrents one after the other; between rounds a new
        // connection costs nobody anything.
        idle: Duration::from_secs(30),
        // No route takes files.
        body_bytes: 64 << 10,
        // 64 KiB at 2 KiB a second.
        body: Duration::from_secs(30),
        // Twice what a body may take: routes read, and look things up in memory.
        route: Duration::from_secs(60),
        // A kernel says that there is room once a third of its buffer is free: 1.3 MiB of at most 4 take 27 s at 50 KiB a second.
        stall: Duration::from_secs(60),
        // 270 bytes a second, under any line that is in use.
        progress_bytes: 16 << 10,
        // Each is one file more and holds nothing else.
        turned_away: 32,
        // The sentence must have come before the socket is closed, or what it has sent and nobody has read wipes it out: a round trip.
        farewell: Duration::from_secs(2),
        // An announce takes milliseconds; nobody waits longer for a program to end.
        grace: Duration::from_secs(2),
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
