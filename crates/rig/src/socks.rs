//! A proxy of our own that speaks SOCKS5 (RFC 1928, 1929), with a relay for packets (section 7) that answers as oddly as proxies do. It lives on threads of this process, in
//! the network that it is given, and dies when it is dropped: connections and relays end at once, and the port is free again.
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// How often threads look whether they are to end.
const LOOK_EVERY_NS: i64 = 20_000_000;
/// How long a connection to the world may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// How packets are relayed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relay {
    /// The relay's address is named.
    Named,
    /// 0.0.0.0 is named: the proxy's own address is meant (libtorrent#6986).
    Unspecified,
    /// An empty name is.
    NoName,
    /// Nothing is relayed.
    Refused,
}

/// What a proxy is like.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Where it listens; the first relay has the same port.
    pub at: SocketAddr,
    /// The name and password that it wants.
    pub user: Option<(&'static str, &'static str)>,
    /// How packets are relayed.
    pub relay: Relay,
    /// The names that it knows.
    pub names: Vec<(&'static str, IpAddr)>,
}

/// What it has done, in a line each.
#[derive(Default)]
struct Said {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Said {
    fn say(&self, line: String) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        self.more.notify_all();
    }
}

struct Shared {
    manner: Manner,
    said: Said,
    ends: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// A running proxy.
pub struct Socks {
    shared: Arc<Shared>,
    at: SocketAddr,
}

impl Socks {
    /// Starts it here, or in the network of the process of that number.
    pub fn serve(manner: Manner, within: Option<u32>) -> Self {
        let shared = Arc::new(Shared {
            manner,
            said: Said::default(),
            ends: AtomicBool::new(false),
            streams: Mutex::default(),
            threads: Mutex::default(),
        });
        let (tell, told) = std::sync::mpsc::channel();
        let ours = Arc::clone(&shared);
        shared.spawn(move || {
            if let Some(id) = within {
                let network = File::open(format!("/proc/{id}/ns/net")).expect("the process lives");
                // Threads that this one makes live there too.
                move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).expect("it may enter");
            }
            let listener = TcpListener::bind(ours.manner.at).expect("the proxy's port is free");
            listener.set_nonblocking(true).expect("a socket that polls");
            tell.send(listener.local_addr().expect("it is bound")).expect("it is waited for");
            while ours.waits_for(&listener) {
                let Ok((stream, _)) = listener.accept() else { continue };
                let Ok(kept) = stream.try_clone() else { continue };
                ours.streams.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
                let shared = Arc::clone(&ours);
                ours.spawn(move || drop(shared.talk(stream)));
            }
        });
        let at = told.recv().expect("the proxy listens");
        Self { shared, at }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.at
    }

    /// What it has done so far: `tcp PLACE`, `udp PLACE` for the first packet there, `relay`.
    pub fn said(&self) -> Vec<String> {
        self.shared.said.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it has done that.
    pub fn wait(&self, line: &str, limit: Duration) {
        let until = Instant::now() + limit;
        let mut lines = self.shared.said.lines.lock().unwrap_or_else(PoisonError::into_inner);
        while !lines.iter().any(|said| said == line) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the proxy has not done `{line}`, but {lines:?}");
            lines = self.shared.said.more.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Socks {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
        loop {
            for stream in self.shared.streams.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
            let thread = self.shared.threads.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match thread {
                Some(thread) => drop(thread.join()),
                None => return,
            }
        }
    }
}

impl Shared {
    fn spawn(self: &Arc<Self>, work: impl FnOnce() + Send + 'static) {
        let thread = std::thread::spawn(work);
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
    }

    /// Waits until something can be read; false when it is time to end.
    fn waits_for(&self, source: &impl AsFd) -> bool {
        while !self.ends.load(Ordering::SeqCst) {
            let mut fds = [PollFd::new(source, PollFlags::IN)];
            if matches!(poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: LOOK_EVERY_NS })), Ok(1)) {
                return true;
            }
        }
        false
    }

    fn talk(self: &Arc<Self>, mut client: TcpStream) -> io::Result<()> {
        client.set_nonblocking(false)?;
        let [5, count] = exact(&mut client)? else { return Ok(()) };
        let mut methods = vec![0; usize::from(count)];
        client.read_exact(&mut methods)?;
        let method = if self.manner.user.is_some() { 2 } else { 0 };
        if !methods.contains(&method) {
            return client.write_all(&[5, 0xff]);
        }
        client.write_all(&[5, method])?;
        if let Some((user, password)) = self.manner.user {
            let [_, len] = exact(&mut client)?;
            let said = text(&mut client, len)?;
            let [len] = exact(&mut client)?;
            if (said.as_str(), text(&mut client, len)?.as_str()) != (user, password) {
                return client.write_all(&[1, 1]);
            }
            client.write_all(&[1, 0])?;
        }
        let [_, command, _, kind] = exact(&mut client)?;
        let place = match kind {
            1 => Place::Ip(IpAddr::from(exact::<4>(&mut client)?)),
            4 => Place::Ip(IpAddr::from(exact::<16>(&mut client)?)),
            _ => {
                let [len] = exact(&mut client)?;
                Place::Name(text(&mut client, len)?)
            }
        };
        let port = u16::from_be_bytes(exact(&mut client)?);
        match command {
            1 => self.connect(client, &place, port),
            3 => self.associate(client),
            _ => client.write_all(&[5, 7, 0, 1, 0, 0, 0, 0, 0, 0]),
        }
    }

    /// Where a place is, as this proxy sees it.
    fn find(&self, place: &Place) -> Option<IpAddr> {
        match place {
            Place::Ip(ip) => Some(*ip),
            Place::Name(name) => self.manner.names.iter().find(|(of, _)| of == name).map(|(_, ip)| *ip),
        }
    }

    fn connect(self: &Arc<Self>, mut client: TcpStream, place: &Place, port: u16) -> io::Result<()> {
        let far = self.find(place).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
        let far = far.and_then(|ip| TcpStream::connect_timeout(&(ip, port).into(), CONNECT_LIMIT));
        let Ok(far) = far else { return client.write_all(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]) };
        self.said.say(format!("tcp {} {port}", place.text()));
        client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).push(far.try_clone()?);
        let (near, to) = (client.try_clone()?, far.try_clone()?);
        self.spawn(move || pump(near, to));
        pump(far, client);
        Ok(())
    }

    fn associate(self: &Arc<Self>, mut client: TcpStream) -> io::Result<()> {
        if self.manner.relay == Relay::Refused {
            return client.write_all(&[5, 7, 0, 1, 0, 0, 0, 0, 0, 0]);
        }
        let at = self.manner.at;
        let socket = UdpSocket::bind(at).or_else(|_| UdpSocket::bind((at.ip(), 0)))?;
        let bound = socket.local_addr()?;
        let port = bound.port().to_be_bytes();
        let mut answer = vec![5, 0, 0];
        match (self.manner.relay, bound.ip()) {
            (Relay::NoName, _) => answer.extend([3, 0]),
            (Relay::Named, IpAddr::V4(ip)) => answer.extend([&[1][..], &ip.octets()].concat()),
            (Relay::Named, IpAddr::V6(ip)) => answer.extend([&[4][..], &ip.octets()].concat()),
            _ => answer.extend([&[1][..], &Ipv4Addr::UNSPECIFIED.octets()].concat()),
        }
        answer.extend(port);
        client.write_all(&answer)?;
        self.said.say("relay".to_owned());
        let (shared, ended) = (Arc::clone(self), Arc::new(AtomicBool::new(false)));
        let ends = Arc::clone(&ended);
        self.spawn(move || shared.relay(&socket, &ends));
        // The relay is there while the connection stands.
        while client.read(&mut [0; 64]).is_ok_and(|len| len > 0) {}
        ended.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Carries packets of whoever sent first to others, and theirs back.
    fn relay(&self, socket: &UdpSocket, ended: &AtomicBool) {
        let (mut client, mut known, mut room) = (None, Vec::new(), vec![0; 65_536]);
        while self.waits_for(socket) {
            let Ok((len, from)) = socket.recv_from(&mut room) else { continue };
            if ended.load(Ordering::SeqCst) {
                return;
            }
            let packet = &room[..len];
            let Some(client) = client.filter(|client| *client != from) else {
                client = Some(from);
                let Some((place, port, payload)) = unwrapped(packet) else { continue };
                let Some(ip) = self.find(&place) else { continue };
                let line = format!("udp {} {port}", place.text());
                if !known.contains(&line) {
                    self.said.say(line.clone());
                    known.push(line);
                }
                let _ = socket.send_to(payload, (ip, port));
                continue;
            };
            let mut wrapped = match from.ip() {
                IpAddr::V4(ip) => [&[0, 0, 0, 1][..], &ip.octets()].concat(),
                IpAddr::V6(ip) => [&[0, 0, 0, 4][..], &ip.octets()].concat(),
            };
            wrapped.extend(from.port().to_be_bytes());
            wrapped.extend_from_slice(packet);
            let _ = socket.send_to(&wrapped, client);
        }
    }
}

/// Where something is to go.
enum Place {
    Ip(IpAddr),
    Name(String),
}

impl Place {
    fn text(&self) -> String {
        match self {
            Self::Ip(ip) => ip.to_string(),
            Self::Name(name) => name.clone(),
        }
    }
}

/// Where the payload of a packet is to go (RFC 1928, section 7).
fn unwrapped(packet: &[u8]) -> Option<(Place, u16, &[u8])> {
    let [_, _, 0, kind, rest @ ..] = packet else { return None };
    let (place, rest) = match kind {
        1 => rest.split_first_chunk::<4>().map(|(ip, rest)| (Place::Ip((*ip).into()), rest))?,
        4 => rest.split_first_chunk::<16>().map(|(ip, rest)| (Place::Ip((*ip).into()), rest))?,
        3 => {
            let (len, rest) = rest.split_first()?;
            let (name, rest) = rest.split_at_checked(usize::from(*len))?;
            (Place::Name(String::from_utf8_lossy(name).into_owned()), rest)
        }
        _ => return None,
    };
    let (port, payload) = rest.split_first_chunk::<2>()?;
    Some((place, u16::from_be_bytes(*port), payload))
}

fn exact<const N: usize>(stream: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn text(stream: &mut TcpStream, len: u8) -> io::Result<String> {
    let mut bytes = vec![0; usize::from(len)];
    stream.read_exact(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
