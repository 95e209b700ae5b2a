//! When feeds are asked (own design): each at its time, few at once, so that a start after a long rest is no storm.
use crate::daemon::{Daemon, Inner};
use std::sync::Weak;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Feeds that are asked at once.
const ASKED_MAX: usize = 4;

/// Asks feeds until the daemon ends.
pub(crate) async fn follow(daemon: Weak<Inner>) {
    let Some((feeds, mut ending)) = daemon.upgrade().map(|inner| (inner.feeds.clone(), inner.ending.subscribe()))
    else {
        return;
    };
    let mut looks = JoinSet::new();
    loop {
        let first = feeds.first_due().filter(|_| looks.len() < ASKED_MAX);
        if let Some((name, _)) = first.as_ref().filter(|(_, due)| *due <= Instant::now()) {
            let Some(inner) = daemon.upgrade() else { return };
            // One that is gone meanwhile, or is asked by somebody else, is not due any more.
            if let Ok(look) = Daemon(inner).look_at_feed(name) {
                looks.spawn(look);
            }
            continue;
        }
        tokio::select! {
            () = async {
                match first {
                    Some((_, due)) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            } => {}
            () = feeds.changed.notified() => {}
            Some(_) = looks.join_next() => {}
            // What is under way is gone on with in the next run.
            _ = ending.changed() => return,
        }
    }
}
