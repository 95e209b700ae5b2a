//! Starting the host's thread, and speaking to it (own design).
//!
//! The handle can be cloned and used from any thread; when the last one is dropped the host ends as after [`HostHandle::stop`].
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use teem_engine::storage::Storage;
use teem_swarm::command::Command;
use teem_swarm::ids::TorrentId;
use teem_wire::compact::Family;

use crate::account::{Account, Datagrams};
use crate::config::HostConfig;
use crate::error::HostError;
use crate::event_loop::{Core, EventLoop};
use crate::listen::{Bound, Listeners};
use crate::mailbox::{Bell, HostMsg, Mailbox, SendError};
use crate::net::{Net, WAKER};
use crate::owner::{Machine, Owner};
use crate::pair::End;
use crate::strangers::{Unasked, Unaskeds};
use crate::turn_times::{TurnTimes, Turns};

type Thread = JoinHandle<Result<(), HostError>>;

struct Shared {
    mailbox: Arc<Mailbox>,
    /// Where connections are taken: what everybody outside of the thread asks.
    bound: Mutex<Bound>,
    account: Arc<Account>,
    unasked: Arc<Unaskeds>,
    turns: Arc<Turns>,
    thread: Mutex<Option<Thread>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = self.mailbox.send(HostMsg::Stop);
    }
}

/// The way to a running host.
#[derive(Clone)]
pub struct HostHandle(Arc<Shared>);

/// Starts the thread. `machine` is the engine; its clock is at zero when this returns, give or take the start of the thread.
/// `owner` is called on that thread, and dropped when it has ended.
pub fn start<S, M, O>(
    listeners: Listeners,
    config: HostConfig,
    machine: M,
    storage: S,
    owner: O,
) -> Result<HostHandle, HostError>
where
    S: Storage + 'static,
    M: Machine<S::Block>,
    O: Owner,
{
    let poll = mio::Poll::new()?;
    let waker = mio::Waker::new(poll.registry(), WAKER)?;
    let mailbox = Arc::new(Mailbox::new(Arc::new(Bell::new(waker))));
    let bound = listeners.bound().clone();
    let net = Net::new(poll.registry().try_clone()?, listeners, config)?;
    let (account, unasked) = (Arc::clone(&net.account), Arc::clone(&net.strangers.came));
    let core = Core::new(machine, owner, &net.path);
    let turns = Arc::new(Turns::default());
    let event_loop = EventLoop { poll, net, mailbox: Arc::clone(&mailbox), turns: turns.clone(), storage, core };
    let guard = Guard(Arc::clone(&mailbox));
    let thread = thread::Builder::new().name("teem-host".into()).spawn(move || {
        let _guard = guard;
        event_loop.live()
    })?;
    let (bound, thread) = (Mutex::new(bound), Mutex::new(Some(thread)));
    Ok(HostHandle(Arc::new(Shared { mailbox, bound, account, unasked, turns, thread })))
}

/// Closes the mailbox when the thread ends, in whatever way.
struct Guard(Arc<Mailbox>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl HostHandle {
    /// What the host listens on.
    pub fn bound(&self) -> Bound {
        self.0.bound.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the system did not carry of the packets of UDP, to us and from us, since the start.
    pub fn datagrams(&self) -> Datagrams {
        self.0.account.told()
    }

    /// How long the turns of the thread have taken since the start.
    pub fn turn_times(&self) -> TurnTimes {
        self.0.turns.told()
    }

    /// What came so far from strangers, of one address family.
    pub fn unasked(&self, family: Family) -> Unasked {
        self.0.unasked.of(family)
    }

    /// Listens on these sockets from now on instead of the former; trackers and peers are told of the port. Connections that stand stay.
    pub fn listen(&self, listeners: Listeners) -> Result<(), SendError> {
        // Under the lock, so that of two at once the last one sent is the one that is told.
        let mut bound = self.0.bound.lock().unwrap_or_else(PoisonError::into_inner);
        let new = listeners.bound().clone();
        self.send(HostMsg::Listen(listeners))?;
        *bound = new;
        Ok(())
    }

    /// Gives the host a message; never blocks.
    pub fn send(&self, message: HostMsg) -> Result<(), SendError> {
        self.0.mailbox.send(message)
    }

    /// Gives the host an order of its owner. It is taken although the mailbox is full, since its owner has nobody to pass a refusal to; one who
    /// gives many waits for [`Self::room`] before each.
    pub fn order(&self, command: Command) -> Result<(), SendError> {
        self.0.mailbox.order(command)
    }

    /// Waits until the mailbox has room, or the host has ended.
    pub async fn room(&self) {
        core::future::poll_fn(|cx| self.0.mailbox.poll_room(cx)).await;
    }

    /// Attaches a connection that somebody else brings: a peer is at the other end of `end`. With a torrent it is one of ours that was
    /// dialled for it, and we say the first word; without one the peer says which torrent it comes for.
    pub fn attach(&self, end: End, torrent: Option<TorrentId>) -> Result<(), SendError> {
        self.send(HostMsg::Attach { end, torrent })
    }

    /// Asks for a good end: every torrent is removed (announced as stopped, saved), what is queued is sent, then the thread
    /// ends; within 7 s in all.
    pub fn shutdown(&self) {
        let _ = self.send(HostMsg::Shutdown);
    }

    /// Asks for the end without removing anything: connections are flushed for 2 s at most.
    pub fn stop(&self) {
        let _ = self.send(HostMsg::Stop);
    }

    /// Waits for the thread's end, which `shutdown` or `stop` brings. Blocks; the first caller gets the outcome, later ones `Ok`.
    pub fn join(&self) -> Result<(), HostError> {
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        match thread.map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(payload)) => Err(HostError::Fault(teem_fault::words(&*payload))),
            None => Ok(()),
        }
    }
}
