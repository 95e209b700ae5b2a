//! What the evidence amounts to (own design). The first that fits holds: what stops everything comes before what stops one way or one source.
use super::Why;
use crate::mapping::Mapping;
use crate::reach::Reached;
use teem_swarm::event::TrackerStats;
use teem_swarm::search::{Dialled, SourceKind, Way};
use teem_wire::compact::Family;

/// Why a torrent does not move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Nothing of what we are bound to is there.
    InterfaceGone,
    /// The proxy that all goes through does not work.
    ProxyDown,
    /// Peers are connected: what is missing is theirs to give, or ours to be asked for.
    Connected,
    /// Dials are under way that may still come to something, or are about to begin.
    Trying,
    /// Every address that was named is kept out by a list.
    Filtered,
    /// No packet of UDP comes back, while TCP works.
    NoUdp,
    /// This machine has no way to the addresses that were named.
    Unreachable,
    /// The other side refused every dial that was answered at all.
    AllRefused,
    /// Nobody answered any dial.
    AllSilent,
    /// All that were reached closed before the handshake was over.
    AllClosed,
    /// Dials failed in several ways.
    Mixed,
    /// The torrent is private, so that its trackers alone may name peers, and they name none.
    Private,
    /// No tracker answers, and nothing else names peers.
    TrackerDead,
    /// No node of the DHT answers, and nothing else names peers.
    DhtWithoutNodes,
    /// Nothing of the link or of the options could name a peer.
    NoSource,
    /// All that was asked has answered, and knows nobody.
    Nobody,
    /// It gives, and nothing shows that others reach this machine.
    Closed,
}

impl Verdict {
    /// One word for scripts.
    pub fn word(self) -> &'static str {
        match self {
            Self::InterfaceGone => "interface_gone",
            Self::ProxyDown => "proxy_down",
            Self::Connected => "connected",
            Self::Trying => "trying",
            Self::Filtered => "filtered",
            Self::NoUdp => "no_udp",
            Self::Unreachable => "unreachable",
            Self::AllRefused => "all_refused",
            Self::AllSilent => "all_silent",
            Self::AllClosed => "all_closed",
            Self::Mixed => "mixed",
            Self::Private => "private",
            Self::TrackerDead => "tracker_dead",
            Self::DhtWithoutNodes => "dht_without_nodes",
            Self::NoSource => "no_source",
            Self::Nobody => "nobody",
            Self::Closed => "closed",
        }
    }
}

impl Why {
    /// What the evidence amounts to.
    pub fn verdict(&self) -> Verdict {
        if self.us.cut_off {
            return Verdict::InterfaceGone;
        }
        if self.us.proxy.is_some() && self.us.proxy_trouble.is_some() {
            return Verdict::ProxyDown;
        }
        if self.connected() > 0 {
            return Verdict::Connected;
        }
        if self.gives() {
            return self.of_a_giver();
        }
        match self.of_dials() {
            Some(verdict) => verdict,
            None => self.of_sources(),
        }
    }

    /// What the failures of dials amount to; nothing where nobody was dialled.
    fn of_dials(&self) -> Option<Verdict> {
        let (dials, all) = (self.figures.dials, self.search.counts.all());
        let over = dials.tried.saturating_sub(dials.pending);
        // Something is known that has not failed yet.
        if dials.known > 0 && over < dials.known {
            return Some(Verdict::Trying);
        }
        if all.failed() == 0 {
            return (dials.known > 0).then_some(Verdict::Trying);
        }
        // What answers nothing over uTP may not speak it, and says so by nothing: what TCP has come to decides.
        let tcp = self.search.counts.over(Way::Tcp);
        let told = if tcp.failed() > 0 { tcp } else { all };
        let only = |count: u32| count > 0 && count == told.failed();
        Some(match told {
            Dialled { filtered, .. } if only(filtered) => Verdict::Filtered,
            _ if self.has_no_udp() => Verdict::NoUdp,
            Dialled { refused, .. } if only(refused) => Verdict::AllRefused,
            Dialled { silent, .. } if only(silent) => Verdict::AllSilent,
            Dialled { unreachable, .. } if only(unreachable) => Verdict::Unreachable,
            Dialled { closed, .. } if only(closed) => Verdict::AllClosed,
            _ => Verdict::Mixed,
        })
    }

    /// What the sources amount to where none has named anybody.
    fn of_sources(&self) -> Verdict {
        let trackers = &self.figures.trackers;
        let looks = self.search.dht.filter(|dht| dht.looks);
        if self.search.private {
            return if trackers.is_empty() { Verdict::NoSource } else { Verdict::Private };
        }
        if trackers.is_empty() && looks.is_none() {
            return Verdict::NoSource;
        }
        let dead = !trackers.is_empty() && trackers.iter().all(is_dead);
        let no_nodes = looks.is_some_and(|dht| dht.good == 0);
        match (dead, no_nodes) {
            _ if self.has_no_udp() => Verdict::NoUdp,
            (true, _) => Verdict::TrackerDead,
            (_, true) if trackers.is_empty() => Verdict::DhtWithoutNodes,
            _ => Verdict::Nobody,
        }
    }

    /// What keeps others from one that gives.
    fn of_a_giver(&self) -> Verdict {
        let shown = [Family::V4, Family::V6].into_iter().any(|family| self.us.of(family).reached.is_shown());
        match self.of_sources() {
            Verdict::NoUdp => Verdict::NoUdp,
            // A tracker of our own tells those who have the link.
            named @ (Verdict::TrackerDead | Verdict::DhtWithoutNodes | Verdict::NoSource) if !self.us.tracks => named,
            _ if !shown => Verdict::Closed,
            _ => Verdict::Nobody,
        }
    }

    /// Whether packets of UDP go nowhere: the system refuses them, or two things that need them go without an answer where TCP has one; and none ever came.
    pub(super) fn has_no_udp(&self) -> bool {
        let counts = &self.search.counts;
        let (tcp, utp) = (counts.over(Way::Tcp), counts.over(Way::Utp).and(counts.over(Way::Punch)));
        let (udp, http): (Vec<&TrackerStats>, _) = self.figures.trackers.iter().partition(|tracker| is_udp(tracker));
        let unasked = self.us.v4.unasked.udp || self.us.v6.unasked.udp;
        let came = utp.reached > 0
            || utp.refused > 0
            || utp.closed > 0
            || unasked
            || self.search.dht.is_some_and(|dht| dht.answers > 0)
            || udp.iter().any(|tracker| matches!(tracker.last, Some(Ok(_))));
        if came || self.us.proxy.is_some() {
            return false;
        }
        let dht = self.search.dht.is_some_and(|dht| dht.looks && dht.asked > 0);
        let trackers = !udp.is_empty() && udp.iter().all(|tracker| is_dead(tracker));
        let lost = [dht, trackers, utp.silent + utp.unreachable > 0].into_iter().filter(|lost| *lost).count();
        let tcp_works = tcp.reached + tcp.refused + tcp.closed > 0
            || http.iter().any(|tracker| matches!(tracker.last, Some(Ok(_))));
        lost > 0 && self.us.datagrams.refused > 0 || lost > 1 && tcp_works
    }

    /// One sentence that says what would help; nothing where there is nothing to do but to wait.
    pub fn help(&self) -> Option<String> {
        let port = self.us.port;
        // A private torrent takes nobody whom the user names.
        let peer = if self.search.private { "find out who else has it" } else { "name a peer with --peer HOST:PORT" };
        Some(match self.verdict() {
            Verdict::InterfaceGone => {
                format!("Bring {} back: nothing is sent past it, and it goes on by itself", self.us.gone.join(", "))
            }
            Verdict::ProxyDown => format!(
                "The proxy {} has to work, since nothing is tried past it: {}",
                self.us.proxy.as_deref().unwrap_or("that all goes through"),
                self.us.proxy_trouble.as_deref().unwrap_or("it cannot be used")
            ),
            Verdict::Connected | Verdict::Trying => return None,
            Verdict::Filtered => {
                format!("The lists of --filter keep out all who share it: take them out of the lists, or {peer} that is in none")
            }
            Verdict::NoUdp => format!(
                "UDP does not get through, which the DHT, uTP and some trackers need: let it out, and in at port {port}, in the firewall of \
                 this machine or network"
            ),
            Verdict::Unreachable => self.no_way(),
            Verdict::AllRefused => format!(
                "No program listens any more at the addresses that are known: ask whoever shares it to start again, for a newer link, or {peer}"
            ),
            Verdict::AllSilent | Verdict::Mixed => {
                let theirs = "Perhaps whoever shares it is offline or behind a router that does not forward the port";
                let shown = [Family::V4, Family::V6].into_iter().any(|family| self.us.of(family).reached.is_shown());
                let can_listen = self.us.proxy.is_none() && port != 0;
                if shown || !can_listen {
                    theirs.to_owned()
                } else {
                    format!("{theirs}; they could come here instead if {}", self.to_forward())
                }
            }
            Verdict::AllClosed => "All who were reached hang up before a word: perhaps they do not share this torrent any more, or want another \
                                   --encryption (allow, prefer, require, off)"
                .to_owned(),
            Verdict::Private => {
                if self.figures.trackers.iter().all(is_dead) {
                    "The torrent is private, so nobody but its trackers may name peers, and none of them answers as it should: ask where the \
                     .torrent is from for a new one, or wait for the tracker"
                        .to_owned()
                } else {
                    "The torrent is private, so nobody but its trackers may name peers, and they know none: ask there for somebody who seeds it"
                        .to_owned()
                }
            }
            Verdict::TrackerDead if self.gives() => {
                "No tracker takes our announces, so nobody hears of this: name another with `teem edit`, or let the DHT tell of it".to_owned()
            }
            Verdict::TrackerDead => match self.search.dht.filter(|dht| dht.looks) {
                None => format!("No tracker of the link answers: ask for another link, let the DHT look too, or {peer}"),
                Some(dht) if dht.good == 0 => format!(
                    "Neither a tracker of the link nor a node of the DHT answers: see to this machine's connection, ask for another link, or {peer}"
                ),
                Some(_) => {
                    format!("No tracker of the link answers, and the DHT knows nobody who shares it: ask for another link, or {peer}")
                }
            },
            Verdict::DhtWithoutNodes => format!(
                "No node of the DHT answers, and nothing else is to be asked: let UDP through, name a node with --dht-bootstrap HOST:PORT, or {peer}"
            ),
            Verdict::NoSource => self.no_source(),
            Verdict::Nobody if self.gives() => "Nobody asks for it now: give the link to those who want it".to_owned(),
            Verdict::Nobody => {
                format!("Nobody shares it now, as far as those know who were asked: ask whoever shared it to start again, or {peer}")
            }
            Verdict::Closed => format!("Nobody from outside is known to reach this machine: it would help if {}", self.to_forward()),
        })
    }

    fn no_source(&self) -> String {
        if self.gives() {
            return "Neither a tracker nor the DHT is told of this: only those find it that name this machine as a peer".to_owned();
        }
        if !self.left_out.is_empty() {
            let left_out: Vec<&str> = self.left_out.iter().take(3).map(String::as_str).collect();
            return format!(
                "No tracker of the link can be used ({}): ask for another link, or name a peer with --peer HOST:PORT",
                left_out.join("; ")
            );
        }
        "The link names no tracker and no peer: ask for the whole link in quotes, or name a peer with --peer HOST:PORT"
            .to_owned()
    }

    /// What this machine lacks to reach them.
    fn no_way(&self) -> String {
        let by = |family| Way::ALL.into_iter().any(|way| self.search.counts.by(way, family).unreachable > 0);
        let lacks = |family| self.us.of(family).reached == Reached::Absent;
        match (by(Family::V4), by(Family::V6)) {
            (false, true) if lacks(Family::V6) => {
                "Those who share it have addresses of IPv6 alone, and this machine has no way there: a network with IPv6 would help".to_owned()
            }
            (true, false) if lacks(Family::V4) => {
                "Those who share it have addresses of IPv4 alone, and this machine has no way there: a network with IPv4 would help".to_owned()
            }
            _ => "This machine has no way to those who share it: see to its network, its routes and its firewall".to_owned(),
        }
    }

    /// How others would reach this machine.
    fn to_forward(&self) -> String {
        let port = self.us.port;
        match (&self.us.v4.reached, &self.us.v4.mapping) {
            (Reached::Shared { .. }, _) => {
                "a provider did not share its address among customers: IPv6 or a tunnel would help".to_owned()
            }
            (_, Mapping::Failed(why)) => {
                format!("TCP and UDP port {port} were forwarded to this machine (the router at {why})")
            }
            _ => format!("TCP and UDP port {port} were forwarded to this machine"),
        }
    }

    /// Addresses that a kind of source named.
    pub(super) fn named(&self, kind: SourceKind) -> u32 {
        self.search.counts.of(kind).named
    }
}

/// Whether a tracker has answered with nothing but errors, or not yet.
fn is_dead(tracker: &TrackerStats) -> bool {
    !matches!(tracker.last, Some(Ok(_)))
}

/// Whether it is asked over UDP (BEP 15).
fn is_udp(tracker: &TrackerStats) -> bool {
    tracker.url.reveal().trim().split_once("://").is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("udp"))
}

#[cfg(test)]
mod tests;
