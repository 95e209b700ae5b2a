//! From where packets leave, and the sockets that leave from there (own design; `--bind`, `--listen`).
//!
//! Invariant: when a path is bound, each of its sockets is tied to an interface of it, or bound to an address of it, before anything can be
//! sent; where that is impossible the call fails, and nothing is tried another way.
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use socket2::{SockRef, Socket, Type};
use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, PoisonError};

use crate::bind::Bind;
use crate::filter::Filter;
use crate::gate::{Barred, Gate, Meeting};
use crate::interface::{Interface, interfaces};
use crate::opener::{Opener, Target};
use crate::proxy::{Kind, Proxy};
use crate::socket::make;
use crate::through::{Datagrams, Through};

/// Connections that the kernel may hold for us to accept.
const BACKLOG: i32 = 512;

/// Where a port can be taken: an address, and the interface that the socket is tied to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The interface's name.
    pub interface: Option<Arc<str>>,
    /// The address; the unspecified one stands for all of its family, of that interface where there is one.
    pub ip: IpAddr,
    /// The scope of an IPv6 address that has one.
    scope: u32,
}

impl Place {
    /// An address by itself; the port is not looked at.
    pub fn of(addr: SocketAddr) -> Self {
        let scope = if let SocketAddr::V6(v6) = addr { v6.scope_id() } else { 0 };
        Self { interface: None, ip: addr.ip(), scope }
    }

    fn new(interface: Option<Arc<str>>, ip: IpAddr) -> Self {
        Self { interface, ip, scope: 0 }
    }

    fn with_port(&self, port: u16) -> SocketAddr {
        match self.ip {
            IpAddr::V4(_) => SocketAddr::new(self.ip, port),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, self.scope).into(),
        }
    }
}

/// Whether a UDP port is shared with other programs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sharing {
    /// It is ours: a port in use is an error.
    Alone,
    /// Others hear the same multicast group on that port.
    Group,
}

/// What of that which a path is bound to can be used at one moment.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Standing {
    bound: bool,
    /// What can be used, by its place among what the path is bound to, with the system's number of the interface.
    there: Vec<(usize, Option<u32>)>,
    addrs: Vec<IpAddr>,
    /// What cannot be used.
    gone: Vec<String>,
}

impl Standing {
    /// Whether something can be sent from an address.
    pub fn holds(&self, local: IpAddr) -> bool {
        !self.bound || self.addrs.contains(&local)
    }

    /// Whether nothing can be sent at all.
    pub fn is_cut_off(&self) -> bool {
        self.bound && self.addrs.is_empty()
    }

    /// Whether something can be used that could not, or that was another interface of that name: sockets from before may hear nothing there.
    pub fn has_more_than(&self, before: &Self) -> bool {
        self.there.iter().any(|one| !before.there.contains(one))
    }

    /// What cannot be used, in the user's words.
    pub fn gone(&self) -> &[String] {
        &self.gone
    }
}

/// The way to the world. Clones share it.
#[derive(Clone, Debug)]
pub struct Path {
    binds: Arc<[Bind]>,
    gate: Arc<Gate>,
    through: Option<Arc<Through>>,
    /// The address that connections leave from, where the user listens on a single one.
    from: Option<IpAddr>,
}

impl Path {
    /// The system's own way: any interface, any address.
    pub fn direct() -> Self {
        Self::bound(Vec::new())
    }

    /// Nothing leaves but by these. Without any it is the system's own way.
    pub fn bound(binds: Vec<Bind>) -> Self {
        Self { binds: binds.into(), gate: Arc::default(), through: None, from: None }
    }

    /// The same path where connections leave from one address (or again from any).
    #[must_use]
    pub fn leaving_from(&self, from: Option<IpAddr>) -> Self {
        let from = from.map(|ip| ip.to_canonical()).filter(|ip| !ip.is_unspecified());
        Self { from, ..self.clone() }
    }

    /// Whether the user bound it: then nothing may be asked of the system that the system would ask others by a way of its own.
    pub fn is_bound(&self) -> bool {
        !self.binds.is_empty()
    }

    /// Whether a server of the system may be asked: one on this machine would ask others by a way of its own.
    pub fn may_ask(&self, server: IpAddr) -> bool {
        let ours = self.binds.iter().any(|bind| matches!(bind, Bind::Addr(ip) if ip.is_loopback()));
        !self.is_bound() || ours || !server.is_loopback()
    }

    /// What of that which it is bound to can be used now.
    pub fn standing(&self) -> Standing {
        if self.binds.is_empty() {
            return Standing::default();
        }
        // Without a list nothing is known to be there, and nothing is sent.
        let all = interfaces().unwrap_or_default();
        let mut standing = Standing { bound: true, ..Standing::default() };
        for (n, bind) in self.binds.iter().enumerate() {
            match bind {
                Bind::Interface(name) => match all.iter().find(|i| i.name == *name && i.up) {
                    Some(interface) => {
                        standing.there.push((n, interface.index));
                        standing.addrs.extend(&interface.addrs);
                    }
                    None => standing.gone.push(name.clone()),
                },
                Bind::Addr(ip) => {
                    let down = all.iter().any(|i| !i.up && i.addrs.contains(ip));
                    if down || Self::is_gone(SocketAddr::new(*ip, 0)) {
                        standing.gone.push(ip.to_string());
                    } else {
                        standing.there.push((n, None));
                        standing.addrs.push(*ip);
                    }
                }
            }
        }
        standing
    }

    /// The addresses of what it is bound to; `None` where it is not bound.
    pub fn addrs(&self) -> Option<Vec<IpAddr>> {
        self.is_bound().then(|| self.standing().addrs)
    }

    /// The same path where everything goes through a proxy at these addresses, and nothing past it; connections from others are taken only where `listens` says so.
    #[must_use]
    pub fn through(&self, proxy: Proxy, at: Vec<SocketAddr>, listens: bool) -> Self {
        Self { through: Some(Arc::new(Through::new(proxy, at, listens))), ..self.clone() }
    }

    /// The proxy that everything goes through.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.through.as_ref().map(|through| &through.proxy)
    }

    /// Begins a connection to the proxy, which is to lead on to `target`: the socket, what is said on it once it stands, and the first bytes of that.
    pub fn dial_proxy(
        &self,
        target: &Target,
        tune: impl FnOnce(&SockRef<'_>),
    ) -> io::Result<(TcpStream, Opener, Vec<u8>)> {
        let mut out = Vec::new();
        let opener = Opener::new(self.proxy().ok_or_else(no_proxy)?, target, &mut out).map_err(io::Error::other)?;
        Ok((self.dial_own(tune)?, opener, out))
    }

    /// Begins to ask the proxy for a relay of packets, in the same way; there is one as long as the connection stands.
    pub fn ask_relay(&self, tune: impl FnOnce(&SockRef<'_>)) -> io::Result<(TcpStream, Opener, Vec<u8>)> {
        let mut out = Vec::new();
        let opener = Opener::associate(self.proxy().ok_or_else(no_proxy)?, &mut out).map_err(io::Error::other)?;
        Ok((self.dial_own(tune)?, opener, out))
    }

    /// A socket for packets to the relay that was granted by the answer to [`Self::ask_relay`], and where that is: nothing may go anywhere else by it. `proxy` is the far end
    /// of the connection that it was asked for on.
    pub fn to_relay(&self, granted: &Opener, proxy: SocketAddr) -> io::Result<(UdpSocket, SocketAddr)> {
        self.allows(proxy)?;
        let relay = granted.relay(proxy).ok_or_else(|| past("the proxy names no relay"))?;
        Ok((self.unsent(relay)?, relay))
    }

    /// Dials the proxy itself.
    fn dial_own(&self, tune: impl FnOnce(&SockRef<'_>)) -> io::Result<TcpStream> {
        let through = self.through.as_ref().ok_or_else(no_proxy)?;
        let fits = through.at.iter().find(|at| self.source(**at).is_ok()).or(through.at.first());
        self.dial(*fits.ok_or_else(|| past("the proxy has no address"))?, tune)
    }

    /// Whether packets may go through the proxy: such a one can be asked for a relay.
    pub fn may_relay(&self) -> bool {
        self.proxy().is_some_and(|proxy| proxy.kind() == Kind::Socks5)
    }

    /// Whether connections from others are taken, which come past a proxy.
    pub fn listens(&self) -> bool {
        self.through.as_ref().is_none_or(|through| through.listens)
    }

    /// Notes how the proxy has done: what was wrong, or nothing.
    pub fn note_proxy(&self, trouble: Option<String>) {
        if let Some(through) = &self.through {
            *through.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
        }
    }

    /// Notes what has become of the relay.
    pub fn note_datagrams(&self, datagrams: Datagrams) {
        if let Some(through) = &self.through {
            *through.datagrams.lock().unwrap_or_else(PoisonError::into_inner) = datagrams;
        }
    }

    /// What the proxy does with packets; `None` where there is no proxy.
    pub fn datagrams(&self) -> Option<Datagrams> {
        Some(self.through.as_ref()?.datagrams.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// What was wrong with the proxy when it was last spoken to.
    pub fn proxy_trouble(&self) -> Option<String> {
        self.through.as_ref()?.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Nothing goes to `to` where all goes through a proxy, unless it is that.
    fn allows(&self, to: SocketAddr) -> io::Result<()> {
        let past_it = self.through.as_ref().is_some_and(|through| !through.at.contains(&to));
        if past_it { Err(past("nothing goes past the proxy")) } else { Ok(()) }
    }

    /// Keeps these addresses out from now on, instead of the former: neither dialled nor taken nor heard. Trackers and name servers are not asked about.
    pub fn keep_out(&self, filter: Filter) {
        self.gate.set(filter);
    }

    /// Whether somebody is not to be met at an address; counted when so.
    pub fn bars(&self, ip: IpAddr, by: Meeting) -> bool {
        self.gate.bars(ip, by)
    }

    /// Whether somebody is kept out by the lists that are in force now; nothing is counted by it.
    pub fn holds_out(&self, ip: IpAddr) -> bool {
        self.gate.holds_out(ip)
    }

    /// How often the lists were exchanged: another number means that those who are met already are to be looked at again.
    pub fn filter_version(&self) -> u64 {
        self.gate.version()
    }

    /// How many ranges are kept out.
    pub fn ranges(&self) -> usize {
        self.gate.ranges()
    }

    /// What was kept out so far.
    pub fn barred(&self) -> Barred {
        self.gate.barred()
    }

    /// The address that connections leave from, when it is a single one.
    pub fn from(&self) -> Option<IpAddr> {
        self.from
    }

    /// Where a port is to be taken so that it can be reached wherever we may be: both families of each interface, and each address. With an address, only there.
    pub fn places(&self, at: Option<IpAddr>) -> Vec<Place> {
        if self.through.as_ref().is_some_and(|through| !through.listens) {
            return Vec::new();
        }
        let any = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
        let at = at.map(|ip| ip.to_canonical());
        let ips = at.as_ref().map_or(&any[..], core::slice::from_ref);
        if self.binds.is_empty() {
            return ips.iter().map(|&ip| Place::new(None, ip)).collect();
        }
        let (mut places, all) = (Vec::new(), interfaces().unwrap_or_default());
        for bind in &*self.binds {
            match bind {
                Bind::Interface(name) => {
                    let name: Arc<str> = name.as_str().into();
                    places.extend(ips.iter().map(|&ip| Place::new(Some(name.clone()), ip)));
                }
                // An address that we may not speak from is no place to listen at.
                Bind::Addr(own) => {
                    let fits = at.is_none_or(|at| at == *own || (at.is_unspecified() && at.is_ipv4() == own.is_ipv4()));
                    places.extend(fits.then(|| Place::new(device_of(*own, &all).map(Into::into), *own)));
                }
            }
        }
        places
    }

    /// Takes a TCP port at a place; it listens when this returns.
    pub fn listen_tcp(&self, place: &Place, port: u16) -> io::Result<TcpListener> {
        let addr = place.with_port(port);
        let socket = make(Type::STREAM, addr, place.interface.as_deref())?;
        // In spite of old connections in TIME_WAIT. On Windows the option would let others in.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        socket.bind(&addr.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    }

    /// Takes a UDP port at a place; there is none where all goes through a proxy.
    pub fn listen_udp(&self, place: &Place, port: u16, sharing: Sharing) -> io::Result<UdpSocket> {
        if self.through.is_some() {
            return Err(past("no packet goes past the proxy"));
        }
        let addr = place.with_port(port);
        let socket = make(Type::DGRAM, addr, place.interface.as_deref())?;
        if sharing == Sharing::Group {
            socket.set_reuse_address(true)?;
            #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
            socket.set_reuse_port(true)?;
        }
        socket.bind(&addr.into())?;
        Ok(socket.into())
    }

    /// A TCP socket that is to be connected to `to`, and leaves from where it may.
    pub fn stream(&self, to: SocketAddr) -> io::Result<TcpStream> {
        self.allows(to)?;
        Ok(self.outgoing(Type::STREAM, to)?.into())
    }

    /// Begins a connection to `to`; `tune` sets options before the first packet. It is over when the socket becomes writable or fails.
    pub fn dial(&self, to: SocketAddr, tune: impl FnOnce(&SockRef<'_>)) -> io::Result<TcpStream> {
        self.allows(to)?;
        let socket = self.outgoing(Type::STREAM, to)?;
        tune(&SockRef::from(&socket));
        match socket.connect(&to.into()) {
            Err(error) if !in_progress(&error) => Err(error),
            _ => Ok(socket.into()),
        }
    }

    /// A UDP socket on a free port that can send to `to`, and to others of that family; it is not connected.
    pub fn udp_toward(&self, to: SocketAddr) -> io::Result<UdpSocket> {
        if self.through.is_some() {
            return Err(past("no packet goes past the proxy"));
        }
        self.unsent(to)
    }

    /// A UDP socket toward an address.
    fn unsent(&self, to: SocketAddr) -> io::Result<UdpSocket> {
        let socket = self.outgoing(Type::DGRAM, to)?;
        if self.source(to)?.1.is_none() {
            socket.bind(&any(to).into())?;
        }
        Ok(socket.into())
    }

    /// The address that packets to `to` would leave from. The system is asked for its route, which sends nothing.
    pub fn source_toward(&self, to: SocketAddr) -> io::Result<IpAddr> {
        let socket = self.unsent(to)?;
        socket.connect(to)?;
        Ok(socket.local_addr()?.ip())
    }

    /// Whether an address was taken away from this machine. The port does not matter.
    pub fn is_gone(addr: SocketAddr) -> bool {
        let bound = make(Type::DGRAM, addr, None).and_then(|socket| {
            let mut addr = addr;
            addr.set_port(0);
            socket.bind(&addr.into())
        });
        // Every other error is one of the moment: too few descriptors take no address away.
        bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrNotAvailable)
    }

    /// A socket that leaves from where it may, bound where an address is known.
    fn outgoing(&self, kind: Type, to: SocketAddr) -> io::Result<Socket> {
        let (interface, from) = self.source(to)?;
        let socket = make(kind, to, interface.as_deref())?;
        if let Some(from) = from {
            socket.bind(&SocketAddr::new(from, 0).into())?;
        }
        Ok(socket)
    }

    /// The interface and the address that a socket toward `to` is to have: of what the path is bound to the first that has an address of that family.
    fn source(&self, to: SocketAddr) -> io::Result<(Option<String>, Option<IpAddr>)> {
        let fits = |ip: &IpAddr| ip.is_ipv4() == to.is_ipv4();
        let none = |what: String| io::Error::new(io::ErrorKind::AddrNotAvailable, what);
        let family = if to.is_ipv4() { "IPv4" } else { "IPv6" };
        if let Some(from) = self.from
            && !fits(&from)
        {
            return Err(none(format!("{to} is of another family than {from}, the address listened on")));
        }
        if self.binds.is_empty() {
            return Ok((None, self.from));
        }
        let all = interfaces()?;
        for bind in &*self.binds {
            match bind {
                Bind::Addr(ip) if fits(ip) && self.from.is_none_or(|from| from == *ip) => {
                    return Ok((device_of(*ip, &all), Some(*ip)));
                }
                Bind::Addr(_) => {}
                Bind::Interface(name) => {
                    let up = all.iter().find(|interface| interface.name == *name && interface.up);
                    if up.is_some_and(|interface| interface.addrs.iter().any(fits)) {
                        // Its own choice of address: of several, the kernel knows which fits the way and the scope.
                        return Ok((Some(name.clone()), self.from));
                    }
                }
            }
        }
        let names: Vec<_> = self.binds.iter().map(ToString::to_string).collect();
        Err(none(format!("{} has no {family} address that can be used now", names.join(", "))))
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.binds == other.binds
            && self.from == other.from
            && Arc::ptr_eq(&self.gate, &other.gate)
            && self.proxy() == other.proxy()
    }
}

impl Eq for Path {}

impl Default for Path {
    fn default() -> Self {
        Self::direct()
    }
}

/// The interface that has an address: what leaves from the address is tied to it, so that nothing takes another way when that one ends. To what is on
/// this machine alone no tie is needed.
fn device_of(ip: IpAddr, all: &[Interface]) -> Option<String> {
    let tied = !ip.is_loopback() && cfg!(any(target_os = "linux", target_os = "android"));
    all.iter().find(|interface| tied && interface.addrs.contains(&ip)).map(|interface| interface.name.clone())
}

fn no_proxy() -> io::Error {
    past("there is no proxy")
}

/// What may not be done.
fn past(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

/// The unspecified address of a family, with a free port.
fn any(to: SocketAddr) -> SocketAddr {
    let ip: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    SocketAddr::new(ip, 0)
}

/// EINPROGRESS has no kind in std.
fn in_progress(error: &io::Error) -> bool {
    cfg!(unix) && error.raw_os_error() == Some(IN_PROGRESS)
        || matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const IN_PROGRESS: i32 = 115;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const IN_PROGRESS: i32 = 36;

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn without_a_wish_both_families_are_listened_on_and_the_system_chooses() {
        let direct = Path::direct();
        let places: Vec<_> = direct.places(None).into_iter().map(|place| (place.interface, place.ip)).collect();
        assert_eq!(places, [(None, ip("0.0.0.0")), (None, ip("::"))]);
        assert_eq!(direct.places(Some(ip("127.0.0.1"))), [Place::new(None, ip("127.0.0.1"))]);
        let heard = direct.listen_udp(&direct.places(Some(ip("127.0.0.1")))[0], 0, Sharing::Alone).unwrap();
        let sender = direct.udp_toward(heard.local_addr().unwrap()).unwrap();
        sender.send_to(b"x", heard.local_addr().unwrap()).unwrap();
        assert_eq!(direct.source_toward(addr("127.0.0.1:9")).unwrap(), ip("127.0.0.1"));
    }

    #[test]
    fn a_connection_leaves_from_the_address_that_was_named_and_from_no_other_family() {
        let path = Path::direct().leaving_from(Some(ip("127.0.0.1")));
        let place = Place::new(None, ip("127.0.0.1"));
        let listener = path.listen_tcp(&place, 0).unwrap();
        let stream = path.dial(listener.local_addr().unwrap(), |_| {}).unwrap();
        assert_eq!(stream.local_addr().unwrap().ip(), ip("127.0.0.1"));
        assert_eq!(path.dial(addr("[::1]:9"), |_| {}).unwrap_err().kind(), io::ErrorKind::AddrNotAvailable);
        assert_eq!(path.leaving_from(Some(ip("0.0.0.0"))).from(), None);
    }

    #[test]
    fn what_is_bound_to_an_address_listens_and_leaves_there_alone() {
        let path = Path::bound(vec![Bind::Addr(ip("127.0.0.1"))]);
        assert_eq!(path.places(None), [Place::new(None, ip("127.0.0.1"))]);
        assert_eq!(path.places(Some(ip("0.0.0.0"))).len(), 1);
        assert!(path.places(Some(ip("127.0.0.9"))).is_empty(), "no place to listen at");
        assert_eq!(path.source_toward(addr("127.0.0.1:9")).unwrap(), ip("127.0.0.1"));
        assert!(path.udp_toward(addr("[::1]:9")).is_err(), "it has no address of that family");
    }

    #[test]
    fn nothing_goes_past_a_proxy() {
        let listener = UdpSocket::bind("127.0.0.1:0").unwrap();
        let proxy: Proxy = "socks5://proxy.example:1080".parse().unwrap();
        let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let path = Path::direct().through(proxy.clone(), vec![at], false);
        assert!(path.places(None).is_empty());
        let to = listener.local_addr().unwrap();
        assert!(path.dial(to, |_| {}).is_err() && path.stream(to).is_err() && path.udp_toward(to).is_err());
        let place = Path::direct().places(None).remove(0);
        assert!(path.listen_udp(&place, 0, Sharing::Alone).is_err());
        let (stream, _, out) = path.dial_proxy(&Target::Addr(to), |_| {}).unwrap();
        assert_eq!(out, [5, 1, 0]);
        drop(stream);
        let (_, mut opener, mut out) = path.ask_relay(|_| {}).unwrap();
        for byte in [5, 0, 5, 0, 0, 3, 0, 0, 80] {
            opener.advance(&[byte], &mut out).unwrap();
        }
        let (socket, relay) = path.to_relay(&opener, at).unwrap();
        assert_eq!((socket.local_addr().unwrap().ip(), relay), (ip("0.0.0.0"), addr("127.0.0.1:80")));
        assert!(path.to_relay(&opener, to).is_err(), "another's word");
        assert!(!Path::direct().through(proxy, vec![at], true).places(None).is_empty());
    }

    #[test]
    fn an_interface_that_is_not_there_makes_no_socket() {
        let path = Path::bound(vec!["no-such-iface".parse().unwrap()]);
        assert_eq!(path.places(None).len(), 2);
        assert!(path.listen_tcp(&path.places(None)[0], 0).is_err());
        let error = path.dial(addr("127.0.0.1:9"), |_| {}).unwrap_err();
        assert!(error.to_string().contains("no-such-iface"), "{error}");
        assert!(path.udp_toward(addr("127.0.0.1:9")).is_err() && path.stream(addr("127.0.0.1:9")).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn sockets_of_an_interface_are_tied_to_it() {
        let path = Path::bound(vec!["lo".parse().unwrap()]);
        let place = path.places(None).remove(0);
        let listener = path.listen_tcp(&place, 0).unwrap();
        let to = SocketAddr::new(ip("127.0.0.1"), listener.local_addr().unwrap().port());
        let stream = path.dial(to, |_| {}).unwrap();
        for tied in [SockRef::from(&listener), SockRef::from(&stream)] {
            assert_eq!(tied.device().unwrap().as_deref(), Some(&b"lo"[..]));
        }
        assert_eq!(SockRef::from(&path.udp_toward(to).unwrap()).device().unwrap().as_deref(), Some(&b"lo"[..]));
    }

    #[test]
    fn an_address_is_gone_when_the_machine_has_it_not_whatever_its_port_does() {
        let held = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(!Path::is_gone(held.local_addr().unwrap()));
        assert!(Path::is_gone(addr("192.0.2.7:80")));
    }
}
