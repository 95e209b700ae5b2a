//! Peers in this network (BEP 14): calls to everybody near name our torrents, and calls of others name them as peers.
//!
//! A torrent is called for when it begins, when we listen elsewhere, and every five minutes from then on, with others in one packet, on every interface
//! that leads into a network; calls are a minute apart. A private torrent (BEP 27) is never called for, nor is any while we listen on loopback alone: then
//! nobody near could come. What a call brings are addresses of private networks, which the engine sees to, and public ones of the networks that we are on.
use crate::registry::Registry;
use crate::status::Status;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Weak;
use std::time::Duration;
use teem_host::host::HostHandle;
use teem_host::mailbox::HostMsg;
use teem_metainfo::InfoHash;
use teem_path::{Path, Sharing, interfaces};
use teem_swarm::command::Command;
use teem_swarm::event::State;
use teem_swarm::ids::TorrentId;
use teem_swarm::listening::Doors;
use teem_swarm::torrent::address::PeerSource;
use teem_wire::compact::Family;
use teem_wire::lsd::{self, Call, GROUP_V4, GROUP_V6, HASHES_MAX, PACKET_MAX};
use teem_wire::reach::Reach;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::Instant;

/// How often a torrent is called for (BEP 14).
const EVERY: Duration = Duration::from_secs(300);
/// The least time between two calls (BEP 14).
const APART: Duration = Duration::from_secs(60);
/// How often it is looked for torrents that have begun.
const LOOK: Duration = Duration::from_secs(1);
/// Packets looked at within a second; whoever sends more is no client.
const PER_SECOND_MAX: u32 = 50;
/// Hops that a call may make: routers within a site.
const HOPS: u32 = 4;
/// The same where our address is a public one: the call is for those beside us.
const HOPS_IN_PUBLIC: u32 = 1;

/// When which torrent was called for.
#[derive(Default, Debug)]
struct Calls {
    of: BTreeMap<InfoHash, Instant>,
    last: Option<Instant>,
}

impl Calls {
    /// Nobody has been called for at the place where we are.
    fn begin_anew(&mut self) {
        self.of.clear();
    }

    /// The torrents to be called for now, of those that there are; they are from then on.
    fn due(&mut self, now: Instant, there: &[InfoHash]) -> Vec<InfoHash> {
        self.of.retain(|hash, _| there.contains(hash));
        if self.last.is_some_and(|last| now < last + APART) {
            return Vec::new();
        }
        let is_due = |hash: &&InfoHash| self.of.get(hash).is_none_or(|at| now >= *at + EVERY);
        let due: Vec<InfoHash> = there.iter().filter(is_due).copied().collect();
        for hash in &due {
            self.of.insert(*hash, now);
        }
        if !due.is_empty() {
            self.last = Some(now);
        }
        due
    }
}

/// A socket of one family that hears its group.
struct Ear {
    family: Family,
    socket: UdpSocket,
}

/// An interface that calls go out on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    V4(Ipv4Addr),
    V6(u32),
}

impl Ear {
    /// Hears the group of that family wherever the path allows; nothing when the system has no such family, or another program does not share the port.
    fn open(path: &Path, family: Family) -> io::Result<Self> {
        let any = match family {
            Family::V4 => IpAddr::from([0; 4]),
            Family::V6 => IpAddr::from([0; 16]),
        };
        let places = path.places(Some(any));
        let place = places.first().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let socket = path.listen_udp(place, lsd::PORT, Sharing::Group)?;
        socket.set_nonblocking(true)?;
        Ok(Self { family, socket: UdpSocket::from_std(socket)? })
    }

    /// Joins the group on a way; that it has joined already is no error.
    fn join(&self, way: Way) {
        let _ = match way {
            Way::V4(ip) => self.socket.join_multicast_v4(GROUP_V4, ip),
            Way::V6(index) => self.socket.join_multicast_v6(&GROUP_V6, index),
        };
    }

    /// Sends a packet to the group on a way. What cannot be sent is not missed: the next call comes.
    async fn call(&self, way: Way, packet: &[u8]) {
        let socket = socket2::SockRef::from(&self.socket);
        let ready = match way {
            Way::V4(ip) => {
                let hops = if Reach::of(ip.into()) == Reach::Public { HOPS_IN_PUBLIC } else { HOPS };
                socket.set_multicast_if_v4(&ip).and_then(|()| socket.set_multicast_ttl_v4(hops))
            }
            Way::V6(index) => socket.set_multicast_if_v6(index).and_then(|()| socket.set_multicast_hops_v6(HOPS)),
        };
        if ready.is_ok() {
            let _ = self.socket.send_to(packet, lsd::group(self.family)).await;
        }
    }
}

/// The interfaces that lead into a network, by family, as far as the path allows them. An address that is a network of its own has nobody near.
fn ways(path: &Path, family: Family) -> Vec<Way> {
    let places = path.places(path.from());
    let allowed = |name: &str, ip: IpAddr| {
        places.iter().any(|place| match &place.interface {
            Some(interface) => &**interface == name,
            None => place.ip == ip || place.ip.is_unspecified() && place.ip.is_ipv4() == ip.is_ipv4(),
        })
    };
    let mut ways = Vec::new();
    for interface in interfaces().unwrap_or_default().into_iter().filter(|interface| interface.up) {
        let near = |(ip, len): &(IpAddr, u8)| {
            let alone = if ip.is_ipv4() { 31 } else { 127 };
            let has_others = match Reach::of(*ip) {
                Reach::Private => true,
                Reach::Public => *len < alone,
                Reach::Loopback | Reach::Nowhere => false,
            };
            has_others && Family::of(*ip) == family && allowed(&interface.name, *ip)
        };
        let nets = || interface.addrs.iter().copied().zip(interface.prefixes.iter().copied()).filter(near);
        let private = nets().find(|(ip, _)| Reach::of(*ip) == Reach::Private);
        let Some((ip, _)) = private.or_else(|| nets().next()) else { continue };
        match (ip, interface.index) {
            (IpAddr::V4(ip), _) => ways.push(Way::V4(ip)),
            (IpAddr::V6(_), Some(index)) => ways.push(Way::V6(index)),
            (IpAddr::V6(_), None) => {}
        }
    }
    ways
}

/// What the driver needs of its client, while that lives.
pub(crate) struct Reached {
    pub(crate) host: HostHandle,
    pub(crate) registry: std::sync::Arc<Registry>,
}

/// Hears both groups, where anybody near could come.
fn ears(path: &Path) -> Vec<Ear> {
    if path.from().is_some_and(|ip| Reach::of(ip) == Reach::Loopback) {
        return Vec::new();
    }
    let open = |family| Ear::open(path, family).ok();
    let ears: Vec<Ear> = [Family::V4, Family::V6].into_iter().filter_map(open).collect();
    for ear in &ears {
        for way in ways(path, ear.family) {
            ear.join(way);
        }
    }
    ears
}

/// Calls and listens until the client is gone; by which way, `paths` tells.
pub(crate) async fn run(
    mut paths: watch::Receiver<Path>,
    doors: Doors,
    cookie: u64,
    registry: Weak<Registry>,
    host: impl Fn() -> Option<HostHandle>,
) {
    let mut path = paths.borrow_and_update().clone();
    let mut ears = ears(&path);
    let (mut calls, cookie) = (Calls::default(), format!("{cookie:016x}"));
    let mut look = tokio::time::interval(LOOK);
    let mut left = PER_SECOND_MAX;
    let mut rooms = [[0; PACKET_MAX + 1]; 2];
    let [first, second] = &mut rooms;
    loop {
        let heard = tokio::select! {
            changed = paths.changed() => {
                if changed.is_err() {
                    return;
                }
                path = paths.borrow_and_update().clone();
                ears = self::ears(&path);
                calls.begin_anew();
                None
            }
            _ = look.tick() => None,
            heard = hear(ears.first(), first) => heard,
            heard = hear(ears.get(1), second) => heard,
        };
        let Some(registry) = registry.upgrade() else { return };
        let Some(host) = host() else { return };
        let reached = Reached { host, registry };
        match heard {
            Some((from, call)) if left > 0 => {
                left -= 1;
                if call.cookie.as_deref() != Some(&cookie) {
                    take(&reached, from, &call);
                }
            }
            Some(_) => {}
            None => {
                left = PER_SECOND_MAX;
                let torrents = if ears.is_empty() { Vec::new() } else { called_for(&reached.registry) };
                let due = calls.due(Instant::now(), &torrents);
                if !due.is_empty() {
                    call(&path, &ears, &doors, &cookie, &due).await;
                }
            }
        }
    }
}

/// The next packet that a socket hears, when it makes sense.
async fn hear(ear: Option<&Ear>, room: &mut [u8]) -> Option<(SocketAddr, Call)> {
    let Some(ear) = ear else { return std::future::pending().await };
    loop {
        match ear.socket.recv_from(room).await {
            Ok((len, from)) => {
                if let Some(call) = lsd::decode(&room[..len]) {
                    return Some((from, call));
                }
            }
            // What the system reports of an earlier packet says nothing of the next; a socket that only fails must not spin.
            Err(_) => tokio::time::sleep(LOOK).await,
        }
        tokio::task::yield_now().await;
    }
}

/// The hashes of the torrents that are called for: those that run and are not known to be private.
fn called_for(registry: &Registry) -> Vec<InfoHash> {
    let mut hashes = Vec::new();
    for entry in registry.all() {
        if is_public_and_runs(&entry.status()) {
            hashes.extend(entry.key.wires());
        }
    }
    hashes
}

fn is_public_and_runs(status: &Status) -> bool {
    let runs = !matches!(status.state, State::Paused | State::Stopping) && status.failed.is_none() && !status.removed;
    runs && status.about.as_ref().is_none_or(|about| !about.private)
}

/// Sends one call for all that is due, on every way.
async fn call(path: &Path, ears: &[Ear], doors: &Doors, cookie: &str, due: &[InfoHash]) {
    for ear in ears {
        let port = doors.get().of(ear.family).here;
        for way in ways(path, ear.family) {
            ear.join(way);
            for hashes in due.chunks(HASHES_MAX) {
                let call = Call { port, hashes: hashes.to_vec(), cookie: Some(cookie.to_owned()) };
                ear.call(way, &lsd::encode(ear.family, &call)).await;
            }
        }
    }
}

/// A call of somebody near: its sender is a peer of those of our torrents that it names.
fn take(reached: &Reached, from: SocketAddr, call: &Call) {
    let mut peer = from;
    peer.set_port(call.port);
    let (ip, mut source) = (from.ip().to_canonical(), PeerSource::Lsd(Reach::Private));
    if Reach::of(ip) == Reach::Public && interfaces().is_ok_and(|all| all.iter().any(|one| one.is_beside(ip))) {
        source = PeerSource::Lsd(Reach::Public);
    }
    let named: Vec<TorrentId> = {
        let all = reached.registry.all();
        let names = |entry: &std::sync::Arc<crate::entry::Entry>| {
            entry.key.wires().any(|hash| call.hashes.contains(&hash)) && is_public_and_runs(&entry.status())
        };
        all.iter().filter(|entry| names(entry)).map(|entry| entry.id).collect()
    };
    for torrent in named {
        let peers = Command::Peers { torrent, source, list: vec![peer] };
        // A host that has ended dials nobody.
        let _ = reached.host.send(HostMsg::Command(peers));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u8) -> InfoHash {
        InfoHash([n; 20])
    }

    #[test]
    fn each_is_called_for_at_once_and_every_five_minutes_and_calls_are_a_minute_apart() {
        let (mut calls, start) = (Calls::default(), Instant::now());
        let mut due = |s: u64, there: &[u8]| {
            let there: Vec<InfoHash> = there.iter().map(|n| hash(*n)).collect();
            calls.due(start + Duration::from_secs(s), &there).iter().map(|hash| hash.0[0]).collect::<Vec<_>>()
        };
        assert_eq!(due(0, &[]), [0; 0]);
        assert_eq!(due(1, &[1, 2]), [1, 2], "both in one");
        assert_eq!(due(2, &[1, 2, 3]), [0; 0], "a minute has not passed");
        assert_eq!(due(61, &[1, 2, 3]), [3]);
        assert_eq!(due(301, &[1, 2, 3]), [1, 2]);
        assert_eq!(due(361, &[2, 3]), [3]);
        assert_eq!(due(500, &[1, 2, 3]), [1], "it had gone and is back");
        assert_eq!(due(602, &[1, 2, 3]), [2]);
    }

    #[test]
    fn all_are_called_for_where_we_listen_now() {
        let (mut calls, start) = (Calls::default(), Instant::now());
        let there = [hash(1), hash(2)];
        assert_eq!(calls.due(start, &there), there);
        calls.begin_anew();
        assert_eq!(calls.due(start + Duration::from_secs(59), &there), [], "calls are a minute apart");
        assert_eq!(calls.due(start + APART, &there), there);
    }

    #[tokio::test]
    async fn who_listens_on_loopback_alone_calls_nobody() {
        let path = Path::direct().leaving_from(Some([127, 0, 0, 1].into()));
        assert!(ways(&path, Family::V4).is_empty() && ways(&path, Family::V6).is_empty());
        assert!(ears(&path).is_empty(), "and hears nobody");
    }
}
