//! What is said to a proxy before a connection is the peer's, without a socket (RFC 1928, 1929; RFC 9110, section 9.3.6): bytes in, bytes out. A relay for
//! packets is asked for in the same way.
//!
//! No more is read than belongs to the proxy's answer: [`Opener::wants`] says how many bytes may be. What comes after is the peer's.
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::proxy::{Kind, Proxy};

/// Bytes of an HTTP answer's head.
const HEAD_MAX: usize = 8 * 1024;
/// Bytes of a name that SOCKS5 can carry.
const NAME_MAX: usize = 255;

/// Where a connection is to lead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// To an address.
    Addr(SocketAddr),
    /// To a name, which the proxy looks up, and a port.
    Name(String, u16),
}

/// Why a proxy opened no connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// It wants a name and a password, or others.
    Denied,
    /// It does not let us there.
    Forbidden,
    /// Nothing is reached there: the network or host, as the proxy says.
    Unreachable,
    /// Nobody takes connections there.
    Refused,
    /// The proxy has no time, or failed.
    Failed,
    /// What it says is not what such a proxy says.
    Nonsense,
    /// The name cannot be said to a proxy.
    BadName,
    /// It does nothing of that kind: most often it carries no UDP.
    Unsupported,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied => "the proxy wants another user and password",
            Self::Forbidden => "the proxy does not allow that connection",
            Self::Unreachable => "the proxy cannot reach that address",
            Self::Refused => "the connection was refused, says the proxy",
            Self::Failed => "the proxy has failed",
            Self::Nonsense => "the proxy's answer makes no sense: is it of another kind?",
            Self::BadName => "this name cannot be told to a proxy",
            Self::Unsupported => "the proxy does not do that",
        })
    }
}

impl core::error::Error for OpenError {}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// SOCKS5: which way to prove who we are.
    Method,
    /// SOCKS5: whether name and password are right.
    Proof,
    /// SOCKS5: the head of the answer, up to the length of what follows.
    Reply,
    /// SOCKS5: the rest, which says from where the proxy speaks.
    Bound,
    /// HTTP: the head of the answer.
    Head,
    Open,
}

/// The conversation with a proxy about one connection.
pub struct Opener {
    state: State,
    /// What was read and is not whole yet.
    read: Vec<u8>,
    needed: usize,
    request: Vec<u8>,
    proof: Vec<u8>,
    /// SOCKS5: the kind of address that the proxy names, and its first byte.
    kind: [u8; 2],
    bound: Option<Target>,
}

/// What a proxy is asked for (RFC 1928, section 4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Command {
    Connect = 1,
    Associate = 3,
}

impl Opener {
    /// Begins; `out` gets what is to be sent first.
    pub fn new(proxy: &Proxy, target: &Target, out: &mut Vec<u8>) -> Result<Self, OpenError> {
        Self::ask(proxy, Command::Connect, target, out)
    }

    /// Begins to ask for a relay of packets, which there is while the connection stands (RFC 1928, section 7). From where we send is not said, since that is
    /// another address behind a router.
    pub fn associate(proxy: &Proxy, out: &mut Vec<u8>) -> Result<Self, OpenError> {
        let anywhere = Target::Addr(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
        Self::ask(proxy, Command::Associate, &anywhere, out)
    }

    fn ask(proxy: &Proxy, command: Command, target: &Target, out: &mut Vec<u8>) -> Result<Self, OpenError> {
        let mut opener = Self {
            state: State::Method,
            read: Vec::new(),
            needed: 2,
            request: Vec::new(),
            proof: Vec::new(),
            kind: [0; 2],
            bound: None,
        };
        match proxy.kind() {
            Kind::Http if command == Command::Associate => return Err(OpenError::Unsupported),
            Kind::Socks5 => {
                opener.request = vec![5, command as u8, 0];
                put_place(target, &mut opener.request)?;
                if let Some((user, password)) = proxy.user() {
                    opener.proof = vec![1];
                    for text in [user, password] {
                        opener.proof.push(u8::try_from(text.len()).map_err(|_| OpenError::BadName)?);
                        opener.proof.extend_from_slice(text.as_bytes());
                    }
                    out.extend_from_slice(&[5, 2, 0, 2]);
                } else {
                    out.extend_from_slice(&[5, 1, 0]);
                }
            }
            Kind::Http => {
                let place = match target {
                    Target::Addr(addr) => addr.to_string(),
                    Target::Name(name, port) => format!("{}:{port}", sayable(name)?),
                };
                let mut head = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n");
                if let Some((user, password)) = proxy.user() {
                    head += &format!("Proxy-Authorization: {}\r\n", basic(format!("{user}:{password}").as_bytes()));
                }
                out.extend_from_slice(head.as_bytes());
                out.extend_from_slice(b"\r\n");
                (opener.state, opener.needed) = (State::Head, 1);
            }
        }
        Ok(opener)
    }

    /// Where the relay is that was granted, by a proxy at that address: it may name none, or leave its address to be guessed, which then is the proxy's own.
    pub fn relay(&self, proxy: SocketAddr) -> Option<SocketAddr> {
        let (ip, port) = match self.bound.as_ref()? {
            Target::Addr(addr) => (Some(addr.ip()), addr.port()),
            Target::Name(name, port) => (name.parse().ok(), *port),
        };
        // One on the proxy's own machine is meant from there.
        let elsewhere = |ip: &IpAddr| !ip.is_unspecified() && (!ip.is_loopback() || proxy.ip().is_loopback());
        let ip = ip.map(|ip| ip.to_canonical()).filter(elsewhere).unwrap_or(proxy.ip());
        (port != 0).then_some(SocketAddr::new(ip, port))
    }

    /// How many bytes may be read now; 0 when the connection is open.
    pub fn wants(&self) -> usize {
        if self.state == State::Open { 0 } else { self.needed - self.read.len() }
    }

    /// Takes what was read, of which there is no more than [`Self::wants`]; whether the connection is open. `out` gets what is to be sent.
    pub fn advance(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<bool, OpenError> {
        debug_assert!(bytes.len() <= self.wants());
        self.read.extend_from_slice(bytes);
        if self.wants() > 0 || self.state == State::Open {
            return Ok(self.state == State::Open);
        }
        if self.state == State::Head {
            return self.head();
        }
        let read = core::mem::take(&mut self.read);
        match (self.state, read.as_slice()) {
            (State::Method, [5, 0]) | (State::Proof, [_, 0]) => {
                out.append(&mut self.request);
                (self.state, self.needed) = (State::Reply, 5);
            }
            (State::Method, [5, 2]) if !self.proof.is_empty() => {
                out.append(&mut self.proof);
                (self.state, self.needed) = (State::Proof, 2);
            }
            (State::Method, [5, 0xff | 2]) | (State::Proof, _) => return Err(OpenError::Denied),
            (State::Reply, [5, 0, _, kind, first]) => {
                // One byte of the address was read; the port's two follow it. Some proxies give an empty name.
                let rest = match kind {
                    1 => 3 + 2,
                    3 => usize::from(*first) + 2,
                    4 => 15 + 2,
                    _ => return Err(OpenError::Nonsense),
                };
                self.kind = [*kind, *first];
                (self.state, self.needed) = (State::Bound, rest);
            }
            (State::Reply, [5, why, ..]) => {
                return Err(match why {
                    2 => OpenError::Forbidden,
                    3 | 4 | 6 => OpenError::Unreachable,
                    5 => OpenError::Refused,
                    7 => OpenError::Unsupported,
                    _ => OpenError::Failed,
                });
            }
            (State::Bound, rest) => {
                self.bound = bound(self.kind, rest);
                self.state = State::Open;
            }
            _ => return Err(OpenError::Nonsense),
        }
        Ok(self.state == State::Open)
    }

    /// One more byte of an HTTP answer's head has come.
    fn head(&mut self) -> Result<bool, OpenError> {
        let start = b"HTTP/1.";
        let len = self.read.len().min(start.len());
        if self.read[..len] != start[..len] || self.read.len() > HEAD_MAX {
            return Err(OpenError::Nonsense);
        }
        if !self.read.ends_with(b"\r\n\r\n") {
            self.needed += 1;
            return Ok(false);
        }
        let status = self.read.get(9..12).and_then(|digits| core::str::from_utf8(digits).ok());
        match status.and_then(|digits| digits.parse::<u16>().ok()) {
            Some(200..=299) => {
                self.state = State::Open;
                Ok(true)
            }
            Some(401 | 407) => Err(OpenError::Denied),
            Some(403 | 405) => Err(OpenError::Forbidden),
            Some(502..=504) => Err(OpenError::Unreachable),
            Some(_) => Err(OpenError::Failed),
            None => Err(OpenError::Nonsense),
        }
    }
}

/// Appends a place as SOCKS5 says it: its kind, the address or name, the port (RFC 1928, section 5).
pub(crate) fn put_place(target: &Target, out: &mut Vec<u8>) -> Result<(), OpenError> {
    let port = match target {
        Target::Addr(addr) => {
            match addr.ip().to_canonical() {
                IpAddr::V4(ip) => out.extend(core::iter::once(1).chain(ip.octets())),
                IpAddr::V6(ip) => out.extend(core::iter::once(4).chain(ip.octets())),
            }
            addr.port()
        }
        Target::Name(name, port) => {
            let name = sayable(name)?;
            out.extend([3, u8::try_from(name.len()).map_err(|_| OpenError::BadName)?]);
            out.extend_from_slice(name.as_bytes());
            *port
        }
    };
    out.extend(port.to_be_bytes());
    Ok(())
}

/// The place that an answer names, of which the kind and one more byte were read before; a name that is no text is none.
fn bound([kind, first]: [u8; 2], rest: &[u8]) -> Option<Target> {
    let (rest, port) = rest.split_last_chunk::<2>()?;
    let port = u16::from_be_bytes(*port);
    let whole = || core::iter::once(first).chain(rest.iter().copied()).collect::<Vec<u8>>();
    let addr = |ip: IpAddr| Target::Addr(SocketAddr::new(ip, port));
    match kind {
        1 => Some(addr(<[u8; 4]>::try_from(whole()).ok()?.into())),
        4 => Some(addr(<[u8; 16]>::try_from(whole()).ok()?.into())),
        _ => Some(Target::Name(core::str::from_utf8(rest).unwrap_or_default().to_owned(), port)),
    }
}

/// A name that can stand in a request as it is.
fn sayable(name: &str) -> Result<&str, OpenError> {
    let fits = (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(name) } else { Err(OpenError::BadName) }
}

/// User and password, with a colon between them, as a request over HTTP says them (RFC 7617, section 2); base64 is RFC 4648, section 4.
pub fn basic(user: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::from("Basic ");
    for three in user.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let there = digit <= three.len();
            out.push(if there { char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(text: &str) -> Proxy {
        text.parse().unwrap()
    }

    fn addr() -> Target {
        Target::Addr("198.18.0.7:6881".parse().unwrap())
    }

    /// Lets a proxy say this, byte by byte and no more than is wanted; what was said to it, what came of it, and how much was not read.
    fn talk(proxy: &Proxy, target: &Target, says: &[u8]) -> (Vec<u8>, Result<bool, OpenError>, usize) {
        let mut out = Vec::new();
        let mut opener = match Opener::new(proxy, target, &mut out) {
            Ok(opener) => opener,
            Err(why) => return (out, Err(why), says.len()),
        };
        let mut at = 0;
        while opener.wants() > 0 && at < says.len() {
            match opener.advance(&says[at..=at], &mut out) {
                Ok(_) => at += 1,
                Err(why) => return (out, Err(why), says.len() - at - 1),
            }
        }
        (out, Ok(opener.wants() == 0), says.len() - at)
    }

    #[test]
    fn socks5_as_rfc_1928_says() {
        let plain = proxy("socks5://h:1");
        let says = [5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0, b'P'];
        let said = [5, 1, 0, 5, 1, 0, 1, 198, 18, 0, 7, 0x1a, 0xe1];
        assert_eq!(talk(&plain, &addr(), &says), (said.to_vec(), Ok(true), 1), "the peer's first byte is left");
        let name = Target::Name("t.example".into(), 80);
        let said = [&[5, 1, 0, 5, 1, 0, 3, 9][..], b"t.example", &[0, 80]].concat();
        assert_eq!(talk(&plain, &name, &[5, 0, 5, 0, 0, 3, 0, 0, 0]), (said.clone(), Ok(true), 0), "an empty name");
        assert_eq!(talk(&plain, &name, &[5, 0, 5, 0, 0, 3, 2, b'x', b'y', 0, 0]), (said, Ok(true), 0));
        let v6 = Target::Addr("[2001:db8::1]:1".parse().unwrap());
        assert_eq!(talk(&plain, &v6, &[&[5, 0, 5, 0, 0, 4][..], &[0; 18]].concat()).1, Ok(true));
    }

    #[test]
    fn a_name_and_a_password_as_rfc_1929_says() {
        let named = proxy("socks5://me:pw@h:1");
        let says = [5, 2, 1, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        let (said, open, _) = talk(&named, &addr(), &says);
        assert_eq!(said[..11], [5, 2, 0, 2, 1, 2, b'm', b'e', 2, b'p', b'w']);
        assert_eq!(open, Ok(true));
        assert_eq!(talk(&named, &addr(), &[5, 2, 1, 1]).1, Err(OpenError::Denied));
        assert_eq!(talk(&proxy("socks5://h:1"), &addr(), &[5, 2]).1, Err(OpenError::Denied));
        assert_eq!(talk(&named, &addr(), &[5, 0xff]).1, Err(OpenError::Denied));
    }

    /// What a proxy at 203.0.113.1 grants by that answer.
    fn relay(says: &[u8]) -> Option<SocketAddr> {
        let mut out = Vec::new();
        let mut opener = Opener::associate(&proxy("socks5://h:1"), &mut out).unwrap();
        for byte in [&[5, 0, 5, 0, 0][..], says].concat() {
            opener.advance(&[byte], &mut out).unwrap();
        }
        assert_eq!((out, opener.wants()), (vec![5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0], 0));
        opener.relay("203.0.113.1:1080".parse().unwrap())
    }

    #[test]
    fn a_relay_is_where_the_proxy_says_or_at_the_proxy() {
        let at = |text: &str| Some(text.parse::<SocketAddr>().unwrap());
        assert_eq!(relay(&[1, 198, 18, 0, 7, 0x1a, 0xe1]), at("198.18.0.7:6881"));
        let v6 = [&[4, 0x20, 1, 0xd, 0xb8][..], &[0; 11], &[1, 0, 80]].concat();
        assert_eq!(relay(&v6), at("[2001:db8::1]:80"));
        assert_eq!(relay(&[&[3, 10][..], b"198.18.0.7", &[0, 80]].concat()), at("198.18.0.7:80"));
        let own = at("203.0.113.1:80");
        assert_eq!(relay(&[1, 0, 0, 0, 0, 0, 80]), own, "0.0.0.0");
        assert_eq!(relay(&[1, 127, 0, 0, 1, 0, 80]), own, "its own loopback");
        assert_eq!(relay(&[&[4][..], &[0; 16], &[0, 80]].concat()), own, "::");
        assert_eq!(relay(&[3, 0, 0, 80]), own, "an empty name");
        assert_eq!(relay(&[&[3, 3][..], b"a.b", &[0, 80]].concat()), own, "a name, which nobody here looks up");
        assert_eq!(relay(&[1, 198, 18, 0, 7, 0, 0]), None, "no port");
    }

    #[test]
    fn a_proxy_of_http_is_asked_for_no_relay() {
        let asked = Opener::associate(&proxy("http://h:1"), &mut Vec::new());
        assert_eq!(asked.err(), Some(OpenError::Unsupported));
        let mut out = Vec::new();
        let mut opener = Opener::associate(&proxy("socks5://h:1"), &mut out).unwrap();
        opener.advance(&[5, 0], &mut out).unwrap();
        assert_eq!(opener.advance(&[5, 7, 0, 1, 0], &mut out), Err(OpenError::Unsupported));
    }

    #[test]
    fn what_a_proxy_cannot_do_has_its_reason() {
        let plain = proxy("socks5://h:1");
        for (code, why) in [
            (1, OpenError::Failed),
            (2, OpenError::Forbidden),
            (3, OpenError::Unreachable),
            (4, OpenError::Unreachable),
            (5, OpenError::Refused),
            (7, OpenError::Unsupported),
            (99, OpenError::Failed),
        ] {
            assert_eq!(talk(&plain, &addr(), &[5, 0, 5, code, 0, 1, 0]).1, Err(why));
        }
        assert_eq!(talk(&plain, &addr(), b"HTTP/1.1 400").1, Err(OpenError::Nonsense));
        assert_eq!(talk(&plain, &addr(), &[5, 0, 5, 0, 0, 9, 0]).1, Err(OpenError::Nonsense));
        assert_eq!(talk(&plain, &addr(), &[5, 0, 5, 0]).1, Ok(false));
        for bad in [String::new(), "x".repeat(256), "a b".into(), "a\r\nb".into()] {
            assert_eq!(talk(&plain, &Target::Name(bad, 1), &[]).1, Err(OpenError::BadName));
        }
    }

    #[test]
    fn http_connect_as_rfc_9110_says() {
        let http = proxy("http://Aladdin:open%20sesame@h:1");
        let target = Target::Name("t.example".into(), 443);
        let (said, open, left) = talk(&http, &target, b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\nP");
        let wanted = "CONNECT t.example:443 HTTP/1.1\r\nHost: t.example:443\r\n\
                      Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";
        assert_eq!((String::from_utf8(said).unwrap().as_str(), open, left), (wanted, Ok(true), 1));
        for (says, why) in [
            ("HTTP/1.1 407 Who\r\n\r\n", OpenError::Denied),
            ("HTTP/1.0 403 No\r\n\r\n", OpenError::Forbidden),
            ("HTTP/1.1 502 Bad\r\n\r\n", OpenError::Unreachable),
            ("HTTP/1.1 302 There\r\n\r\n", OpenError::Failed),
            ("HTTP/1.1 xyz\r\n\r\n", OpenError::Nonsense),
            ("\u{5}\u{0}", OpenError::Nonsense),
        ] {
            assert_eq!(talk(&http, &target, says.as_bytes()).1, Err(why), "{says}");
        }
        let endless = ["HTTP/1.1 200 OK\r\nX: ", &"x".repeat(HEAD_MAX)].concat();
        assert_eq!(talk(&http, &target, endless.as_bytes()).1, Err(OpenError::Nonsense));
        assert!(
            matches!(talk(&http, &Target::Addr("[::1]:2".parse().unwrap()), b"").0, said if said.starts_with(b"CONNECT [::1]:2 "))
        );
    }
}
