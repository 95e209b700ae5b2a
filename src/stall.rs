//! Why nothing moves, in honest words, and what would help.
use crate::foreign::plain;
use std::time::{Duration, Instant};
use teem_client::event::{Snapshot, State};

/// How long nothing may move before it is explained.
const QUIET: Duration = Duration::from_secs(8);
/// How long until it is explained again.
const AGAIN: Duration = Duration::from_secs(60);

/// Watches one torrent for progress.
pub(crate) struct Watch {
    mark: (u64, u64, u32, u32),
    since: Instant,
    told: Option<Instant>,
    /// What is said of URLs in the link that are of no use.
    left_out: Vec<String>,
}

impl Watch {
    pub(crate) fn new(left_out: Vec<String>) -> Self {
        Self { mark: (0, 0, 0, 0), since: Instant::now(), told: None, left_out }
    }

    /// Looks at the figures; gives an explanation when one is due.
    pub(crate) fn look(&mut self, s: &Snapshot) -> Option<String> {
        let mark = (s.have, s.downloaded, s.checked.0, s.metadata.0);
        if mark != self.mark || !matches!(s.state, State::Metadata | State::Downloading) {
            (self.mark, self.since, self.told) = (mark, Instant::now(), None);
            return None;
        }
        let due = self.since.elapsed() >= QUIET && self.told.is_none_or(|t| t.elapsed() >= AGAIN);
        due.then(|| {
            self.told = Some(Instant::now());
            self.why(s)
        })
    }

    /// Says what is known about why there is no progress.
    pub(crate) fn why(&self, s: &Snapshot) -> String {
        let mut text = why(s);
        if let Some(help) = help(s, &self.left_out) {
            text.push_str(". ");
            text.push_str(&help);
        }
        text
    }
}

fn why(s: &Snapshot) -> String {
    let what = if s.state == State::Metadata { "the metadata has not come yet" } else { "no data is coming" };
    let mut parts = vec![what.to_owned()];
    parts.push(peers(s));
    for tracker in s.trackers.iter().take(3) {
        let name = plain(&tracker.url.shown());
        parts.push(match &tracker.last {
            None => format!("{name} has not answered yet"),
            Some(Ok(0)) => format!("{name} knows no other peer"),
            Some(Ok(n)) => format!("{name} named {n} peers"),
            Some(Err(e)) => format!("{name}: {}", plain(e)),
        });
    }
    if s.trackers.len() > 3 {
        parts.push(format!("and {} more trackers", s.trackers.len() - 3));
    }
    parts.join("; ")
}

fn peers(s: &Snapshot) -> String {
    let connected = s.seeds + s.downloaders;
    let d = s.dials;
    if connected > 0 {
        let has = s.peers.iter().any(|p| p.pieces > 0);
        return match (s.unchoked_us, has, s.state) {
            (_, _, State::Metadata) => format!("{connected} connected peers have not sent it"),
            (_, false, _) if s.seeds > 0 => {
                format!(
                    "of {connected} connected peers {} give each piece to one peer first, and none came here yet",
                    s.seeds
                )
            }
            (_, false, _) => format!("none of {connected} connected peers has a piece that is missing here"),
            (0, ..) => format!("all {connected} connected peers keep us waiting for a turn"),
            (n, ..) => format!("{n} of {connected} connected peers would send, but nothing arrives"),
        };
    }
    if d.known == 0 && d.tried == 0 {
        return "no peer is known".to_owned();
    }
    let mut how = Vec::new();
    for (of, by) in [(d.tcp, "by TCP"), (d.utp, "by uTP")] {
        for (n, word) in [(of.refused, "refused"), (of.timed_out, "silent"), (of.failed, "broken off")] {
            if n > 0 {
                how.push(format!("{n} {by} {word}"));
            }
        }
    }
    if d.pending > 0 {
        how.push(format!("{} under way", d.pending));
    }
    let tried = d.all().count().saturating_add(d.pending);
    let how = if how.is_empty() { "waiting".to_owned() } else { how.join(", ") };
    format!("no peer connected ({} known, {tried} tried: {how})", d.known)
}

fn help(s: &Snapshot, left_out: &[String]) -> Option<String> {
    let nobody = s.seeds + s.downloaders == 0;
    let lonely = nobody && s.dials.known == 0 && s.trackers.is_empty();
    if lonely && !left_out.is_empty() {
        let left_out: Vec<String> = left_out.iter().take(3).map(|text| plain(text)).collect();
        Some(format!(
            "No tracker of the link can be used ({}): ask for another link, or name a peer with --peer HOST:PORT",
            left_out.join("; ")
        ))
    } else if lonely {
        Some(
            "The link names no tracker and no peer: ask for the whole link in quotes, or name a peer with --peer HOST:PORT"
                .to_owned(),
        )
    } else if nobody && s.dials.pending == 0 && s.dials.all().count() > 0 {
        Some("Perhaps whoever shares it is offline or behind a router that does not forward the port".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use teem_client::TorrentId;

    #[test]
    fn a_stall_names_the_ways_that_were_tried() {
        let mut s = Snapshot::new(TorrentId(1), State::Downloading);
        assert!(why(&s).contains("no peer is known"));
        s.dials.known = 5;
        assert!(why(&s).contains("no peer connected (5 known, 0 tried: waiting)"), "{}", why(&s));
        (s.dials.tried, s.dials.tcp.refused, s.dials.utp.timed_out) = (4, 4, 3);
        assert!(why(&s).contains("7 tried: 4 by TCP refused, 3 by uTP silent)"), "{}", why(&s));
        assert!(help(&s, &[]).is_some_and(|help| help.contains("router")));
        (s.dials.pending, s.dials.utp.failed) = (1, 2);
        let told = why(&s);
        assert!(
            told.contains("10 tried: 4 by TCP refused, 3 by uTP silent, 2 by uTP broken off, 1 under way)"),
            "{told}"
        );
        assert_eq!(help(&s, &[]), None, "it may still come to something");
    }
}
