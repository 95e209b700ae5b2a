//! The relay that a proxy grants for packets (RFC 1928, section 7): asked for on a connection, there while that stands, and asked for again when it is gone
//! (own design).
//!
//! Invariant: while nothing is granted there is no socket that a packet could leave by.
use core::net::SocketAddr;
use core::time::Duration;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::io::{self, Read};
use std::net::UdpSocket;
use teem_path::opener::OpenError;
use teem_path::{Datagrams, Path};
use teem_swarm::time::Time;

use crate::link::Link;
use crate::proxied::Proxied;
use crate::{dial, sockopt};

/// How long asking may take.
const ASK_LIMIT: Duration = Duration::from_secs(10);
/// The wait before a relay that is gone is asked for again; it doubles each time.
const AGAIN_MIN: Duration = Duration::from_secs(1);
/// The longest wait for one that is gone: its proxy may come back any moment.
const AGAIN_MAX: Duration = Duration::from_secs(60);
/// The wait where the proxy has said that it carries no packets.
const REFUSED_AGAIN: Duration = Duration::from_secs(300);
/// One that stood for so long was none that falls at once.
const STOOD: Duration = Duration::from_secs(60);

enum State {
    /// Until then nothing is asked.
    Resting(Time),
    /// The connection is being made, or stands and is spoken on.
    Asking { link: Link, proxied: Proxied, stands: bool, until: Time },
    /// Packets are carried while this stands.
    Granted { control: Link, since: Time },
}

/// What has changed.
pub(crate) enum Change {
    /// Packets go by this socket, to the relay at that address.
    Granted(UdpSocket, SocketAddr),
    /// Nothing goes any more.
    Gone,
}

/// Keeps a relay.
pub(crate) struct Relayed {
    state: State,
    again: Duration,
    /// The poll has said something of the connection.
    pub(crate) ready: bool,
}

impl Relayed {
    pub(crate) fn new() -> Self {
        Self { state: State::Resting(Time::ZERO), again: AGAIN_MIN, ready: false }
    }

    /// For how long nothing has to be done, if nothing comes.
    pub(crate) fn wait(&self, now: Time) -> Option<Duration> {
        match &self.state {
            State::Resting(at) | State::Asking { until: at, .. } => Some(at.since(now)),
            State::Granted { .. } => None,
        }
    }

    /// Whether it may be granted soon.
    pub(crate) fn is_asked(&self) -> bool {
        matches!(self.state, State::Asking { .. })
    }

    /// The near end of the connection to the proxy.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        match &self.state {
            State::Asking { link, .. } | State::Granted { control: link, .. } => link.local().map(sockopt::canonical),
            State::Resting(_) => None,
        }
    }

    /// Goes on with what has come, and with time.
    pub(crate) fn step(&mut self, now: Time, path: &Path, registry: &Registry, token: Token) -> Option<Change> {
        let ready = core::mem::take(&mut self.ready);
        match &mut self.state {
            State::Resting(at) if *at > now => None,
            State::Resting(_) => match begin(path, registry, token) {
                Ok((link, proxied)) => {
                    self.state = State::Asking { link, proxied, stands: false, until: now + ASK_LIMIT };
                    None
                }
                Err(_) => self.fails(now, path, None),
            },
            State::Asking { until, .. } if *until <= now => self.fails(now, path, None),
            State::Asking { link, proxied, stands, .. } if ready => {
                if !*stands {
                    match connected(link) {
                        None => return None,
                        Some(true) => *stands = true,
                        Some(false) => return self.fails(now, path, None),
                    }
                }
                match proxied.look(link) {
                    Ok(false) => None,
                    Ok(true) => self.granted(now, path),
                    Err(why) => self.fails(now, path, Some(why)),
                }
            }
            State::Granted { control, since } if ready => {
                if !has_ended(control) {
                    return None;
                }
                if now.since(*since) >= STOOD {
                    self.again = AGAIN_MIN;
                }
                self.fails(now, path, None)
            }
            State::Asking { .. } | State::Granted { .. } => None,
        }
    }

    /// Gives up what there is, as after its end.
    pub(crate) fn lose(&mut self, now: Time, path: &Path) -> Option<Change> {
        self.fails(now, path, None)
    }

    fn granted(&mut self, now: Time, path: &Path) -> Option<Change> {
        let State::Asking { link, proxied, .. } = core::mem::replace(&mut self.state, State::Resting(now)) else {
            return None;
        };
        let Link::Tcp(stream) = &link else { return None };
        let made = stream.peer_addr().and_then(|proxy| path.to_relay(proxied.opener(), sockopt::canonical(proxy)));
        match made {
            Ok((socket, relay)) => {
                path.note_proxy(None);
                path.note_datagrams(Datagrams::Carried(relay));
                self.state = State::Granted { control: link, since: now };
                Some(Change::Granted(socket, relay))
            }
            Err(_) => self.fails(now, path, Some(OpenError::Nonsense)),
        }
    }

    /// It is to be asked again: the proxy is not reached, or refuses.
    fn fails(&mut self, now: Time, path: &Path, why: Option<OpenError>) -> Option<Change> {
        let had = matches!(self.state, State::Granted { .. });
        let refused = why.filter(|why| *why != OpenError::Failed);
        let wait = if refused.is_some() { REFUSED_AGAIN } else { self.again };
        if refused.is_none() {
            self.again = (self.again * 2).min(AGAIN_MAX);
        }
        self.state = State::Resting(now + wait);
        path.note_datagrams(refused.map_or(Datagrams::Lost, Datagrams::Refused));
        match refused {
            None if why.is_none() => path.note_proxy(Some(OpenError::Failed.to_string())),
            Some(OpenError::Denied) => path.note_proxy(Some(OpenError::Denied.to_string())),
            _ => {}
        }
        had.then_some(Change::Gone)
    }
}

fn begin(path: &Path, registry: &Registry, token: Token) -> io::Result<(Link, Proxied)> {
    let (stream, opener, out) = path.ask_relay(sockopt::control)?;
    let mut stream = TcpStream::from_std(stream);
    registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
    Ok((Link::Tcp(stream), Proxied::new(opener, out)))
}

/// Whether the connection stands, once that is decided.
fn connected(link: &Link) -> Option<bool> {
    let Link::Tcp(stream) = link else { return Some(false) };
    dial::finish(stream).map(|result| result.is_ok())
}

/// Whether the other side has ended it. What it says meanwhile means nothing.
fn has_ended(control: &mut Link) -> bool {
    let mut bytes = [0; 64];
    loop {
        match control.read(&mut bytes) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
        }
    }
}
