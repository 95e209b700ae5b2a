//! Where a proxy is, and what is said to it (own design; `--proxy`). Its password is shown nowhere: neither by `Display` nor by `Debug`.
use core::fmt;
use core::str::FromStr;

/// Bytes of a name or a password that SOCKS5 can carry (RFC 1929, section 2).
const SECRET_MAX: usize = 255;

/// What a proxy speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// SOCKS5 (RFC 1928), with a name and a password where it wants them (RFC 1929).
    Socks5,
    /// The method CONNECT of HTTP (RFC 9110, section 9.3.6).
    Http,
}

/// A proxy as the user names it.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    kind: Kind,
    host: String,
    port: u16,
    user: Option<(String, String)>,
}

/// A text that names no proxy; it is not repeated, since it may hold a password.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProxyError(&'static str);

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: write socks5://[USER:PASSWORD@]HOST:PORT or http://[USER:PASSWORD@]HOST:PORT", self.0)
    }
}

impl core::error::Error for ProxyError {}

impl Proxy {
    /// What it speaks.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The name or address that it is at, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port that it is at.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The name and the password that it wants.
    pub(crate) fn user(&self) -> Option<(&str, &str)> {
        self.user.as_ref().map(|(user, password)| (user.as_str(), password.as_str()))
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.kind == Kind::Socks5 { "socks5" } else { "http" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        write!(f, "{scheme}://{host}:{}", self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Proxy {
    type Err = ProxyError;

    fn from_str(text: &str) -> Result<Self, ProxyError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(ProxyError("a proxy has a scheme"))?;
        let kind = match scheme.to_ascii_lowercase().as_str() {
            "socks5" | "socks5h" => Kind::Socks5,
            "http" => Kind::Http,
            _ => return Err(ProxyError("proxies of this kind are not spoken to")),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, place) = rest.rsplit_once('@').map_or((None, rest), |(user, place)| (Some(user), place));
        let (host, port) = place.rsplit_once(':').ok_or(ProxyError("the proxy's port is missing"))?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or(ProxyError("the proxy's port is no number"))?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let odd = |c: char| c.is_whitespace() || c.is_control() || "/?#@".contains(c);
        if host.is_empty() || host.len() > SECRET_MAX || host.contains(odd) {
            return Err(ProxyError("the proxy's host is no name or address"));
        }
        let user = user.map(|user| {
            let (user, password) = user.split_once(':').unwrap_or((user, ""));
            Some((decoded(user)?, decoded(password)?))
        });
        let user =
            user.map(|user| user.ok_or(ProxyError("the proxy's user or password cannot be said"))).transpose()?;
        Ok(Self { kind, host: host.to_owned(), port, user })
    }
}

/// A part of a URL without its percent signs; `None` when no proxy could be told it.
fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, more @ ..] = rest {
        let hex = more.get(..2).filter(|_| *first == b'%').and_then(|two| core::str::from_utf8(two).ok());
        let hex = hex.filter(|two| two.bytes().all(|digit| digit.is_ascii_hexdigit()));
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &more[2..];
        } else {
            bytes.push(*first);
            rest = more;
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    (text.len() <= SECRET_MAX && !text.contains(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_as_users_write_them() {
        let of = |text: &str| text.parse::<Proxy>();
        let proxy = of("socks5://me:s%40cret:x@[2001:db8::1]:1080").unwrap();
        assert_eq!((proxy.host(), proxy.port(), proxy.kind()), ("2001:db8::1", 1080, Kind::Socks5));
        assert_eq!(proxy.user(), Some(("me", "s@cret:x")));
        assert_eq!(of("HTTP://proxy.example:3128/").unwrap().kind(), Kind::Http);
        assert_eq!(of("socks5://127.0.0.1:1080").unwrap().user(), None);
        for bad in ["127.0.0.1:1080", "socks4://h:1", "socks5://h", "socks5://h:0", "socks5://:1", "socks5://a b:1"] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_shown_nowhere() {
        let proxy = "socks5://me:secret@proxy.example:1080".parse::<Proxy>().unwrap();
        assert_eq!(format!("{proxy} {proxy:?}"), "socks5://proxy.example:1080 socks5://proxy.example:1080");
        let error = "socks5://me:secret@proxy.example".parse::<Proxy>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
