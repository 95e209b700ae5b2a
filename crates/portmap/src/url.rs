//! URLs of a gateway (RFC 3986): `http` and an IPv4 address, since a name would have to be looked up and could lead anywhere.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::net::{Ipv4Addr, SocketAddrV4};

/// Bytes of a URL that are read at most: those of routers have some fifty.
const LEN_MAX: usize = 512;

/// A URL that may be asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Url {
    /// Where the server listens.
    pub server: SocketAddrV4,
    /// Path and query, beginning with a slash.
    pub path: String,
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.server, self.path)
    }
}

/// Why a URL is of no use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadUrl {
    /// Not `http` with an IPv4 address, too long, or with characters that a request cannot hold.
    Malformed,
    /// It leads to another machine than the one that named it.
    Elsewhere(Ipv4Addr),
}

impl fmt::Display for BadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("it names a URL that cannot be used"),
            Self::Elsewhere(ip) => write!(f, "it names another machine, {ip}"),
        }
    }
}

impl Url {
    /// The URL that the machine at `host` has named, which may lead nowhere but to itself.
    pub fn of(text: &str, host: Ipv4Addr) -> Result<Self, BadUrl> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or(BadUrl::Malformed)?;
        if text.len() > LEN_MAX || !scheme.eq_ignore_ascii_case("http") || !is_plain(text) {
            return Err(BadUrl::Malformed);
        }
        let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        let path = path.split('#').next().unwrap_or_default();
        let server = authority
            .parse::<SocketAddrV4>()
            .or_else(|_| authority.parse::<Ipv4Addr>().map(|ip| SocketAddrV4::new(ip, 80)))
            .map_err(|_| BadUrl::Malformed)?;
        if *server.ip() != host {
            return Err(BadUrl::Elsewhere(*server.ip()));
        }
        if server.port() == 0 {
            return Err(BadUrl::Malformed);
        }
        let path = if path.starts_with('/') { path.to_string() } else { format!("/{path}") };
        Ok(Self { server, path })
    }

    /// What a document at this URL means by `text`: a whole URL, a path, or a path from its folder on.
    pub(crate) fn resolve(&self, text: &str) -> Result<Self, BadUrl> {
        let text = text.trim();
        if text.contains("://") {
            return Self::of(text, *self.server.ip());
        }
        let before = if text.starts_with('/') {
            ""
        } else {
            let path = self.path.split('?').next().unwrap_or_default();
            path.rsplit_once('/').map_or("", |(folder, _)| folder)
        };
        let slash = if text.starts_with('/') { "" } else { "/" };
        Self::of(&format!("http://{}{before}{slash}{text}", self.server), *self.server.ip())
    }
}

/// Whether a request's first line can hold it.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

    #[test]
    fn a_gateway_names_itself_by_its_address() {
        for (text, shown) in [
            ("http://10.0.0.1:5000/rootDesc.xml", "http://10.0.0.1:5000/rootDesc.xml"),
            (" HTTP://10.0.0.1/a?b#c ", "http://10.0.0.1:80/a?b"),
            ("http://10.0.0.1:49152", "http://10.0.0.1:49152/"),
        ] {
            assert_eq!(Url::of(text, HOST).map(|url| url.to_string()).as_deref(), Ok(shown));
        }
    }

    #[test]
    fn nothing_else_is_taken() {
        for text in [
            "",
            "http://",
            "https://10.0.0.1/",
            "ftp://10.0.0.1/",
            "http://router/x",
            "http://[fe80::1]/x",
            "http://10.0.0.1:0/",
            "http://u@10.0.0.1/",
            "http://10.0.0.1/a b",
            "http://10.0.0.1/a\r\nHost: x",
            "http://010.0.0.1/",
            "http://167772161/",
        ] {
            assert_eq!(Url::of(text, HOST), Err(BadUrl::Malformed), "{text}");
        }
        let long = format!("http://10.0.0.1/{}", "a".repeat(LEN_MAX));
        assert_eq!(Url::of(&long, HOST), Err(BadUrl::Malformed));
        for other in ["127.0.0.1", "169.254.169.254", "8.8.8.8", "10.0.0.2"] {
            let elsewhere = Err(BadUrl::Elsewhere(other.parse().unwrap()));
            assert_eq!(Url::of(&format!("http://{other}:80/x"), HOST), elsewhere);
        }
    }

    #[test]
    fn paths_are_resolved_and_stay_at_the_gateway() {
        let base = Url::of("http://10.0.0.1:5000/a/desc.xml?x=/y", HOST).unwrap();
        for (text, path) in [("/ctl/IP", "/ctl/IP"), ("ctl/IP", "/a/ctl/IP"), ("http://10.0.0.1:5000/z", "/z")] {
            assert_eq!(base.resolve(text).map(|url| url.path).as_deref(), Ok(path));
        }
        assert_eq!(base.resolve("http://10.0.0.9/z"), Err(BadUrl::Elsewhere(Ipv4Addr::new(10, 0, 0, 9))));
        assert_eq!(base.resolve("a b"), Err(BadUrl::Malformed));
    }
}
