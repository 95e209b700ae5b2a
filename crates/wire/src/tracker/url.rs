//! A tracker's URL taken apart (RFC 3986; BEP 3, 15, 41), and its form for people's eyes, without secrets.
use alloc::string::{String, ToString};
use core::fmt;
use core::net::IpAddr;
use teem_metainfo::url::Url;

/// How a tracker is spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// HTTP without encryption (BEP 3).
    Http,
    /// HTTP over TLS.
    Https,
    /// UDP packets (BEP 15).
    Udp,
}

/// A URL that a tracker can have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrackerUrl {
    /// The protocol that the tracker speaks.
    pub scheme: Scheme,
    /// A name or an address; an IPv6 address without its brackets.
    pub host: String,
    /// The port, or the scheme's own.
    pub port: u16,
    /// Path and query as they stand, without the fragment; may be empty. May hold a passkey: not to be printed.
    pub path: String,
}

/// Why a URL is none of a tracker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UrlError {
    /// It cannot be taken apart, or has spaces or control characters.
    Malformed,
    /// Its scheme is not one that trackers are asked by.
    Scheme(String),
    /// It has no port, and UDP has none of its own.
    NoPort,
    /// Its host has other characters than a name or an address has.
    Host(String),
}

impl TrackerUrl {
    /// Takes a URL apart.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = Url::parse(text.trim()).ok_or(UrlError::Malformed)?;
        let (scheme, port) = match url.scheme.to_ascii_lowercase().as_str() {
            "http" => (Scheme::Http, Some(80)),
            "https" => (Scheme::Https, Some(443)),
            "udp" => (Scheme::Udp, None),
            other => return Err(UrlError::Scheme(other.to_string())),
        };
        let bad_host = || UrlError::Host(url.host.to_string());
        let host = match url.host.strip_prefix('[') {
            Some(v6) => {
                let ip = v6.strip_suffix(']').and_then(|v6| v6.parse::<core::net::Ipv6Addr>().ok());
                ip.ok_or_else(bad_host)?.to_string()
            }
            None if url.host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) => {
                url.host.to_ascii_lowercase()
            }
            None => return Err(bad_host()),
        };
        let port = url.port.or(port).ok_or(UrlError::NoPort)?;
        let mut path = url.path.to_string();
        if !url.query.is_empty() {
            path.push('?');
            path.push_str(url.query);
        }
        Ok(Self { scheme, host, port, path })
    }

    /// The host's address, when it is one and no name.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

/// A URL for display and logs: user and password are left out, values of the query and segments of the path that look like a passkey
/// stand as `…`. What is no URL is shown as such and not repeated.
pub fn redact(text: &str) -> String {
    let Some(url) = Url::parse(text.trim()) else { return "(malformed URL)".to_string() };
    let mut out = url.scheme.to_ascii_lowercase();
    out.push_str("://");
    out.push_str(url.host);
    if let Some(port) = url.port {
        out.push(':');
        out.push_str(&port.to_string());
    }
    for segment in url.path.split('/').skip(1) {
        out.push('/');
        out.push_str(if secret(segment) { "…" } else { segment });
    }
    for (at, pair) in url.query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        out.push(if at == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) if !secret(name) => {
                out.push_str(name);
                out.push_str("=…");
            }
            _ => out.push('…'),
        }
    }
    out
}

/// Whether a tracker's URL holds something that [`redact`] would hide: with it anybody could announce as its owner.
pub fn has_secret(text: &str) -> bool {
    let Some(url) = Url::parse(text.trim()) else { return true };
    names_somebody(text) || !url.query.is_empty() || url.path.split('/').any(secret)
}

/// Whether a web seed's URL holds a name with a password, or a value of its query looks like a token. Files have all sorts of names, so
/// the path says nothing.
pub fn has_token(text: &str) -> bool {
    let Some(url) = Url::parse(text.trim()) else { return true };
    names_somebody(text)
        || url.query.split('&').any(|pair| secret(pair.split_once('=').map_or(pair, |(_, value)| value)))
}

fn names_somebody(url: &str) -> bool {
    url.trim().split(['/', '?', '#']).nth(2).is_some_and(|authority| authority.contains('@'))
}

/// Passkeys are 8 and more letters with digits among them, or very long; names of scripts and folders are neither.
fn secret(segment: &str) -> bool {
    segment.len() >= 20 || (segment.len() >= 8 && segment.bytes().any(|b| b.is_ascii_digit()))
}

impl fmt::Display for TrackerUrl {
    /// Writes the URL without the secrets in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Udp => "udp",
        };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        let full = alloc::format!("{scheme}://{open}{}{close}:{}{}", self.host, self.port, self.path);
        f.write_str(&redact(&full))
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the tracker's URL is malformed"),
            Self::Scheme(scheme) => {
                write!(f, "trackers are asked by http, https and udp, not by {:?}", scheme.as_str())
            }
            Self::NoPort => f.write_str("the URL of a UDP tracker must name its port"),
            Self::Host(host) => write!(f, "{:?} is no name of a host", host.as_str()),
        }
    }
}

impl core::error::Error for UrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let url = TrackerUrl::parse(" HTTPS://Tracker.Example/announce?a=b#x ").unwrap();
        assert_eq!((url.scheme, url.port, url.path.as_str()), (Scheme::Https, 443, "/announce?a=b"));
        assert_eq!((url.host.as_str(), url.ip()), ("tracker.example", None));
        let url = TrackerUrl::parse("udp://[2001:db8::1]:6969").unwrap();
        assert_eq!(
            (url.scheme, url.host.as_str(), url.port, url.path.as_str()),
            (Scheme::Udp, "2001:db8::1", 6969, "")
        );
        assert_eq!(url.ip(), "2001:db8::1".parse().ok());
        assert_eq!(url.to_string(), "udp://[2001:db8::1]:6969");
    }

    #[test]
    fn only_trackers_schemes_and_hosts() {
        for scheme in ["file", "gopher", "unix", "data", "ftp", "ws", "javascript"] {
            let refused = Err(UrlError::Scheme(scheme.to_string()));
            assert_eq!(TrackerUrl::parse(&alloc::format!("{scheme}://host:1/announce")), refused);
        }
        assert_eq!(TrackerUrl::parse("file:/etc/passwd"), Err(UrlError::Malformed));
        assert_eq!(TrackerUrl::parse("data:text/plain,x"), Err(UrlError::Malformed));
        assert_eq!(TrackerUrl::parse("udp://host/announce"), Err(UrlError::NoPort));
        assert_eq!(TrackerUrl::parse("http://host:0/"), Err(UrlError::Malformed));
        assert_eq!(TrackerUrl::parse("http://bücher.example/"), Err(UrlError::Host("bücher.example".to_string())));
        assert_eq!(TrackerUrl::parse("http://[::1/"), Err(UrlError::Malformed));
        assert_eq!(TrackerUrl::parse("http://[zz]/"), Err(UrlError::Host("[zz]".to_string())));
        assert_eq!(TrackerUrl::parse("http://ho%20st/"), Err(UrlError::Host("ho%20st".to_string())));
    }

    #[test]
    fn what_others_must_not_be_given() {
        for url in [
            "http://t.example/0123456789abcdef0123456789abcdef/announce",
            "http://t.example/announce?passkey=a",
            "http://u@t.example/",
            "x",
        ] {
            assert!(has_secret(url), "{url}");
        }
        assert!(!has_secret("udp://tracker.example:1337/announce") && !has_secret("http://t.example:80"));
        for url in [
            "https://u:p@w.example/a",
            "https://w.example/a?X-Amz-Signature=fe5f80f77d5fa3beca038a248ff027",
            "https://w.example/a?0123456789ab",
        ] {
            assert!(has_token(url), "{url}");
        }
        for url in [
            "https://w.example/a-very-long-name-of-a-file-1.2.3.iso",
            "http://mirror.example/content?a&b",
            "https://w.example/@a/b",
        ] {
            assert!(!has_token(url), "{url}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = [
            ("http://t.example/announce", "http://t.example/announce"),
            ("http://u:pw@t.example:80/announce.php", "http://t.example:80/announce.php"),
            ("https://t.example/0123456789abcdef0123456789abcdef/announce", "https://t.example/…/announce"),
            ("https://t.example/announce?passkey=abc&uid=7", "https://t.example/announce?passkey=…&uid=…"),
            ("https://t.example/announce?0123456789abcdef", "https://t.example/announce?…"),
            ("nonsense 0123456789abcdef", "(malformed URL)"),
        ];
        for (url, expected) in shown {
            assert_eq!(redact(url), expected);
        }
    }
}
