//! What the drivers' tasks share: the table, the clock, the bounds (own design).
use crate::tracker::Tracker;
use hyper::body::Bytes;
use std::boxed::Box;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use teem_metainfo::InfoHash;

/// What is served beside the tracker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Content {
    /// Its media type.
    pub media_type: &'static str,
    /// Itself.
    pub body: Bytes,
    /// More header lines: names in lower case, and values.
    pub headers: &'static [(&'static str, &'static str)],
}

/// Content, `None` for 404, once it is put together.
pub type Reply = Pin<Box<dyn Future<Output = Option<Content>> + Send>>;

/// What else is served over HTTP, by a request's path.
pub type Routes = Arc<dyn Fn(&str) -> Reply + Send + Sync>;

/// Takes a peer that announced a torrent which this machine seeds; must not block.
pub type OnAnnounced = Arc<dyn Fn(InfoHash, SocketAddr) + Send + Sync>;

/// Bounds of the drivers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NetLimits {
    /// HTTP connections at a time, over all listeners: who has most of them gives way to others.
    pub connections: usize,
    /// From accepting a connection to the end of its request's head.
    pub head: Duration,
    /// From accepting a connection to its end: a .torrent of some MiB over a slow line.
    pub connection: Duration,
}

impl NetLimits {
    /// 256 connections of 10 minutes at most, 5 s for a request's head.
    pub const DEFAULT: Self =
        Self { connections: 256, head: Duration::from_secs(5), connection: Duration::from_secs(600) };
}

/// What all tasks share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) tracker: Arc<Mutex<Tracker>>,
    pub(super) routes: Option<Routes>,
    pub(super) on_announced: Option<OnAnnounced>,
    pub(super) limits: NetLimits,
    pub(super) start: Instant,
}

impl Shared {
    /// Asks the table at this moment, and passes on which peers announced. A panic elsewhere does not make the table unusable: each
    /// request leaves it whole.
    pub(super) fn ask<T>(&self, ask: impl FnOnce(&mut Tracker, Duration) -> T) -> T {
        let (answer, announced) = {
            let mut tracker = self.tracker.lock().unwrap_or_else(PoisonError::into_inner);
            (ask(&mut tracker, self.start.elapsed()), tracker.take_announced())
        };
        if let Some(on_announced) = &self.on_announced {
            announced.into_iter().for_each(|(info_hash, peer)| on_announced(info_hash, peer));
        }
        answer
    }
}

/// An address without the disguise of IPv4 in IPv6.
pub(super) fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}
