//! Starts the drivers and ends them (own design).
use super::crowd::Crowd;
use super::lent::{self, Lent};
use super::shared::{NetLimits, OnAnnounced, Routes, Shared};
use super::{http, udp};
use crate::tracker::Tracker;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use std::vec::Vec;
use tokio::task::JoinSet;

/// What is to be served, and where.
pub struct Config {
    /// Listeners for HTTP, see [`super::bind::tcp`].
    pub http: Vec<TcpListener>,
    /// Sockets for UDP, see [`super::bind::udp`].
    pub udp: Vec<UdpSocket>,
    /// What comes to a port that somebody else holds.
    pub lent: Option<Lent>,
    /// The table.
    pub tracker: Arc<Mutex<Tracker>>,
    /// What else is served over HTTP.
    pub routes: Option<Routes>,
    /// Called with each peer that announces a torrent which this machine seeds.
    pub on_announced: Option<OnAnnounced>,
    /// Bounds.
    pub limits: NetLimits,
}

/// A running tracker. It ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    http: Vec<SocketAddr>,
    udp: Vec<SocketAddr>,
    tasks: JoinSet<()>,
}

/// Starts to serve. To be called in a tokio runtime with its I/O and time drivers on.
pub fn serve(config: Config) -> io::Result<Server> {
    let Config { http, udp, lent, tracker, routes, on_announced, limits } = config;
    let shared = Shared { tracker, routes, on_announced, limits, start: Instant::now() };
    let mut server = Server { http: Vec::new(), udp: Vec::new(), tasks: JoinSet::new() };
    let crowd = Arc::new(Crowd::new(limits.connections));
    for listener in http {
        server.http.push(listener.local_addr()?);
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        server.tasks.spawn(http::listen(listener, shared.clone(), crowd.clone()));
    }
    if let Some(Lent { streams, questions, answer }) = lent {
        server.tasks.spawn(lent::serve(streams, shared.clone(), crowd));
        server.tasks.spawn(lent::answer(questions, answer, shared.clone()));
    }
    for socket in udp {
        let bound = socket.local_addr()?;
        server.udp.push(bound);
        socket.set_nonblocking(true)?;
        let socket = tokio::net::UdpSocket::from_std(socket)?;
        let state = quinn_udp::UdpSocketState::new((&socket).into())?;
        server.tasks.spawn(udp::receive(socket, state, bound, shared.clone()));
    }
    Ok(server)
}

impl Server {
    /// Where HTTP is listened on, with the actual ports.
    pub fn http(&self) -> &[SocketAddr] {
        &self.http
    }

    /// Where UDP is received on, with the actual ports.
    pub fn udp(&self) -> &[SocketAddr] {
        &self.udp
    }

    /// Ends all tasks and connections; the sockets are closed when this returns.
    pub async fn shutdown(mut self) {
        self.tasks.shutdown().await;
    }
}
