//! UDP packets (BEP 15): received, handed to the table, and answered from the address that they came to.
//!
//! A machine has many addresses (IPv6's temporary ones above all), and clients take an answer only from the one that they asked. So the
//! kernel is asked with each packet which address it came to (IP_PKTINFO), and told to answer from there.
use super::lent::{self, Lent};
use super::table::{Table, canonical};
use crate::udp;
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use std::io::{self, IoSliceMut};
use std::net::{self, IpAddr, SocketAddr};
use std::time::Duration;
use std::vec::Vec;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// Bytes read at a time: the kernel may hand over several packets of one sender as one.
const READ_BYTES_MAX: usize = 64 << 10;
/// Bytes of a packet that are looked at: an announce with all options has about 1,200.
const PACKET_BYTES_MAX: usize = 2048;
/// Pause after a receive that failed for other reasons than an ICMP message about an earlier answer.
const ERROR_PAUSE: Duration = Duration::from_millis(10);

/// A tracker that is asked over UDP. It ends when this is dropped.
#[derive(Debug)]
pub struct Udp {
    bound: Vec<SocketAddr>,
    tasks: JoinSet<()>,
}

impl Udp {
    /// Starts to answer on these sockets, see [`super::bind::udp`]; to be called in a tokio runtime with its I/O and time drivers on.
    pub fn on(table: &Table, sockets: Vec<net::UdpSocket>) -> io::Result<Self> {
        let mut udp = Self { bound: Vec::new(), tasks: JoinSet::new() };
        for socket in sockets {
            let bound = socket.local_addr()?;
            udp.bound.push(bound);
            socket.set_nonblocking(true)?;
            let socket = UdpSocket::from_std(socket)?;
            let state = UdpSocketState::new((&socket).into())?;
            udp.tasks.spawn(receive(socket, state, bound, table.clone()));
        }
        Ok(udp)
    }

    /// Answers what comes to a port that somebody else holds; to be called in a tokio runtime.
    pub fn lent(table: &Table, lent: Lent) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(lent::answer(lent, table.clone()));
        Self { bound: Vec::new(), tasks }
    }

    /// Where it receives, with the actual ports.
    pub fn bound(&self) -> &[SocketAddr] {
        &self.bound
    }

    /// Ends all tasks; the sockets are closed when this returns.
    pub async fn shutdown(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Receives for ever.
async fn receive(socket: UdpSocket, state: UdpSocketState, bound: SocketAddr, table: Table) {
    let mut buffer = std::vec![0; READ_BYTES_MAX];
    loop {
        let Ok(meta) = read(&socket, &state, &mut buffer).await else {
            tokio::time::sleep(ERROR_PAUSE).await;
            continue;
        };
        let to = meta.dst_ip.filter(|ip| bound.ip().is_unspecified() && !ip.is_multicast());
        let (from, local) = (canonical(meta.addr), canonical(SocketAddr::new(to.unwrap_or(bound.ip()), bound.port())));
        for packet in buffer[..meta.len].chunks(meta.stride.max(1)) {
            let packet = &packet[..packet.len().min(PACKET_BYTES_MAX)];
            // A panic costs its answer alone: the table is left whole by each request.
            let ask = || table.ask(|tracker, now| udp::handle(tracker, now, from, local, packet));
            if let Ok(Some(answer)) = teem_fault::contain_answer(ask) {
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
