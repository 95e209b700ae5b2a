//! Ctrl-C and SIGTERM: the first asks to end in order, the second ends at once.
//!
//! `timeout`, service managers and shells signal a process and then its group, so one wish to stop may come as two signals: what follows the
//! first within a second is part of it. SIGHUP is such a wish too, unless there are lists that are read again by it.
use crate::exit::Exit;
use std::io;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Signals that come so soon after the first say the same.
const ONE_WISH: Duration = Duration::from_secs(1);

/// Lets a write beyond the limit on the size of files (`ulimit -f`) fail as others do, instead of ending the process. Call inside the
/// runtime, whose handler stays when nobody listens.
pub(crate) fn outlive_file_limits() {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd"))]
    {
        // 25 on all of these but MIPS, where it is 31.
        let number = if cfg!(any(target_arch = "mips", target_arch = "mips64")) { 31 } else { 25 };
        // Where it cannot be listened to, the limit ends the process as it would any other.
        let _ = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(number));
    }
}

/// Waits for the first signal; clones wait for the same one.
#[derive(Clone)]
pub(crate) struct Signals(watch::Receiver<Option<Exit>>);

impl Signals {
    /// Starts listening. Call inside the runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        let (tell, told) = watch::channel(None);
        let mut sources = Sources::new()?;
        tokio::spawn(async move {
            let first = sources.next().await;
            // Nobody waiting any more means that the program ends anyway.
            let _ = tell.send(Some(first));
            let since = Instant::now();
            loop {
                let second = sources.next().await;
                if since.elapsed() >= ONE_WISH {
                    std::process::exit(second as i32);
                }
            }
        });
        Ok(Self(told))
    }

    /// The exit code of the first signal, once there was one.
    pub(crate) async fn first(&mut self) -> Exit {
        match self.0.wait_for(Option::is_some).await {
            Ok(exit) => (*exit).unwrap_or(Exit::Interrupted),
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(unix)]
struct Sources {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Sources {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Exit {
        // Of those that have come at once the wish to terminate is the one that is told.
        loop {
            tokio::select! {
                biased;
                _ = self.terminate.recv() => return Exit::Terminated,
                _ = self.hangup.recv() => if !crate::filter::is_reread() { return Exit::Terminated },
                _ = self.interrupt.recv() => return Exit::Interrupted,
            }
        }
    }
}

#[cfg(not(unix))]
struct Sources;

#[cfg(not(unix))]
impl Sources {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Exit {
        let _ = tokio::signal::ctrl_c().await;
        Exit::Interrupted
    }
}
