//! The UDP sockets of the listening port (BEP 15): answers of trackers, questions to ours, and what goes out in return.
//!
//! Through a proxy there is one socket for both families, which speaks to the proxy's relay alone: here, and nowhere else, packets get the head that says where they
//! go, and lose the one that says where they come from (RFC 1928, section 7).
//!
//! A machine has many addresses, and clients take an answer only from the one that they asked. So the kernel is asked with each packet which
//! address it came to (IP_PKTINFO). A packet that nobody can have sent in earnest is dropped before anything is allocated for it, and
//! one turn takes a bounded number.
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use mio::net::UdpSocket;
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use std::io::{self, IoSliceMut};
use std::sync::Arc;

use teem_path::opener::Target;
use teem_path::relay;
use teem_utp::Path;

use crate::account::Account;
use crate::sockopt;
use teem_wire::datagram::Datagram;

/// Packets of one turn and socket; the rest waits in the kernel.
pub(crate) const PACKETS_PER_TURN: usize = 256;

/// Bytes read at a time: the kernel may hand over several packets of one sender as one.
const READ_LEN: usize = 64 * 1024;

/// Messages taken by one call, each of up to [`READ_LEN`] bytes.
const MESSAGES: usize = 4;

/// Bytes that the kernel is asked to hold for us in each direction. It holds as much of that as the system lets: what came while we looked elsewhere is
/// lost beyond it.
const BUFFER_LEN: usize = 4 * 1024 * 1024;

/// Packets that are cut by the system or the network card from what one call sends, at most: of 1,472 bytes as many as fit into a datagram.
const SEGMENTS_MAX: usize = 44;

/// The same where each of them gets a head of 22 bytes.
const RELAYED_SEGMENTS_MAX: usize = 40;

/// Which address of a relay's a packet came to is not known.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// One socket with what the kernel does for it.
pub(crate) struct Port {
    pub(crate) socket: UdpSocket,
    state: UdpSocketState,
    /// The same for trains. It gives up trains for good when one is refused, and whether they are to blame is found out here.
    trains: UdpSocketState,
    bound: SocketAddr,
    /// The relay that all goes to and comes from.
    relay: Option<SocketAddr>,
    account: Arc<Account>,
    /// What the account knows it by.
    number: Option<u64>,
}

impl Drop for Port {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.account.closes(number);
        }
    }
}

impl Port {
    pub(crate) fn new(socket: UdpSocket, account: &Arc<Account>) -> io::Result<Self> {
        let (bound, state) = (socket.local_addr()?, UdpSocketState::new((&socket).into())?);
        let trains = UdpSocketState::new((&socket).into())?;
        // What the system does not allow stays as it is.
        let _ = state.set_recv_buffer_size((&socket).into(), BUFFER_LEN);
        let _ = state.set_send_buffer_size((&socket).into(), BUFFER_LEN);
        let (number, account) = (account.opens(&socket), Arc::clone(account));
        Ok(Self { socket, state, trains, bound, relay: None, account, number })
    }

    /// The same for packets that a relay carries, of both families.
    pub(crate) fn relayed(socket: UdpSocket, relay: SocketAddr, account: &Arc<Account>) -> io::Result<Self> {
        let mut port = Self::new(socket, account)?;
        port.relay = Some(relay);
        Ok(port)
    }

    /// Reads packets into `scratch`, of 64 KiB at least, and hands them on with where they come from and went to; false when there may
    /// be more.
    pub(crate) fn receive(&self, scratch: &mut [u8], mut take: impl FnMut(SocketAddr, SocketAddr, &[u8])) -> bool {
        let mut left = PACKETS_PER_TURN;
        while left > 0 {
            let mut meta = [RecvMeta::default(); MESSAGES];
            let mut rooms: Vec<_> =
                scratch.chunks_exact_mut(READ_LEN).take(left.min(MESSAGES)).map(IoSliceMut::new).collect();
            match self.state.recv((&self.socket).into(), &mut rooms, &mut meta) {
                Ok(count) => {
                    for (room, meta) in rooms.iter().zip(&meta[..count]) {
                        let to = meta.dst_ip.filter(|ip| self.bound.ip().is_unspecified() && !ip.is_multicast());
                        let local = SocketAddr::new(to.unwrap_or(self.bound.ip()), self.bound.port());
                        // Nobody can be answered there.
                        if meta.addr.port() == 0 {
                            left = left.saturating_sub(1);
                            continue;
                        }
                        for packet in room[..meta.len].chunks(meta.stride.max(1)) {
                            left = left.saturating_sub(1);
                            let from = sockopt::canonical(meta.addr);
                            match self.relay {
                                None => take(from, sockopt::canonical(local), packet),
                                // What others send to this port is no word of the relay's.
                                Some(relay) if relay != from => {}
                                Some(_) => {
                                    if let Some((from, packet)) = relay::unwrap(packet) {
                                        take(from, SocketAddr::new(UNKNOWN, self.bound.port()), packet);
                                    }
                                }
                            }
                        }
                    }
                    // Less than there was room for is all that there was.
                    if count < rooms.len() {
                        return true;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                // Some systems report here what an earlier packet met on its way: nothing about the next one.
                Err(_) => left -= 1,
            }
        }
        false
    }

    /// Sends one packet. A full kernel or an unreachable tracker loses it, as the network may: the asker tries again.
    pub(crate) fn send(&self, to: SocketAddr, packet: &[u8]) {
        if self.relay.is_some() {
            return self.send_by_relay(&Target::Addr(to), packet);
        }
        if self.socket.send_to(packet, sockopt::canonical(to)).is_err() {
            self.account.refuses(1);
        }
    }

    /// Sends one packet to a place that the relay finds; without a relay there is no such way, and it is lost.
    pub(crate) fn send_by_relay(&self, to: &Target, packet: &[u8]) {
        let Some(relay) = self.relay else { return };
        let mut wrapped = Vec::with_capacity(relay::HEAD_MAX + packet.len());
        let sent = relay::wrap(to, packet, &mut wrapped).is_ok() && self.socket.send_to(&wrapped, relay).is_ok();
        self.account.refuses(u64::from(!sent));
    }

    /// Sends an answer from the address that was asked; it may be lost like any packet.
    pub(crate) fn answer(&self, packet: &Datagram) {
        if self.relay.is_some() {
            return self.send(packet.remote, &packet.bytes);
        }
        let src_ip =
            Some(packet.local.ip()).filter(|ip: &IpAddr| self.bound.ip().is_unspecified() && !ip.is_unspecified());
        let (destination, contents) = (packet.remote, packet.bytes.as_slice());
        let transmit = Transmit { destination, ecn: None, contents, segment_size: None, src_ip };
        if self.state.try_send((&self.socket).into(), &transmit).is_err() {
            self.account.refuses(1);
        }
    }

    /// How many packets of one size the system sends by one call.
    pub(crate) fn segments_max(&self) -> usize {
        let max = if self.relay.is_some() { RELAYED_SEGMENTS_MAX } else { SEGMENTS_MAX };
        self.trains.max_gso_segments().min(max)
    }

    /// Sends packets of `segment` bytes, of which the last may be shorter, to one address. Says how many bytes were taken: whole packets, and fewer than all
    /// where the system has no room now. What it refuses for another reason is lost like any packet.
    pub(crate) fn send_train(&mut self, path: &Path, segment: usize, bytes: &[u8]) -> usize {
        let mut taken = 0;
        if bytes.len() > segment && self.segments_max() > 1 {
            match self.transmit(&self.trains, path, Some(segment), bytes) {
                Ok(()) => return bytes.len(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return 0,
                // Either packets are not cut for us, or nothing goes there: one alone tells.
                Err(_) => match self.transmit(&self.state, path, None, &bytes[..segment]) {
                    // The others go one by one; that trains are refused has been noted.
                    Ok(()) => taken = segment,
                    Err(error) => {
                        self.trains_again();
                        if error.kind() == io::ErrorKind::WouldBlock {
                            return 0;
                        }
                        self.account.refuses(bytes.len().div_ceil(segment.max(1)) as u64);
                        return bytes.len();
                    }
                },
            }
        }
        for packet in bytes[taken..].chunks(segment) {
            match self.transmit(&self.state, path, None, packet) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                sent => {
                    self.account.refuses(u64::from(sent.is_err()));
                    taken += packet.len();
                }
            }
        }
        taken
    }

    /// That a train was refused says nothing about trains.
    fn trains_again(&mut self) {
        if self.segments_max() == 1
            && let Ok(fresh) = UdpSocketState::new((&self.socket).into())
        {
            self.trains = fresh;
        }
    }

    fn transmit(
        &self,
        state: &UdpSocketState,
        path: &Path,
        segment_size: Option<usize>,
        contents: &[u8],
    ) -> io::Result<()> {
        if let Some(relay) = self.relay {
            return self.transmit_by_relay(state, relay, path.remote, segment_size, contents);
        }
        let src_ip = path.local.filter(|_| self.bound.ip().is_unspecified());
        let transmit = Transmit { destination: path.remote, ecn: None, contents, segment_size, src_ip };
        state.try_send((&self.socket).into(), &transmit)
    }

    /// Each packet of what goes together gets its own head.
    fn transmit_by_relay(
        &self,
        state: &UdpSocketState,
        destination: SocketAddr,
        remote: SocketAddr,
        segment_size: Option<usize>,
        contents: &[u8],
    ) -> io::Result<()> {
        let len = segment_size.unwrap_or(contents.len()).max(1);
        let head = relay::head_len(remote.ip().to_canonical().is_ipv4());
        let mut wrapped = Vec::with_capacity(contents.len() + head * contents.len().div_ceil(len));
        for packet in contents.chunks(len) {
            relay::wrap(&Target::Addr(remote), packet, &mut wrapped).map_err(io::Error::other)?;
        }
        let segment_size = segment_size.map(|len| len + head);
        state.try_send(
            (&self.socket).into(),
            &Transmit { destination, ecn: None, contents: &wrapped, segment_size, src_ip: None },
        )
    }

    /// Whether this is the socket for an address of ours, or for one of its family where the address is not known. A relay reaches both families.
    pub(crate) fn serves(&self, addr: IpAddr) -> bool {
        self.relay.is_some() || self.bound.is_ipv4() == addr.is_ipv4()
    }

    /// Whether a relay carries its packets.
    pub(crate) fn is_relayed(&self) -> bool {
        self.relay.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(addr: &str) -> Port {
        Port::new(UdpSocket::bind(addr.parse().unwrap()).unwrap(), &Arc::default()).unwrap()
    }

    #[test]
    fn a_packet_comes_with_both_ends() {
        let ours = port("127.0.0.1:0");
        let to = ours.bound;
        let tracker = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut scratch = vec![0; READ_LEN];
        for packet in [&[7; 9][..], &[]] {
            tracker.send_to(packet, to).unwrap();
        }
        let mut got = Vec::new();
        // On loopback a packet is there when its send returns.
        assert!(ours.receive(&mut scratch, |from, local, bytes| got.push((from, local, bytes.to_vec()))));
        assert_eq!(got, [(tracker.local_addr().unwrap(), to, vec![7; 9])]);
    }

    /// The packets that a relay at `relay` has been sent: where each is to go, and what it says.
    fn at_relay(relay: &std::net::UdpSocket) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut room = vec![0; READ_LEN];
        relay.set_nonblocking(true).unwrap();
        let packets = core::iter::from_fn(|| relay.recv(&mut room).ok().map(|len| room[..len].to_vec()));
        let packets: Vec<_> = packets.collect();
        let unwrapped = packets.iter().map(|packet| relay::unwrap(packet).unwrap());
        unwrapped.map(|(to, bytes)| (to, bytes.to_vec())).collect()
    }

    #[test]
    fn what_goes_by_a_relay_is_wrapped_packet_by_packet_and_unwrapped_when_it_comes() {
        let relay = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let stranger = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let mut ours = Port::relayed(socket, relay.local_addr().unwrap(), &Arc::default()).unwrap();
        let peers: [SocketAddr; 2] = ["198.18.0.7:6881".parse().unwrap(), "[2001:db8::1]:80".parse().unwrap()];
        for peer in peers {
            assert!(ours.serves(peer.ip()));
            ours.send(peer, b"one");
            ours.answer(&Datagram { remote: peer, local: ours.bound, bytes: b"two".to_vec() });
            assert_eq!(at_relay(&relay), [(peer, b"one".to_vec()), (peer, b"two".to_vec())]);
            let bytes: Vec<u8> = (0..4_500u32).map(|n| (n % 251) as u8).collect();
            assert_eq!(ours.send_train(&Path { remote: peer, local: None }, 1_000, &bytes), bytes.len());
            let wanted: Vec<_> = bytes.chunks(1_000).map(|packet| (peer, packet.to_vec())).collect();
            assert_eq!(at_relay(&relay), wanted);
            let mut wrapped = Vec::new();
            relay::wrap(&Target::Addr(peer), b"three", &mut wrapped).unwrap();
            for sender in [&stranger, &relay] {
                sender.send_to(&wrapped, ours.bound).unwrap();
            }
            let (mut scratch, mut got) = (vec![0; READ_LEN], Vec::new());
            ours.receive(&mut scratch, |from, local, bytes| got.push((from, local.ip(), bytes.to_vec())));
            assert_eq!(got, [(peer, UNKNOWN, b"three".to_vec())], "the relay's words alone");
        }
    }

    /// All of 127/8 is this machine's on Linux, so it stands for a machine with several addresses.
    #[cfg(target_os = "linux")]
    #[test]
    fn an_answer_leaves_from_the_address_that_was_asked() {
        let ours = port("0.0.0.0:0");
        let asker = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let asked: SocketAddr = format!("127.0.0.9:{}", ours.bound.port()).parse().unwrap();
        asker.send_to(b"question", asked).unwrap();
        let mut scratch = vec![0; READ_LEN];
        let mut answer = None;
        ours.receive(&mut scratch, |remote, local, bytes| {
            answer = Some(Datagram { remote, local, bytes: bytes.to_vec() });
        });
        let answer = answer.unwrap();
        assert_eq!(answer.local, asked);
        ours.answer(&answer);
        let mut buffer = [0; 64];
        assert_eq!(asker.recv_from(&mut buffer).unwrap(), (8, asked));
    }

    #[test]
    fn packets_of_one_size_come_as_they_were_cut() {
        let (mut ours, theirs) = (port("127.0.0.1:0"), port("127.0.0.1:0"));
        let path = Path { remote: theirs.bound, local: None };
        let bytes: Vec<u8> = (0..1_000u32 * 20 + 7).map(|n| (n % 251) as u8).collect();
        assert_eq!(ours.send_train(&path, 1_000, &bytes), bytes.len());
        let (mut scratch, mut got) = (vec![0; 2 * READ_LEN], Vec::new());
        assert!(theirs.receive(&mut scratch, |_, _, packet| got.push(packet.to_vec())));
        assert_eq!(got.iter().map(Vec::len).collect::<Vec<_>>(), [vec![1_000; 20], vec![7]].concat());
        assert_eq!(got.concat(), bytes);
    }

    #[test]
    fn what_the_system_refuses_is_counted_packet_by_packet() {
        let mut ours = port("127.0.0.1:0");
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        ours.send(nowhere, &[0; 9]);
        ours.answer(&Datagram { remote: nowhere, local: ours.bound, bytes: vec![0; 9] });
        assert_eq!(ours.account.told().refused, 2);
        let path = Path { remote: nowhere, local: None };
        assert_eq!(ours.send_train(&path, 1_000, &[0; 4_500]), 4_500, "they are lost");
        assert_eq!(ours.account.told().refused, 7);
    }

    /// Somebody who names an address that nothing can be sent to would have everybody's packets go one by one.
    #[test]
    fn an_address_that_nothing_goes_to_is_no_reason_against_trains() {
        let mut ours = port("127.0.0.1:0");
        let before = ours.segments_max();
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        ours.answer(&Datagram { remote: nowhere, local: ours.bound, bytes: vec![0; 9] });
        let path = Path { remote: nowhere, local: None };
        ours.send_train(&path, 1_000, &[0; 900]);
        ours.send_train(&path, 1_000, &[0; 4_500]);
        assert!(before > 1 && ours.state.max_gso_segments() == 1, "this system cuts no packets");
        assert_eq!(ours.segments_max(), before);
    }

    /// A socket that makes no checksums (SO_NO_CHECK) gets no packets cut on Linux. Only somebody else can set that without `unsafe`: a child to whom the
    /// socket is lent.
    #[cfg(target_os = "linux")]
    #[test]
    fn where_packets_are_not_cut_for_us_they_go_one_by_one() {
        let needs = teem_rig::namespace::Needs::Command("python3", "--version");
        if !needs.is_there() {
            assert!(!teem_rig::namespace::all_wanted(), "python3 is missing");
            eprintln!("skipped: python3 is missing");
            return;
        }
        let (mut ours, theirs) = (port("127.0.0.1:0"), port("127.0.0.1:0"));
        let lent = std::os::fd::AsFd::as_fd(&ours.socket).try_clone_to_owned().unwrap();
        let script = "import socket; socket.socket(fileno=0).setsockopt(socket.SOL_SOCKET, 11, 1)";
        let set = std::process::Command::new("python3").args(["-c", script]).stdin(lent).status().unwrap();
        assert!(set.success());
        assert!(ours.segments_max() > 1, "this system cuts no packets");
        let path = Path { remote: theirs.bound, local: None };
        let bytes: Vec<u8> = (0..4_500u32).map(|n| (n % 251) as u8).collect();
        for _ in 0..2 {
            assert_eq!(ours.send_train(&path, 1_000, &bytes), bytes.len());
            assert_eq!(ours.segments_max(), 1, "it was refused once, and is not asked for again");
            let (mut scratch, mut got) = (vec![0; READ_LEN], Vec::new());
            while got.len() < bytes.len() {
                theirs.receive(&mut scratch, |_, _, packet| got.extend_from_slice(packet));
            }
            assert_eq!(got, bytes);
        }
        assert_eq!(ours.account.told().refused, 0);
    }

    /// The queue of a slow device holds what a socket has sent, and the socket has room for little.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_system_has_no_room_for_goes_when_it_has() {
        let needs = [teem_rig::namespace::Needs::Command("tc", "-V")];
        teem_rig::namespace::isolated("udp::tests::what_the_system_has_no_room_for_goes_when_it_has", &needs, |_| {
            let slow = "qdisc add dev lo root tbf rate 16mbit burst 16k limit 4m";
            assert!(std::process::Command::new("tc").args(slow.split(' ')).status().unwrap().success());
            let (mut ours, theirs) = (port("127.0.0.1:0"), port("127.0.0.1:0"));
            socket2::SockRef::from(&ours.socket).set_send_buffer_size(1).unwrap();
            let mut poll = mio::Poll::new().unwrap();
            let interest = mio::Interest::WRITABLE;
            poll.registry().register(&mut ours.socket, mio::Token(0), interest).unwrap();
            let path = Path { remote: theirs.bound, local: None };
            let (mut unsent, mut refused) = (crate::unsent::Unsent::default(), 0);
            let (mut events, mut scratch) = (mio::Events::with_capacity(8), vec![0; READ_LEN]);
            let (mut sent, mut got) = (Vec::new(), Vec::new());
            for n in 0..40_u8 {
                let train = vec![n; 10_000];
                let taken = ours.send_train(&path, 1_000, &train);
                sent.extend_from_slice(&train);
                unsent.keep(path, 1_000, &train[taken..]);
                refused += usize::from(!unsent.is_empty());
                while !unsent.is_empty() {
                    poll.poll(&mut events, None).unwrap();
                    unsent.room();
                    unsent.again(|path, segment, bytes| ours.send_train(path, segment, bytes));
                }
                theirs.receive(&mut scratch, |_, _, packet| got.extend_from_slice(packet));
            }
            assert!(refused > 0, "there was always room");
            while got.len() < sent.len() {
                theirs.receive(&mut scratch, |_, _, packet| got.extend_from_slice(packet));
            }
            assert!(got == sent && ours.account.told().refused == 0);
        });
    }

    /// On Linux alone the system tells.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_comes_while_the_buffer_is_full_is_counted_over_the_life_of_a_socket() {
        let (ours, theirs) = (port("127.0.0.1:0"), port("127.0.0.1:0"));
        let account = Arc::clone(&ours.account);
        assert_eq!(account.told().dropped, Some(0));
        socket2::SockRef::from(&ours.socket).set_recv_buffer_size(4_096).unwrap();
        for _ in 0..100 {
            theirs.send(ours.bound, &[0; 1_000]);
        }
        let (mut scratch, mut came) = (vec![0; READ_LEN], 0);
        ours.receive(&mut scratch, |_, _, _| came += 1);
        assert!(came < 100, "the buffer holds all");
        assert_eq!(account.told().dropped, Some(100 - came));
        drop(ours);
        assert_eq!(account.told().dropped, Some(100 - came), "what was is not forgotten");
    }

    #[test]
    fn one_turn_takes_a_bounded_number() {
        let (ours, tracker) = (port("127.0.0.1:0"), port("127.0.0.1:0"));
        for _ in 0..=PACKETS_PER_TURN {
            tracker.send(ours.bound, &[0; 8]);
        }
        let (mut scratch, mut count) = (vec![0; READ_LEN], 0);
        assert!(!ours.receive(&mut scratch, |_, _, _| count += 1));
        assert_eq!(count, PACKETS_PER_TURN);
        assert!(ours.receive(&mut scratch, |_, _, _| count += 1));
        assert_eq!(count, PACKETS_PER_TURN + 1);
    }
}
