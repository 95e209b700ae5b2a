//! What a manager of services (systemd) and the daemon say to each other: how it is, that it lives, and sockets that were opened for it.
use listenfd::ListenFd;
use sd_notify::NotifyState;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use teem_client::Client;

/// Tells the manager (`Type=notify` or `notify-reload`), if one started us, how we are.
pub(crate) fn tell(state: NotifyState<'_>) {
    // It is no less ready where nobody hears of it.
    let _ = sd_notify::notify(&[state]);
}

/// Tells it that a reload begins; [`NotifyState::Ready`] ends it. The moment is told in one word with it, or the manager would not believe it.
pub(crate) fn tell_reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => _ = sd_notify::notify(&[NotifyState::Reloading, now]),
        Err(_) => tell(NotifyState::Reloading),
    }
}

/// Tells it that we live, twice in each span that it waits (`WatchdogSec=`), each time after a turn of the engine: an engine that hangs says nothing.
pub(crate) async fn feed_watchdog(client: &Client) {
    let Some(span) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    let mut ticks = tokio::time::interval((span / 2).max(Duration::from_millis(1)));
    loop {
        ticks.tick().await;
        if client.snapshots_of(&[]).await.is_ok() {
            tell(NotifyState::Watchdog);
        }
    }
}

/// What was taken and not used yet.
static HANDED: Mutex<Option<Handed>> = Mutex::new(None);

/// Takes the sockets that were handed over: programs that are run from then on don't get them. What is no listening socket is left alone.
pub(crate) fn take_sockets() {
    *HANDED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Handed::take());
}

/// Sockets that the manager listens on for us.
#[derive(Default)]
pub(crate) struct Handed {
    /// The daemon's socket.
    pub(crate) unix: Option<UnixListener>,
    /// Where it is asked over TCP.
    pub(crate) tcp: Vec<TcpListener>,
}

impl Handed {
    /// What was taken.
    pub(crate) fn taken() -> Self {
        HANDED.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }

    fn take() -> Self {
        let (mut handed, mut sockets) = (Self::default(), ListenFd::from_env());
        for at in 0..sockets.len() {
            match sockets.take_tcp_listener(at) {
                Ok(listener) => handed.tcp.extend(listener),
                Err(_) if handed.unix.is_none() => handed.unix = sockets.take_unix_listener(at).ok().flatten(),
                Err(_) => {}
            }
        }
        handed
    }
}
