//! UDP packets (BEP 15): received, handed to the table, and answered from the address that they came to.
//!
//! A machine has many addresses (IPv6's temporary ones above all), and clients take an answer only from the one that they asked. So the
//! kernel is asked with each packet which address it came to (IP_PKTINFO), and told to answer from there.
use super::shared::{Shared, canonical};
use crate::udp;
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use std::vec;
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Bytes read at a time: the kernel may hand over several packets of one sender as one.
const READ_BYTES_MAX: usize = 64 << 10;
/// Bytes of a packet that are looked at: an announce with all options has about 1,200.
const PACKET_BYTES_MAX: usize = 2048;
/// Pause after a receive that failed for other reasons than an ICMP message about an earlier answer.
const ERROR_PAUSE: Duration = Duration::from_millis(10);

/// Receives for ever.
pub(super) async fn receive(socket: UdpSocket, state: UdpSocketState, bound: SocketAddr, shared: Shared) {
    let mut buffer = vec![0; READ_BYTES_MAX];
    loop {
        let Ok(meta) = read(&socket, &state, &mut buffer).await else {
            tokio::time::sleep(ERROR_PAUSE).await;
            continue;
        };
        let to = meta.dst_ip.filter(|ip| bound.ip().is_unspecified() && !ip.is_multicast());
        let (from, local) = (canonical(meta.addr), canonical(SocketAddr::new(to.unwrap_or(bound.ip()), bound.port())));
        for packet in buffer[..meta.len].chunks(meta.stride.max(1)) {
            let packet = &packet[..packet.len().min(PACKET_BYTES_MAX)];
            let answer = shared.ask(|tracker, now| udp::handle(tracker, now, from, local, packet));
            if let Some(answer) = answer {
                // What cannot be sent is as good as lost: the client asks again.
                let _ = write(&socket, &state, meta.addr, to, &answer).await;
            }
        }
    }
}

async fn read(socket: &UdpSocket, state: &UdpSocketState, buffer: &mut [u8]) -> io::Result<RecvMeta> {
    socket
        .async_io(Interest::READABLE, || {
            let mut meta = [RecvMeta::default()];
            state.recv(socket.into(), &mut [IoSliceMut::new(buffer)], &mut meta)?;
            Ok(meta[0])
        })
        .await
}

async fn write(
    socket: &UdpSocket,
    state: &UdpSocketState,
    destination: SocketAddr,
    src_ip: Option<IpAddr>,
    contents: &[u8],
) -> io::Result<()> {
    let transmit = Transmit { destination, ecn: None, contents, segment_size: None, src_ip };
    socket.async_io(Interest::WRITABLE, || state.try_send(socket.into(), &transmit)).await
}
