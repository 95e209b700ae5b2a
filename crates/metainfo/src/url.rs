//! Just enough of URLs (RFC 3986; the WHATWG's standard for what browsers mend) to say which ones may be asked: scheme, host, port.
//!
//! A URL out of a torrent is a stranger's wish. Only the schemes that a use has are let through; `file:`, `unix:`, `data:` and the
//! like are left out wherever they stand. What people and programs write is mended as a browser does it: space around, line breaks,
//! backslashes, any case of scheme and host, bytes that have to be coded. Names of hosts in other letters than ASCII are not
//! translated: which name they stand for depends on tables that differ by program.

use alloc::{borrow::Cow, string::String};
use core::{fmt, net::Ipv6Addr};

use crate::percent::{decode, encode_url};
use crate::secret::redact_host;

/// Schemes that trackers are written with.
const TRACKERS: [&str; 5] = ["http", "https", "udp", "ws", "wss"];
/// Schemes that files are fetched by.
const FETCHED: [&str; 2] = ["http", "https"];

/// Why a text is no URL of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlError {
    /// It has no scheme in front.
    NoScheme,
    /// Its scheme is not one that is used there.
    Scheme(String),
    /// It names no host.
    NoHost,
    /// Its host has other characters than a name or an address has.
    Host(String),
    /// Its port is no number from 1 to 65535.
    Port(String),
    /// It has no port, and UDP has none of its own.
    NoPort,
    /// It is longer than is read, which is this many bytes.
    TooLong(usize),
}

/// The parts of a URL with an authority, as they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Url<'a> {
    /// In the case it was written in.
    pub scheme: &'a str,
    /// Before `@`, may be empty. A user and mostly a password: not to be printed.
    pub user: &'a str,
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
        let (user, authority) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = split_port(authority)?;
        Some(Self { scheme, user, host, port, path, query, fragment })
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

/// The URL as a browser would understand it, if a tracker can have it; without its fragment.
pub fn tracker(text: impl AsRef<[u8]>) -> Result<String, UrlError> {
    mended(text.as_ref(), &TRACKERS)
}

/// The URL as a browser would understand it, if it can be fetched over HTTP; without its fragment.
pub fn http(text: impl AsRef<[u8]>) -> Result<String, UrlError> {
    mended(text.as_ref(), &FETCHED)
}

/// Takes apart what was written, and puts together what was meant.
fn mended(bytes: &[u8], schemes: &[&str]) -> Result<String, UrlError> {
    let text = as_text(bytes);
    let around =
        |c: char| c.is_control() || c.is_whitespace() || "<>\"\u{feff}\u{200b}\u{200e}\u{200f}\u{2060}".contains(c);
    let mut text = Cow::Borrowed(text.trim_matches(around));
    if text.contains(['\t', '\n', '\r']) {
        text = text.split(['\t', '\n', '\r']).collect::<String>().into();
    }
    let (scheme, rest) = text.split_once(':').ok_or(UrlError::NoScheme)?;
    let scheme = scheme.to_ascii_lowercase();
    if !schemes.contains(&scheme.as_str()) {
        // `host:port` and `host.example:port/path` have no scheme at all.
        let port =
            rest.split(['/', '?']).next().is_some_and(|p| !p.is_empty() && p.bytes().all(|c| c.is_ascii_digit()));
        let word = scheme.bytes().next().is_some_and(|c| c.is_ascii_alphabetic())
            && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-".contains(&c));
        return Err(if word && !port { UrlError::Scheme(scheme) } else { UrlError::NoScheme });
    }
    let rest = rest.trim_start_matches(['/', '\\']);
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, rest) = rest.split_at(rest.find(['/', '\\', '?']).unwrap_or(rest.len()));
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    let (user, authority) = authority.rsplit_once('@').map_or((None, authority), |(user, at)| (Some(user), at));
    let (host, port) = host_and_port(authority)?;
    let mut url = scheme + "://";
    if let Some(user) = user.filter(|user| !user.is_empty()) {
        url.push_str(&encode_url(user).replace(['@', '[', ']'], ""));
        url.push('@');
    }
    url.push_str(&host);
    if let Some(port) = port {
        let _ = fmt::write(&mut url, format_args!(":{port}"));
    }
    url.push_str(&encode_url(&path.replace('\\', "/")));
    if let Some(query) = query {
        url.push('?');
        url.push_str(&encode_url(query));
    }
    Ok(url)
}

/// The bytes as text; where they are no UTF-8, each that is not ASCII is coded as it stands.
fn as_text(bytes: &[u8]) -> Cow<'_, str> {
    match core::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes
            .iter()
            .fold(String::new(), |mut text, &byte| {
                if byte.is_ascii() {
                    text.push(char::from(byte));
                } else {
                    let _ = fmt::write(&mut text, format_args!("%{byte:02X}"));
                }
                text
            })
            .into(),
    }
}

/// A host in lower case, an IPv6 address in brackets, and its port.
fn host_and_port(authority: &str) -> Result<(String, Option<u16>), UrlError> {
    let end = if authority.starts_with('[') { authority.find(']').map(|at| at + 1) } else { authority.find(':') };
    let (host, rest) = authority.split_at(end.unwrap_or(authority.len()));
    if host.is_empty() {
        return Err(UrlError::NoHost);
    }
    let bad = || UrlError::Host(host.chars().take(HOST_SHOWN).collect());
    let name = match host.strip_prefix('[') {
        Some(v6) => {
            let ip = v6.strip_suffix(']').and_then(|v6| v6.parse::<Ipv6Addr>().ok()).ok_or_else(bad)?;
            alloc::format!("[{ip}]")
        }
        None => String::from_utf8(decode(host)).map_err(|_| bad())?.to_ascii_lowercase(),
    };
    let is_name = |name: &str| {
        name.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._".contains(&c)) && !name.trim_matches('.').is_empty()
    };
    if !name.starts_with('[') && !is_name(&name) {
        return Err(bad());
    }
    let port = match rest.strip_prefix(':') {
        None if rest.is_empty() => None,
        Some("") => None,
        Some(port) => {
            let number = Some(port).filter(|port| port.bytes().all(|c| c.is_ascii_digit()));
            let number = number.and_then(|port| port.parse().ok()).filter(|port| *port > 0);
            Some(number.ok_or_else(|| UrlError::Port(port.chars().take(HOST_SHOWN).collect()))?)
        }
        None => return Err(bad()),
    };
    Ok((name, port))
}

/// Characters of a host or port that an error repeats.
const HOST_SHOWN: usize = 100;

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoScheme => f.write_str("it does not begin with http://, https:// or udp://"),
            Self::Scheme(scheme) => write!(f, "URLs of the kind {scheme:?} are of no use here"),
            Self::NoHost => f.write_str("it names no host"),
            Self::Host(host) if !host.is_ascii() => {
                write!(f, "the host {host:?} has other letters than ASCII: write its name as `xn--…`")
            }
            Self::Host(host) => write!(f, "{:?} is no name of a host", redact_host(host)),
            Self::Port(port) if port.bytes().all(|c| c.is_ascii_digit()) => {
                write!(f, "{port:?} is no port from 1 to 65535")
            }
            // It may be the password of a URL whose host was forgotten.
            Self::Port(_) => f.write_str("what stands for its port is no number from 1 to 65535"),
            Self::NoPort => f.write_str("the URL of a UDP tracker must name its port"),
            Self::TooLong(limit) => write!(f, "it is longer than {limit} bytes"),
        }
    }
}

impl core::error::Error for UrlError {}
