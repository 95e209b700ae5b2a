//! A tracker's URL taken apart (RFC 3986; BEP 3, 15, 41), and its form for people's eyes, without secrets.
use alloc::string::{String, ToString};
use core::fmt;
use core::net::IpAddr;
pub use teem_metainfo::redact::{has_secret, has_token, redact};
pub use teem_metainfo::url::UrlError;
use teem_metainfo::url::{self, Url};

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

impl TrackerUrl {
    /// Takes a URL apart, mended as a browser does it.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = url::tracker(text)?;
        let url = Url::parse(&text).ok_or(UrlError::NoHost)?;
        let (scheme, port) = match url.scheme {
            "http" => (Scheme::Http, Some(80)),
            "https" => (Scheme::Https, Some(443)),
            "udp" => (Scheme::Udp, None),
            other => return Err(UrlError::Scheme(other.to_string())),
        };
        let host = url.host.trim_start_matches('[').trim_end_matches(']').to_string();
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
        assert_eq!(TrackerUrl::parse("file:/etc/passwd"), Err(UrlError::Scheme("file".to_string())));
        assert_eq!(TrackerUrl::parse("data:text/plain,x"), Err(UrlError::Scheme("data".to_string())));
        assert_eq!(TrackerUrl::parse("udp://host/announce"), Err(UrlError::NoPort));
        assert_eq!(TrackerUrl::parse("http://host:0/"), Err(UrlError::Port("0".to_string())));
        assert_eq!(TrackerUrl::parse("http://bücher.example/"), Err(UrlError::Host("bücher.example".to_string())));
        assert_eq!(TrackerUrl::parse("http://[::1/"), Err(UrlError::Host("[::1".to_string())));
        assert_eq!(TrackerUrl::parse("http://[zz]/"), Err(UrlError::Host("[zz]".to_string())));
        assert_eq!(TrackerUrl::parse("http://ho%20st/"), Err(UrlError::Host("ho%20st".to_string())));
    }
}
