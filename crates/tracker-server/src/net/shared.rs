//! What the drivers' tasks share: the table, the clock, the bounds (own design).
use crate::tracker::Tracker;
use hyper::body::Bytes;
use std::boxed::Box;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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
    pub(super) limits: NetLimits,
    pub(super) start: Instant,
}

impl Shared {
    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// The table. A panic elsewhere does not make it unusable: each request leaves it whole.
    pub(super) fn tracker(&self) -> MutexGuard<'_, Tracker> {
        self.tracker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An address without the disguise of IPv4 in IPv6.
pub(super) fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}
