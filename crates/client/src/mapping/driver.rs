//! Carries what the mapper wants done: datagrams from one socket an address of ours, requests over HTTP to the router, time. The router is looked for
//! every few seconds, since a machine changes its network.
use super::gateway::gateways;
use super::ports::{Mapping, Mappings};
use crate::http::fetch::Http;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use teem_path::{Path, Sharing};
use teem_portmap::{Act, Event, Gateway, HttpAnswer, Mapper, Network, RequestId};
use teem_wire::compact::Family;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How often the routes are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Datagrams of the router's that may wait.
const PACKETS_MAX: usize = 64;
/// Bytes of one that are read: answers to a search are the largest.
const PACKET_MAX: usize = 2_048;
/// Where a router tells all machines that it has begun anew (RFC 6886 section 3.2.1, RFC 6887 section 14.1): the port of 224.0.0.1, which every
/// machine hears.
const ANNOUNCED_AT: u16 = 5_350;

/// What is to be mapped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Wanted {
    /// By which way the router is spoken to.
    pub(crate) path: Path,
    /// The address listened on, or every one.
    pub(crate) listen: Option<IpAddr>,
    /// The port here.
    pub(crate) port: u16,
}

/// A datagram, and the address of ours that it came to.
type Packet = (IpAddr, SocketAddr, Vec<u8>);

/// The sockets of one network; their readers end with it.
struct Sockets {
    open: HashMap<IpAddr, Arc<UdpSocket>>,
    /// They end with this.
    _readers: JoinSet<()>,
    packets: mpsc::Receiver<Packet>,
}

impl Sockets {
    fn open(path: &Path, gateways: &[Gateway]) -> Self {
        let (sender, packets) = mpsc::channel(PACKETS_MAX);
        let (mut open, mut readers) = (HashMap::new(), JoinSet::new());
        for gateway in gateways {
            let local = gateway.local;
            // What cannot be opened sends nothing, and the mapper takes it for silence.
            if let Ok(socket) = socket(path, Some(local), 0).map(Arc::new) {
                readers.spawn(read(local, Arc::clone(&socket), sender.clone()));
                open.insert(local, socket);
            }
            if local.is_ipv4()
                && let Ok(socket) = socket(path, None, ANNOUNCED_AT)
            {
                readers.spawn(read(local, Arc::new(socket), sender.clone()));
            }
        }
        Self { open, _readers: readers, packets }
    }
}

/// A socket at an address of ours, or one beside others for what is told to all.
fn socket(path: &Path, local: Option<IpAddr>, port: u16) -> io::Result<UdpSocket> {
    let sharing = if local.is_some() { Sharing::Alone } else { Sharing::Group };
    let place = path.places(local).into_iter().find(|place| place.ip.is_ipv4() || local.is_some());
    let place = place.ok_or(io::ErrorKind::AddrNotAvailable)?;
    UdpSocket::from_std(path.listen_udp(&place, port, sharing)?)
}

async fn read(local: IpAddr, socket: Arc<UdpSocket>, packets: mpsc::Sender<Packet>) {
    let mut buffer = vec![0; PACKET_MAX];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((len, from)) => {
                let from = SocketAddr::new(from.ip().to_canonical(), from.port());
                // What comes faster than it is looked at is lost, as datagrams are.
                let _ = packets.try_send((local, from, buffer[..len].to_vec()));
            }
            // That nobody listens there is told so; what is wrong with the socket itself is over soon, or the network is.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Maps until the sender of what is wanted is gone.
pub(super) async fn drive(
    mut wanted: watch::Receiver<Wanted>,
    http: Http,
    now: Arc<watch::Sender<Mappings>>,
    told: impl Fn(Family, u16, Option<u16>) + Send + Sync,
) {
    let start = Instant::now();
    loop {
        let want = wanted.borrow_and_update().clone();
        let network = gateways(&want.path, want.listen);
        let random = Box::new(crate::entropy::number);
        let mapper = Mapper::new(&Network { gateways: network.clone() }, want.port, random, start.elapsed());
        let mut asking = Mappings::default();
        for gateway in &network {
            *asking.of_mut(Family::of(gateway.local)) = Mapping::Asking;
        }
        now.send_replace(asking);
        let sockets = Sockets::open(&want.path, &network);
        let mut turn = Turn { start, mapper, sockets, requests: JoinSet::new(), http: http.clone(), port: want.port };
        let stays = turn.live(&want, &network, &mut wanted, &now, &told).await;
        turn.mapper.close(start.elapsed());
        turn.give_back().await;
        if !stays {
            now.send_replace(Mappings::default());
            return;
        }
        for gateway in &network {
            told(Family::of(gateway.local), want.port, None);
        }
    }
}

/// One network, one port.
struct Turn {
    start: Instant,
    mapper: Mapper,
    sockets: Sockets,
    requests: JoinSet<(RequestId, Result<HttpAnswer, String>)>,
    http: Http,
    port: u16,
}

impl Turn {
    /// Goes on until the network or what is wanted is another, or until nothing is wanted: then false.
    async fn live(
        &mut self,
        want: &Wanted,
        network: &[Gateway],
        wanted: &mut watch::Receiver<Wanted>,
        now: &watch::Sender<Mappings>,
        told: &(impl Fn(Family, u16, Option<u16>) + Sync),
    ) -> bool {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.reset();
        loop {
            for event in self.carry() {
                self.tell(&event, now, told);
            }
            tokio::select! {
                changed = wanted.changed() => match changed {
                    Ok(()) if *wanted.borrow() == *want => {}
                    Ok(()) => return true,
                    Err(_) => return false,
                },
                _ = look.tick() => {
                    if gateways(&want.path, want.listen) != network {
                        return true;
                    }
                }
                () = self.step() => {}
            }
        }
    }

    /// Waits for the next thing that concerns the mapper, and lets it know.
    async fn step(&mut self) {
        let deadline = self.mapper.deadline().map(|at| self.start + at);
        tokio::select! {
            Some((local, from, bytes)) = self.sockets.packets.recv() => {
                self.mapper.packet(self.start.elapsed(), local, from, &bytes);
            }
            Some(done) = self.requests.join_next(), if !self.requests.is_empty() => {
                if let Ok((id, answer)) = done {
                    self.mapper.answered(self.start.elapsed(), id, answer.as_ref().map_err(String::as_str));
                }
            }
            () = at(deadline) => self.mapper.tick(self.start.elapsed()),
        }
    }

    /// Takes back what is mapped, as long as the mapper thinks that it may take.
    async fn give_back(&mut self) {
        loop {
            self.carry();
            if self.mapper.is_closed() {
                return;
            }
            self.step().await;
        }
    }

    /// Does what the mapper wants done; gives what it tells.
    fn carry(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(act) = self.mapper.poll() {
            match act {
                Act::Send { from, to, bytes } => {
                    if let Some(socket) = self.sockets.open.get(&from) {
                        // What cannot be sent is lost on the way, and asked again.
                        let _ = socket.try_send_to(&bytes, to);
                    }
                }
                Act::Get { id, url } => {
                    let http = self.http.clone();
                    self.requests.spawn(async move { (id, answer(http.of_gateway(&url, None).await)) });
                }
                Act::Post { id, url, action, body } => {
                    let http = self.http.clone();
                    self.requests.spawn(async move { (id, answer(http.of_gateway(&url, Some((action, body))).await)) });
                }
                Act::Tell(event) => events.push(event),
            }
        }
        events
    }

    fn tell(&self, event: &Event, now: &watch::Sender<Mappings>, told: &(impl Fn(Family, u16, Option<u16>) + Sync)) {
        let (inside, is) = match event {
            Event::Mapped(mapped) => {
                let (way, address) = (mapped.way.word(), mapped.address);
                (mapped.inside, Mapping::Mapped { way, address, tcp: mapped.tcp, udp: mapped.udp })
            }
            Event::Lost { inside } => (*inside, Mapping::Asking),
            Event::Failed { inside, gateway, why } => (*inside, Mapping::Failed(format!("{gateway} says: {why}"))),
        };
        let family = Family::of(inside);
        let outside = if let Mapping::Mapped { tcp, .. } = &is { Some(*tcp) } else { None };
        now.send_modify(|now| *now.of_mut(family) = is);
        told(family, self.port, outside);
    }
}

fn answer(fetched: Result<(u16, Vec<u8>), crate::http::error::HttpError>) -> Result<HttpAnswer, String> {
    fetched.map(|(status, body)| HttpAnswer { status, body }).map_err(|why| why.to_string())
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
