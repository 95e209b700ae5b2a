//! Where a URL came from, and a tracker's URL that carries it (own design): what may be asked for it goes by who named it, and nobody but
//! its tracker and its owner's own files is to see it whole.
//!
//! Peers have the same with their source (`teem_swarm::torrent::address`).
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::net::SocketAddr;

use crate::redact::{redact, redact_of};
use crate::url::Url;

/// Ports below this belong to services of other kinds, which a stranger must not aim us at in our own network.
const NEAR_UDP_PORT_MIN: u16 = 1024;

/// URLs that are remembered at least before those are let go that nobody has any more.
const SWEEP_MIN: usize = 256;

/// Where a URL came from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Origin {
    /// It stands in a link or in what a server answered, which a stranger may have made. In this machine's own neighbourhood only that
    /// is asked which a tracker alone is asked for: a stranger must not press buttons of somebody's router.
    Stranger,
    /// The user typed it, or it stands in a file of the user's: it may lead anywhere.
    User,
}

/// A tracker's URL as it stands in the torrent, with its origin. It may hold a passkey, so it has no `Display`, and [`Self::reveal`] is
/// for asking the tracker and for what only its owner reads.
#[derive(Clone, PartialEq, Eq)]
pub struct AnnounceUrl {
    url: Arc<str>,
    origin: Origin,
}

impl AnnounceUrl {
    /// A URL from there.
    pub fn new(url: impl Into<String>, origin: Origin) -> Self {
        Self { url: url.into().into(), origin }
    }

    /// A URL that the user named.
    pub fn of_user(url: impl Into<String>) -> Self {
        Self::new(url, Origin::User)
    }

    /// The URL for people's eyes and logs: without what may be a passkey.
    pub fn shown(&self) -> String {
        redact(&self.url)
    }

    /// What somebody says of this tracker, for people's eyes and logs: a text that repeats the URL or a part of it tells nothing more.
    pub fn without_secrets(&self, text: &str) -> String {
        redact_of(text, &self.url)
    }

    /// The URL with all that is in it: to ask its tracker, and for files that only the owner reads.
    pub fn reveal(&self) -> &str {
        &self.url
    }

    /// Where it came from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Whether both name one tracker, wherever they came from.
    pub fn is_same(&self, other: &Self) -> bool {
        self.url == other.url
    }

    /// The same URL has come from there too: what the user has named as well is the user's.
    pub fn named_by(&mut self, origin: Origin) {
        self.origin = self.origin.max(origin);
    }

    /// Whether it may be asked at a near address (loopback, private) over HTTP: a stranger's only where it asks for nothing that a tracker
    /// is not asked for, which is `/announce` or the host alone, with no query and nobody's name.
    pub fn may_be_near(&self) -> bool {
        self.origin == Origin::User || asks_like_a_tracker(&self.url)
    }

    /// Whether it may be asked at that near address over UDP. What is sent before the other end has answered as a tracker does (BEP 15) is the
    /// same for all; a stranger's goes to no port of other services, and carries no words of the stranger's (BEP 41).
    pub fn may_be_near_at(&self, near: SocketAddr) -> bool {
        self.origin == Origin::User || (near.port() >= NEAR_UDP_PORT_MIN && asks_like_a_tracker(&self.url))
    }
}

/// URLs that many torrents have: each is held once, as long as one of them has it.
#[derive(Default, Debug)]
pub struct AnnounceUrls {
    known: BTreeSet<Arc<str>>,
    /// How many there are when those that nobody has any more are let go.
    sweep_at: usize,
}

impl AnnounceUrls {
    /// Has a URL be held once for all that are alike.
    pub fn share(&mut self, url: &mut AnnounceUrl) {
        if let Some(known) = self.known.get(&*url.url) {
            url.url = known.clone();
            return;
        }
        if self.known.len() >= self.sweep_at.max(SWEEP_MIN) {
            self.known.retain(|known| Arc::strong_count(known) > 1);
            self.sweep_at = self.known.len() * 2;
        }
        self.known.insert(url.url.clone());
    }
}

impl PartialEq<str> for AnnounceUrl {
    /// Whether it is that URL, wherever it came from.
    fn eq(&self, other: &str) -> bool {
        *self.url == *other
    }
}

impl fmt::Debug for AnnounceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {:?}", self.shown(), self.origin)
    }
}

fn asks_like_a_tracker(url: &str) -> bool {
    let Some(url) = Url::parse(url.trim()) else { return false };
    url.query.is_empty() && matches!(url.path, "" | "/" | "/announce") && url.user.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;

    #[test]
    fn a_stranger_s_wish_is_a_tracker_s_question_or_goes_far() {
        for near in ["http://192.168.1.1/announce", "http://h:6969", "http://h:6969/", "HTTP://[::1]:80/announce#x"] {
            assert!(AnnounceUrl::new(near, Origin::Stranger).may_be_near(), "{near}");
        }
        for far in [
            "http://192.168.1.1/announce?reboot=1",
            "http://192.168.1.1/setup.cgi/announce",
            "http://192.168.1.1/announce/../apply",
            "http://192.168.1.1/announce.php",
            "http://192.168.1.1/%61nnounce",
            "http://192.168.1.1/?cmd=1",
            "http://admin:admin@192.168.1.1/announce",
            "nonsense",
        ] {
            assert!(!AnnounceUrl::new(far, Origin::Stranger).may_be_near(), "{far}");
            assert!(AnnounceUrl::of_user(far).may_be_near());
        }
    }

    #[test]
    fn a_url_is_held_once_and_not_longer_than_somebody_has_it() {
        let mut urls = AnnounceUrls::default();
        let mut all: Vec<_> = (0..3).map(|_| AnnounceUrl::of_user("http://t/announce")).collect();
        for url in &mut all {
            urls.share(url);
        }
        assert!(all.iter().all(|url| Arc::ptr_eq(&url.url, &all[0].url)));
        for n in 0..3 * SWEEP_MIN {
            urls.share(&mut AnnounceUrl::of_user(format!("http://t{n}/announce")));
        }
        assert!(urls.known.len() <= SWEEP_MIN && urls.known.contains("http://t/announce"));
        let kept: Vec<_> = (0..3 * SWEEP_MIN).map(|n| AnnounceUrl::of_user(format!("http://u{n}"))).collect();
        kept.clone().iter_mut().for_each(|url| urls.share(url));
        assert!(kept.iter().all(|url| urls.known.contains(url.reveal())));
    }

    #[test]
    fn a_stranger_s_datagrams_go_to_no_other_service_nearby() {
        let stranger = |url: &str| AnnounceUrl::new(url, Origin::Stranger);
        let (tracker, dns) = ("192.168.1.1:6969".parse().unwrap(), "192.168.1.1:53".parse().unwrap());
        assert!(stranger("udp://nas:6969/announce").may_be_near_at(tracker));
        assert!(!stranger("udp://nas:53/announce").may_be_near_at(dns));
        assert!(!stranger("udp://nas:6969/some/words").may_be_near_at(tracker));
        assert!(AnnounceUrl::of_user("udp://nas:53/some/words").may_be_near_at(dns));
    }

    #[test]
    fn a_url_is_the_user_s_once_the_user_has_named_it() {
        let mut url = AnnounceUrl::new("http://h/x", Origin::Stranger);
        url.named_by(Origin::Stranger);
        assert_eq!(url.origin(), Origin::Stranger);
        url.named_by(Origin::User);
        url.named_by(Origin::Stranger);
        assert_eq!(url.origin(), Origin::User);
    }

    #[test]
    fn neither_eyes_nor_logs_see_a_passkey() {
        let url = AnnounceUrl::of_user("https://u:pw@t.example/0123456789abcdef/announce?key=abc");
        let (shown, logged) = (url.shown(), format!("{url:?}"));
        for text in [&shown, &logged] {
            assert!(text.contains("t.example"), "{text}");
            assert!(["0123456789abcdef", "pw", "abc"].iter().all(|secret| !text.contains(secret)), "{text}");
        }
        assert!(url.reveal().contains("0123456789abcdef"));
    }
}
