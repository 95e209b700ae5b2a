//! The UDP sockets of the listening port (BEP 15): answers of trackers, questions to ours, and what goes out in return.
//!
//! A machine has many addresses, and clients take an answer only from the one that they asked. So the kernel is asked with each packet which
//! address it came to (IP_PKTINFO). A packet that nobody can have sent in earnest is dropped before anything is allocated for it, and
//! one turn takes a bounded number.
use core::net::{IpAddr, SocketAddr};
use mio::net::UdpSocket;
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use std::io::{self, IoSliceMut};

use teem_utp::Transmit as Train;

use crate::sockopt;
use teem_wire::datagram::Datagram;

/// Packets of one turn and socket; the rest waits in the kernel.
pub(crate) const PACKETS_PER_TURN: usize = 64;

/// Bytes read at a time: the kernel may hand over several packets of one sender as one.
const READ_LEN: usize = 64 * 1024;

/// One socket with what the kernel does for it.
pub(crate) struct Port {
    pub(crate) socket: UdpSocket,
    state: UdpSocketState,
    bound: SocketAddr,
}

impl Port {
    pub(crate) fn new(socket: UdpSocket) -> io::Result<Self> {
        let (bound, state) = (socket.local_addr()?, UdpSocketState::new((&socket).into())?);
        Ok(Self { socket, state, bound })
    }

    /// Reads packets into `scratch`, of 64 KiB at least, and hands them on with where they come from and went to; false when there may
    /// be more.
    pub(crate) fn receive(&self, scratch: &mut [u8], mut take: impl FnMut(SocketAddr, SocketAddr, &[u8])) -> bool {
        let room = scratch.len().min(READ_LEN);
        let scratch = &mut scratch[..room];
        let mut left = PACKETS_PER_TURN;
        while left > 0 {
            let mut meta = [RecvMeta::default()];
            match self.state.recv((&self.socket).into(), &mut [IoSliceMut::new(scratch)], &mut meta) {
                Ok(_) => {
                    let [meta] = meta;
                    let to = meta.dst_ip.filter(|ip| self.bound.ip().is_unspecified() && !ip.is_multicast());
                    let local = SocketAddr::new(to.unwrap_or(self.bound.ip()), self.bound.port());
                    for packet in scratch[..meta.len].chunks(meta.stride.max(1)) {
                        left = left.saturating_sub(1);
                        take(sockopt::canonical(meta.addr), sockopt::canonical(local), packet);
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
        let _ = self.socket.send_to(packet, sockopt::canonical(to));
    }

    /// Sends an answer from the address that was asked; it may be lost like any packet.
    pub(crate) fn answer(&self, packet: &Datagram) {
        let src_ip =
            Some(packet.local.ip()).filter(|ip: &IpAddr| self.bound.ip().is_unspecified() && !ip.is_unspecified());
        let (destination, contents) = (packet.remote, packet.bytes.as_slice());
        let transmit = Transmit { destination, ecn: None, contents, segment_size: None, src_ip };
        let _ = self.state.try_send((&self.socket).into(), &transmit);
    }

    /// How many packets of one size the system sends by one call.
    pub(crate) fn segments_max(&self) -> usize {
        self.state.max_gso_segments()
    }

    /// Sends packets of one size to one address; they may be lost like any packet.
    pub(crate) fn send_train(&self, train: &Train, bytes: &[u8]) {
        let contents = &bytes[..train.len];
        let segment_size = (train.segment < train.len).then_some(train.segment);
        let src_ip = train.path.local.filter(|_| self.bound.ip().is_unspecified());
        let transmit = Transmit { destination: train.path.remote, ecn: None, contents, segment_size, src_ip };
        let _ = self.state.try_send((&self.socket).into(), &transmit);
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
        Port::new(UdpSocket::bind(addr.parse().unwrap()).unwrap()).unwrap()
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
