//! The way into the host's thread (own design): a bounded queue, and one wake per batch.
//!
//! Senders never block: a full mailbox is an answer, with the message in it, and room in it can be awaited. The flag `woken` is set by whoever wakes and cleared by the
//! host before it looks, so that a burst of messages or of disk answers costs one system call.
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use teem_swarm::ask::{Answer, AskId};
use teem_swarm::command::Command;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_wire::datagram::Datagram;

use crate::listen::Listeners;
use crate::named::Named;
use crate::pair::End;

/// Messages that may wait: far above what a turn brings, so that only a host that hangs fills it.
const MESSAGES_MAX: usize = 16 * 1024;

/// Orders of the owner that may wait, beyond everything else: only a program that gives them in an endless loop has so many.
const ORDERS_MAX: usize = 1 << 20;

/// What other threads can tell the host.
#[derive(Debug)]
pub enum HostMsg {
    /// The owner asks something of the engine.
    Command(Command),
    /// The answer to [`Owner::on_ask`](crate::owner::Owner::on_ask).
    Answer {
        /// The question's name.
        id: AskId,
        /// What came of it.
        answer: Answer,
    },
    /// Send this from `local` to `remote`: the tracker that runs here answers one that came by
    /// [`Owner::on_datagram`](crate::owner::Owner::on_datagram).
    Datagram(Datagram),
    /// A connection that somebody else brings: a peer is at its other end.
    Attach {
        /// The end of the link that the host reads and writes.
        end: End,
        /// The torrent that it was made for, as if we had dialled; without one the peer names its torrent, as if it had.
        torrent: Option<TorrentId>,
    },
    /// Find a name by asking it through the proxy's relay.
    Name(Named),
    /// Listen on these sockets from now on, and on the former no more.
    Listen(Listeners),
    /// Remove every torrent, flush, and end.
    Shutdown,
    /// End without removing anything: connections are closed as they are.
    Stop,
}

/// Why a message was not taken; the message comes back.
#[derive(Debug)]
pub enum SendError {
    /// Too many wait already.
    Full(Box<HostMsg>),
    /// The host has ended.
    Stopped(Box<HostMsg>),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the engine's mailbox is full: try again shortly",
            Self::Stopped(_) => "the engine has stopped",
        })
    }
}

impl core::error::Error for SendError {}

/// Wakes the host's thread from any other.
pub(crate) struct Bell {
    waker: mio::Waker,
    woken: AtomicBool,
}

impl Bell {
    pub(crate) fn new(waker: mio::Waker) -> Self {
        Self { waker, woken: AtomicBool::new(false) }
    }

    /// Wakes the host, unless somebody has already.
    pub(crate) fn ring(&self) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            let _ = self.waker.wake();
        }
    }

    /// Called by the host before it looks into what the bell announces.
    pub(crate) fn heard(&self) {
        self.woken.store(false, Ordering::Release);
    }
}

struct Queue {
    messages: VecDeque<HostMsg>,
    open: bool,
    /// Those who wait for room.
    waiting: Vec<Waker>,
}

/// The queue between the handles and the host.
pub(crate) struct Mailbox {
    queue: Mutex<Queue>,
    /// Connections whose links can move bytes again.
    links: Mutex<Vec<ConnId>>,
    pub(crate) bell: Arc<Bell>,
}

impl Mailbox {
    pub(crate) fn new(bell: Arc<Bell>) -> Self {
        Self {
            queue: Mutex::new(Queue { messages: VecDeque::new(), open: true, waiting: Vec::new() }),
            links: Mutex::default(),
            bell,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing under this lock can leave the queue half changed, so a panic elsewhere does not spoil it.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a message in. `Shutdown` and `Stop` always fit.
    pub(crate) fn send(&self, message: HostMsg) -> Result<(), SendError> {
        self.put(message, MESSAGES_MAX)
    }

    /// Puts an order of the owner in, however full it is.
    pub(crate) fn order(&self, command: Command) -> Result<(), SendError> {
        self.put(HostMsg::Command(command), ORDERS_MAX)
    }

    fn put(&self, message: HostMsg, max: usize) -> Result<(), SendError> {
        let mut queue = self.lock();
        if !queue.open {
            return Err(SendError::Stopped(Box::new(message)));
        }
        let ending = matches!(message, HostMsg::Shutdown | HostMsg::Stop);
        if queue.messages.len() >= max && !ending {
            return Err(SendError::Full(Box::new(message)));
        }
        queue.messages.push_back(message);
        drop(queue);
        self.bell.ring();
        Ok(())
    }

    /// Swaps everything that waits into `into`, which must be empty; its memory is used for the next batch.
    pub(crate) fn take(&self, into: &mut VecDeque<HostMsg>) {
        let mut queue = self.lock();
        core::mem::swap(&mut queue.messages, into);
        let waiting = core::mem::take(&mut queue.waiting);
        drop(queue);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Whether there is room; if not, the task is woken when there is, or when nothing more is taken.
    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut queue = self.lock();
        if !queue.open || queue.messages.len() < MESSAGES_MAX {
            return Poll::Ready(());
        }
        queue.waiting.push(cx.waker().clone());
        Poll::Pending
    }

    /// A connection's link can move bytes again.
    pub(crate) fn wake_link(&self, conn: ConnId) {
        self.links.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        self.bell.ring();
    }

    /// Swaps the connections whose links were woken into `into`, which must be empty.
    pub(crate) fn take_links(&self, into: &mut Vec<ConnId>) {
        core::mem::swap(&mut *self.links.lock().unwrap_or_else(PoisonError::into_inner), into);
    }

    /// Takes nothing more.
    pub(crate) fn close(&self) {
        let mut queue = self.lock();
        queue.open = false;
        queue.messages = VecDeque::new();
        let waiting = core::mem::take(&mut queue.waiting);
        drop(queue);
        waiting.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use teem_swarm::ids::TorrentId;

    fn mailbox() -> (mio::Poll, Mailbox) {
        let poll = mio::Poll::new().unwrap();
        let waker = mio::Waker::new(poll.registry(), mio::Token(0)).unwrap();
        let bell = Arc::new(Bell::new(waker));
        (poll, Mailbox::new(bell))
    }

    #[test]
    fn a_batch_wakes_once_and_the_next_one_again() {
        let (mut poll, mailbox) = mailbox();
        let mut events = mio::Events::with_capacity(8);
        let mut got = VecDeque::new();
        for round in 0..2 {
            for id in 0..3 {
                mailbox.send(HostMsg::Command(Command::Snapshot(TorrentId(id)))).unwrap();
            }
            poll.poll(&mut events, None).unwrap();
            assert_eq!(events.iter().count(), 1, "round {round}");
            mailbox.bell.heard();
            mailbox.take(&mut got);
            assert_eq!(got.drain(..).count(), 3);
        }
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty());
    }

    #[test]
    fn a_full_mailbox_hands_the_message_back_but_takes_a_stop() {
        let (_poll, mailbox) = mailbox();
        let snapshot = || HostMsg::Command(Command::Snapshot(TorrentId(1)));
        for _ in 0..MESSAGES_MAX {
            mailbox.send(snapshot()).unwrap();
        }
        assert!(matches!(mailbox.send(snapshot()), Err(SendError::Full(_))));
        let waiting = || mailbox.poll_room(&Context::from_waker(Waker::noop()));
        assert_eq!(waiting(), Poll::Pending);
        mailbox.order(Command::Snapshot(TorrentId(2))).unwrap();
        mailbox.send(HostMsg::Stop).unwrap();
        assert_eq!(mailbox.lock().waiting.len(), 1);
        mailbox.take(&mut VecDeque::new());
        assert_eq!((waiting(), mailbox.lock().waiting.len()), (Poll::Ready(()), 0), "those who waited were woken");
        mailbox.close();
        assert_eq!(waiting(), Poll::Ready(()), "nobody waits for what has ended");
        assert!(matches!(mailbox.send(snapshot()), Err(SendError::Stopped(_))));
    }
}
