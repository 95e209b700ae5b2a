//! Why a request came to nothing, in words for the user (own design).
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// Why a request came to nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum HttpError {
    /// Not a URL with a host.
    BadUrl(String),
    /// A scheme other than http and https.
    Scheme(String),
    /// A public host led to an address in a private network.
    Egress {
        /// The host that the URL names.
        host: String,
        /// Where it led.
        addr: SocketAddr,
    },
    /// Name resolution or connection failed, in words.
    Unreachable(String),
    /// The server could not be trusted, or does not speak TLS.
    Tls {
        /// The host that the URL names.
        host: String,
        /// What TLS says, in words.
        why: String,
    },
    /// The answer was no HTTP.
    Protocol(String),
    /// More redirects than allowed.
    Redirects(u32),
    /// The body is larger than allowed, in bytes.
    TooLarge(usize),
    /// Nothing complete within the time.
    TimedOut(Duration),
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadUrl(url) => write!(f, "{url} is not an http or https URL"),
            Self::Scheme(s) => write!(f, "URLs of the kind {s}: are not fetched, only http and https"),
            Self::Egress { host, addr } => {
                write!(
                    f,
                    "{host} leads to {addr}, an address inside a private network, which a public URL may not reach"
                )
            }
            Self::Unreachable(why) => f.write_str(why),
            Self::Tls { host, why } => write!(f, "no trusted TLS connection to {host}: {why}"),
            Self::Protocol(why) => write!(f, "the answer is not HTTP: {why}"),
            Self::Redirects(n) => write!(f, "more than {n} redirects"),
            Self::TooLarge(n) => write!(f, "the answer is larger than {n} bytes"),
            Self::TimedOut(t) => write!(f, "no complete answer within {} s", t.as_secs()),
        }
    }
}

impl std::error::Error for HttpError {}
