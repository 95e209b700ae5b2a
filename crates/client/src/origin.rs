//! The origin of a URL (own design): what may be fetched for it goes by who named it.
//!
//! Peers have the same with [`PeerSource`](teem_swarm::torrent::address::PeerSource).
use teem_metainfo::url::Url;

/// Where a URL came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Origin {
    /// The user typed it, or it stands in a file of the user's: it may lead anywhere.
    User,
    /// It stands in a link or in what a server answered, which a stranger may have made. In this machine's own neighbourhood only that
    /// is asked which a tracker alone is asked for: a stranger must not press buttons of somebody's router.
    Stranger,
}

impl Origin {
    /// Whether a tracker's URL from there may lead to a near address (loopback, private).
    pub(crate) fn may_be_near(self, tracker: &str) -> bool {
        self == Self::User || asks_like_a_tracker(tracker)
    }
}

/// Whether a URL asks for nothing that a tracker is not asked for: `/announce` or the host alone, no query and nobody's name.
fn asks_like_a_tracker(url: &str) -> bool {
    let Some(url) = Url::parse(url) else { return false };
    url.query.is_empty() && matches!(url.path, "" | "/" | "/announce")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_s_wish_is_a_tracker_s_question_or_goes_far() {
        for near in ["http://192.168.1.1/announce", "http://h:6969", "http://h:6969/", "HTTP://[::1]:80/announce#x"] {
            assert!(Origin::Stranger.may_be_near(near), "{near}");
        }
        for far in [
            "http://192.168.1.1/announce?reboot=1",
            "http://192.168.1.1/setup.cgi/announce",
            "http://192.168.1.1/announce/../apply",
            "http://192.168.1.1/announce.php",
            "http://192.168.1.1/%61nnounce",
            "http://192.168.1.1/?cmd=1",
            "nonsense",
        ] {
            assert!(!Origin::Stranger.may_be_near(far), "{far}");
            assert!(Origin::User.may_be_near(far));
        }
    }
}
