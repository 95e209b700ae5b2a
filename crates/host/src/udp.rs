//! The UDP sockets of the listening port (BEP 15): what trackers answer comes in, what they are asked goes out.
//!
//! A packet that no tracker can have sent is dropped before anything is allocated for it, and one turn takes a bounded number.
use core::net::SocketAddr;
use mio::net::UdpSocket;
use std::io;

use crate::sockopt;

/// Packets of one turn and socket; the rest waits in the kernel.
pub(crate) const PACKETS_PER_TURN: usize = 64;

/// The longest packet that is taken, in bytes.
const PACKET_MAX: usize = 4096;

/// The shortest answer of a tracker: action and transaction id.
const REPLY_MIN: usize = 8;

/// The greatest action of BEP 15: error.
const ACTION_MAX: u32 = 3;

/// Whether a packet can be a tracker's answer by its form alone.
fn is_tracker_reply(packet: &[u8]) -> bool {
    packet.len() >= REPLY_MIN
        && packet.len() <= PACKET_MAX
        && packet.first_chunk().is_some_and(|action| u32::from_be_bytes(*action) <= ACTION_MAX)
}

/// Reads packets into `scratch` and hands on what may be a tracker's; false when there may be more.
pub(crate) fn receive(socket: &UdpSocket, scratch: &mut [u8], mut take: impl FnMut(SocketAddr, Vec<u8>)) -> bool {
    // One byte more than is taken, to know the ones that are too long.
    let room = scratch.len().min(PACKET_MAX + 1);
    let scratch = &mut scratch[..room];
    for _ in 0..PACKETS_PER_TURN {
        match socket.recv_from(scratch) {
            Ok((len, from)) => {
                if is_tracker_reply(&scratch[..len]) {
                    take(sockopt::canonical(from), scratch[..len].to_vec());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
            // Some systems report here what an earlier packet met on its way: nothing about the next one.
            Err(_) => {}
        }
    }
    false
}

/// Sends one packet. A full kernel or an unreachable tracker loses it, as the network may: the asker tries again.
pub(crate) fn send(socket: &UdpSocket, to: SocketAddr, packet: &[u8]) {
    let _ = socket.send_to(packet, sockopt::canonical(to));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_is_dropped_and_a_reply_is_taken() {
        let ours = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let to = ours.local_addr().unwrap();
        let tracker = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let reply = [0, 0, 0, 1, 9, 9, 9, 9, 7];
        for packet in [&b"d1:ad2:id20:"[..], &[0, 0, 0, 1], &[0, 0, 0, 4, 0, 0, 0, 0], &[0; PACKET_MAX + 1], &reply] {
            tracker.send_to(packet, to).unwrap();
        }
        let mut scratch = vec![0; 64 * 1024];
        let mut got = Vec::new();
        // On loopback a packet is there when its send returns.
        assert!(receive(&ours, &mut scratch, |from, bytes| got.push((from, bytes))));
        assert_eq!(got, [(tracker.local_addr().unwrap(), reply.to_vec())]);
    }

    #[test]
    fn one_turn_takes_a_bounded_number() {
        let ours = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let tracker = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        for _ in 0..=PACKETS_PER_TURN {
            send(&tracker, ours.local_addr().unwrap(), &[0; 8]);
        }
        let (mut scratch, mut count) = (vec![0; 8192], 0);
        assert!(!receive(&ours, &mut scratch, |_, _| count += 1));
        assert_eq!(count, PACKETS_PER_TURN);
        assert!(receive(&ours, &mut scratch, |_, _| count += 1));
        assert_eq!(count, PACKETS_PER_TURN + 1);
    }
}
