//! Outgoing connections (own design; rule 1 of conduct: they leave from the listening address when the user named one).
//!
//! A connect never blocks. It is over when the socket becomes writable or fails, or after the limit of the event loop.
use core::net::SocketAddr;
use core::time::Duration;
use mio::net::TcpStream;
use socket2::SockRef;
use std::io;
use teem_engine::input::DialError;
use teem_path::Path;
use teem_path::opener::Target;
use teem_swarm::ids::TorrentId;
use teem_swarm::remote::{How, Transport};
use teem_swarm::time::Time;

use crate::greeting::Greeting;
use crate::link::Link;
use crate::proxied::Proxied;
use crate::sockopt;

/// How long a connect may take, with the keys of an encrypted handshake: two retransmitted SYNs and their answers.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// How long an opening of uTP may remain unanswered: three of them, after 0, 1 and 3 seconds, and the last one's answer.
const UTP_OPENING_LIMIT: Duration = Duration::from_secs(4);

/// A connect under way, or an encrypted handshake on a connection that stands.
pub(crate) struct Dial {
    pub(crate) link: Link,
    pub(crate) torrent: TorrentId,
    /// As it was asked for.
    pub(crate) addr: SocketAddr,
    pub(crate) how: How,
    /// The race that it takes part in, while that is not decided.
    pub(crate) race: Option<u64>,
    begun: Time,
    /// The other side has answered.
    pub(crate) stands: bool,
    /// Our key is out, and the other's has not come.
    pub(crate) greeting: Option<Box<Greeting>>,
    /// The proxy has not led us on yet.
    pub(crate) proxied: Option<Box<Proxied>>,
}

/// Begins a connect to `addr` on the way that is allowed: to itself, or to the proxy with what is to be said there.
pub(crate) fn start(
    addr: SocketAddr,
    path: &Path,
    upload_limited: bool,
) -> Result<(Link, Option<Box<Proxied>>), DialError> {
    let to = sockopt::canonical(addr);
    let tune = |socket: &SockRef<'_>| sockopt::peer(socket, to, upload_limited);
    let link = |stream| Link::Tcp(TcpStream::from_std(stream));
    if path.proxy().is_none() {
        return path.dial(to, tune).map(|stream| (link(stream), None)).map_err(|error| why(&error));
    }
    let begun = path.dial_proxy(&Target::Addr(to), tune).map_err(|error| why(&error));
    begun.map(|(stream, opener, out)| (link(stream), Some(Box::new(Proxied::new(opener, out)))))
}

fn in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error())
        || matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

impl Dial {
    /// The other side has not answered yet.
    pub(crate) fn new(link: Link, torrent: TorrentId, (addr, how): (SocketAddr, How), now: Time) -> Self {
        Self { link, torrent, addr, how, race: None, begun: now, stands: false, greeting: None, proxied: None }
    }

    /// When it is over if nothing more comes.
    pub(crate) fn until(&self) -> Time {
        let opens = self.how.transport == Transport::Utp && !self.stands;
        self.begun + if opens { UTP_OPENING_LIMIT } else { CONNECT_LIMIT }
    }

    /// Looks whether a connect of the system's is over: `None` while it is not. uTP tells that by itself.
    pub(crate) fn finish(&self) -> Option<Result<(), DialError>> {
        match &self.link {
            Link::Tcp(stream) => finish(stream),
            Link::Utp(_) | Link::Pair(..) => None,
        }
    }
}

/// Looks whether a connect is over: `None` while it is not.
pub(crate) fn finish(stream: &TcpStream) -> Option<Result<(), DialError>> {
    match stream.take_error() {
        Ok(None) => {}
        Ok(Some(error)) | Err(error) => return Some(Err(why(&error))),
    }
    match stream.peer_addr() {
        Ok(_) => Some(Ok(())),
        Err(error) if error.kind() == io::ErrorKind::NotConnected || in_progress(&error) => None,
        Err(error) => Some(Err(why(&error))),
    }
}

fn why(error: &io::Error) -> DialError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => DialError::Refused,
        io::ErrorKind::TimedOut => DialError::TimedOut,
        _ => DialError::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::IpAddr;
    use mio::{Events, Interest, Poll, Token};

    /// The outcome of a connect, awaited on a poll of its own.
    fn outcome(addr: SocketAddr, from: Option<IpAddr>) -> Result<SocketAddr, DialError> {
        let path = Path::direct().leaving_from(from);
        let (Link::Tcp(mut stream), None) = start(addr, &path, false)? else { unreachable!() };
        let mut poll = Poll::new().unwrap();
        poll.registry().register(&mut stream, Token(0), Interest::WRITABLE).unwrap();
        let mut events = Events::with_capacity(4);
        loop {
            if let Some(done) = finish(&stream) {
                return done.map(|()| stream.local_addr().unwrap());
            }
            poll.poll(&mut events, None).unwrap();
        }
    }

    #[test]
    fn a_listener_is_reached_from_the_named_address() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let from: IpAddr = "127.0.0.7".parse().unwrap();
        if cfg!(target_os = "linux") {
            let local = outcome(listener.local_addr().unwrap(), Some(from)).unwrap();
            assert_eq!(local.ip(), from);
        }
        let mapped: SocketAddr =
            format!("[::ffff:127.0.0.1]:{}", listener.local_addr().unwrap().port()).parse().unwrap();
        assert!(outcome(mapped, None).unwrap().is_ipv4());
    }

    #[test]
    fn a_closed_port_refuses() {
        let addr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(outcome(addr, None), Err(DialError::Refused));
    }

    #[test]
    fn the_other_family_than_the_named_address_is_unreachable() {
        let from: IpAddr = "127.0.0.1".parse().unwrap();
        assert_eq!(outcome("[::1]:6881".parse().unwrap(), Some(from)), Err(DialError::Unreachable));
    }

    #[test]
    fn errors_have_their_kinds() {
        let of = |kind: io::ErrorKind| why(&kind.into());
        assert_eq!(of(io::ErrorKind::TimedOut), DialError::TimedOut);
        assert_eq!(of(io::ErrorKind::NetworkUnreachable), DialError::Unreachable);
        assert_eq!(of(io::ErrorKind::ConnectionRefused), DialError::Refused);
    }
}
