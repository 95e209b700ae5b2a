//! Just enough of URLs (RFC 3986) to say which ones may be asked: scheme, host, port.
//!
//! A URL out of a torrent is a stranger's wish. Only the schemes that a use has are let through; `file:`, `unix:`, `data:` and the
//! like are left out wherever they stand.

/// The parts of a URL with an authority, as they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Url<'a> {
    /// In the case it was written in.
    pub scheme: &'a str,
    /// A name or address; an IPv6 address with its brackets.
    pub host: &'a str,
    /// As given; never 0.
    pub port: Option<u16>,
    /// From the slash on, may be empty.
    pub path: &'a str,
    /// Behind `?`, may be empty.
    pub query: &'a str,
    /// Behind `#`, may be empty.
    pub fragment: &'a str,
}

impl<'a> Url<'a> {
    /// Splits a URL; none if it is malformed, or has spaces or control characters.
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        let mut letters = scheme.bytes();
        if !letters.next()?.is_ascii_alphabetic() || !letters.all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c))
        {
            return None;
        }
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, port) = split_port(authority)?;
        Some(Self { scheme, host, port, path, query, fragment })
    }

    /// Whether the scheme is one of `allowed`, in any case.
    pub fn is(&self, allowed: &[&str]) -> bool {
        allowed.iter().any(|scheme| self.scheme.eq_ignore_ascii_case(scheme))
    }

    /// The port, or that of the scheme.
    pub fn port_or_default(&self) -> Option<u16> {
        let default = |schemes: &[&str], port| self.is(schemes).then_some(port);
        self.port.or_else(|| default(&["http", "ws"], 80)).or_else(|| default(&["https", "wss"], 443))
    }
}

/// Splits `host`, `host:port`, `[v6]` or `[v6]:port`. None if the host is empty or the port is not 1 to 65535.
pub(crate) fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let end = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, rest) = authority.split_at(end);
    let port = match rest.strip_prefix(':') {
        None if rest.is_empty() => None,
        Some(port) if port.bytes().all(|c| c.is_ascii_digit()) => Some(port.parse().ok().filter(|&port| port > 0)?),
        None | Some(_) => return None,
    };
    (!host.is_empty() && host != "[]").then_some((host, port))
}

/// The URL without space around, if a tracker can have it.
pub fn tracker(text: &str) -> Option<&str> {
    let text = text.trim();
    Url::parse(text)?.is(&["http", "https", "udp", "ws", "wss"]).then_some(text)
}

/// The URL without space around, if it can be fetched over HTTP.
pub fn http(text: &str) -> Option<&str> {
    let text = text.trim();
    Url::parse(text)?.is(&["http", "https"]).then_some(text)
}
