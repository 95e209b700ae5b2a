//! Starts to serve and ends it (own design).
use crate::answer::Ends;
use crate::connection::{self, Serving};
use crate::crowd::Crowd;
use crate::limits::Limits;
use crate::refusal::BUSY;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use std::fmt;
use std::io;
use std::net::{self, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Pause after an accept that failed: out of descriptors, which only time mends.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A server with its connections. All of it ends when this is dropped.
pub struct Server {
    shared: Arc<Shared>,
    ending: watch::Sender<bool>,
    /// What brings connections: a task for each listener and each queue.
    sources: JoinSet<()>,
}

struct Shared {
    serving: Serving,
    crowd: Arc<Crowd>,
    /// Newcomers that are being told that there is no place.
    doorway: Arc<Semaphore>,
    connections: Mutex<JoinSet<()>>,
}

impl Server {
    /// Serves these routes to connections that are still to come.
    pub fn new(router: Router, limits: Limits) -> Self {
        let (ending, ends) = watch::channel(false);
        let shared = Shared {
            // How long a body may be is said by the limits alone. Makes all routes ready at once instead of with each request.
            serving: Serving { router: router.layer(DefaultBodyLimit::disable()).with_state(()), limits, ending: ends },
            crowd: Arc::new(Crowd::new(limits.connections, limits.per_network)),
            doorway: Arc::new(Semaphore::new(limits.turned_away)),
            connections: Mutex::default(),
        };
        Self { shared: Arc::new(shared), ending, sources: JoinSet::new() }
    }

    /// Accepts connections from a listener; to be called in a tokio runtime with its I/O and time drivers on. Returns its address.
    pub fn listen(&mut self, listener: net::TcpListener) -> io::Result<SocketAddr> {
        let addr = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let shared = self.shared.clone();
        self.sources.spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, remote)) => shared.tcp(stream, remote),
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                }
            }
        });
        Ok(addr)
    }

    /// Serves connections that somebody else accepts, until he closes the queue. They don't block.
    pub fn given(&mut self, mut streams: mpsc::Receiver<net::TcpStream>) {
        let shared = self.shared.clone();
        self.sources.spawn(async move {
            while let Some(stream) = streams.recv().await {
                // One whose other end is gone already has no address.
                if let Ok(remote) = stream.peer_addr()
                    && let Ok(stream) = TcpStream::from_std(stream)
                {
                    shared.tcp(stream, remote);
                }
            }
        });
    }

    /// Serves one connection over any stream.
    pub fn connection(&self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, ends: Ends) {
        self.shared.connection(stream, ends);
    }

    /// Takes no more connections, lets answers that are under way come to their end within [`Limits::grace`], and ends the rest. All
    /// sockets are closed when this returns.
    pub async fn shutdown(mut self) {
        self.sources.shutdown().await;
        let _ = self.ending.send(true);
        let mut connections = std::mem::take(&mut *self.shared.connections());
        let all = async { while connections.join_next().await.is_some() {} };
        let _ = timeout(self.shared.serving.limits.grace, all).await;
        connections.shutdown().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.connections().abort_all();
    }
}

impl fmt::Debug for Server {
    /// How many it serves.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("connections", &self.shared.connections().len()).finish_non_exhaustive()
    }
}

impl Shared {
    fn tcp(&self, stream: TcpStream, remote: SocketAddr) {
        let Ok(local) = stream.local_addr() else { return };
        // An answer's last bytes must not wait for the client's acknowledgement. Without it they only come later.
        let _ = stream.set_nodelay(true);
        self.connection(stream, Ends { remote, local, user: None });
    }

    /// Serves a connection in a task of its own, if there is a place for it; else says that there is none.
    fn connection(&self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, ends: Ends) {
        let ends = ends.canonical();
        let Some(place) = self.crowd.enter(ends.remote.ip()) else { return self.turn_away(stream) };
        let number = place.number();
        let mut connections = self.connections();
        while connections.try_join_next().is_some() {}
        // A panic while it is served ends it alone: what connections share is left whole by each change.
        let served = teem_fault::contained(connection::serve(stream, ends, place, self.serving.clone()));
        let handle = connections.spawn(async move { drop(served.await) });
        drop(connections);
        self.crowd.ends_by(number, handle);
    }

    /// Tells a newcomer that there is no place, and lets go of it when it has heard that.
    fn turn_away(&self, mut stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let limits = self.serving.limits;
        let Ok(doorway) = self.doorway.clone().try_acquire_owned() else { return };
        self.connections().spawn(async move {
            let farewell = async {
                stream.write_all(BUSY).await?;
                stream.shutdown().await?;
                // What it asks is read and dropped: bytes that nobody has read when a socket closes wipe out those that it was sent.
                let mut asked = [0; 512];
                while stream.read(&mut asked).await? > 0 {}
                io::Result::Ok(())
            };
            // However it ends, nothing is left to be done.
            let _ = timeout(limits.farewell, farewell).await;
            drop(doorway);
        });
    }

    /// A panic elsewhere does not make them unusable: each change leaves them whole.
    fn connections(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
