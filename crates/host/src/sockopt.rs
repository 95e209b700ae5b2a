//! The options of every socket of ours, and how addresses look at its edge (own design; RFC 8622 for DSCP LE, RFC 5482 for the user
//! timeout).
//!
//! Buffer sizes of TCP are never set: a set size switches the kernel's own tuning off. An option that a system lacks is
//! no error: the socket works without it, only less well.
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use socket2::{SockRef, TcpKeepalive};
use std::io;

/// The traffic class byte of DSCP LE ("lower effort", code point 1): bulk data that yields to everything else.
const DSCP_LE: u32 = 1 << 2;

/// How long sent data may stay unacknowledged before the kernel gives the connection up.
const USER_TIMEOUT: Duration = Duration::from_secs(120);

/// Silence after which the kernel asks whether the other end still lives.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);

/// The pause between two such questions.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(20);

/// Unsent bytes that the kernel may hold for a connection whose upload is limited, so that choking and limits take effect soon.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NOT_SENT_LOW: u32 = 128 * 1024;

/// The same where the upload is not limited: a peer that does not read makes the kernel hold so much for it and no more, where its own tuning would
/// give it megabytes. What is sent and not acknowledged does not count, so that the length of a line costs nothing.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NOT_SENT_MAX: u32 = 512 * 1024;

/// Sets what a connection wants that little is said on, and whose end must be noticed.
pub(crate) fn control(socket: &SockRef<'_>) {
    let alive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    let _ = socket.set_tcp_keepalive(&alive);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket.set_tcp_user_timeout(Some(USER_TIMEOUT));
}

/// Sets what every peer connection wants. `upload_limited` also bounds what waits unsent in the kernel more closely.
pub(crate) fn peer(socket: &SockRef<'_>, remote: SocketAddr, upload_limited: bool) {
    let _ = socket.set_tcp_nodelay(true);
    let alive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    let _ = socket.set_tcp_keepalive(&alive);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket.set_tcp_user_timeout(Some(USER_TIMEOUT));
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = USER_TIMEOUT;
    lower_effort(socket, remote.ip());
    limit_unsent(socket, upload_limited);
}

/// Marks what the socket sends as DSCP LE.
pub(crate) fn lower_effort(socket: &SockRef<'_>, family: IpAddr) {
    let _ = match family {
        IpAddr::V4(_) => socket.set_tos_v4(DSCP_LE),
        IpAddr::V6(_) => socket.set_tclass_v6(DSCP_LE),
    };
}

/// Bounds what waits unsent in the kernel: more closely where the upload is limited.
pub(crate) fn limit_unsent(socket: &SockRef<'_>, limited: bool) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket.set_tcp_notsent_lowat(if limited { NOT_SENT_LOW } else { NOT_SENT_MAX });
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = (socket, limited);
}

/// An address as the rest of the program knows it: IPv4 mapped into IPv6 becomes IPv4; scope and flow are kept only where they mean something.
pub(crate) fn canonical(addr: SocketAddr) -> SocketAddr {
    match addr {
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::new(IpAddr::V4(v4), v6.port()),
            None if v6.ip().is_unicast_link_local() => addr,
            None => SocketAddr::new(IpAddr::V6(*v6.ip()), v6.port()),
        },
        SocketAddr::V4(_) => addr,
    }
}

/// Whether an error says that descriptors or kernel memory have run out: then waiting helps, and asking again at once does not.
pub(crate) fn out_of_resources(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_addresses_become_v4() {
        let mapped: SocketAddr = "[::ffff:198.18.0.1]:6881".parse().unwrap();
        assert_eq!(canonical(mapped), "198.18.0.1:6881".parse().unwrap());
        let plain: SocketAddr = "[2001:db8::1]:6881".parse().unwrap();
        assert_eq!(canonical(plain), plain);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn options_reach_the_kernel() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let stream = std::net::TcpStream::connect(addr).unwrap();
        let socket = SockRef::from(&stream);
        peer(&socket, addr, true);
        assert!(socket.tcp_nodelay().unwrap());
        assert_eq!(socket.tos_v4().unwrap(), DSCP_LE);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(USER_TIMEOUT));
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), NOT_SENT_LOW);
        limit_unsent(&socket, false);
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), NOT_SENT_MAX);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_peer_that_does_not_read_makes_the_kernel_hold_no_more_than_that() {
        use std::io::{ErrorKind, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        // What the other side's kernel takes is its own: as little as it can.
        SockRef::from(&listener).set_recv_buffer_size(4_096).unwrap();
        let addr = listener.local_addr().unwrap();
        let mut stream = std::net::TcpStream::connect(addr).unwrap();
        let other = listener.accept().unwrap();
        peer(&SockRef::from(&stream), addr, false);
        stream.set_nonblocking(true).unwrap();
        let (block, mut taken) = (vec![0; 64 << 10], 0);
        loop {
            match stream.write(&block) {
                Ok(n) => taken += n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) => panic!("{e}"),
            }
        }
        drop(other);
        // One packet beyond the bound, and what was on its way.
        assert!(taken <= NOT_SENT_MAX as usize + (256 << 10), "{taken} bytes");
    }
}
