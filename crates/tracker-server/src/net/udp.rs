//! UDP packets (BEP 15): received, handed to the table, and answered from the socket that they came to.
use super::shared::{Shared, canonical};
use crate::udp;
use std::net::{IpAddr, SocketAddr};
use std::vec;
use tokio::net::UdpSocket;

/// Bytes of a packet that are read: an announce with all options has about 1,200.
const PACKET_BYTES_MAX: usize = 2048;
/// Least length of a packet for whose answer it matters which address of ours it came to: an announce.
const LOCAL_MATTERS: usize = 98;

/// Receives for ever.
pub(super) async fn receive(socket: UdpSocket, bound: SocketAddr, shared: Shared) {
    let mut packet = vec![0; PACKET_BYTES_MAX];
    loop {
        // An error here is an ICMP message about an earlier answer: of no interest.
        let Ok((len, sender)) = socket.recv_from(&mut packet).await else { continue };
        let from = canonical(sender);
        let local = if len < LOCAL_MATTERS { bound } else { local_address(bound, sender) };
        let answer = udp::handle(&mut shared.tracker(), shared.now(), from, local, &packet[..len]);
        if let Some(answer) = answer {
            // What cannot be sent is as good as lost: the client asks again.
            let _ = socket.send_to(&answer, sender).await;
        }
    }
}

/// Which of our addresses the sender reached us by: the one bound to or, where that is all of them, the one that the kernel
/// would answer from. Asking for it sends nothing.
fn local_address(bound: SocketAddr, sender: SocketAddr) -> SocketAddr {
    if !bound.ip().is_unspecified() {
        return canonical(bound);
    }
    let any: IpAddr = if sender.is_ipv4() { [0, 0, 0, 0].into() } else { [0_u16; 8].into() };
    let local = std::net::UdpSocket::bind((any, 0)).and_then(|probe| {
        probe.connect(sender)?;
        probe.local_addr()
    });
    local.map_or(bound, |local| canonical(SocketAddr::new(local.ip(), bound.port())))
}
