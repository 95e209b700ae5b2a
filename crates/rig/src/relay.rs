//! What joins two hosts instead of a cable (own design): frames are taken from one side by a packet socket, pass a `Line`, and are put down at the other.
//! The kernel's own means (netem) are not everywhere; packet sockets are.
//!
//! Each side is a network namespace with nothing but its end of a cable, so a packet socket there hears that cable alone without being bound to it. Where to
//! send it learns from the first frame that it hears, and each host is made to say one.
//!
//! A host leaves the checksum to its network card, which a veth pair does not have: what is copied would be thrown away at the other end. So checksums of TCP are made here, and
//! those of UDP are taken away, which IPv4 allows. Frames must come as they would on a wire: `hosts` has the hosts cut them (`gso_max_segs`).

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::net::UdpSocket;
use std::num::NonZeroU32;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketAddrAny, SocketFlags, SocketType, sockopt};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::line::{Line, Nature, Seen};

/// `ETH_P_ALL` in the order of the network: a packet socket hears all kinds of frames.
const ALL_KINDS: u32 = (0x0003_u16).to_be() as u32;
/// Bytes that the system may hold for a packet socket in each direction: a tenth of a second of more than we carry.
const BUFFER_LEN: usize = 32 << 20;
/// The longest frame that is taken; a longer one was not cut, and is counted.
const FRAME_MAX: usize = 1_514;
/// Bytes read at a time.
const READ_LEN: usize = 65_600;
/// Frames taken from one side before the other is looked at.
const TURN: usize = 64;
/// How long it may take until each side has heard a frame.
const READY: Duration = Duration::from_secs(10);
/// How often it is looked whether to end, when nothing comes.
const EVERY: Duration = Duration::from_millis(50);
/// The discard port: what is sent there makes a host ask for the other's address, and nothing else.
const DISCARD: u16 = 9;

/// A host and its side of the relay.
pub(crate) struct Side {
    /// The host's namespace and the other host's address.
    pub(crate) host: File,
    pub(crate) other: &'static str,
    /// The namespace at the other end of its cable.
    pub(crate) end: File,
}

/// What a relay has seen: each direction, by the side whose frames they were.
#[derive(Clone, Copy, Debug, Default)]
pub struct Passed {
    /// What came from the near host.
    pub near: Seen,
    /// What came from the far host.
    pub far: Seen,
    /// Frames that were longer than a frame may be: the figures say nothing then.
    pub uncut: u64,
    /// Frames that the system refused to put down.
    pub refused: u64,
}

/// A running relay.
pub(crate) struct Relay {
    over: Arc<AtomicBool>,
    carrier: Option<JoinHandle<io::Result<Passed>>>,
}

impl Relay {
    /// Joins the near and the far host. When it returns, frames pass.
    pub(crate) fn start(sides: [Side; 2], nature: Nature) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (told, ready) = std::sync::mpsc::channel();
        let ends = Arc::clone(&over);
        // A thread may move into a namespace alone; it never comes back.
        let carrier = std::thread::spawn(move || {
            let ports = ports(&sides)?;
            let _ = told.send(());
            carry(&ports, nature, &ends)
        });
        let mut relay = Self { over, carrier: Some(carrier) };
        let stands = ready.recv().is_ok();
        assert!(stands, "no relay: {:?}", relay.end());
        relay
    }

    /// Ends it, and says what passed.
    pub(crate) fn stop(mut self) -> Passed {
        self.end().expect("the relay works to its end")
    }

    fn end(&mut self) -> io::Result<Passed> {
        self.over.store(true, Ordering::Relaxed);
        let carrier = self.carrier.take().map(|carrier| carrier.join().expect("the relay does not panic"));
        carrier.unwrap_or_else(|| Ok(Passed::default()))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// A packet socket and where its frames are put down.
struct Port {
    socket: OwnedFd,
    at: SocketAddrAny,
}

fn enter(namespace: &File) -> io::Result<()> {
    Ok(move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?)
}

/// Opens both sockets and has each hear its host.
fn ports(sides: &[Side; 2]) -> io::Result<[Port; 2]> {
    let open = |side: &Side| -> io::Result<OwnedFd> {
        enter(&side.end)?;
        let protocol = NonZeroU32::new(ALL_KINDS).map(Protocol::from_raw);
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(AddressFamily::PACKET, SocketType::RAW, flags, protocol)?;
        // The root of a namespace alone gets as much as the system lets anybody have.
        sockopt::set_socket_recv_buffer_size_force(&socket, BUFFER_LEN)
            .or_else(|_| sockopt::set_socket_recv_buffer_size(&socket, BUFFER_LEN))?;
        sockopt::set_socket_send_buffer_size_force(&socket, BUFFER_LEN)
            .or_else(|_| sockopt::set_socket_send_buffer_size(&socket, BUFFER_LEN))?;
        Ok(socket)
    };
    let learn = |side: &Side, socket: OwnedFd| -> io::Result<Port> {
        enter(&side.host)?;
        UdpSocket::bind(("0.0.0.0", 0))?.send_to(&[], (side.other, DISCARD))?;
        let begun = Instant::now();
        while begun.elapsed() < READY {
            wait([&socket], READY)?;
            match rustix::net::recvfrom(&socket, &mut [0; 64][..], RecvFlags::empty()) {
                Ok((.., Some(at))) => return Ok(Port { socket, at }),
                Ok(_) | Err(rustix::io::Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "a host says nothing"))
    };
    let [near, far] = sides;
    let (near_socket, far_socket) = (open(near)?, open(far)?);
    Ok([learn(near, near_socket)?, learn(far, far_socket)?])
}

/// Waits until one of them has something to read, for so long at the most.
fn wait<const N: usize>(sockets: [&OwnedFd; N], most: Duration) -> io::Result<()> {
    let mut fds = sockets.map(|socket| PollFd::new(socket, PollFlags::IN));
    let most = Timespec { tv_sec: most.as_secs().cast_signed(), tv_nsec: most.subsec_nanos().into() };
    match poll(&mut fds, Some(&most)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Carries frames until told to end.
fn carry(ports: &[Port; 2], nature: Nature, over: &AtomicBool) -> io::Result<Passed> {
    let begun = Instant::now();
    let mut lines = [Line::new(nature, 1), Line::new(nature, 2)];
    let mut ways: [VecDeque<(Duration, Vec<u8>)>; 2] = Default::default();
    let (mut passed, mut room, mut spare) = (Passed::default(), vec![0; READ_LEN], Vec::new());
    while !over.load(Ordering::Relaxed) {
        let now = begun.elapsed();
        for ((port, line), way) in ports.iter().zip(&mut lines).zip(&mut ways) {
            for _ in 0..TURN {
                let len = match rustix::net::recv(&port.socket, &mut room[..], RecvFlags::empty()) {
                    Ok((len, _)) => len,
                    Err(rustix::io::Errno::AGAIN) => break,
                    Err(error) => return Err(error.into()),
                };
                if len > FRAME_MAX {
                    passed.uncut += 1;
                }
                if let Some(at) = line.carry(now, len) {
                    let mut frame: Vec<u8> = spare.pop().unwrap_or_default();
                    frame.clear();
                    frame.extend_from_slice(&room[..len]);
                    checksum(&mut frame);
                    way.push_back((at, frame));
                }
            }
        }
        let now = begun.elapsed();
        for (way, other) in ways.iter_mut().zip(ports.iter().rev()) {
            while way.front().is_some_and(|(at, _)| *at <= now) {
                let Some((_, frame)) = way.pop_front() else { break };
                if rustix::net::sendto(&other.socket, &frame, SendFlags::empty(), &other.at).is_err() {
                    passed.refused += 1;
                }
                spare.push(frame);
            }
        }
        let next = ways.iter().filter_map(|way| way.front().map(|(at, _)| *at)).min();
        let most = next.map_or(EVERY, |at| at.saturating_sub(begun.elapsed()).min(EVERY));
        wait([&ports[0].socket, &ports[1].socket], most)?;
    }
    let [near, far] = lines.map(|line| line.seen);
    Ok(Passed { near, far, ..passed })
}

/// Makes the checksum of a frame that carries TCP (RFC 9293, section 3.1), and takes away that of UDP (RFC 768): over IPv4 alone, and never of fragments.
fn checksum(frame: &mut [u8]) {
    const ETHERNET: usize = 14;
    let Some(packet) = frame.get_mut(ETHERNET..).filter(|packet| packet.len() >= 20 && packet[0] >> 4 == 4) else {
        return;
    };
    let head = usize::from(packet[0] & 15) * 4;
    let len = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
    let fragment = u16::from_be_bytes([packet[6], packet[7]]) & 0x3fff != 0;
    if fragment || head < 20 || len > packet.len() {
        return;
    }
    let (protocol, mut sum) = (packet[9], u64::from(packet[9]) + (len - head.min(len)) as u64);
    sum += words(&packet[12..20]);
    let Some(body) = packet.get_mut(head..len) else { return };
    match protocol {
        6 if body.len() >= 20 => {
            body[16..18].fill(0);
            sum += words(body);
            while sum > 0xffff {
                sum = (sum & 0xffff) + (sum >> 16);
            }
            body[16..18].copy_from_slice(&(!(sum as u16)).to_be_bytes());
        }
        17 if body.len() >= 8 => body[6..8].fill(0),
        _ => {}
    }
}

/// The sum of bytes as numbers of two.
fn words(bytes: &[u8]) -> u64 {
    bytes.chunks(2).map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame with an IPv4 head, of which only what the checksum counts is filled in.
    fn frame(protocol: u8, body: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; 14];
        let len = (20 + body.len()) as u16;
        frame.extend([0x45, 0, len.to_be_bytes()[0], len.to_be_bytes()[1], 0, 0, 0x40, 0, 64, protocol, 0, 0]);
        frame.extend([198, 18, 0, 1, 198, 18, 0, 2]);
        frame.extend(body);
        frame
    }

    #[test]
    fn a_checksum_of_tcp_makes_the_whole_sum_to_ones_and_one_of_udp_goes() {
        let mut tcp = frame(6, &(0..41).collect::<Vec<u8>>());
        checksum(&mut tcp);
        let mut sum = words(&tcp[26..34]) + 6 + 41 + words(&tcp[34..]);
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        assert_eq!(sum, 0xffff);
        let mut udp = frame(17, &[1; 12]);
        checksum(&mut udp);
        assert_eq!(udp[34..], [1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1]);
    }

    #[test]
    fn what_has_no_checksum_of_its_own_is_left() {
        let mut fragment = frame(17, &[1; 12]);
        fragment[21] = 1;
        for mut left in [vec![], vec![0; 13], frame(1, &[1; 9]), frame(6, &[1; 9]), fragment] {
            let before = left.clone();
            checksum(&mut left);
            assert_eq!(left, before);
        }
    }
}
