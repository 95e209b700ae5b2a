//! The UDP sockets of the listening port (BEP 15): answers of trackers, questions to ours, and what goes out in return.
//!
//! A machine has many addresses, and clients take an answer only from the one that they asked. So the kernel is asked with each packet which
//! address it came to (IP_PKTINFO). A packet that nobody can have sent in earnest is dropped before anything is allocated for it, and
//! one turn takes a bounded number.
use core::net::{IpAddr, SocketAddr};
use mio::net::UdpSocket;
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use std::io::{self, IoSliceMut};
use std::sync::Arc;

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

/// One socket with what the kernel does for it.
pub(crate) struct Port {
    pub(crate) socket: UdpSocket,
    state: UdpSocketState,
    bound: SocketAddr,
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
        // What the system does not allow stays as it is.
        let _ = state.set_recv_buffer_size((&socket).into(), BUFFER_LEN);
        let _ = state.set_send_buffer_size((&socket).into(), BUFFER_LEN);
        let (number, account) = (account.opens(&socket), Arc::clone(account));
        Ok(Self { socket, state, bound, account, number })
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
                        for packet in room[..meta.len].chunks(meta.stride.max(1)) {
                            left = left.saturating_sub(1);
                            take(sockopt::canonical(meta.addr), sockopt::canonical(local), packet);
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
        if self.socket.send_to(packet, sockopt::canonical(to)).is_err() {
            self.account.refuses(1);
        }
    }

    /// Sends an answer from the address that was asked; it may be lost like any packet.
    pub(crate) fn answer(&self, packet: &Datagram) {
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
        self.state.max_gso_segments().min(SEGMENTS_MAX)
    }

    /// Sends packets of `segment` bytes, of which the last may be shorter, to one address. Says how many bytes were taken: whole packets, and fewer than all
    /// where the system has no room now. What it refuses for another reason is lost like any packet.
    pub(crate) fn send_train(&self, path: &Path, segment: usize, bytes: &[u8]) -> usize {
        if bytes.len() > segment {
            match self.transmit(path, Some(segment), bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return 0,
                // Where packets are not cut for us it is not asked for again, and these go one by one.
                Err(_) if self.segments_max() == 1 => {}
                Err(_) => {
                    self.account.refuses(bytes.len().div_ceil(segment.max(1)) as u64);
                    return bytes.len();
                }
                Ok(()) => return bytes.len(),
            }
        }
        let mut taken = 0;
        for packet in bytes.chunks(segment) {
            match self.transmit(path, None, packet) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                sent => {
                    self.account.refuses(u64::from(sent.is_err()));
                    taken += packet.len();
                }
            }
        }
        taken
    }

    fn transmit(&self, path: &Path, segment_size: Option<usize>, contents: &[u8]) -> io::Result<()> {
        let src_ip = path.local.filter(|_| self.bound.ip().is_unspecified());
        let transmit = Transmit { destination: path.remote, ecn: None, contents, segment_size, src_ip };
        self.state.try_send((&self.socket).into(), &transmit)
    }

    /// Whether this is the socket for an address of ours, or for one of its family where the address is not known.
    pub(crate) fn serves(&self, addr: IpAddr) -> bool {
        self.bound.is_ipv4() == addr.is_ipv4()
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
        let (ours, theirs) = (port("127.0.0.1:0"), port("127.0.0.1:0"));
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
        let ours = port("127.0.0.1:0");
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        ours.send(nowhere, &[0; 9]);
        ours.answer(&Datagram { remote: nowhere, local: ours.bound, bytes: vec![0; 9] });
        assert_eq!(ours.account.told().refused, 2);
        let path = Path { remote: nowhere, local: None };
        assert_eq!(ours.send_train(&path, 1_000, &[0; 4_500]), 4_500, "they are lost");
        assert_eq!(ours.account.told().refused, 7);
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
